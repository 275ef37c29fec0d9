/* Reference of rnn: each sequence by itself, step by step, back through time. Some sequences are empty; cell, direction and bias are drawn.
 * in 0: gates, 1: hidden weight, 2: bias (sometimes absent). */
#include <string.h>

#include "lay.h"
#include "ref_cell.h"

enum { WIDEST = 8 };

typedef struct recurrent { heed_cell_kind cell; bool reverse; int64_t H, G; num *gh, *c; } recurrent;

void grad_lay_rnn(problem *p, heed_cell_kind cell, bool reverse, bool bias, int64_t H, heed_span span)
{
    const int64_t N = span.start[span.B], G = H * (cell == HEED_GRU ? 3 : 4);
    recurrent *own = p->own = grad_room(p, sizeof *own);
    *own = (recurrent){cell, reverse, H, G, grad_nums(p, N * G), grad_nums(p, N * H)};
    p->span = span;
    grad_in(p, BLOCK_INPUT, N, G, 1);
    grad_in(p, BLOCK_PRODUCT, G, H, 0.5);
    if (bias) grad_in(p, BLOCK_WEIGHT, 1, G, 0.5);
    grad_out(p, N, H);
    if (cell == HEED_LSTM) grad_out(p, N, H);
}

static void rnn_draw(problem *p)
{
    const heed_cell_kind cell = grad_draw(p, 0, 1) ? HEED_LSTM : HEED_GRU;
    const bool reverse = grad_draw(p, 0, 1), bias = grad_draw(p, 0, 1);
    const int64_t H = grad_draw(p, 1, WIDEST - 1);
    const heed_span span = grad_draw_span(p, grad_draw(p, 1, 5), 0, 6);
    ((int64_t *)span.start)[span.B]++;   /* at least one row */
    grad_lay_rnn(p, cell, reverse, bias, H, span);
}

/* Row of the moment before `row`, or -1 at a sequence's beginning. */
static int64_t before(const problem *p, int64_t b, int64_t row)
{
    const recurrent *own = p->own;
    if (own->reverse) return row + 1 < p->span.start[b + 1] ? row + 1 : -1;
    return row > p->span.start[b] ? row - 1 : -1;
}

/* The n-th row in time of sequence b. */
static int64_t moment(const problem *p, int64_t b, int64_t n)
{
    const recurrent *own = p->own;
    return own->reverse ? p->span.start[b + 1] - 1 - n : p->span.start[b] + n;
}

static void step_forward(problem *p, const num *zero, int64_t b, int64_t row)
{
    const recurrent *own = p->own;
    const int64_t H = own->H, G = own->G, prior = before(p, b, row);
    const num *h = prior < 0 ? zero : p->out[0].x + prior * H, *c = prior < 0 ? zero : own->c + prior * H;
    const num *gx = p->in[0].x + row * G;
    num *gh = own->gh + row * G;
    for (int64_t k = 0; k < G; k++) {
        gh[k] = num_dot(p->in[1].x + k * H, h, H);
        if (p->inputs == 3) num_gather(&gh[k], p->in[2].x[k]);
    }
    if (own->cell == HEED_GRU) ref_gru(p->out[0].x + row * H, gx, gh, h, H);
    else ref_lstm(p->out[0].x + row * H, own->c + row * H, gx, gh, c, H);
}

static void rnn_forward(problem *p)
{
    const recurrent *own = p->own;
    const num zero[WIDEST] = {{0}};
    for (int64_t b = 0; b < p->span.B; b++)
        for (int64_t n = 0; n < p->span.start[b + 1] - p->span.start[b]; n++) step_forward(p, zero, b, moment(p, b, n));
    if (own->cell == HEED_LSTM) memcpy(p->out[1].x, own->c, (size_t)(p->out->rows * own->H) * sizeof(num));
}

/* dh and dc hold what this row's results receive from outside and from the moment after. */
static void step_backward(problem *p, num *dh, num *dc, const num *zero, int64_t b, int64_t row)
{
    const recurrent *own = p->own;
    const int64_t H = own->H, G = own->G, prior = before(p, b, row);
    const num *h = prior < 0 ? zero : p->out[0].x + prior * H, *c = prior < 0 ? zero : own->c + prior * H;
    const num *gx = p->in[0].x + row * G, *gh = own->gh + row * G;
    num unused[WIDEST] = {{0}}, dgh[4 * WIDEST] = {{0}};
    num *dh_before = prior < 0 ? unused : dh + prior * H, *dc_before = prior < 0 ? unused : dc + prior * H;
    if (own->cell == HEED_GRU) ref_gru_back(p->in[0].g + row * G, dgh, dh_before, dh + row * H, gx, gh, h, H);
    else ref_lstm_back(p->in[0].g + row * G, dgh, dc_before, dh + row * H, dc + row * H, gx, gh, c, H);
    for (int64_t k = 0; k < G; k++) {
        for (int64_t j = 0; j < H; j++) {
            num_gather(&p->in[1].g[k * H + j], num_mul(dgh[k], h[j]));
            num_gather(&dh_before[j], num_mul(dgh[k], p->in[1].x[k * H + j]));
        }
        if (p->inputs == 3) num_gather(&p->in[2].g[k], dgh[k]);
    }
}

static void rnn_backward(problem *p)
{
    const recurrent *own = p->own;
    const int64_t size = p->out->rows * own->H;
    const num zero[WIDEST] = {{0}};
    num *dh = grad_nums(p, size), *dc = grad_nums(p, size);
    for (int64_t i = 0; i < size; i++) {
        num_gather(&dh[i], p->out[0].g[i]);
        if (own->cell == HEED_LSTM) num_gather(&dc[i], p->out[1].g[i]);
    }
    for (int64_t b = 0; b < p->span.B; b++)
        for (int64_t n = p->span.start[b + 1] - p->span.start[b] - 1; n >= 0; n--) step_backward(p, dh, dc, zero, b, moment(p, b, n));
}

static void rnn_run(problem *p, heed_tape *t, heed_tensor *const *in, heed_tensor **out)
{
    const recurrent *own = p->own;
    const heed_lstm_state s = heed_rnn(t, own->cell, in[0], in[1], p->inputs == 3 ? in[2] : NULL, p->span, own->reverse);
    out[0] = s.h;
    out[1] = s.c;
}

const grad_case case_rnn = {"rnn", "rnn", rnn_draw, rnn_forward, rnn_backward, rnn_run, NULL, NULL};
