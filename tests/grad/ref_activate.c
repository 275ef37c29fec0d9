/* References of family activate: activate, glu. */
#include "lay.h"

/* --- activate -------------------------------------------------------------------------------------------------------------------------- */

typedef struct active { heed_activation kind; bool twice; } active;   /* twice: two outputs, whose gradients meet in the input */

void grad_lay_activate(problem *p, heed_activation kind, int64_t rows, int64_t cols)
{
    active *own = p->own = grad_room(p, sizeof *own);
    own->kind = kind;
    grad_in(p, BLOCK_INPUT, rows, cols, 1.5);
    grad_out(p, rows, cols);
}

static void activate_draw(problem *p)
{
    const int64_t rows = grad_draw(p, 1, 7), cols = grad_draw(p, 1, 37);
    grad_lay_activate(p, grad_draw(p, 0, 1) ? HEED_GELU : HEED_RELU, rows, cols);
    active *own = p->own;
    own->twice = grad_draw(p, 0, 1);
    if (own->twice) grad_out(p, rows, cols);
}

static double below(double x) { return 0.5 * erfc(-x * sqrt(0.5)); }   /* Phi(x) */

/* The kernels err by 2.4 roundings of 1 and one of the result, and by 16 in the slope; tests/isa holds them to it. */
static num gelu(num x) { return num_rounded(x.v * below(x.v), 1.13 * num_error(x) + 2.4 * NUM_U, 1); }

static num gelu_slope(num x)
{
    const double bell = exp(-0.5 * x.v * x.v) * 0.3989422804014327;
    return num_rounded(below(x.v) + x.v * bell, 0.8 * num_error(x) + 16 * NUM_U, 0);
}

static num relu(problem *p, num x)
{
    grad_decide(p, x.v > 0, fabs(x.v) <= num_error(x));
    return x.v > 0 ? x : num_exact(0);
}

static void activate_forward(problem *p)
{
    const active *own = p->own;
    for (int64_t i = 0; i < p->out->rows * p->out->cols; i++) {
        p->out[0].x[i] = own->kind == HEED_GELU ? gelu(p->in[0].x[i]) : relu(p, p->in[0].x[i]);
        if (own->twice) p->out[1].x[i] = p->out[0].x[i];
    }
}

static void activate_backward(problem *p)
{
    const active *own = p->own;
    for (int64_t i = 0; i < p->out->rows * p->out->cols; i++) {
        const num x = p->in[0].x[i], slope = own->kind == HEED_GELU ? gelu_slope(x) : num_exact(x.v > 0);
        num_gather(&p->in[0].g[i], num_mul(p->out[0].g[i], slope));
        if (own->twice) num_gather(&p->in[0].g[i], num_mul(p->out[1].g[i], slope));
    }
}

static void activate_run(problem *p, heed_tape *t, heed_tensor *const *in, heed_tensor **out)
{
    const active *own = p->own;
    for (int i = 0; i <= own->twice; i++) out[i] = heed_activate(t, in[0], own->kind);
}

const grad_case case_activate = {"activate", "activate", activate_draw, activate_forward, activate_backward, activate_run, NULL, NULL};

/* --- glu --------------------------------------------------------------------------------------------------------------------------------- */

void grad_lay_glu(problem *p, int64_t rows, int64_t D)
{
    grad_in(p, BLOCK_INPUT, rows, 2 * D, 1.5);
    grad_out(p, rows, D);
}

static void glu_draw(problem *p)
{
    const int64_t rows = grad_draw(p, 1, 7);
    grad_lay_glu(p, rows, grad_draw(p, 1, 37));
}

static void glu_forward(problem *p)
{
    const int64_t D = p->out->cols;
    for (int64_t i = 0; i < p->out->rows * D; i++) {
        const num *x = p->in[0].x + i / D * 2 * D + i % D;
        p->out->x[i] = num_mul(x[0], num_sigmoid(x[D]));
    }
}

static void glu_backward(problem *p)
{
    const int64_t D = p->out->cols;
    for (int64_t i = 0; i < p->out->rows * D; i++) {
        const int64_t at = i / D * 2 * D + i % D;
        const num s = num_sigmoid(p->in[0].x[at + D]), dy = p->out->g[i];
        num_gather(&p->in[0].g[at], num_mul(dy, s));
        num_gather(&p->in[0].g[at + D], num_mul(num_mul(dy, p->in[0].x[at]), num_mul(s, num_sub(num_exact(1), s))));
    }
}

static void glu_run(problem *p, heed_tape *t, heed_tensor *const *in, heed_tensor **out)
{
    (void)p;
    out[0] = heed_glu(t, in[0]);
}

const grad_case case_glu = {"glu", "activate", glu_draw, glu_forward, glu_backward, glu_run, NULL, NULL};
