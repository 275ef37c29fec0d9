/* Reference of score cosine: 10 t cos(Wq q, Wk k), t learned (Graves et al. 2014, section 3.3.1, with a fixed first sharpness of 10). Rows come divided by
 * their length. */
#include "attention.h"

static const num sharpness = {.v = 10};

static num forward(const ref_pair *x) { return num_mul(num_mul(sharpness, x->extra[0]), num_dot(x->q, x->k, x->d)); }

static void backward(const ref_pair *x, num ds, const ref_pair *g)
{
    const num f = num_mul(num_mul(sharpness, x->extra[0]), ds);
    for (int64_t i = 0; i < x->d; i++) {
        num_gather(&g->q[i], num_mul(f, x->k[i]));
        num_gather(&g->k[i], num_mul(f, x->q[i]));
    }
    num_gather(&g->extra[0], num_mul(num_mul(sharpness, ds), num_dot(x->q, x->k, x->d)));
}

const ref_score ref_score_cosine = {REF_QUERY | REF_KEY | REF_UNIT | REF_EXTRA, forward, backward};
