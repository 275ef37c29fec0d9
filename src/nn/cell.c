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

heed_lstm_state heed_cell_step(heed_tape *t, const heed_cell *c, heed_tensor *gates, heed_lstm_state before)
{
    heed_tensor *hidden = heed_linear(t, before.h, &c->hidden->tensor, &c->bias->tensor);
    if (c->kind == HEED_LSTM) return heed_lstm(t, gates, hidden, before.c);
    return (heed_lstm_state){heed_gru(t, gates, hidden, before.h), NULL};
}

heed_lstm_state heed_cell_sequence(heed_tape *t, const heed_cell *c, heed_tensor *gates, heed_span span, bool reverse)
{
    return heed_rnn(t, c->kind, gates, &c->hidden->tensor, &c->bias->tensor, span, reverse);
}
