/* References of family window: mean, unfold; some sequences have no rows. */
#include "grad.h"

/* --- mean ---------------------------------------------------------------------------------------------------------------------------------- */

static void mean_draw(problem *p)
{
    p->span = grad_draw_span(p, grad_draw(p, 1, 4), 0, 9);
    const int64_t D = grad_draw(p, 1, 37);
    grad_in(p, BLOCK_INPUT, p->span.start[p->span.B], D, 1);
    grad_out(p, p->span.B, D);
}

static num share_of(const problem *p, int64_t b) { return num_div(num_exact(1), num_exact((double)(p->span.start[b + 1] - p->span.start[b]))); }

static void mean_forward(problem *p)
{
    const int64_t D = p->out->cols;
    for (int64_t b = 0; b < p->span.B; b++)
        for (int64_t j = 0; j < D; j++) {
            num sum = {0};
            for (int64_t i = p->span.start[b]; i < p->span.start[b + 1]; i++) num_gather(&sum, p->in[0].x[i * D + j]);
            if (sum.n) p->out->x[b * D + j] = num_mul(sum, share_of(p, b));
        }
}

static void mean_backward(problem *p)
{
    const int64_t D = p->out->cols;
    for (int64_t b = 0; b < p->span.B; b++)
        for (int64_t i = p->span.start[b] * D; i < p->span.start[b + 1] * D; i++) num_gather(&p->in[0].g[i], num_mul(p->out->g[b * D + i % D], share_of(p, b)));
}

static void mean_run(problem *p, heed_tape *t, heed_tensor *const *in, heed_tensor **out) { out[0] = heed_mean(t, in[0], p->span); }

const grad_case case_mean = {"mean", "window", mean_draw, mean_forward, mean_backward, mean_run, NULL, NULL};

/* --- unfold -------------------------------------------------------------------------------------------------------------------------------- */

typedef struct window { int64_t width, left; } window;

/* Windows may lie wholly before or behind the row. */
static void unfold_draw(problem *p)
{
    window *own = p->own = grad_room(p, sizeof *own);
    *own = (window){grad_draw(p, 1, 5), grad_draw(p, -1, 5)};
    p->span = grad_draw_span(p, grad_draw(p, 1, 4), 0, 7);
    const int64_t D = grad_draw(p, 1, 19), N = p->span.start[p->span.B];
    grad_in(p, BLOCK_INPUT, N, D, 1);
    grad_out(p, N, own->width * D);
}

/* Where column c of row i of sequence b comes from: a place in the input, or -1. */
static int64_t source_of(const problem *p, int64_t b, int64_t i, int64_t c)
{
    const window *own = p->own;
    const int64_t D = p->in[0].cols, row = i - own->left + c / D;
    return row >= p->span.start[b] && row < p->span.start[b + 1] ? row * D + c % D : -1;
}

static void each_element(problem *p, bool back)
{
    for (int64_t b = 0; b < p->span.B; b++)
        for (int64_t i = p->span.start[b]; i < p->span.start[b + 1]; i++)
            for (int64_t c = 0; c < p->out->cols; c++) {
                const int64_t from = source_of(p, b, i, c), to = i * p->out->cols + c;
                if (from >= 0 && back) num_gather(&p->in[0].g[from], p->out->g[to]);
                if (from >= 0 && !back) p->out->x[to] = p->in[0].x[from];
            }
}

static void unfold_forward(problem *p) { each_element(p, false); }
static void unfold_backward(problem *p) { each_element(p, true); }

static void unfold_run(problem *p, heed_tape *t, heed_tensor *const *in, heed_tensor **out)
{
    const window *own = p->own;
    out[0] = heed_unfold(t, in[0], p->span, own->width, own->left);
}

const grad_case case_unfold = {"unfold", "window", unfold_draw, unfold_forward, unfold_backward, unfold_run, NULL, NULL};
