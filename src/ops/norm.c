/* norm: layer normalisation; residual_norm: that of a sum, both in one pass. */
#include <string.h>

#include "base/rng.h"
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

/* --- residual_norm -------------------------------------------------------------------------------------------------------------------- */

typedef struct added {
    heed_tensor *base, *x, *gain, *bias;
    const uint64_t *keys;
    uint64_t site;
    float p;
    float *sum, *stats;            /* [N,D] base + dropout of x; [N,2] */
} added;

static void residual_norm_back(heed_tape *t, heed_node *n)
{
    const added *s = n->saved;
    bool fresh_base, fresh_x;
    float *dbase = heed_tape_grad_fresh(t, s->base, &fresh_base), *dx = heed_tape_grad_fresh(t, s->x, &fresh_x);
    float *dgain = grad_or_nowhere(t, s->gain), *dbias = grad_or_nowhere(t, s->bias);
    if (heed_tape_failed(t)) return;
    const heed_summed_norm args = {.gain = s->gain->x, .row_keys = s->p > 0 ? s->keys : NULL, .site = s->site, .p = s->p, .sum = s->sum, .stats = s->stats};
    t->k->residual_norm_back(dbase, fresh_base, dx, fresh_x, dgain, dbias, n->out->g, &args, n->out->rows, n->out->cols);
}

heed_tensor *heed_residual_norm(heed_tape *t, heed_tensor *base, heed_tensor *x, const uint64_t *keys, uint64_t site, double p, heed_tensor *gain, heed_tensor *bias)
{
    const bool grad = heed_tape_wants(t, base->wants_grad || x->wants_grad || gain->wants_grad || bias->wants_grad);
    const bool apart = base != x && !base->base && !x->base;   /* no gradient of one lies in the other's */
    if (!grad || !apart) return heed_norm(t, heed_residual(t, base, x, keys, site, p), gain, bias);
    if (base->rows != x->rows || base->cols != x->cols || gain->rows != 1 || bias->rows != 1 || gain->cols != x->cols || bias->cols != x->cols)
        return heed_tape_fail(t, HEED_E_SHAPE, "residual_norm: [%lld,%lld] + [%lld,%lld] with gain [%lld,%lld] and bias [%lld,%lld]", (long long)base->rows,
                              (long long)base->cols, (long long)x->rows, (long long)x->cols, (long long)gain->rows, (long long)gain->cols, (long long)bias->rows,
                              (long long)bias->cols);
    heed_tensor *out = heed_tape_tensor(t, x->rows, x->cols);
    added *s = heed_tape_alloc(t, sizeof *s);
    float *sum = heed_tape_alloc(t, (size_t)(x->rows * x->cols) * sizeof *sum), *stats = heed_tape_alloc(t, (size_t)(2 * x->rows) * sizeof *stats);
    if (heed_tape_failed(t)) return &t->poison;
    *s = (added){base, x, gain, bias, keys, heed_key(t->key, site), t->train && p > 0 ? (float)p : 0, sum, stats};
    const heed_summed_norm args = {.gain = gain->x, .bias = bias->x, .row_keys = s->p > 0 ? keys : NULL, .site = s->site, .p = s->p, .sum = sum, .stats = stats};
    t->k->residual_norm(out->x, base->x, x->x, &args, smallest_variance, x->rows, x->cols);
    return heed_tape_node(t, "residual_norm", out, residual_norm_back, s);
}
