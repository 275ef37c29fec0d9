/* divergence: how far weights are from others     (Wiegreffe and Pinter 2019, section 4, whose adversaries are paid for it)
 *
 *   sum a ln(a / max(b, e)),   e = 1e-6: where the other looks nowhere, looking there is far, but not without end */
#include <math.h>

#include "heed/ops.h"
#include "tensor/tape.h"

static const double least_b = 1e-6, least_a = 1e-30;

typedef struct apart {
    heed_tensor *const *a;
    const heed_tensor *const *b;
    int64_t count;
    double weight;
} apart;

static double log_ratio(float a, float b) { return log(fmax((double)a, least_a) / fmax((double)b, least_b)); }

static double sum_of(const heed_tensor *a, const heed_tensor *b)
{
    double sum = 0;
    for (int64_t i = 0; i < a->rows * a->cols; i++) sum += (double)a->x[i] * log_ratio(a->x[i], b->x[i]);
    return sum;
}

static void divergence_back(heed_tape *t, heed_node *n)
{
    const apart *s = n->saved;
    const double by = s->weight * (double)n->out->g[0];
    for (int64_t k = 0; k < s->count; k++) {
        const heed_tensor *a = s->a[k];
        float *da = heed_tape_grad(t, s->a[k]);
        for (int64_t i = 0; da && i < a->rows * a->cols; i++) da[i] += (float)(by * (log_ratio(a->x[i], s->b[k]->x[i]) + 1));
    }
}

heed_tensor *heed_divergence(heed_tape *t, heed_tensor *const *a, const heed_tensor *const *b, int64_t count, double weight, double *sum)
{
    heed_tensor *out = heed_tape_tensor(t, 1, 1);
    apart *s = heed_tape_alloc(t, sizeof *s);
    double all = 0;
    bool wants = false;
    if (heed_tape_failed(t)) return &t->poison;
    for (int64_t k = 0; k < count; k++) {
        if (a[k]->rows != b[k]->rows || a[k]->cols != b[k]->cols)
            return heed_tape_fail(t, HEED_E_SHAPE, "divergence: [%lld,%lld] of [%lld,%lld]", (long long)a[k]->rows, (long long)a[k]->cols, (long long)b[k]->rows,
                                  (long long)b[k]->cols);
        wants |= a[k]->wants_grad;
        all += sum_of(a[k], b[k]);
    }
    *s = (apart){a, b, count, weight};
    out->x[0] = (float)(weight * all);
    if (sum) *sum = all;
    return heed_tape_wants(t, wants) ? heed_tape_node(t, "divergence", out, divergence_back, s) : out;
}
