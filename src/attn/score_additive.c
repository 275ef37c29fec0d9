/* additive: v . tanh(Wq q + Wk k + b). Luong's `concat` is the same function, written with one matrix over [q; k]. */
#include "attn/additive.h"

heed_status heed_additive_init(heed_attn *a, heed_params *p, const char *scope, heed_error *err)
{
    (void)err;
    const heed_attn_settings *s = &a->is;
    const int64_t keys = s->width / s->heads * s->key_heads;
    a->query = heed_attn_projection(p, scope, "query", s->width, s->query_width);
    a->key = heed_attn_projection(p, scope, "key", keys, s->memory_width);
    a->bias = heed_attn_vector(p, scope, "key.bias", keys, HEED_FILL_ZERO);
    a->extra = heed_attn_vector(p, scope, "v", s->width, HEED_FILL_GLOROT);
    return HEED_OK;
}

heed_tensor *heed_additive_keys(heed_tape *t, const heed_attn *a, heed_tensor *memory) { return heed_linear(t, memory, &a->key->tensor, &a->bias->tensor); }

heed_tensor *heed_additive_queries(heed_tape *t, const heed_attn *a, heed_tensor *q) { return heed_linear(t, q, &a->query->tensor, NULL); }

const heed_score heed_score_additive = {"additive", heed_additive_init, heed_additive_keys, heed_additive_queries, NULL, {.known = HEED_ATTENTION_ADDITIVE}};
