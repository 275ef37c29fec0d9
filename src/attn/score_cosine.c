/* cosine: the angle alone, times a learned temperature t that lets the softmax be sharper than cosines between -1 and 1 would allow. */
#include "attn/score.h"

static heed_status init(heed_attn *a, heed_params *p, const char *scope, heed_error *err)
{
    (void)err;
    const heed_attn_settings *s = &a->is;
    a->query = heed_attn_projection(p, scope, "query", s->width, s->query_width);
    a->key = heed_attn_projection(p, scope, "key", s->width / s->heads * s->key_heads, s->memory_width);
    a->extra = heed_attn_vector(p, scope, "temperature", s->heads, HEED_FILL_ONE);
    return HEED_OK;
}

static heed_tensor *keys(heed_tape *t, const heed_attn *a, heed_tensor *memory)
{
    return heed_unit_rows(t, heed_linear(t, memory, &a->key->tensor, NULL), a->is.key_heads);
}

static heed_tensor *queries(heed_tape *t, const heed_attn *a, heed_tensor *q)
{
    return heed_unit_rows(t, heed_linear(t, q, &a->query->tensor, NULL), a->is.heads);
}

static double scale(const heed_attn *a)
{
    (void)a;
    return 10;   /* t starts at 10: about the range of a scaled dot product */
}

const heed_score heed_score_cosine = {"cosine", init, keys, queries, scale, {.known = HEED_ATTENTION_DOT}};
