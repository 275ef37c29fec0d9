/* Reference of cross_entropy: log-softmax in full, then the definition. in 0: logits, or every other time one row more, of which they are a view. */
#include "lay.h"

typedef struct judged { int64_t N; int32_t *targets; double smoothing, weight; } judged;

int32_t *grad_lay_cross_entropy(problem *p, int64_t N, int64_t V, double smoothing, double weight, bool view)
{
    judged *own = p->own = grad_room(p, sizeof *own);
    *own = (judged){N, grad_room(p, (size_t)N * sizeof *own->targets), smoothing, weight};
    grad_in(p, BLOCK_INPUT, N + view, V, 2);
    grad_out(p, 1, 1);
    return own->targets;
}

static void cross_entropy_draw(problem *p)
{
    const int64_t N = grad_draw(p, 1, 6), V = grad_draw(p, 1, 40), eighths = grad_draw(p, 0, 2), quarters = grad_draw(p, 1, 4);
    int32_t *targets = grad_lay_cross_entropy(p, N, V, (double)eighths / 8, (double)quarters / 4, grad_draw(p, 0, 1));
    for (int64_t i = 0; i < N; i++) targets[i] = (int32_t)grad_draw(p, 0, V - 1);
}

/* (1-s) (lse - x_t) + s/V sum (lse - x_j), whichever way the terms are grouped: every one of lse and x_j is a term of the sum by itself. */
static void cross_entropy_forward(problem *p)
{
    const judged *own = p->own;
    const int64_t V = p->in[0].cols;
    num *prob = grad_nums(p, V), total = {0};
    for (int64_t i = 0; i < own->N; i++) {
        const num *x = p->in[0].x + i * V, lse = num_softmax(prob, x, V), minus = num_exact(-1);
        const num sharp = num_exact(1 - own->smoothing), flat = num_rounded(own->smoothing / (double)V, 0, 1);
        num loss = {0};
        num_gather(&loss, num_mul(sharp, lse));
        num_gather(&loss, num_mul(num_mul(sharp, minus), x[own->targets[i]]));
        for (int64_t j = 0; j < V; j++) {
            num_gather(&loss, num_mul(flat, lse));
            num_gather(&loss, num_mul(num_mul(flat, minus), x[j]));
        }
        num_gather(&total, num_mul(num_exact(own->weight), loss));
    }
    p->out->x[0] = total;
}

/* d / dx_j = weight (p_j - (1-s) [j is the target] - s/V) */
static void cross_entropy_backward(problem *p)
{
    const judged *own = p->own;
    const int64_t V = p->in[0].cols;
    num *prob = grad_nums(p, V);
    for (int64_t i = 0; i < own->N; i++) {
        num_softmax(prob, p->in[0].x + i * V, V);
        for (int64_t j = 0; j < V; j++) {
            num d = {0};
            num_gather(&d, prob[j]);
            num_gather(&d, num_rounded(-own->smoothing / (double)V, 0, 1));
            if (j == own->targets[i]) num_gather(&d, num_exact(own->smoothing - 1));
            num_gather(&p->in[0].g[i * V + j], num_mul(p->out->g[0], num_mul(num_exact(own->weight), d)));
        }
    }
}

static void cross_entropy_run(problem *p, heed_tape *t, heed_tensor *const *in, heed_tensor **out)
{
    const judged *own = p->own;
    out[0] = heed_cross_entropy(t, heed_rows(t, in[0], 0, own->N), own->targets, own->smoothing, own->weight, NULL);
}

const grad_case case_cross_entropy = {"cross_entropy", "loss", cross_entropy_draw, cross_entropy_forward, cross_entropy_backward, cross_entropy_run,
                                      NULL, NULL};
