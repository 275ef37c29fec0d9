/* Reference of rnn_step: cell, bias and what is joined are drawn.
 * in 0: gates, 1: hidden weight, 2: h; then c (LSTM), bias, x and its weight, as far as they are there. */
#include "lay.h"
#include "ref_cell.h"

enum { WIDEST = 8 };

typedef struct stepped { heed_cell_kind cell; int64_t H, G; int c, bias, x; num *gx, *gh; } stepped;   /* c, bias, x: numbers of inputs, 0: none */

static void rnn_step_draw(problem *p)
{
    const heed_cell_kind cell = grad_draw(p, 0, 1) ? HEED_LSTM : HEED_GRU;
    const bool bias = grad_draw(p, 0, 1), joins = grad_draw(p, 0, 2) > 0;
    const int64_t n = grad_draw(p, 1, 5), H = grad_draw(p, 1, WIDEST - 1), G = H * (cell == HEED_GRU ? 3 : 4), D = grad_draw(p, 1, 9);
    stepped *own = p->own = grad_room(p, sizeof *own);
    *own = (stepped){.cell = cell, .H = H, .G = G, .gx = grad_nums(p, n * G), .gh = grad_nums(p, n * G)};
    grad_in(p, BLOCK_INPUT, n, G, 1);
    grad_in(p, BLOCK_PRODUCT, G, H, 0.5);
    grad_in(p, BLOCK_INPUT, n, H, 1);
    if (cell == HEED_LSTM) own->c = p->inputs, grad_in(p, BLOCK_INPUT, n, H, 1);
    if (bias) own->bias = p->inputs, grad_in(p, BLOCK_WEIGHT, 1, G, 0.5);
    if (joins) {
        own->x = p->inputs;
        grad_in(p, BLOCK_INPUT, n, D, 1);
        grad_in(p, BLOCK_PRODUCT, G, D, 0.5);
    }
    grad_out(p, n, H);
    if (cell == HEED_LSTM) grad_out(p, n, H);
}

static void add_product(num *y, const num *x, const block *w)
{
    for (int64_t k = 0; k < w->rows; k++)
        for (int64_t j = 0; j < w->cols; j++) num_gather(&y[k], num_mul(x[j], w->x[k * w->cols + j]));
}

static void product_back(const num *dy, const num *x, num *dx, block *w)
{
    for (int64_t k = 0; k < w->rows; k++)
        for (int64_t j = 0; j < w->cols; j++) {
            num_gather(&w->g[k * w->cols + j], num_mul(dy[k], x[j]));
            num_gather(&dx[j], num_mul(dy[k], w->x[k * w->cols + j]));
        }
}

static void rnn_step_forward(problem *p)
{
    const stepped *own = p->own;
    const int64_t H = own->H, G = own->G;
    const block *in = p->in;
    for (int64_t i = 0; i < p->out->rows; i++) {
        num *gx = own->gx + i * G, *gh = own->gh + i * G;
        for (int64_t k = 0; k < G; k++) {
            gx[k] = in[0].x[i * G + k];
            gh[k] = own->bias ? in[own->bias].x[k] : (num){0};
        }
        if (own->x) add_product(gx, in[own->x].x + i * in[own->x].cols, &in[own->x + 1]);
        add_product(gh, in[2].x + i * H, &in[1]);
        if (own->cell == HEED_GRU) ref_gru(p->out[0].x + i * H, gx, gh, in[2].x + i * H, H);
        else ref_lstm(p->out[0].x + i * H, p->out[1].x + i * H, gx, gh, in[own->c].x + i * H, H);
    }
}

static void rnn_step_backward(problem *p)
{
    const stepped *own = p->own;
    const int64_t H = own->H, G = own->G;
    block *in = p->in;
    for (int64_t i = 0; i < p->out->rows; i++) {
        const num *gx = own->gx + i * G, *gh = own->gh + i * G;
        num dgx[4 * WIDEST] = {{0}}, dgh[4 * WIDEST] = {{0}};
        if (own->cell == HEED_GRU) ref_gru_back(dgx, dgh, in[2].g + i * H, p->out[0].g + i * H, gx, gh, in[2].x + i * H, H);
        else ref_lstm_back(dgx, dgh, in[own->c].g + i * H, p->out[0].g + i * H, p->out[1].g + i * H, gx, gh, in[own->c].x + i * H, H);
        product_back(dgh, in[2].x + i * H, in[2].g + i * H, &in[1]);
        for (int64_t k = 0; k < G; k++) {
            num_gather(&in[0].g[i * G + k], dgx[k]);
            if (own->bias) num_gather(&in[own->bias].g[k], dgh[k]);
        }
        if (own->x) product_back(dgx, in[own->x].x + i * in[own->x].cols, in[own->x].g + i * in[own->x].cols, &in[own->x + 1]);
    }
}

static void rnn_step_run(problem *p, heed_tape *t, heed_tensor *const *in, heed_tensor **out)
{
    const stepped *own = p->own;
    const heed_lstm_state s = heed_rnn_step(t, &(heed_step_args){.cell = own->cell, .gates = in[0], .before = {in[2], own->c ? in[own->c] : NULL}, .hidden = in[1],
                                                                 .bias = own->bias ? in[own->bias] : NULL, .x = own->x ? in[own->x] : NULL,
                                                                 .weight = own->x ? in[own->x + 1] : NULL});
    out[0] = s.h;
    if (own->c) out[1] = s.c;
}

const grad_case case_rnn_step = {"rnn_step", "rnn_step", rnn_step_draw, rnn_step_forward, rnn_step_backward, rnn_step_run, NULL, NULL};
