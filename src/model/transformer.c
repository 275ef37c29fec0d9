#include "model/transformer.h"

#include <math.h>
#include <stdio.h>

#include "base/rng.h"
#include "model/steps.h"
#include "tensor/tape.h"

static heed_attn_settings self_settings(const heed_transformer_settings *s)
{
    const heed_stack_settings *k = s->stack;
    const heed_align near = s->causal ? HEED_ALIGN_causal_window : HEED_ALIGN_window, all = s->causal ? HEED_ALIGN_causal : HEED_ALIGN_everything;
    return (heed_attn_settings){.score = heed_score_at(k->score), .align = k->window ? near : all, .window = k->window, .heads = k->heads,
                                .key_heads = k->key_heads, .query_width = s->width, .memory_width = s->width, .width = s->width, .projected = true,
                                .positions = (heed_positions)k->positions, .both = !s->causal, .longest = k->longest};
}

/* Learned positions begin as loud as sinusoids are: a mean square of 1/2, beside the embeddings' 1. */
static heed_status init_position(heed_transformer *x, heed_params *p, const heed_transformer_settings *s, heed_error *err)
{
    char part[32];
    const heed_stack_settings *k = s->stack;
    snprintf(part, sizeof part, "%s.position", s->scope);
    return heed_position_init(&x->position, p, part, s->width, sqrtf((float)s->width), k->positions == HEED_POSITIONS_sinusoid,
                              k->positions == HEED_POSITIONS_learned ? k->longest : 0, M_SQRT1_2, err);
}

heed_status heed_transformer_init(heed_transformer *x, heed_params *p, heed_weight *embedding, const heed_transformer_settings *s, heed_error *err)
{
    char part[32];
    *x = (heed_transformer){.embedding = embedding, .layers = s->layers, .width = s->width, .dropout = s->dropout, .site = s->site,
                            .pre = s->stack->norm == HEED_NORM_PRE};
    snprintf(x->scope, sizeof x->scope, "%s", s->scope);
    heed_block_settings block = {.self = self_settings(s), .cross = s->cross, .width = s->width, .inner = s->stack->inner ? s->stack->inner : 4 * s->width,
                                 .activation = (heed_activation)s->stack->activation, .pre = x->pre, .dropout = s->dropout};
    heed_status status = init_position(x, p, s, err);
    for (int l = 0; !status && l < s->layers; l++) {
        block.site = heed_key(s->site + 1, (uint64_t)l);
        status = heed_block_init(&x->block[l], p, s->scope, l, &block, err);
    }
    snprintf(part, sizeof part, "%s.norm", s->scope);
    if (!status && x->pre) heed_layer_norm_init(&x->last, p, part, s->width);
    return status;
}

heed_tensor *heed_transformer_embed(heed_tape *t, const heed_transformer *x, const int32_t *ids, const heed_passage *p, heed_tensor *also)
{
    heed_tape_scope(t, x->scope);
    heed_tensor *rows = heed_embed(t, &x->embedding->tensor, ids, p->span.start[p->span.B]);
    rows = heed_position_forward(t, &x->position, rows, p->span, p->position);
    return heed_dropout(t, also ? heed_add(t, rows, also) : rows, p->keys, heed_mix(x->site), x->dropout);
}

heed_tensor *heed_transformer_pass(heed_tape *t, const heed_block *b, heed_tensor *rows, const heed_passage *p, const heed_memory *memory, heed_attended *kept)
{
    const heed_mark mark = heed_arena_mark(t->arena);
    heed_attended looked;
    heed_tensor *out = heed_block_forward(t, b, rows, p, memory, &looked);
    if (t->record || heed_tape_failed(t)) return out;
    heed_steps_take(rows, out);
    if (kept && b->crosses) heed_steps_remember(kept, &looked);
    heed_arena_rewind(t->arena, mark);
    return rows;
}

heed_tensor *heed_transformer_end(heed_tape *t, const heed_transformer *x, heed_tensor *rows)
{
    heed_tape_scope(t, x->scope);
    return x->pre ? heed_layer_norm_forward(t, &x->last, rows) : rows;
}
