/* A recurrent cell, for one moment or a whole sequence. */
#include <stdio.h>

#include "heed/nn.h"
#include "tensor/tape.h"

int64_t heed_cell_gates(const heed_cell *c) { return (c->kind == HEED_GRU ? 3 : 4) * c->width; }

void heed_cell_init(heed_cell *c, heed_params *p, const char *scope, heed_cell_kind kind, int64_t width)
{
    char name[sizeof c->hidden->name];
    c->kind = kind;
    c->width = width;
    snprintf(name, sizeof name, "%s.hidden.weight", scope);
    c->hidden = heed_params_add(p, name, 2, heed_cell_gates(c), width, HEED_FILL_ORTHOGONAL, 1);
    heed_weight_product(c->hidden);
    snprintf(name, sizeof name, "%s.hidden.bias", scope);
    c->bias = heed_params_add(p, name, 1, 1, heed_cell_gates(c), kind == HEED_LSTM ? HEED_FILL_FORGET : HEED_FILL_ZERO, 0);
}

heed_lstm_state heed_cell_step(heed_tape *t, const heed_cell *c, heed_tensor *gates, heed_tensor *x, const heed_dense *joined, heed_lstm_state before)
{
    return heed_rnn_step(t, &(heed_step_args){.cell = c->kind, .gates = gates, .before = before, .hidden = &c->hidden->tensor, .bias = &c->bias->tensor,
                                              .x = x, .weight = x ? &joined->weight->tensor : NULL});
}

heed_lstm_state heed_cell_sequence(heed_tape *t, const heed_cell *c, heed_tensor *gates, heed_span span, bool reverse)
{
    return heed_rnn(t, c->kind, gates, &c->hidden->tensor, &c->bias->tensor, span, reverse);
}
