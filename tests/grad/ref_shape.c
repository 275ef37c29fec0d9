/* References of family shape: concat, stack, gather. Their parts are views (heed_rows) and repeat, so that views are tried on the way. */
#include "grad.h"

/* --- concat: [a's rows from 1, b, a's rows from 0], side by side ------------------------------------------------------------------------ */

static void concat_draw(problem *p)
{
    const int64_t rows = grad_draw(p, 1, 6), a = grad_draw(p, 1, 9), b = grad_draw(p, 1, 17);
    grad_in(p, BLOCK_INPUT, rows + 1, a, 1);
    grad_in(p, BLOCK_INPUT, rows, b, 1);
    grad_out(p, rows, a + b + a);
}

/* The input and the place in it from which column j of row i came. */
static block *concat_source(problem *p, int64_t i, int64_t j, int64_t *at)
{
    const int64_t a = p->in[0].cols, b = p->in[1].cols;
    const bool second = j >= a && j < a + b;
    *at = second ? i * b + j - a : j < a ? (i + 1) * a + j : i * a + j - a - b;
    return &p->in[second];
}

static void concat_forward(problem *p)
{
    int64_t at;
    for (int64_t i = 0; i < p->out->rows; i++)
        for (int64_t j = 0; j < p->out->cols; j++) {
            const block *from = concat_source(p, i, j, &at);
            p->out->x[i * p->out->cols + j] = from->x[at];
        }
}

static void concat_backward(problem *p)
{
    int64_t at;
    for (int64_t i = 0; i < p->out->rows; i++)
        for (int64_t j = 0; j < p->out->cols; j++) {
            const block *from = concat_source(p, i, j, &at);
            num_gather(&from->g[at], p->out->g[i * p->out->cols + j]);
        }
}

static void concat_run(problem *p, heed_tape *t, heed_tensor *const *in, heed_tensor **out)
{
    const int64_t rows = p->out->rows;
    heed_tensor *part[] = {heed_rows(t, in[0], 1, rows), in[1], heed_rows(t, in[0], 0, rows)};
    out[0] = heed_concat(t, part, 3);
}

const grad_case case_concat = {"concat", "shape", concat_draw, concat_forward, concat_backward, concat_run, NULL, NULL};

/* --- stack: a view of a view of a, b, all of a, one above the other ------------------------------------------------------------------------ */

static void stack_draw(problem *p)
{
    const int64_t a = grad_draw(p, 3, 7), b = grad_draw(p, 0, 4), cols = grad_draw(p, 1, 18);
    grad_in(p, BLOCK_INPUT, a, cols, 1);
    grad_in(p, BLOCK_INPUT, b, cols, 1);
    grad_out(p, a - 2 + b + a, cols);
}

static block *stack_source(problem *p, int64_t i, int64_t *at)
{
    const int64_t view = p->in[0].rows - 2, b = p->in[1].rows, d = p->out->cols;
    const int64_t row = i / d, col = i % d;
    const bool second = row >= view && row < view + b;
    *at = (second ? row - view : row < view ? row + 2 : row - view - b) * d + col;
    return &p->in[second];
}

static void stack_forward(problem *p)
{
    int64_t at;
    for (int64_t i = 0; i < p->out->rows * p->out->cols; i++) {
        const block *from = stack_source(p, i, &at);
        p->out->x[i] = from->x[at];
    }
}

static void stack_backward(problem *p)
{
    int64_t at;
    for (int64_t i = 0; i < p->out->rows * p->out->cols; i++) {
        const block *from = stack_source(p, i, &at);
        num_gather(&from->g[at], p->out->g[i]);
    }
}

static void stack_run(problem *p, heed_tape *t, heed_tensor *const *in, heed_tensor **out)
{
    const int64_t a = p->in[0].rows;
    heed_tensor *part[] = {heed_rows(t, heed_rows(t, in[0], 1, a - 1), 1, a - 2), in[1], heed_rows(t, in[0], 0, a)};
    out[0] = heed_stack(t, part, 3);
}

const grad_case case_stack = {"stack", "shape", stack_draw, stack_forward, stack_backward, stack_run, NULL, NULL};

/* --- gather: the input is a weight every other time, as a learned first state would be ------------------------------------------------------- */

typedef struct picked { int64_t n, *index; } picked;

static void gather_draw(problem *p)
{
    const int64_t rows = grad_draw(p, 1, 6), cols = grad_draw(p, 1, 19);
    picked *own = p->own = grad_room(p, sizeof *own);
    own->n = grad_draw(p, 1, 11);
    own->index = grad_room(p, (size_t)own->n * sizeof *own->index);
    for (int64_t i = 0; i < own->n; i++) own->index[i] = grad_draw(p, 0, rows - 1);
    grad_in(p, grad_draw(p, 0, 1) ? BLOCK_WEIGHT : BLOCK_INPUT, rows, cols, 1);
    grad_out(p, own->n, cols);
}

static void gather_forward(problem *p)
{
    const picked *own = p->own;
    const int64_t d = p->out->cols;
    for (int64_t i = 0; i < own->n * d; i++) p->out->x[i] = p->in[0].x[own->index[i / d] * d + i % d];
}

static void gather_backward(problem *p)
{
    const picked *own = p->own;
    const int64_t d = p->out->cols;
    for (int64_t i = 0; i < own->n * d; i++) num_gather(&p->in[0].g[own->index[i / d] * d + i % d], p->out->g[i]);
}

static void gather_run(problem *p, heed_tape *t, heed_tensor *const *in, heed_tensor **out)
{
    const picked *own = p->own;
    out[0] = heed_gather(t, in[0], own->index, own->n);
}

const grad_case case_gather = {"gather", "shape", gather_draw, gather_forward, gather_backward, gather_run, NULL, NULL};
