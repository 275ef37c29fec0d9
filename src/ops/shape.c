/* Rows and columns moved about: rows (a view), concat, stack, gather. */
#include <string.h>

#include "heed/ops.h"
#include "tensor/tape.h"

heed_tensor *heed_rows(heed_tape *t, heed_tensor *x, int64_t first, int64_t n)
{
    if (first < 0 || n < 0 || first + n > x->rows)
        return heed_tape_fail(t, HEED_E_SHAPE, "rows: %lld rows from %lld of [%lld,%lld]", (long long)n, (long long)first, (long long)x->rows,
                              (long long)x->cols);
    if (first == 0 && n == x->rows) return x;
    heed_tensor *view = heed_tape_alloc(t, sizeof *view);
    if (!view) return &t->poison;
    *view = (heed_tensor){.x = x->x + first * x->cols, .rows = n, .cols = x->cols, .wants_grad = x->wants_grad, .base = x, .first = first};
    return view;
}

/* Both joins save their parts. */
typedef struct parts { int64_t count; heed_tensor *part[]; } parts;

static parts *keep_parts(heed_tape *t, heed_tensor *const *part, int64_t count, bool *wants)
{
    parts *s = heed_tape_alloc(t, sizeof *s + (size_t)count * sizeof(heed_tensor *));
    if (!s) return NULL;
    s->count = count;
    for (int64_t i = 0; i < count; i++) {
        s->part[i] = part[i];
        *wants = *wants || part[i]->wants_grad;
    }
    return s;
}

/* --- concat --------------------------------------------------------------------------------------------------------------------------- */

static void concat_back(heed_tape *t, heed_node *n)
{
    const parts *s = n->saved;
    const int64_t cols = n->out->cols;
    for (int64_t p = 0, at = 0; p < s->count; at += s->part[p]->cols, p++) {
        float *dx = heed_tape_grad(t, s->part[p]);
        const int64_t d = s->part[p]->cols;
        for (int64_t i = 0; dx && i < n->out->rows; i++) t->k->axpy(dx + i * d, 1, n->out->g + i * cols + at, d);
    }
}

heed_tensor *heed_concat(heed_tape *t, heed_tensor *const *part, int count)
{
    int64_t cols = 0;
    for (int i = 0; i < count; i++) {
        cols += part[i]->cols;
        if (part[i]->rows != part[0]->rows)
            return heed_tape_fail(t, HEED_E_SHAPE, "concat: %lld rows beside %lld", (long long)part[i]->rows, (long long)part[0]->rows);
    }
    bool wants = false;
    heed_tensor *out = heed_tape_tensor(t, part[0]->rows, cols);
    parts *s = keep_parts(t, part, count, &wants);
    if (heed_tape_failed(t)) return &t->poison;
    float *y = out->x;
    for (int64_t i = 0; i < out->rows; i++)
        for (int p = 0; p < count; y += part[p]->cols, p++) memcpy(y, part[p]->x + i * part[p]->cols, (size_t)part[p]->cols * sizeof *y);
    return heed_tape_wants(t, wants) ? heed_tape_node(t, "concat", out, concat_back, s) : out;
}

/* --- stack ---------------------------------------------------------------------------------------------------------------------------- */

static void stack_back(heed_tape *t, heed_node *n)
{
    const parts *s = n->saved;
    const float *dy = n->out->g;
    for (int64_t p = 0; p < s->count; p++) {
        const int64_t size = s->part[p]->rows * s->part[p]->cols;
        float *dx = heed_tape_grad(t, s->part[p]);
        if (dx) t->k->axpy(dx, 1, dy, size);
        dy += size;
    }
}

heed_tensor *heed_stack(heed_tape *t, heed_tensor *const *part, int64_t count)
{
    int64_t rows = 0;
    for (int64_t i = 0; i < count; i++) {
        rows += part[i]->rows;
        if (part[i]->cols != part[0]->cols)
            return heed_tape_fail(t, HEED_E_SHAPE, "stack: %lld columns above %lld", (long long)part[i]->cols, (long long)part[0]->cols);
    }
    bool wants = false;
    heed_tensor *out = heed_tape_tensor(t, rows, part[0]->cols);
    parts *s = keep_parts(t, part, count, &wants);
    if (heed_tape_failed(t)) return &t->poison;
    float *y = out->x;
    for (int64_t i = 0; i < count; i++) {
        memcpy(y, part[i]->x, (size_t)(part[i]->rows * part[i]->cols) * sizeof *y);
        y += part[i]->rows * part[i]->cols;
    }
    return heed_tape_wants(t, wants) ? heed_tape_node(t, "stack", out, stack_back, s) : out;
}

/* --- gather --------------------------------------------------------------------------------------------------------------------------- */

typedef struct gathered { heed_tensor *x; int64_t index[]; } gathered;

static void gather_back(heed_tape *t, heed_node *n)
{
    const gathered *s = n->saved;
    float *dx = heed_tape_grad(t, s->x);
    const int64_t d = n->out->cols;
    for (int64_t i = 0; dx && i < n->out->rows; i++) t->k->axpy(dx + s->index[i] * d, 1, n->out->g + i * d, d);
}

heed_tensor *heed_gather(heed_tape *t, heed_tensor *x, const int64_t *index, int64_t n)
{
    const int64_t d = x->cols;
    heed_tensor *out = heed_tape_tensor(t, n, d);
    gathered *s = heed_tape_alloc(t, sizeof *s + (size_t)n * sizeof *index);
    if (heed_tape_failed(t)) return &t->poison;
    s->x = x;
    for (int64_t i = 0; i < n; i++) {
        if (index[i] < 0 || index[i] >= x->rows)
            return heed_tape_fail(t, HEED_E_SHAPE, "gather: row %lld of [%lld,%lld]", (long long)index[i], (long long)x->rows, (long long)d);
        memcpy(out->x + i * d, x->x + index[i] * d, (size_t)d * sizeof *out->x);
        s->index[i] = index[i];
    }
    return heed_tape_wants(t, x->wants_grad) ? heed_tape_node(t, "gather", out, gather_back, s) : out;
}
