/* Element by element and row by row: add, tanh, unit_rows, dropout, residual, scale. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "heed/ops.h"
#include "tensor/tape.h"

static inline int64_t size_of(const heed_tensor *x) { return x->rows * x->cols; }

/* --- add ------------------------------------------------------------------------------------------------------------------------------ */

typedef struct pair { heed_tensor *a, *b; } pair;

static void add_back(heed_tape *t, heed_node *n)
{
    const pair *s = n->saved;
    float *da = heed_tape_grad(t, s->a), *db = heed_tape_grad(t, s->b);
    if (da) t->k->axpy(da, 1, n->out->g, size_of(n->out));
    if (db) t->k->axpy(db, 1, n->out->g, size_of(n->out));
}

heed_tensor *heed_add(heed_tape *t, heed_tensor *a, heed_tensor *b)
{
    if (a->rows != b->rows || a->cols != b->cols)
        return heed_tape_fail(t, HEED_E_SHAPE, "add: [%lld,%lld] + [%lld,%lld]: shapes differ", (long long)a->rows, (long long)a->cols,
                              (long long)b->rows, (long long)b->cols);
    heed_tensor *out = heed_tape_tensor(t, a->rows, a->cols);
    if (heed_tape_failed(t)) return out;
    t->k->add(out->x, a->x, b->x, size_of(a));
    if (!heed_tape_wants(t, a->wants_grad || b->wants_grad)) return out;
    pair *s = heed_tape_alloc(t, sizeof *s);
    if (!s) return &t->poison;
    *s = (pair){a, b};
    return heed_tape_node(t, "add", out, add_back, s);
}

/* --- tanh ----------------------------------------------------------------------------------------------------------------------------- */

static void tanh_back(heed_tape *t, heed_node *n)
{
    float *dx = heed_tape_grad(t, n->saved);
    if (dx) t->k->tanh_back(dx, n->out->g, n->out->x, size_of(n->out));
}

heed_tensor *heed_tanh(heed_tape *t, heed_tensor *x)
{
    heed_tensor *out = heed_tape_tensor(t, x->rows, x->cols);
    if (heed_tape_failed(t)) return out;
    t->k->tanh(out->x, x->x, size_of(x));
    return heed_tape_wants(t, x->wants_grad) ? heed_tape_node(t, "tanh", out, tanh_back, x) : out;
}

/* --- unit_rows ------------------------------------------------------------------------------------------------------------------------ */

typedef struct unit { heed_tensor *x; float *inverse; int64_t heads; } unit;

/* y = x / |x|, so dx = (dy - (dy . y) y) / |x| */
static void unit_rows_back(heed_tape *t, heed_node *n)
{
    const unit *s = n->saved;
    float *dx = heed_tape_grad(t, s->x);
    const int64_t d = n->out->cols / s->heads;
    for (int64_t i = 0; dx && i < n->out->rows * s->heads; i++) {
        const float *y = n->out->x + i * d, *dy = n->out->g + i * d;
        t->k->axpy(dx + i * d, s->inverse[i], dy, d);
        t->k->axpy(dx + i * d, -s->inverse[i] * t->k->dot(dy, y, d), y, d);
    }
}

heed_tensor *heed_unit_rows(heed_tape *t, heed_tensor *x, int64_t heads)
{
    if (heads < 1 || x->cols % heads)
        return heed_tape_fail(t, HEED_E_SHAPE, "unit_rows: %lld heads do not divide %lld columns", (long long)heads, (long long)x->cols);
    const int64_t d = x->cols / heads, count = x->rows * heads;
    heed_tensor *out = heed_tape_tensor(t, x->rows, x->cols);
    unit *s = heed_tape_alloc(t, sizeof *s);
    float *inverse = heed_tape_alloc(t, (size_t)count * sizeof *inverse);
    if (heed_tape_failed(t)) return &t->poison;
    for (int64_t i = 0; i < count; i++) {
        double length = sqrt(t->k->sum_squares(x->x + i * d, d));
        inverse[i] = length >= FLT_MIN ? (float)(1 / length) : 0;   /* shorter ones have no float inverse */
        t->k->scale(out->x + i * d, inverse[i], x->x + i * d, d);
    }
    *s = (unit){x, inverse, heads};
    return heed_tape_wants(t, x->wants_grad) ? heed_tape_node(t, "unit_rows", out, unit_rows_back, s) : out;
}

/* --- dropout -------------------------------------------------------------------------------------------------------------------------- */

typedef struct mask { heed_tensor *x; const uint64_t *keys; uint64_t site; float p; } mask;

static void dropout_back(heed_tape *t, heed_node *n)
{
    const mask *s = n->saved;
    const int64_t rows = n->out->rows, cols = n->out->cols;
    float *taken = heed_tape_grad_take(t, s->x, n->out), *dx = taken ? NULL : heed_tape_grad(t, s->x);
    if (taken) t->k->dropout(taken, taken, s->keys, s->site, s->p, rows, cols);
    if (dx) t->k->dropout_back(dx, n->out->g, s->keys, s->site, s->p, rows, cols);
}

heed_tensor *heed_dropout(heed_tape *t, heed_tensor *x, const uint64_t *keys, uint64_t site, double p)
{
    if (!t->train || p <= 0) return x;
    heed_tensor *out = heed_tape_tensor(t, x->rows, x->cols);
    mask *s = heed_tape_alloc(t, sizeof *s);
    if (heed_tape_failed(t)) return &t->poison;
    *s = (mask){x, keys, heed_key(t->key, site), (float)p};
    t->k->dropout(out->x, x->x, keys, s->site, s->p, x->rows, x->cols);
    return heed_tape_wants(t, x->wants_grad) ? heed_tape_node(t, "dropout", out, dropout_back, s) : out;
}

/* --- residual ------------------------------------------------------------------------------------------------------------------------- */

typedef struct added { heed_tensor *base; mask dropped; } added;

static void residual_back(heed_tape *t, heed_node *n)
{
    const added *s = n->saved;
    const mask *m = &s->dropped;
    float *dbase = heed_tape_grad(t, s->base), *dx = heed_tape_grad(t, m->x);
    if (dbase) t->k->axpy(dbase, 1, n->out->g, size_of(n->out));
    if (dx) t->k->dropout_back(dx, n->out->g, m->keys, m->site, m->p, n->out->rows, n->out->cols);
}

heed_tensor *heed_residual(heed_tape *t, heed_tensor *base, heed_tensor *x, const uint64_t *keys, uint64_t site, double p)
{
    if (!t->train || p <= 0) return heed_add(t, base, x);
    if (base->rows != x->rows || base->cols != x->cols)
        return heed_tape_fail(t, HEED_E_SHAPE, "residual: [%lld,%lld] + [%lld,%lld]: shapes differ", (long long)base->rows, (long long)base->cols,
                              (long long)x->rows, (long long)x->cols);
    heed_tensor *out = heed_tape_tensor(t, x->rows, x->cols);
    added *s = heed_tape_alloc(t, sizeof *s);
    if (heed_tape_failed(t)) return &t->poison;
    *s = (added){base, {x, keys, heed_key(t->key, site), (float)p}};
    t->k->residual(out->x, base->x, x->x, keys, s->dropped.site, s->dropped.p, x->rows, x->cols);
    return heed_tape_wants(t, base->wants_grad || x->wants_grad) ? heed_tape_node(t, "residual", out, residual_back, s) : out;
}

/* --- scale ---------------------------------------------------------------------------------------------------------------------------- */

typedef struct scaled { heed_tensor *x; float factor; } scaled;

static void scale_back(heed_tape *t, heed_node *n)
{
    const scaled *s = n->saved;
    float *dx = heed_tape_grad(t, s->x);
    if (dx) t->k->axpy(dx, s->factor, n->out->g, size_of(n->out));
}

heed_tensor *heed_scale(heed_tape *t, heed_tensor *x, float factor)
{
    heed_tensor *out = heed_tape_tensor(t, x->rows, x->cols);
    scaled *s = heed_tape_alloc(t, sizeof *s);
    if (heed_tape_failed(t)) return &t->poison;
    t->k->scale(out->x, factor, x->x, size_of(x));
    *s = (scaled){x, factor};
    return heed_tape_wants(t, x->wants_grad) ? heed_tape_node(t, "scale", out, scale_back, s) : out;
}
