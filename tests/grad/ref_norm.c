/* Reference of norm: mean, variance and the rest as they are defined. in 0: x, 1: gain, 2: bias, which are weights or, every other time, tensors. */
#include "lay.h"

static void lay(problem *p, block_role role, int64_t rows, int64_t D)
{
    block *x = grad_in(p, BLOCK_INPUT, rows, D, 0.5);
    for (int64_t i = 0; i < rows * D; i++) x->x[i].v += (double)(i % D % 3) * 2 - 2;   /* a row of equals has no slope to speak of */
    grad_in(p, role, 1, D, 1);
    grad_in(p, role, 1, D, 1);
    grad_out(p, rows, D);
}

void grad_lay_norm(problem *p, int64_t rows, int64_t D) { lay(p, BLOCK_WEIGHT, rows, D); }

static void norm_draw(problem *p)
{
    const int64_t rows = grad_draw(p, 1, 7), D = grad_draw(p, 2, 37);
    lay(p, grad_draw(p, 0, 1) ? BLOCK_WEIGHT : BLOCK_INPUT, rows, D);
    for (int64_t i = 0; i < rows * D; i++) p->in[0].x[i].v = (double)(float)p->in[0].x[i].v;
}

static num mean_of(const num *x, int64_t n)
{
    num sum = {0};
    for (int64_t i = 0; i < n; i++) num_gather(&sum, x[i]);
    return num_div(sum, num_exact((double)n));
}

/* The row less its mean, by its deviation, into u; returns 1 / deviation. */
static num unit_row(num *u, const num *x, int64_t D)
{
    const num mean = mean_of(x, D);
    for (int64_t i = 0; i < D; i++) u[i] = num_sub(x[i], mean);
    const num variance = num_add(num_div(num_dot(u, u, D), num_exact((double)D)), num_rounded(1e-5, 0, 1));
    const num inverse = num_div(num_exact(1), num_sqrt(variance));
    for (int64_t i = 0; i < D; i++) u[i] = num_mul(u[i], inverse);
    return inverse;
}

static void norm_forward(problem *p)
{
    const int64_t D = p->out->cols;
    num *u = grad_nums(p, D);
    for (int64_t r = 0; r < p->out->rows; r++) {
        unit_row(u, p->in[0].x + r * D, D);
        for (int64_t i = 0; i < D; i++) p->out->x[r * D + i] = num_add(num_mul(p->in[1].x[i], u[i]), p->in[2].x[i]);
    }
}

/* e = gain dy: dx = (e - mean(e) - u mean(e u)) / deviation */
static void norm_backward(problem *p)
{
    const int64_t D = p->out->cols;
    num *u = grad_nums(p, D), *e = grad_nums(p, D), *along = grad_nums(p, D);
    for (int64_t r = 0; r < p->out->rows; r++) {
        const num *dy = p->out->g + r * D, inverse = unit_row(u, p->in[0].x + r * D, D);
        for (int64_t i = 0; i < D; i++) {
            e[i] = num_mul(p->in[1].x[i], dy[i]);
            along[i] = num_mul(e[i], u[i]);
            num_gather(&p->in[1].g[i], num_mul(dy[i], u[i]));
            num_gather(&p->in[2].g[i], dy[i]);
        }
        const num level = mean_of(e, D), tilt = mean_of(along, D);
        for (int64_t i = 0; i < D; i++) num_gather(&p->in[0].g[r * D + i], num_mul(inverse, num_sub(num_sub(e[i], level), num_mul(u[i], tilt))));
    }
}

static void norm_run(problem *p, heed_tape *t, heed_tensor *const *in, heed_tensor **out)
{
    (void)p;
    out[0] = heed_norm(t, in[0], in[1], in[2]);
}

const grad_case case_norm = {"norm", "norm", norm_draw, norm_forward, norm_backward, norm_run, NULL, NULL};
