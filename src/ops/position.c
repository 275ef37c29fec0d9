/* Where a row stands in its sequence: sinusoid is added to embeddings, rotate turns queries and keys. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "heed/ops.h"
#include "tensor/tape.h"

/* --- waves: sines and cosines of the positions a span has ----------------------------------------------------------------------------- */

enum { STRIDE = 16, LEAST_KEPT = 32, MOST_KEPT = 1024 };   /* positions */

typedef struct wave { double sine, cosine; } wave;

static wave wave_of(double angle) { return (wave){sin(angle), cos(angle)}; }

static wave wave_sum(wave a, wave b) { return (wave){a.sine * b.cosine + a.cosine * b.sine, a.cosine * b.cosine - a.sine * b.sine}; }

static int64_t longest_of(heed_span span)
{
    int64_t most = 0;
    for (int64_t b = 0; b < span.B; b++)
        if (span.start[b + 1] - span.start[b] > most) most = span.start[b + 1] - span.start[b];
    return most;
}

/* A row a position from first to first + rows - 1: the sines, then the cosines of position / 10000^(i/last), i < half. They are taken
 * from the functions at every 16th position and turned on from there, which is as exact in double and depends on the position alone. */
static void fill_waves(float *table, int64_t first, int64_t rows, int64_t half, int64_t last)
{
    for (int64_t i = 0; i < half; i++) {
        const double rate = pow(10000, -(double)i / (double)(last > 0 ? last : 1));
        const wave one = wave_of(rate);
        wave w = {0, 1};
        for (int64_t position = first - first % STRIDE; position < first + rows; position++) {
            w = position % STRIDE ? wave_sum(w, one) : wave_of((double)position * rate);
            if (position < first) continue;
            float *row = table + (position - first) * 2 * half + i;
            row[0] = (float)w.sine;
            row[half] = (float)w.cosine;
        }
    }
}

/* The tape's table of this shape with so many rows at least; NULL: it keeps none, or memory is out. */
static const float *kept_waves(heed_tape *t, int64_t rows, int64_t half, int64_t last)
{
    heed_waves *w = t->waves;
    while (w < t->waves + HEED_WAVES && w->table && (w->half != half || w->last != last)) w++;
    if (w == t->waves + HEED_WAVES || rows > MOST_KEPT) return NULL;
    if (w->table && w->rows >= rows) return w->table;
    const int64_t more = rows < 2 * w->rows ? 2 * w->rows : rows < LEAST_KEPT ? LEAST_KEPT : rows;
    float *table = malloc((size_t)(more * 2 * half + 1) * sizeof *table);
    if (!table) return NULL;
    free(w->table);
    fill_waves(table, 0, more, half, last);
    *w = (heed_waves){half, last, more, table};
    return table;
}

/* Those of the positions from `first` on, for the longest sequence. */
static const float *waves(heed_tape *t, heed_span span, int64_t first, int64_t half, int64_t last)
{
    const int64_t rows = longest_of(span);
    const float *kept = t->record ? NULL : kept_waves(t, first + rows, half, last);   /* one that grows moves, and the way back needs it where it was */
    if (kept) return kept + first * 2 * half;
    float *table = heed_tape_alloc(t, (size_t)(rows * 2 * half) * sizeof *table);
    if (table) fill_waves(table, first, rows, half, last);
    return table;
}

/* --- sinusoid ------------------------------------------------------------------------------------------------------------------------- */

typedef struct scaled { heed_tensor *x; float factor; } scaled;

static void sinusoid_back(heed_tape *t, heed_node *n)
{
    const scaled *s = n->saved;
    float *dx = heed_tape_grad(t, s->x);
    if (dx) t->k->axpy(dx, s->factor, n->out->g, n->out->rows * n->out->cols);
}

heed_tensor *heed_sinusoid(heed_tape *t, heed_tensor *x, float scale, heed_span span, int64_t position)
{
    const int64_t D = x->cols;
    if (D % 2 || position < 0 || span.start[span.B] != x->rows)
        return heed_tape_fail(t, HEED_E_SHAPE, "sinusoid: [%lld,%lld] with %lld sequences: columns must be even and rows those of the sequences",
                              (long long)x->rows, (long long)D, (long long)span.B);
    heed_tensor *out = heed_tape_tensor(t, x->rows, D);
    const float *table = heed_tape_failed(t) ? NULL : waves(t, span, position, D / 2, D / 2 - 1);
    scaled *s = heed_tape_alloc(t, sizeof *s);
    if (heed_tape_failed(t)) return &t->poison;
    for (int64_t b = 0; b < span.B; b++) {
        const int64_t first = span.start[b], n = span.start[b + 1] - first;
        memcpy(out->x + first * D, table, (size_t)(n * D) * sizeof *table);
        t->k->axpy(out->x + first * D, scale, x->x + first * D, n * D);
    }
    *s = (scaled){x, scale};
    return heed_tape_wants(t, x->wants_grad) ? heed_tape_node(t, "sinusoid", out, sinusoid_back, s) : out;
}

/* --- rotate --------------------------------------------------------------------------------------------------------------------------- */

typedef struct turned { heed_tensor *x; heed_span span; int64_t heads; const float *table; } turned;

typedef void turn(float *y, const float *x, const float *table, int64_t heads, int64_t half);

static void turn_rows(const turned *s, turn *kernel, float *y, const float *x)
{
    const int64_t D = s->x->cols, d = D / s->heads;
    for (int64_t b = 0; b < s->span.B; b++)
        for (int64_t r = s->span.start[b]; r < s->span.start[b + 1]; r++)
            kernel(y + r * D, x + r * D, s->table + (r - s->span.start[b]) * d, s->heads, d / 2);
}

static void rotate_back(heed_tape *t, heed_node *n)
{
    const turned *s = n->saved;
    float *dx = heed_tape_grad(t, s->x);
    if (dx) turn_rows(s, t->k->rotate_back, dx, n->out->g);
}

heed_tensor *heed_rotate(heed_tape *t, heed_tensor *x, int64_t heads, heed_span span, int64_t position)
{
    if (heads < 1 || x->cols % (2 * heads) || position < 0 || span.start[span.B] != x->rows)
        return heed_tape_fail(t, HEED_E_SHAPE, "rotate: [%lld,%lld] with %lld heads and %lld sequences: a head must be even and rows those of the sequences",
                              (long long)x->rows, (long long)x->cols, (long long)heads, (long long)span.B);
    const int64_t half = x->cols / heads / 2;
    heed_tensor *out = heed_tape_tensor(t, x->rows, x->cols);
    turned *s = heed_tape_alloc(t, sizeof *s);
    const float *table = heed_tape_failed(t) ? NULL : waves(t, span, position, half, half);
    if (heed_tape_failed(t)) return &t->poison;
    *s = (turned){x, span, heads, table};
    turn_rows(s, t->k->rotate, out->x, x->x);
    return heed_tape_wants(t, x->wants_grad) ? heed_tape_node(t, "rotate", out, rotate_back, s) : out;
}
