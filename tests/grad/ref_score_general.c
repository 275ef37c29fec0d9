/* Reference of score general: k^T W q, the bilinear form of Luong et al. 2015; the weight is [Dm,Dq]. */
#include "attention.h"

static num forward(const ref_pair *x)
{
    num q[REF_WIDEST];
    ref_project(q, x->query, x->q, x->Dm, x->Dq);
    return num_dot(q, x->k, x->Dm);
}

static void backward(const ref_pair *x, num ds, const ref_pair *g)
{
    num q[REF_WIDEST], dq[REF_WIDEST];
    ref_project(q, x->query, x->q, x->Dm, x->Dq);
    for (int64_t i = 0; i < x->Dm; i++) {
        dq[i] = num_mul(ds, x->k[i]);
        num_gather(&g->k[i], num_mul(ds, q[i]));
    }
    ref_project_back(g->query, g->q, dq, x->query, x->q, x->Dm, x->Dq);
}

const ref_score ref_score_general = {false, forward, backward};
