/* What stands between the linear layers of a feed-forward or convolutional block: activate, glu. */
#include "heed/ops.h"
#include "tensor/tape.h"

static inline int64_t size_of(const heed_tensor *x) { return x->rows * x->cols; }

/* --- activate ------------------------------------------------------------------------------------------------------------------------- */

/* Where nobody has added to dx yet, dy becomes it. */
static void relu_back(heed_tape *t, heed_node *n)
{
    heed_tensor *x = n->saved, *y = n->out;
    if (x->wants_grad && !x->g && !x->base && !x->weight) {
        t->k->relu_mask(y->g, y->x, size_of(y));
        x->g = y->g;
        y->g = NULL;
        return;
    }
    float *dx = heed_tape_grad(t, x);
    if (dx) t->k->relu_back(dx, y->g, y->x, size_of(y));
}

/* From x again: keeping the slope would cost more time in memory than it saves. */
static void gelu_back(heed_tape *t, heed_node *n)
{
    heed_tensor *x = n->saved;
    float *dx = heed_tape_grad(t, x);
    if (dx) t->k->gelu_back(dx, n->out->g, x->x, size_of(x));
}

heed_tensor *heed_activate(heed_tape *t, heed_tensor *x, heed_activation kind)
{
    heed_tensor *out = heed_tape_tensor(t, x->rows, x->cols);
    if (heed_tape_failed(t)) return out;
    (kind == HEED_RELU ? t->k->relu : t->k->gelu)(out->x, x->x, size_of(x));
    return heed_tape_wants(t, x->wants_grad) ? heed_tape_node(t, "activate", out, kind == HEED_RELU ? relu_back : gelu_back, x) : out;
}

/* --- glu ------------------------------------------------------------------------------------------------------------------------------ */

static void glu_back(heed_tape *t, heed_node *n)
{
    heed_tensor *x = n->saved;
    float *dx = heed_tape_grad(t, x);
    if (dx) t->k->glu_back(dx, n->out->g, x->x, n->out->rows, n->out->cols);
}

heed_tensor *heed_glu(heed_tape *t, heed_tensor *x)
{
    if (x->cols % 2) return heed_tape_fail(t, HEED_E_SHAPE, "glu: [%lld,%lld]: columns must be even", (long long)x->rows, (long long)x->cols);
    heed_tensor *out = heed_tape_tensor(t, x->rows, x->cols / 2);
    if (heed_tape_failed(t)) return out;
    t->k->glu(out->x, x->x, out->rows, out->cols);
    return heed_tape_wants(t, x->wants_grad) ? heed_tape_node(t, "glu", out, glu_back, x) : out;
}
