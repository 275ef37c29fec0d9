/* The table of refusals.def. */
#include <string.h>

#include "attn/score.h"

static bool is(const heed_attn_settings *s, const char *name) { return strcmp(s->score->name, name) == 0; }

static bool takes_no_dot(const heed_attn_settings *s) { return s->score->pair.forward != heed_pair_dot; }

const char *heed_attn_refusal(const heed_attn_settings *s)
{
#define HEED_REFUSAL(condition, why) if (condition) return why;
#include "attn/refusals.def"
#undef HEED_REFUSAL
    return NULL;
}
