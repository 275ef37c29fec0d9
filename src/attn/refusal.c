/* The table of refusals.def. */
#include <string.h>

#include "attn/score.h"

static bool is(const heed_attn_settings *s, const char *score) { return s->score && strcmp(s->score->name, score) == 0; }

static bool takes_no_dot(const heed_attn_settings *s) { return s->score && (s->score->pair.forward || s->score->pair.known != HEED_ATTENTION_DOT); }

bool heed_refusal_at(int i, heed_refusal *r)
{
    static const heed_refusal table[] = {
#define HEED_REFUSAL(pair, condition, why) {pair, why},
#include "attn/refusals.def"
#undef HEED_REFUSAL
    };
    if (i < 0 || i >= (int)(sizeof table / sizeof *table)) return false;
    *r = table[i];
    return true;
}

const char *heed_attn_refusal(const heed_attn_settings *given)
{
    const heed_attn_settings settled = heed_attn_settled(given), *s = &settled;
#define HEED_REFUSAL(pair, condition, why) if (condition) return why;
#include "attn/refusals.def"
#undef HEED_REFUSAL
    return NULL;
}
