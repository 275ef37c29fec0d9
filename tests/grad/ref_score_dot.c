/* Reference of score dot: q . k, both as they are (Luong et al. 2015). */
#include "attention.h"

static num forward(const ref_pair *x) { return num_dot(x->q, x->k, x->d); }

static void backward(const ref_pair *x, num ds, const ref_pair *g)
{
    for (int64_t i = 0; i < x->d; i++) {
        num_gather(&g->q[i], num_mul(ds, x->k[i]));
        num_gather(&g->k[i], num_mul(ds, x->q[i]));
    }
}

const ref_score ref_score_dot = {0, forward, backward};
