#include "ops/pair.h"

#include "kernels/kernels.h"

static float factor_of(const heed_meeting *m) { return m->extra ? m->scale * m->extra[0] : m->scale; }

void heed_pair_dot(const heed_meeting *m, float *s) { heed_kernels_get()->scores_dot(s, m->q, m->k, m->n, m->ld, m->d, factor_of(m), m->row); }

/* dq += f sum ds_j k_j,  dk_j += f ds_j q,  dextra += scale sum ds_j q . k_j: without factor, for it may be 0 */
void heed_pair_dot_back(const heed_meeting *m, const float *ds, float *dq, float *dk, float *dextra)
{
    const heed_kernels *k = heed_kernels_get();
    const float f = factor_of(m);
    k->product(dq, m->d, ds, 0, 1, m->k, m->ld, 1, m->d, m->n, f, true);
    k->product(dk, m->ld, ds, 1, 0, m->q, m->d, m->n, m->d, 1, f, true);
    for (int64_t j = 0; dextra && j < m->n; j++) dextra[0] += m->scale * ds[j] * k->dot(m->q, m->k + j * m->ld, m->d);
}
