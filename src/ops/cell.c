/* One step of a recurrent cell, after its products: gru, lstm. */
#include "heed/ops.h"
#include "tensor/tape.h"

typedef struct step { heed_tensor *gx, *gh, *state, *c_out; float *gates; } step;

static bool step_fits(heed_tape *t, const char *op, const heed_tensor *gx, const heed_tensor *gh, const heed_tensor *state, int64_t gates)
{
    const bool fits = gx->rows == state->rows && gh->rows == state->rows && gx->cols == gates * state->cols && gh->cols == gx->cols;
    if (!fits)
        heed_tape_fail(t, HEED_E_SHAPE, "%s: gates [%lld,%lld] and [%lld,%lld], state [%lld,%lld]: gates are %lld states wide", op, (long long)gx->rows,
                       (long long)gx->cols, (long long)gh->rows, (long long)gh->cols, (long long)state->rows, (long long)state->cols, (long long)gates);
    return fits && !heed_tape_failed(t);
}

/* --- gru ------------------------------------------------------------------------------------------------------------------------------ */

static void gru_back(heed_tape *t, heed_node *n)
{
    const step *s = n->saved;
    const int64_t rows = n->out->rows, H = n->out->cols;
    const size_t bytes = (size_t)(rows * 3 * H) * sizeof(float);
    float *dh = heed_tape_grad(t, s->state), *gx = heed_tape_grad(t, s->gx), *gh = heed_tape_grad(t, s->gh);
    heed_mark mark = heed_arena_mark(t->arena);
    float *dgx = heed_tape_alloc(t, bytes), *dgh = heed_tape_alloc(t, bytes), *unwanted = heed_tape_alloc(t, bytes);
    if (!heed_tape_failed(t)) {
        t->k->gru_back(dgx, dgh, dh ? dh : unwanted, n->out->g, s->gates, s->state->x, rows, H);
        if (gx) t->k->axpy(gx, 1, dgx, rows * 3 * H);
        if (gh) t->k->axpy(gh, 1, dgh, rows * 3 * H);
    }
    heed_arena_rewind(t->arena, mark);
}

heed_tensor *heed_gru(heed_tape *t, heed_tensor *gx, heed_tensor *gh, heed_tensor *h)
{
    if (!step_fits(t, "gru", gx, gh, h, 3)) return &t->poison;
    const bool wants = heed_tape_wants(t, gx->wants_grad || gh->wants_grad || h->wants_grad);
    heed_tensor *out = heed_tape_tensor(t, h->rows, h->cols);
    step *s = heed_tape_alloc(t, sizeof *s);
    float *gates = wants ? heed_tape_alloc(t, (size_t)(h->rows * 4 * h->cols) * sizeof *gates) : NULL;
    if (heed_tape_failed(t)) return &t->poison;
    t->k->gru(out->x, gates, gx->x, gh->x, h->x, h->rows, h->cols);
    *s = (step){gx, gh, h, NULL, gates};
    return wants ? heed_tape_node(t, "gru", out, gru_back, s) : out;
}

/* --- lstm ----------------------------------------------------------------------------------------------------------------------------- */

static void lstm_back(heed_tape *t, heed_node *n)
{
    const step *s = n->saved;
    const int64_t rows = n->out->rows, H = n->out->cols;
    float *dh = heed_tape_grad(t, n->out), *dc_out = heed_tape_grad(t, s->c_out);
    float *dc = heed_tape_grad(t, s->state), *gx = heed_tape_grad(t, s->gx), *gh = heed_tape_grad(t, s->gh);
    heed_mark mark = heed_arena_mark(t->arena);
    float *dg = heed_tape_alloc(t, (size_t)(rows * 4 * H) * sizeof *dg), *unwanted = heed_tape_alloc(t, (size_t)(rows * H) * sizeof *unwanted);
    if (!heed_tape_failed(t)) {
        t->k->lstm_back(dg, dc ? dc : unwanted, dh, dc_out, s->gates, s->state->x, rows, H);
        if (gx) t->k->axpy(gx, 1, dg, rows * 4 * H);
        if (gh) t->k->axpy(gh, 1, dg, rows * 4 * H);
    }
    heed_arena_rewind(t->arena, mark);
}

heed_lstm_state heed_lstm(heed_tape *t, heed_tensor *gx, heed_tensor *gh, heed_tensor *c)
{
    const heed_lstm_state failed = {&t->poison, &t->poison};
    if (!step_fits(t, "lstm", gx, gh, c, 4)) return failed;
    const bool wants = heed_tape_wants(t, gx->wants_grad || gh->wants_grad || c->wants_grad);
    heed_tensor *h_out = heed_tape_tensor(t, c->rows, c->cols), *c_out = heed_tape_tensor(t, c->rows, c->cols);
    step *s = heed_tape_alloc(t, sizeof *s);
    float *gates = wants ? heed_tape_alloc(t, (size_t)(c->rows * 5 * c->cols) * sizeof *gates) : NULL;
    if (heed_tape_failed(t)) return failed;
    t->k->lstm(h_out->x, c_out->x, gates, gx->x, gh->x, c->x, c->rows, c->cols);
    *s = (step){gx, gh, c, c_out, gates};
    if (wants && heed_tape_node(t, "lstm", h_out, lstm_back, s) == h_out) {
        t->last->other = c_out;
        c_out->wants_grad = true;
    }
    return (heed_lstm_state){h_out, c_out};
}
