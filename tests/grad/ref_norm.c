/* Reference of norm: mean, variance and the rest as they are defined. in 0: x, 1: gain, 2: bias, which are weights or, every other time, tensors. And of
 * residual_norm, where the base comes before x. */
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

/* x: of the sum that is normalised. */
static void rows_forward(problem *p, const num *x, const num *gain, const num *bias)
{
    const int64_t D = p->out->cols;
    num *u = grad_nums(p, D);
    for (int64_t r = 0; r < p->out->rows; r++) {
        unit_row(u, x + r * D, D);
        for (int64_t i = 0; i < D; i++) p->out->x[r * D + i] = num_add(num_mul(gain[i], u[i]), bias[i]);
    }
}

/* e = gain dy: dx = (e - mean(e) - u mean(e u)) / deviation, into de */
static void rows_backward(problem *p, num *de, const num *x, block *gain, block *bias)
{
    const int64_t D = p->out->cols;
    num *u = grad_nums(p, D), *e = grad_nums(p, D), *along = grad_nums(p, D);
    for (int64_t r = 0; r < p->out->rows; r++) {
        const num *dy = p->out->g + r * D, inverse = unit_row(u, x + r * D, D);
        for (int64_t i = 0; i < D; i++) {
            e[i] = num_mul(gain->x[i], dy[i]);
            along[i] = num_mul(e[i], u[i]);
            num_gather(&gain->g[i], num_mul(dy[i], u[i]));
            num_gather(&bias->g[i], dy[i]);
        }
        const num level = mean_of(e, D), tilt = mean_of(along, D);
        for (int64_t i = 0; i < D; i++) de[r * D + i] = num_mul(inverse, num_sub(num_sub(e[i], level), num_mul(u[i], tilt)));
    }
}

static void norm_forward(problem *p) { rows_forward(p, p->in[0].x, p->in[1].x, p->in[2].x); }

static void norm_backward(problem *p)
{
    const int64_t size = p->out->rows * p->out->cols;
    num *de = grad_nums(p, size);
    rows_backward(p, de, p->in[0].x, &p->in[1], &p->in[2]);
    for (int64_t i = 0; i < size; i++) num_gather(&p->in[0].g[i], de[i]);
}

static void norm_run(problem *p, heed_tape *t, heed_tensor *const *in, heed_tensor **out)
{
    (void)p;
    out[0] = heed_norm(t, in[0], in[1], in[2]);
}

const grad_case case_norm = {"norm", "norm", norm_draw, norm_forward, norm_backward, norm_run, NULL, NULL};

/* --- residual_norm ------------------------------------------------------------------------------------------------------------------------ */

static void residual_norm_draw(problem *p)
{
    const int64_t rows = grad_draw(p, 1, 7), D = grad_draw(p, 2, 37);
    const block_role role = grad_draw(p, 0, 1) ? BLOCK_WEIGHT : BLOCK_INPUT;
    grad_draw_mask(p, rows, D);
    block *base = grad_in(p, BLOCK_INPUT, rows, D, 0.5);
    for (int64_t i = 0; i < rows * D; i++) base->x[i].v = (double)(float)(base->x[i].v + (double)(i % D % 3) * 4 - 4);
    grad_in(p, BLOCK_INPUT, rows, D, 0.1);
    grad_in(p, role, 1, D, 1);
    grad_in(p, role, 1, D, 1);
    grad_out(p, rows, D);
}

static num *sums_of(problem *p)
{
    const int64_t size = p->out->rows * p->out->cols;
    num *sum = grad_nums(p, size);
    for (int64_t i = 0; i < size; i++) sum[i] = num_add(p->in[0].x[i], num_mul(p->in[1].x[i], grad_dropout_factor(p, i)));
    return sum;
}

static void residual_norm_forward(problem *p) { rows_forward(p, sums_of(p), p->in[2].x, p->in[3].x); }

static void residual_norm_backward(problem *p)
{
    const int64_t size = p->out->rows * p->out->cols;
    num *de = grad_nums(p, size);
    rows_backward(p, de, sums_of(p), &p->in[2], &p->in[3]);
    for (int64_t i = 0; i < size; i++) {
        num_gather(&p->in[0].g[i], de[i]);
        num_gather(&p->in[1].g[i], num_mul(de[i], grad_dropout_factor(p, i)));
    }
}

static void residual_norm_run(problem *p, heed_tape *t, heed_tensor *const *in, heed_tensor **out)
{
    const dropped *own = p->own;
    out[0] = heed_residual_norm(t, in[0], in[1], own->keys, DROPOUT_SITE, own->rate, in[2], in[3]);
}

const grad_case case_residual_norm = {"residual_norm", "norm", residual_norm_draw, residual_norm_forward, residual_norm_backward, residual_norm_run, NULL, NULL};
