/* Rows and their neighbours within a sequence: unfold, mean. */
#include <string.h>

#include "heed/ops.h"
#include "tensor/tape.h"

/* --- unfold --------------------------------------------------------------------------------------------------------------------------- */

typedef struct folded { heed_tensor *x; heed_span span; int64_t width, left; } folded;

/* What a window sees of its sequence stands in one run: n rows from `first`, after `before` rows beyond the beginning. */
typedef struct sight { int64_t first, n, before; } sight;

static sight sight_of(const folded *s, int64_t b, int64_t i)
{
    const int64_t begin = s->span.start[b], end = s->span.start[b + 1], from = i - s->left, to = from + s->width;
    const int64_t first = from > begin ? from : begin, last = to < end ? to : end;
    return last > first ? (sight){first, last - first, first - from} : (sight){begin, 0, 0};
}

/* y_i = [x_(i-left); ..; x_(i-left+width-1)], so dx_j += piece j-i+left of dy_i */
static void unfold_back(heed_tape *t, heed_node *n)
{
    const folded *s = n->saved;
    const int64_t D = s->x->cols;
    float *dx = heed_tape_grad(t, s->x);
    for (int64_t b = 0; dx && b < s->span.B; b++)
        for (int64_t i = s->span.start[b]; i < s->span.start[b + 1]; i++) {
            const sight v = sight_of(s, b, i);
            t->k->axpy(dx + v.first * D, 1, n->out->g + (i * s->width + v.before) * D, v.n * D);
        }
}

heed_tensor *heed_unfold(heed_tape *t, heed_tensor *x, heed_span span, int64_t width, int64_t left)
{
    const int64_t D = x->cols;
    if (width < 1 || span.start[span.B] != x->rows)
        return heed_tape_fail(t, HEED_E_SHAPE, "unfold: [%lld,%lld] in windows of %lld: rows must be those of the sequences", (long long)x->rows, (long long)D,
                              (long long)width);
    heed_tensor *out = heed_tape_tensor(t, x->rows, width * D);
    folded *s = heed_tape_alloc(t, sizeof *s);
    if (heed_tape_failed(t)) return &t->poison;
    *s = (folded){x, span, width, left};
    for (int64_t b = 0; b < span.B; b++)
        for (int64_t i = span.start[b]; i < span.start[b + 1]; i++) {
            const sight v = sight_of(s, b, i);
            float *to = out->x + i * width * D, *behind = to + (v.before + v.n) * D;
            memset(to, 0, (size_t)(v.before * D) * sizeof *to);
            memcpy(to + v.before * D, x->x + v.first * D, (size_t)(v.n * D) * sizeof *to);
            memset(behind, 0, (size_t)((width - v.before - v.n) * D) * sizeof *to);
        }
    return heed_tape_wants(t, x->wants_grad) ? heed_tape_node(t, "unfold", out, unfold_back, s) : out;
}

/* --- mean ----------------------------------------------------------------------------------------------------------------------------- */

typedef struct averaged { heed_tensor *x; heed_span span; } averaged;

static void mean_back(heed_tape *t, heed_node *n)
{
    const averaged *s = n->saved;
    const int64_t D = s->x->cols;
    float *dx = heed_tape_grad(t, s->x);
    for (int64_t b = 0; dx && b < s->span.B; b++) {
        const int64_t first = s->span.start[b], end = s->span.start[b + 1];
        for (int64_t i = first; i < end; i++) t->k->axpy(dx + i * D, 1.0f / (float)(end - first), n->out->g + b * D, D);
    }
}

heed_tensor *heed_mean(heed_tape *t, heed_tensor *x, heed_span span)
{
    const int64_t D = x->cols;
    if (span.start[span.B] != x->rows)
        return heed_tape_fail(t, HEED_E_SHAPE, "mean: [%lld,%lld]: rows must be those of the %lld sequences", (long long)x->rows, (long long)D,
                              (long long)span.B);
    heed_tensor *out = heed_tape_tensor(t, span.B, D);
    averaged *s = heed_tape_alloc(t, sizeof *s);
    if (heed_tape_failed(t)) return &t->poison;
    memset(out->x, 0, (size_t)(span.B * D) * sizeof *out->x);
    for (int64_t b = 0; b < span.B; b++) {
        const int64_t first = span.start[b], n = span.start[b + 1] - first;
        float *y = out->x + b * D;
        t->k->colsum(y, x->x + first * D, n, D);
        if (n > 0) t->k->scale(y, 1.0f / (float)n, y, D);
    }
    *s = (averaged){x, span};
    return heed_tape_wants(t, x->wants_grad) ? heed_tape_node(t, "mean", out, mean_back, s) : out;
}
