/* Reference of score additive: v . tanh(Wq q + Wk k + b) (Bahdanau et al. 2015, appendix A.1.2; b as in its public implementations). */
#include "attention.h"

/* All terms of one element are one sum, in whatever order they are added. */
static num inside(const ref_pair *x, int64_t i)
{
    num sum = {0};
    for (int64_t j = 0; j < x->Dq; j++) num_gather(&sum, num_mul(x->query[i * x->Dq + j], x->q[j]));
    for (int64_t j = 0; j < x->Dm; j++) num_gather(&sum, num_mul(x->key[i * x->Dm + j], x->k[j]));
    num_gather(&sum, x->bias[i]);
    return num_tanh(sum);
}

static num forward(const ref_pair *x)
{
    num sum = {0};
    for (int64_t i = 0; i < x->D; i++) num_gather(&sum, num_mul(x->extra[i], inside(x, i)));
    return sum;
}

static void backward(const ref_pair *x, num ds, const ref_pair *g)
{
    num u[REF_WIDEST];
    for (int64_t i = 0; i < x->D; i++) {
        const num y = inside(x, i);
        u[i] = num_mul(num_mul(ds, x->extra[i]), num_sub(num_exact(1), num_mul(y, y)));
        num_gather(&g->extra[i], num_mul(ds, y));
        num_gather(&g->bias[i], u[i]);
    }
    ref_project_back(g->query, g->q, u, x->query, x->q, x->D, x->Dq);
    ref_project_back(g->key, g->k, u, x->key, x->k, x->D, x->Dm);
}

const ref_score ref_score_additive = {false, forward, backward};
