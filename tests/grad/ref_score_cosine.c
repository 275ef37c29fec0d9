/* Reference of score cosine: 10 t cos(Wq q, Wk k), t learned (Graves et al. 2014, section 3.3.1, with a fixed first sharpness of 10). */
#include "attention.h"

static const num sharpness = {.v = 10};

/* y = x / |x|; returns 1 / |x| */
static num unit(num *y, const num *x, int64_t n)
{
    const num inverse = num_div(num_exact(1), num_sqrt(num_dot(x, x, n)));
    for (int64_t i = 0; i < n; i++) y[i] = num_mul(x[i], inverse);
    return inverse;
}

static num forward(const ref_pair *x)
{
    num q[REF_WIDEST], k[REF_WIDEST];
    ref_project(q, x->query, x->q, x->D, x->Dq);
    ref_project(k, x->key, x->k, x->D, x->Dm);
    unit(q, q, x->D);
    unit(k, k, x->D);
    return num_mul(num_mul(sharpness, x->extra[0]), num_dot(q, k, x->D));
}

/* dx = (dy - (dy . y) y) / |x|, every product a term of its own so that the bound covers sums over many pairs, and from there through W. */
static void side_back(num *dW, num *dx, const num *dy, const num *y, num inverse, const num *W, const num *x, int64_t rows, int64_t cols)
{
    for (int64_t o = 0; o < rows; o++)
        for (int64_t j = -1; j < rows; j++) {
            const num term = j < 0 ? dy[o] : num_mul(num_exact(-1), num_mul(num_mul(dy[j], y[j]), y[o]));
            const num d = num_mul(term, inverse);
            for (int64_t i = 0; i < cols; i++) {
                num_gather(&dW[o * cols + i], num_mul(d, x[i]));
                num_gather(&dx[i], num_mul(d, W[o * cols + i]));
            }
        }
}

static void backward(const ref_pair *x, num ds, const ref_pair *g)
{
    num q[REF_WIDEST], k[REF_WIDEST], dq[REF_WIDEST], dk[REF_WIDEST];
    ref_project(q, x->query, x->q, x->D, x->Dq);
    ref_project(k, x->key, x->k, x->D, x->Dm);
    const num iq = unit(q, q, x->D), ik = unit(k, k, x->D), f = num_mul(num_mul(sharpness, x->extra[0]), ds);
    for (int64_t i = 0; i < x->D; i++) {
        dq[i] = num_mul(f, k[i]);
        dk[i] = num_mul(f, q[i]);
    }
    num_gather(&g->extra[0], num_mul(num_mul(sharpness, ds), num_dot(q, k, x->D)));
    side_back(g->query, g->q, dq, q, iq, x->query, x->q, x->D, x->Dq);
    side_back(g->key, g->k, dk, k, ik, x->key, x->k, x->D, x->Dm);
}

const ref_score ref_score_cosine = {false, forward, backward};
