/* Reference of score scaled: (Wq q) . (Wk k) / sqrt(D) (Vaswani et al. 2017, eq. 1). */
#include "attention.h"

static num factor(const ref_pair *x) { return num_rounded(1 / sqrt((double)x->D), 0, 1); }

static num forward(const ref_pair *x)
{
    num q[REF_WIDEST], k[REF_WIDEST];
    ref_project(q, x->query, x->q, x->D, x->Dq);
    ref_project(k, x->key, x->k, x->D, x->Dm);
    return num_mul(factor(x), num_dot(q, k, x->D));
}

static void backward(const ref_pair *x, num ds, const ref_pair *g)
{
    num q[REF_WIDEST], k[REF_WIDEST], dq[REF_WIDEST], dk[REF_WIDEST];
    ref_project(q, x->query, x->q, x->D, x->Dq);
    ref_project(k, x->key, x->k, x->D, x->Dm);
    for (int64_t i = 0; i < x->D; i++) {
        dq[i] = num_mul(num_mul(factor(x), ds), k[i]);
        dk[i] = num_mul(num_mul(factor(x), ds), q[i]);
    }
    ref_project_back(g->query, g->q, dq, x->query, x->q, x->D, x->Dq);
    ref_project_back(g->key, g->k, dk, x->key, x->k, x->D, x->Dm);
}

const ref_score ref_score_scaled = {false, forward, backward};
