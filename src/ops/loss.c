/* cross_entropy: what training minimises. The logits' own memory becomes their gradient, row by row, in the pass that computes the loss. */
#include <string.h>

#include "heed/ops.h"
#include "tensor/tape.h"

/* Nobody else having added to it, the gradient takes the place of the values and no second [N,V] is needed. */
static void cross_entropy_back(heed_tape *t, heed_node *n)
{
    heed_tensor *logits = n->saved;
    const int64_t size = logits->rows * logits->cols;
    if (!logits->g && !logits->base) {
        if (n->out->g[0] != 1) t->k->scale(logits->x, n->out->g[0], logits->x, size);
        logits->g = logits->x;
        return;
    }
    float *dx = heed_tape_grad(t, logits);
    if (dx) t->k->axpy(dx, n->out->g[0], logits->x, size);
}

heed_tensor *heed_cross_entropy(heed_tape *t, heed_tensor *logits, const int32_t *targets, double smoothing, double weight, heed_loss_counts *counts)
{
    heed_loss_counts sum = {.symbols = logits->rows};
    heed_tensor *out = heed_tape_tensor(t, 1, 1);
    if (heed_tape_failed(t)) return out;
    const bool grad = heed_tape_wants(t, logits->wants_grad);
    double loss = 0;
    for (int64_t i = 0; i < logits->rows; i++) {
        float log_p;
        bool hit;
        if (targets[i] < 0 || targets[i] >= logits->cols)
            return heed_tape_fail(t, HEED_E_SHAPE, "cross_entropy: target %d at row %lld of [%lld,%lld]", targets[i], (long long)i, (long long)logits->rows,
                                  (long long)logits->cols);
        loss += weight * t->k->cross_entropy(logits->x + i * logits->cols, logits->cols, targets[i], (float)smoothing, (float)weight, grad, &log_p, &hit);
        sum.log_p += log_p;
        sum.hits += hit;
    }
    out->x[0] = (float)loss;
    if (counts) *counts = sum;
    return grad ? heed_tape_node(t, "cross_entropy", out, cross_entropy_back, logits) : out;
}
