/* norm: layer normalisation. */
#include <string.h>

#include "heed/ops.h"
#include "tensor/tape.h"

static const float smallest_variance = 1e-5f;   /* as PyTorch adds it */

typedef struct normed {
    heed_tensor *x, *gain, *bias;
    float *stats;                  /* [N,2] mean, 1 / deviation */
} normed;

/* Where a sum goes that nobody wants. */
static float *grad_or_nowhere(heed_tape *t, heed_tensor *x)
{
    if (x->wants_grad) return heed_tape_grad(t, x);
    float *nowhere = heed_tape_alloc(t, (size_t)x->cols * sizeof *nowhere);
    if (nowhere) memset(nowhere, 0, (size_t)x->cols * sizeof *nowhere);
    return nowhere;
}

static void norm_back(heed_tape *t, heed_node *n)
{
    const normed *s = n->saved;
    float *dx = heed_tape_grad(t, s->x), *dgain = grad_or_nowhere(t, s->gain), *dbias = grad_or_nowhere(t, s->bias);
    if (!heed_tape_failed(t)) t->k->norm_back(dx, dgain, dbias, n->out->g, s->x->x, s->gain->x, s->stats, n->out->rows, n->out->cols);
}

heed_tensor *heed_norm(heed_tape *t, heed_tensor *x, heed_tensor *gain, heed_tensor *bias)
{
    if (gain->rows != 1 || bias->rows != 1 || gain->cols != x->cols || bias->cols != x->cols)
        return heed_tape_fail(t, HEED_E_SHAPE, "norm: [%lld,%lld] with gain [%lld,%lld] and bias [%lld,%lld]", (long long)x->rows, (long long)x->cols,
                              (long long)gain->rows, (long long)gain->cols, (long long)bias->rows, (long long)bias->cols);
    const bool grad = heed_tape_wants(t, x->wants_grad || gain->wants_grad || bias->wants_grad);
    heed_tensor *out = heed_tape_tensor(t, x->rows, x->cols);
    normed *s = grad ? heed_tape_alloc(t, sizeof *s) : NULL;
    float *stats = grad ? heed_tape_alloc(t, (size_t)(2 * x->rows) * sizeof *stats) : NULL;
    if (heed_tape_failed(t)) return &t->poison;
    t->k->norm(out->x, stats, x->x, gain->x, bias->x, smallest_variance, x->rows, x->cols);
    if (!grad) return out;
    *s = (normed){x, gain, bias, stats};
    return heed_tape_node(t, "norm", out, norm_back, s);
}
