/* The recurrent encoder: embeddings, then layers in one direction or both, side by side.
 *
 *   h_i = [forward cell over x_1..x_i ; backward cell over x_n..x_i]      (Bahdanau et al. 2015, section 3.2)
 *
 * Its vector is the last state of every direction: that after x_n and, backwards, that after x_1. */
#include <stdio.h>

#include "base/rng.h"
#include "heed/nn.h"
#include "model/model.h"
#include "model/steps.h"
#include "tensor/tape.h"

typedef struct direction { heed_dense input; heed_cell cell; } direction;

typedef struct encoder {
    heed_weight *embedding;             /* [V,E] */
    direction layer[HEED_MAX_LAYERS][2];
    int64_t layers, directions, width;
    double dropout;
} encoder;

static void *init(heed_arena *arena, heed_params *p, const heed_recipe *r, heed_weight *embedding, heed_error *err)
{
    const heed_encoder_settings *s = &r->model.encoder;
    encoder *e = heed_arena_zero(arena, sizeof *e);
    if (!e) return heed_fail(err, HEED_E_NOMEM, "out of memory for the encoder"), NULL;
    *e = (encoder){.layers = s->layers, .directions = s->directions, .width = s->width, .dropout = s->dropout};
    e->embedding = embedding;
    for (int64_t l = 0; l < s->layers; l++)
        for (int64_t d = 0; d < s->directions; d++) {
            direction *x = &e->layer[l][d];
            char scope[64], input[80];
            snprintf(scope, sizeof scope, "encoder.%d.%s", (int)l, d ? "backward" : "forward");
            snprintf(input, sizeof input, "%s.input", scope);
            heed_cell_init(&x->cell, p, scope, s->cell == HEED_CELL_lstm ? HEED_LSTM : HEED_GRU, s->width);
            heed_dense_init(&x->input, p, input, l ? s->directions * s->width : s->embed, heed_cell_gates(&x->cell), true);
        }
    return e;
}

static int64_t width(const void *self)
{
    const encoder *e = self;
    return e->directions * e->width;
}

/* The rows of the last states: a sequence's last row forwards, its first row backwards. */
static heed_tensor *last_states(heed_tape *t, heed_tensor *const *states, int64_t directions, heed_span span)
{
    heed_tensor *last[2];
    int64_t *row = heed_tape_alloc(t, (size_t)(span.B + 1) * sizeof *row);
    for (int64_t d = 0; row && d < directions; d++) {
        for (int64_t b = 0; b < span.B; b++) row[b] = d ? span.start[b] : span.start[b + 1] - 1;
        last[d] = heed_gather(t, states[d], row, span.B);
    }
    if (!row) return &t->poison;
    return directions == 2 ? heed_concat(t, last, 2) : last[0];
}

static heed_lstm_state run_layer(heed_tape *t, const direction *way, heed_tensor *x, heed_span span, bool reverse)
{
    heed_tensor *gates = heed_dense_forward(t, &way->input, x);
    const heed_lstm_state s = heed_cell_sequence(t, &way->cell, gates, span, reverse);
    heed_tape_spend(t, gates);
    return s;
}

static heed_encoded forward(heed_tape *t, const void *self, const heed_side *source)
{
    const encoder *e = self;
    heed_tensor *h[2] = {NULL}, *c[2] = {NULL};
    heed_tape_scope(t, "encoder");
    heed_tensor *x = heed_steps_drop(t, heed_embed(t, &e->embedding->tensor, source->ids, source->N), source->keys, heed_mix(1), e->dropout);
    for (int64_t l = 0; l < e->layers; l++) {
        if (l) x = heed_steps_drop(t, x, source->keys, heed_key(2, (uint64_t)l), e->dropout);
        for (int64_t d = 0; d < e->directions; d++) {
            heed_lstm_state s = run_layer(t, &e->layer[l][d], x, source->span, d);
            h[d] = s.h;
            c[d] = s.c;
        }
        x = e->directions == 2 ? heed_concat(t, h, 2) : h[0];
    }
    const heed_encoded all = {
        .values = x,
        .span = source->span,
        .vector = last_states(t, h, e->directions, source->span),
        .cell = c[0] ? last_states(t, c, e->directions, source->span) : NULL,
    };
    for (int64_t d = 0; d < e->directions; d++) {
        if (h[d] != x) heed_tape_spend(t, h[d]);
        if (c[d]) heed_tape_spend(t, c[d]);
    }
    return all;
}

const heed_encoder_kind heed_encoder_rnn = {"rnn", init, width, forward};
