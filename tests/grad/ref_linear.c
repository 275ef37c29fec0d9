/* References of families linear and embed: products with a weight, rows of a table. */
#include "lay.h"

/* --- linear: in 0: x, 1: weight, 2: bias (sometimes absent) -------------------------------------------------------------------------- */

void grad_lay_linear(problem *p, int64_t rows, int64_t wide, int64_t out, bool bias)
{
    grad_in(p, BLOCK_INPUT, rows, wide, 1);
    grad_in(p, BLOCK_PRODUCT, out, wide, 0.5);
    if (bias) grad_in(p, BLOCK_WEIGHT, 1, out, 0.5);
    grad_out(p, rows, out);
}

static void linear_draw(problem *p)
{
    const int64_t rows = grad_draw(p, 1, 9), wide = grad_draw(p, 1, 19), out = grad_draw(p, 1, 21);
    grad_lay_linear(p, rows, wide, out, grad_draw(p, 0, 1));
}

static void product_forward(const block *x, const block *w, num *y)
{
    for (int64_t i = 0; i < x->rows; i++)
        for (int64_t o = 0; o < w->rows; o++)
            for (int64_t j = 0; j < w->cols; j++) num_gather(&y[i * w->rows + o], num_mul(x->x[i * x->cols + j], w->x[o * w->cols + j]));
}

static void product_backward(const block *x, const block *w, const num *dy)
{
    for (int64_t i = 0; i < x->rows; i++)
        for (int64_t o = 0; o < w->rows; o++)
            for (int64_t j = 0; j < w->cols; j++) {
                num_gather(&x->g[i * x->cols + j], num_mul(dy[i * w->rows + o], w->x[o * w->cols + j]));
                num_gather(&w->g[o * w->cols + j], num_mul(dy[i * w->rows + o], x->x[i * x->cols + j]));
            }
}

static void linear_forward(problem *p)
{
    const int64_t size = p->out->rows * p->out->cols;
    product_forward(&p->in[0], &p->in[1], p->out->x);
    for (int64_t i = 0; p->inputs == 3 && i < size; i++) num_gather(&p->out->x[i], p->in[2].x[i % p->out->cols]);
}

static void linear_backward(problem *p)
{
    const int64_t size = p->out->rows * p->out->cols;
    product_backward(&p->in[0], &p->in[1], p->out->g);
    for (int64_t i = 0; p->inputs == 3 && i < size; i++) num_gather(&p->in[2].g[i % p->out->cols], p->out->g[i]);
}

static void linear_run(problem *p, heed_tape *t, heed_tensor *const *in, heed_tensor **out)
{
    out[0] = heed_linear(t, in[0], in[1], p->inputs == 3 ? in[2] : NULL);
}

const grad_case case_linear = {"linear", "linear", linear_draw, linear_forward, linear_backward, linear_run, NULL, NULL};

/* --- linear_add: in 0: x, 1: weight, 2: base -------------------------------------------------------------------------------------------- */

static void linear_add_draw(problem *p)
{
    const int64_t rows = grad_draw(p, 1, 9), wide = grad_draw(p, 1, 19), out = grad_draw(p, 1, 21);
    grad_in(p, BLOCK_INPUT, rows, wide, 1);
    grad_in(p, BLOCK_PRODUCT, out, wide, 0.5);
    grad_in(p, BLOCK_INPUT, rows, out, 1);
    grad_out(p, rows, out);
}

static void linear_add_forward(problem *p)
{
    product_forward(&p->in[0], &p->in[1], p->out->x);
    for (int64_t i = 0; i < p->out->rows * p->out->cols; i++) num_gather(&p->out->x[i], p->in[2].x[i]);
}

static void linear_add_backward(problem *p)
{
    product_backward(&p->in[0], &p->in[1], p->out->g);
    for (int64_t i = 0; i < p->out->rows * p->out->cols; i++) num_gather(&p->in[2].g[i], p->out->g[i]);
}

static void linear_add_run(problem *p, heed_tape *t, heed_tensor *const *in, heed_tensor **out)
{
    (void)p;
    out[0] = heed_linear_add(t, in[2], in[0], in[1]);
}

const grad_case case_linear_add = {"linear_add", "linear", linear_add_draw, linear_add_forward, linear_add_backward, linear_add_run, NULL, NULL};

/* --- embed: in 0: the table; some rows are asked for more than once, some never ----------------------------------------------------------- */

typedef struct asked { int64_t n; int32_t *ids; } asked;

int32_t *grad_lay_embed(problem *p, int64_t V, int64_t D, int64_t n)
{
    asked *own = p->own = grad_room(p, sizeof *own);
    own->n = n;
    own->ids = grad_room(p, (size_t)n * sizeof *own->ids);
    grad_in(p, BLOCK_WEIGHT, V, D, 1);
    grad_out(p, n, D);
    return own->ids;
}

static void embed_draw(problem *p)
{
    const int64_t V = grad_draw(p, 1, 300), D = grad_draw(p, 1, 5), n = grad_draw(p, 1, 40);
    int32_t *ids = grad_lay_embed(p, V, D, n);
    for (int64_t i = 0; i < n; i++) ids[i] = (int32_t)(i % 3 ? grad_draw(p, 0, V - 1) : V - 1);
}

static void embed_forward(problem *p)
{
    const asked *own = p->own;
    const int64_t d = p->out->cols;
    for (int64_t i = 0; i < own->n * d; i++) p->out->x[i] = p->in[0].x[own->ids[i / d] * d + i % d];
}

static void embed_backward(problem *p)
{
    const asked *own = p->own;
    const int64_t d = p->out->cols;
    for (int64_t i = 0; i < own->n * d; i++) num_gather(&p->in[0].g[own->ids[i / d] * d + i % d], p->out->g[i]);
}

static void embed_run(problem *p, heed_tape *t, heed_tensor *const *in, heed_tensor **out)
{
    const asked *own = p->own;
    out[0] = heed_embed(t, in[0], own->ids, own->n);
}

const grad_case case_embed = {"embed", "embed", embed_draw, embed_forward, embed_backward, embed_run, NULL, NULL};
