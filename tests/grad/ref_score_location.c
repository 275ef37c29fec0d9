/* Reference of score location: element j of W q for key number j (Luong et al. 2015, eq. 8); 0 beyond the last. */
#include "attention.h"

static num forward(const ref_pair *x) { return x->number < x->d ? x->q[x->number] : num_exact(0); }

static void backward(const ref_pair *x, num ds, const ref_pair *g)
{
    if (x->number < x->d) num_gather(&g->q[x->number], ds);
}

const ref_score ref_score_location = {REF_QUERY | REF_BLIND, forward, backward};
