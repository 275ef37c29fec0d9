/* Reference of score additive: v . tanh(Wq q + Wk k + b) (Bahdanau et al. 2015, appendix A.1.2; b as in its public implementations). */
#include "attention.h"

num ref_additive(const ref_pair *x)
{
    num sum = {0};
    for (int64_t i = 0; i < x->d; i++) num_gather(&sum, num_mul(x->extra[i], num_tanh(num_add(x->q[i], x->k[i]))));
    return sum;
}

void ref_additive_back(const ref_pair *x, num ds, const ref_pair *g)
{
    for (int64_t i = 0; i < x->d; i++) {
        const num y = num_tanh(num_add(x->q[i], x->k[i])), u = num_mul(num_mul(ds, x->extra[i]), num_sub(num_exact(1), num_mul(y, y)));
        num_gather(&g->extra[i], num_mul(ds, y));
        num_gather(&g->q[i], u);
        num_gather(&g->k[i], u);
    }
}

const ref_score ref_score_additive = {REF_QUERY | REF_KEY | REF_BIAS | REF_EXTRA, ref_additive, ref_additive_back};
