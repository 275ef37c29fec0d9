/* References of output_loss and variation_loss: logits and log-softmax in full, then the definition. in 0: x, every other time of one row more, of which it is a
 * view; 1: weight, 2: bias. */
#include "lay.h"

typedef struct judged { int64_t N; int32_t *targets; double smoothing, w; } judged;

int32_t *grad_lay_output_loss(problem *p, int64_t N, int64_t D, int64_t V, double smoothing, double w, bool view)
{
    judged *own = p->own = grad_room(p, sizeof *own);
    *own = (judged){N, grad_room(p, (size_t)N * sizeof *own->targets), smoothing, w};
    grad_in(p, BLOCK_INPUT, N + view, D, 1);
    grad_in(p, BLOCK_PRODUCT, V, D, 0.7);
    grad_in(p, BLOCK_WEIGHT, 1, V, 0.7);
    grad_out(p, 1, 1);
    return own->targets;
}

/* As many rows as columns and more: the weight's gradient is found in both of its ways. */
static void output_loss_draw(problem *p)
{
    const int64_t N = grad_draw(p, 1, 6), D = grad_draw(p, 1, 9), V = grad_draw(p, 1, 23), eighths = grad_draw(p, 0, 2), quarters = grad_draw(p, 1, 4);
    int32_t *targets = grad_lay_output_loss(p, N, D, V, (double)eighths / 8, (double)quarters / 4, grad_draw(p, 0, 1));
    for (int64_t i = 0; i < N; i++) targets[i] = (int32_t)grad_draw(p, 0, V - 1);
}

static num *logits_of(problem *p, int64_t i)
{
    const block *x = &p->in[0], *w = &p->in[1];
    num *y = grad_nums(p, w->rows);
    for (int64_t v = 0; v < w->rows; v++) {
        for (int64_t j = 0; j < w->cols; j++) num_gather(&y[v], num_mul(x->x[i * x->cols + j], w->x[v * w->cols + j]));
        num_gather(&y[v], p->in[2].x[v]);
    }
    return y;
}

/* (1-s) (lse - x_t) + s/V sum (lse - x_j), whichever way the terms are grouped: every one of lse and x_j is a term of the sum by itself. */
static void output_loss_forward(problem *p)
{
    const judged *own = p->own;
    const int64_t V = p->in[1].rows;
    num *prob = grad_nums(p, V), total = {0};
    for (int64_t i = 0; i < own->N; i++) {
        const num *x = logits_of(p, i), lse = num_softmax(prob, x, V), minus = num_exact(-1);
        const num sharp = num_exact(1 - own->smoothing), flat = num_rounded(own->smoothing / (double)V, 0, 1);
        num loss = {0};
        num_gather(&loss, num_mul(sharp, lse));
        num_gather(&loss, num_mul(num_mul(sharp, minus), x[own->targets[i]]));
        for (int64_t j = 0; j < V; j++) {
            num_gather(&loss, num_mul(flat, lse));
            num_gather(&loss, num_mul(num_mul(flat, minus), x[j]));
        }
        num_gather(&total, num_mul(num_exact(own->w), loss));
    }
    p->out->x[0] = total;
}

/* d / dlogit_j = w (p_j - (1-s) [j is the target] - s/V) */
static num slope_of(const problem *p, const num *prob, int64_t j, int32_t target)
{
    const judged *own = p->own;
    num d = {0};
    num_gather(&d, prob[j]);
    num_gather(&d, num_rounded(-own->smoothing / (double)p->in[1].rows, 0, 1));
    if (j == target) num_gather(&d, num_exact(own->smoothing - 1));
    return num_mul(num_exact(own->w), d);
}

/* The gradient at the loss may enter before the sums or behind them, which is one rounding more. */
static void bring(num *sum, num g, num term)
{
    num_gather(sum, num_mul(g, term));
    num_gather(sum, num_exact(0));
}

static void output_loss_backward(problem *p)
{
    const judged *own = p->own;
    block *x = &p->in[0], *w = &p->in[1];
    num *prob = grad_nums(p, w->rows);
    for (int64_t i = 0; i < own->N; i++) {
        num_softmax(prob, logits_of(p, i), w->rows);
        for (int64_t v = 0; v < w->rows; v++) {
            const num d = slope_of(p, prob, v, own->targets[i]);
            bring(&p->in[2].g[v], p->out->g[0], d);
            for (int64_t j = 0; j < w->cols; j++) {
                bring(&x->g[i * x->cols + j], p->out->g[0], num_mul(d, w->x[v * w->cols + j]));
                bring(&w->g[v * w->cols + j], p->out->g[0], num_mul(d, x->x[i * x->cols + j]));
            }
        }
    }
}

static void output_loss_run(problem *p, heed_tape *t, heed_tensor *const *in, heed_tensor **out)
{
    const judged *own = p->own;
    out[0] = heed_output_loss(t, heed_rows(t, in[0], 0, own->N), in[1], in[2], own->targets, own->smoothing, own->w, NULL);
}

const grad_case case_output_loss = {"output_loss", "loss", output_loss_draw, output_loss_forward, output_loss_backward, output_loss_run, NULL, NULL};

/* --- variation_loss ------------------------------------------------------------------------------------------------------------------------- */

typedef struct varied { int64_t N, V; float *to; double w; } varied;

static void variation_draw(problem *p)
{
    const int64_t N = grad_draw(p, 1, 6), D = grad_draw(p, 1, 9), V = grad_draw(p, 1, 23), view = grad_draw(p, 0, 1);
    varied *own = p->own = grad_room(p, sizeof *own);
    *own = (varied){N, V, grad_room(p, (size_t)(N * V) * sizeof *own->to), (double)grad_draw(p, 1, 4) / 4};
    grad_in(p, BLOCK_INPUT, N + view, D, 1);
    grad_in(p, BLOCK_PRODUCT, V, D, 0.7);
    grad_in(p, BLOCK_WEIGHT, 1, V, 0.7);
    grad_out(p, 1, 1);
    for (int64_t i = 0; i < N * V; i++) own->to[i] = (float)grad_draw_normal(p);
}

/* The distributions of row i, and the signs of their differences. */
static void compare(problem *p, int64_t i, num *prob, num *d, double *sign)
{
    const varied *own = p->own;
    num *to = grad_nums(p, own->V), *q = grad_nums(p, own->V);
    for (int64_t j = 0; j < own->V; j++) to[j] = num_exact((double)own->to[i * own->V + j]);
    num_softmax(prob, logits_of(p, i), own->V);
    num_softmax(q, to, own->V);
    for (int64_t j = 0; j < own->V; j++) {
        d[j] = num_sub(prob[j], q[j]);
        sign[j] = own->V == 1 ? 0 : d[j].v > 0 ? 1 : -1;   /* of one symbol both are 1 to the bit */
    }
}

static void variation_forward(problem *p)
{
    const varied *own = p->own;
    num *prob = grad_nums(p, own->V), *d = grad_nums(p, own->V), total = {0};
    double *sign = grad_room(p, (size_t)own->V * sizeof *sign);
    for (int64_t i = 0; i < own->N; i++) {
        num sum = {0};
        compare(p, i, prob, d, sign);
        for (int64_t j = 0; j < own->V; j++) {
            if (own->V > 1) grad_decide(p, sign[j] > 0, fabs(d[j].v) < num_error(d[j]));
            num_gather(&sum, num_mul(num_exact(sign[j]), d[j]));
        }
        num_gather(&total, num_mul(num_exact(own->w / 2), sum));
    }
    p->out->x[0] = total;
}

static void variation_backward(problem *p)
{
    const varied *own = p->own;
    block *x = &p->in[0], *w = &p->in[1];
    num *prob = grad_nums(p, own->V), *d = grad_nums(p, own->V);
    double *sign = grad_room(p, (size_t)own->V * sizeof *sign);
    for (int64_t i = 0; i < own->N; i++) {
        num mean = {0};
        compare(p, i, prob, d, sign);
        for (int64_t j = 0; j < own->V; j++) num_gather(&mean, num_mul(num_exact(sign[j]), prob[j]));
        for (int64_t v = 0; v < own->V; v++) {
            const num slope = num_mul(num_mul(num_exact(own->w / 2), prob[v]), num_sub(num_exact(sign[v]), mean));
            bring(&p->in[2].g[v], p->out->g[0], slope);
            for (int64_t j = 0; j < w->cols; j++) {
                bring(&x->g[i * x->cols + j], p->out->g[0], num_mul(slope, w->x[v * w->cols + j]));
                bring(&w->g[v * w->cols + j], p->out->g[0], num_mul(slope, x->x[i * x->cols + j]));
            }
        }
    }
}

static const float *rows_of(void *self, int64_t first, int64_t n)
{
    const varied *own = self;
    (void)n;
    return own->to + first * own->V;
}

static void variation_run(problem *p, heed_tape *t, heed_tensor *const *in, heed_tensor **out)
{
    varied *own = p->own;
    out[0] = heed_variation_loss(t, heed_rows(t, in[0], 0, own->N), in[1], in[2], &(heed_logits){own, rows_of}, own->w, NULL);
}

const grad_case case_variation_loss = {"variation_loss", "loss", variation_draw, variation_forward, variation_backward, variation_run, NULL, NULL};
