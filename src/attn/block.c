#include "attn/block.h"

#include <math.h>
#include <stdio.h>

#include "base/rng.h"

/* Queries, keys and values begin as the parts of one matrix [3D,D] would: Glorot's reach is then 1/sqrt(2) of theirs alone. */
static void begin_smaller(heed_attn *a)
{
    heed_weight *const parts[] = {a->query, a->key, a->value};
    for (int i = 0; i < 3; i++)
        if (parts[i]) parts[i]->scale = M_SQRT1_2;
}

static heed_status init_attention(heed_attn *a, heed_layer_norm *norm, heed_params *p, const char *scope, const heed_attn_settings *s, int64_t width,
                                  heed_error *err)
{
    char part[64];
    heed_status status = heed_attn_init(a, p, scope, s, err);
    if (status) return status;
    begin_smaller(a);
    snprintf(part, sizeof part, "%s.norm", scope);
    heed_layer_norm_init(norm, p, part, width);
    return HEED_OK;
}

heed_status heed_block_init(heed_block *b, heed_params *p, const char *scope, int layer, const heed_block_settings *s, heed_error *err)
{
    char part[48];
    *b = (heed_block){.layer = layer, .crosses = s->cross, .pre = s->pre, .dropout = s->dropout, .site = s->site};
    snprintf(b->scope, sizeof b->scope, "%s.%d", scope, layer);
    snprintf(part, sizeof part, "%s.self", b->scope);
    heed_status status = init_attention(&b->self, &b->norm[HEED_SELF], p, part, &s->self, s->width, err);
    snprintf(part, sizeof part, "%s.cross", b->scope);
    if (!status && s->cross) status = init_attention(&b->cross, &b->norm[HEED_CROSS], p, part, s->cross, s->width, err);
    if (status) return status;
    snprintf(part, sizeof part, "%s.ffn", b->scope);
    heed_ffn_init(&b->ffn, p, part, s->width, s->inner, s->activation);
    snprintf(part, sizeof part, "%s.ffn.norm", b->scope);
    heed_layer_norm_init(&b->norm[HEED_FFN], p, part, s->width);
    return HEED_OK;
}

void heed_block_past(const heed_block *b, int64_t width[2])
{
    width[0] = b->self.key ? b->self.key->tensor.rows : b->self.is.memory_width;
    width[1] = b->self.value->tensor.rows;
}

/* --- forward ------------------------------------------------------------------------------------------------------------------------------- */

static heed_tensor *before(heed_tape *t, const heed_block *b, heed_sublayer which, heed_tensor *x)
{
    return b->pre ? heed_layer_norm_forward(t, &b->norm[which], x) : x;
}

static heed_tensor *after(heed_tape *t, const heed_block *b, heed_sublayer which, heed_tensor *x, heed_tensor *y, const heed_passage *p)
{
    const uint64_t site = heed_key(b->site, which);
    const heed_layer_norm *norm = &b->norm[which];
    if (b->pre) return heed_residual(t, x, y, p->keys, site, b->dropout);
    return heed_residual_norm(t, x, y, p->keys, site, b->dropout, &norm->gain->tensor, &norm->bias->tensor);
}

/* Rows look at those of their own sequence; when they come one at a time, at those in the history, where they go first. */
static heed_tensor *look_around(heed_tape *t, const heed_block *b, heed_tensor *x, const heed_passage *p)
{
    heed_memory m = heed_attn_memory(t, &b->self, x, NULL, p->span, p->position);
    if (p->past)
        m = (heed_memory){.keys = heed_history_write(t, p->past, 2 * b->layer, m.keys),
                          .values = heed_history_write(t, p->past, 2 * b->layer + 1, m.values), .span = p->past->span};
    return heed_attn_forward(t, &b->self, x, &m, &(heed_gaze){.queries = p->span, .key_row = p->past ? p->past->path : NULL, .position = p->position}).out;
}

static heed_tensor *look_at(heed_tape *t, const heed_block *b, heed_tensor *x, const heed_passage *p, const heed_memory *memory, heed_attended *looked)
{
    *looked = heed_attn_forward(t, &b->cross, x, memory, &(heed_gaze){.queries = p->span, .owner = p->owner, .position = p->position, .weights = p->weights});
    return looked->out;
}

heed_tensor *heed_block_forward(heed_tape *t, const heed_block *b, heed_tensor *x, const heed_passage *p, const heed_memory *memory, heed_attended *looked)
{
    heed_tape_scope(t, b->scope);
    x = after(t, b, HEED_SELF, x, look_around(t, b, before(t, b, HEED_SELF, x), p), p);
    if (b->crosses) x = after(t, b, HEED_CROSS, x, look_at(t, b, before(t, b, HEED_CROSS, x), p, memory, looked), p);
    return after(t, b, HEED_FFN, x, heed_ffn_forward(t, &b->ffn, before(t, b, HEED_FFN, x)), p);
}
