/* dot: the state and what it looks at, compared as they are. Learns nothing of its own, so both must be equally wide. */
#include "attn/score.h"

static heed_status init(heed_attn *a, heed_params *p, const char *scope, heed_error *err)
{
    (void)p;
    const heed_attn_settings *s = &a->is;
    if (s->query_width == s->memory_width) return HEED_OK;
    return heed_fail(err, HEED_E_USAGE,
                     "%s: score dot compares equal widths, but queries are %lld wide and the encoder's states %lld; set model.decoder.width: %lld, or "
                     "model.attention.score: general",
                     scope, (long long)s->query_width, (long long)s->memory_width, (long long)s->memory_width);
}

const heed_score heed_score_dot = {"dot", init, NULL, NULL, NULL, {.known = HEED_ATTENTION_DOT}};
