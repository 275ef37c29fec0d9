/* scaled: (Wq q) . (Wk k) / sqrt(d), d the width of a head. */
#include <math.h>

#include "attn/score.h"

static heed_status init(heed_attn *a, heed_params *p, const char *scope, heed_error *err)
{
    (void)err;
    const heed_attn_settings *s = &a->is;
    a->query = heed_attn_projection(p, scope, "query", s->width, s->query_width);
    a->key = heed_attn_projection(p, scope, "key", s->width / s->heads * s->key_heads, s->memory_width);
    return HEED_OK;
}

static heed_tensor *keys(heed_tape *t, const heed_attn *a, heed_tensor *memory) { return heed_linear(t, memory, &a->key->tensor, NULL); }

static heed_tensor *queries(heed_tape *t, const heed_attn *a, heed_tensor *q) { return heed_linear(t, q, &a->query->tensor, NULL); }

static double scale(const heed_attn *a) { return 1 / sqrt((double)(a->is.width / a->is.heads)); }

const heed_score heed_score_scaled = {"scaled", init, keys, queries, scale, {.known = HEED_ATTENTION_DOT}};
