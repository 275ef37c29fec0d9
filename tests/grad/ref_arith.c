/* References of family arith: add, tanh, unit_rows, dropout, residual, scale. */
#include "base/rng.h"
#include "lay.h"
#include "tensor/tape.h"

static int64_t size_of(const block *b) { return b->rows * b->cols; }

/* --- add -------------------------------------------------------------------------------------------------------------------------------- */

static void add_draw(problem *p)
{
    const int64_t rows = grad_draw(p, 1, 7), cols = grad_draw(p, 1, 37);
    grad_in(p, BLOCK_INPUT, rows, cols, 1);
    grad_in(p, BLOCK_INPUT, rows, cols, 1);
    grad_out(p, rows, cols);
}

static void add_forward(problem *p)
{
    for (int64_t i = 0; i < size_of(p->out); i++) p->out->x[i] = num_add(p->in[0].x[i], p->in[1].x[i]);
}

static void add_backward(problem *p)
{
    for (int64_t i = 0; i < size_of(p->out); i++) {
        num_gather(&p->in[0].g[i], p->out->g[i]);
        num_gather(&p->in[1].g[i], p->out->g[i]);
    }
}

static void add_run(problem *p, heed_tape *t, heed_tensor *const *in, heed_tensor **out)
{
    (void)p;
    out[0] = heed_add(t, in[0], in[1]);
}

const grad_case case_add = {"add", "arith", add_draw, add_forward, add_backward, add_run, NULL, NULL};

/* --- tanh -------------------------------------------------------------------------------------------------------------------------------- */

void grad_lay_tanh(problem *p, int64_t rows, int64_t cols)
{
    grad_in(p, BLOCK_INPUT, rows, cols, 1.5);
    grad_out(p, rows, cols);
}

static void one_draw(problem *p)
{
    const int64_t rows = grad_draw(p, 1, 7);
    grad_lay_tanh(p, rows, grad_draw(p, 1, 37));
}

static void tanh_forward(problem *p)
{
    for (int64_t i = 0; i < size_of(p->out); i++) p->out->x[i] = num_tanh(p->in[0].x[i]);
}

static void tanh_backward(problem *p)
{
    for (int64_t i = 0; i < size_of(p->out); i++) {
        const num y = num_tanh(p->in[0].x[i]);
        num_gather(&p->in[0].g[i], num_mul(p->out->g[i], num_sub(num_exact(1), num_mul(y, y))));
    }
}

static void tanh_run(problem *p, heed_tape *t, heed_tensor *const *in, heed_tensor **out)
{
    (void)p;
    out[0] = heed_tanh(t, in[0]);
}

const grad_case case_tanh = {"tanh", "arith", one_draw, tanh_forward, tanh_backward, tanh_run, NULL, NULL};

/* --- unit_rows --------------------------------------------------------------------------------------------------------------------------- */

static num inverse_length(const num *x, int64_t n) { return num_div(num_exact(1), num_sqrt(num_dot(x, x, n))); }

static void unit_rows_forward(problem *p)
{
    const int64_t d = p->out->cols;
    for (int64_t i = 0; i < p->out->rows; i++) {
        const num inverse = inverse_length(p->in[0].x + i * d, d);
        for (int64_t j = 0; j < d; j++) p->out->x[i * d + j] = num_mul(p->in[0].x[i * d + j], inverse);
    }
}

/* dx_j = dy_j / |x| - x_j (dy . x) / |x|^3 */
static void unit_rows_backward(problem *p)
{
    const int64_t d = p->out->cols;
    for (int64_t i = 0; i < p->out->rows; i++) {
        const num *x = p->in[0].x + i * d, *dy = p->out->g + i * d;
        const num inverse = inverse_length(x, d);
        const num along = num_mul(num_dot(dy, x, d), num_mul(inverse, num_mul(inverse, inverse)));
        for (int64_t j = 0; j < d; j++) {
            num_gather(&p->in[0].g[i * d + j], num_mul(dy[j], inverse));
            num_gather(&p->in[0].g[i * d + j], num_mul(num_exact(-1), num_mul(x[j], along)));
        }
    }
}

static void unit_rows_run(problem *p, heed_tape *t, heed_tensor *const *in, heed_tensor **out)
{
    (void)p;
    out[0] = heed_unit_rows(t, in[0], 1);
}

const grad_case case_unit_rows = {"unit_rows", "arith", one_draw, unit_rows_forward, unit_rows_backward, unit_rows_run, NULL, NULL};

/* --- dropout ------------------------------------------------------------------------------------------------------------------------------ */

/* Which elements stay is a matter of randomness, not of calculus: that is learned from a run over ones. test_ops.c looks at the mask itself. */
static void dropout_learn(problem *p, dropped *own, int64_t rows, int64_t cols)
{
    heed_error err;
    heed_tape *t = heed_tape_new(&(heed_tape_options){.train = true, .seed = p->key}, &err);
    heed_tensor *ones = heed_input(t, rows, cols, NULL, false);
    for (int64_t i = 0; i < rows * cols; i++) ones->x[i] = 1;
    const heed_tensor *y = heed_dropout(t, ones, own->keys, DROPOUT_SITE, own->rate);
    for (int64_t i = 0; i < rows * cols; i++) own->keep[i] = y->x[i] != 0;
    heed_tape_free(t);
}

void grad_draw_mask(problem *p, int64_t rows, int64_t cols)
{
    dropped *own = p->own = grad_room(p, sizeof *own);
    own->rate = (double)grad_draw(p, 1, 8) / 10;
    own->keys = grad_room(p, (size_t)rows * sizeof *own->keys);
    own->keep = grad_room(p, (size_t)(rows * cols) * sizeof *own->keep);
    for (int64_t i = 0; i < rows; i++) own->keys[i] = heed_key(p->key, (uint64_t)i);
    dropout_learn(p, own, rows, cols);
}

static void dropout_draw(problem *p)
{
    const int64_t rows = grad_draw(p, 1, 7), cols = grad_draw(p, 1, 37);
    grad_draw_mask(p, rows, cols);
    grad_in(p, BLOCK_INPUT, rows, cols, 1);
    grad_out(p, rows, cols);
}

/* The rate itself is rounded to a float, which 1 - p and the division pass on. */
num grad_dropout_factor(const problem *p, int64_t i)
{
    const dropped *own = p->own;
    const num rate = num_rounded(own->rate, 0, 1);
    return own->keep[i] ? num_div(num_exact(1), num_sub(num_exact(1), rate)) : num_exact(0);
}

static void dropout_forward(problem *p)
{
    for (int64_t i = 0; i < size_of(p->out); i++) p->out->x[i] = num_mul(p->in[0].x[i], grad_dropout_factor(p, i));
}

static void dropout_backward(problem *p)
{
    for (int64_t i = 0; i < size_of(p->out); i++) num_gather(&p->in[0].g[i], num_mul(p->out->g[i], grad_dropout_factor(p, i)));
}

static void dropout_run(problem *p, heed_tape *t, heed_tensor *const *in, heed_tensor **out)
{
    const dropped *own = p->own;
    out[0] = heed_dropout(t, in[0], own->keys, DROPOUT_SITE, own->rate);
}

const grad_case case_dropout = {"dropout", "arith", dropout_draw, dropout_forward, dropout_backward, dropout_run, NULL, NULL};

/* --- residual: in 0: base, 1: what dropout falls on ---------------------------------------------------------------------------------------- */

static void residual_draw(problem *p)
{
    add_draw(p);
    grad_draw_mask(p, p->out->rows, p->out->cols);
}

static void residual_forward(problem *p)
{
    for (int64_t i = 0; i < size_of(p->out); i++) p->out->x[i] = num_add(p->in[0].x[i], num_mul(p->in[1].x[i], grad_dropout_factor(p, i)));
}

static void residual_backward(problem *p)
{
    for (int64_t i = 0; i < size_of(p->out); i++) {
        num_gather(&p->in[0].g[i], p->out->g[i]);
        num_gather(&p->in[1].g[i], num_mul(p->out->g[i], grad_dropout_factor(p, i)));
    }
}

static void residual_run(problem *p, heed_tape *t, heed_tensor *const *in, heed_tensor **out)
{
    const dropped *own = p->own;
    out[0] = heed_residual(t, in[0], in[1], own->keys, DROPOUT_SITE, own->rate);
}

const grad_case case_residual = {"residual", "arith", residual_draw, residual_forward, residual_backward, residual_run, NULL, NULL};

/* --- scale ----------------------------------------------------------------------------------------------------------------------------------- */

static const float factor = -1.7F;

static void scale_forward(problem *p)
{
    for (int64_t i = 0; i < size_of(p->out); i++) p->out->x[i] = num_mul(num_exact(factor), p->in[0].x[i]);
}

static void scale_backward(problem *p)
{
    for (int64_t i = 0; i < size_of(p->out); i++) num_gather(&p->in[0].g[i], num_mul(num_exact(factor), p->out->g[i]));
}

static void scale_run(problem *p, heed_tape *t, heed_tensor *const *in, heed_tensor **out)
{
    (void)p;
    out[0] = heed_scale(t, in[0], factor);
}

const grad_case case_scale = {"scale", "arith", one_draw, scale_forward, scale_backward, scale_run, NULL, NULL};
