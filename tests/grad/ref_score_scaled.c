/* Reference of score scaled: (Wq q) . (Wk k) / sqrt(d) (Vaswani et al. 2017, eq. 1). */
#include "attention.h"

static num factor(const ref_pair *x) { return num_rounded(1 / sqrt((double)x->d), 0, 1); }

static num forward(const ref_pair *x) { return num_mul(factor(x), num_dot(x->q, x->k, x->d)); }

static void backward(const ref_pair *x, num ds, const ref_pair *g)
{
    const num f = num_mul(factor(x), ds);
    for (int64_t i = 0; i < x->d; i++) {
        num_gather(&g->q[i], num_mul(f, x->k[i]));
        num_gather(&g->k[i], num_mul(f, x->q[i]));
    }
}

const ref_score ref_score_scaled = {REF_QUERY | REF_KEY, forward, backward};
