/* What attention weighed, and other weights: explain/looks.h. */
#include "explain/looks.h"

#include <math.h>
#include <string.h>

#include "base/rng.h"

int64_t heed_looks_count(const heed_probe *p, int64_t T, int64_t S)
{
    int layers, heads;
    heed_probe_heads(p, HEED_SITE_CROSS, &layers, &heads);
    return layers * heads * T * S;
}

bool heed_looks_make(heed_arena *arena, const heed_probe *p, int64_t T, int64_t S, bool seen, heed_looks *l)
{
    const size_t count = (size_t)heed_looks_count(p, T, S);
    *l = (heed_looks){.T = T, .S = S, .weights = heed_arena_zero(arena, count * sizeof *l->weights + 1),
                      .seen = seen ? heed_arena_zero(arena, count * sizeof *l->seen + 1) : NULL, .order = heed_arena_alloc(arena, (size_t)S * sizeof *l->order)};
    heed_probe_heads(p, HEED_SITE_CROSS, &l->layers, &l->heads);
    return l->weights && l->order && (l->seen || !seen);
}

static int64_t row_at(const heed_looks *l, int layer, int head, int64_t t) { return ((layer * l->heads + head) * l->T + t) * l->S; }

/* --- recorded ---------------------------------------------------------------------------------------------------------------------------------- */

typedef struct recording { heed_looks *looks; float *weights, *scores; bool other_keys; } recording;

/* Weights are asked for, as they are where they are changed, so that they have these bits. */
static bool wants_cross(void *self, heed_site site, int layer)
{
    (void)self, (void)layer;
    return site == HEED_SITE_CROSS;
}

static bool keep_row(void *self, const heed_aim *aim, float *weights)
{
    recording *r = self;
    heed_looks *l = r->looks;
    if (aim->keys != l->S) r->other_keys = true;
    else memcpy(l->weights + row_at(l, aim->layer, aim->head, aim->row), weights, (size_t)l->S * sizeof *weights);
    return false;
}

/* A key that cannot be seen has no score, while one that can may weigh nothing. */
static void keep_seen(void *self, const heed_sighting *s)
{
    recording *r = self;
    heed_looks *l = r->looks;
    if (s->site != HEED_SITE_CROSS || s->keys != l->S) return;
    for (int64_t i = 0; i < s->rows; i++)
        for (int h = 0; h < l->heads; h++) {
            bool *seen = l->seen + row_at(l, s->layer, h, s->first + i);
            heed_attend_weights(s->attended, s->group, s->row + i, h, r->weights, r->scores);
            for (int64_t j = 0; j < l->S; j++) seen[j] = r->scores[j] > -INFINITY;
        }
}

heed_status heed_looks_record(heed_probe *p, const heed_variant *v, heed_looks *l, heed_error *err)
{
    heed_arena *room = heed_arena_new(0);
    recording r = {.looks = l, .weights = room ? heed_arena_alloc(room, (size_t)l->S * sizeof *r.weights) : NULL};
    r.scores = r.weights ? heed_arena_alloc(room, (size_t)l->S * sizeof *r.scores) : NULL;
    heed_status status = r.scores ? HEED_OK : heed_fail(err, HEED_E_NOMEM, "out of memory for the weights of a pair");
    if (!status) {
        const heed_meddler keep = {&r, wants_cross, keep_row};
        const heed_observer watch = {&r, keep_seen};
        const heed_meddler *meddler = heed_probe_meddle(p, &keep);
        const heed_observer *observer = heed_probe_observe(p, &watch);
        status = heed_probe_run(p, v, 1, err);
        heed_probe_meddle(p, meddler);
        heed_probe_observe(p, observer);
    }
    heed_arena_free(room);
    return !status && r.other_keys ? heed_fail(err, HEED_E_USAGE, "the keys of this model's attention are not the symbols of its source") : status;
}

/* --- made ---------------------------------------------------------------------------------------------------------------------------------------- */

/* Which keys a row sees: their number, in l->order. */
static int64_t seen_by(const heed_looks *own, int64_t at, const heed_looks *to)
{
    int64_t n = 0;
    for (int64_t j = 0; j < own->S; j++)
        if (own->seen[at + j]) to->order[n++] = j;
    return n;
}

void heed_looks_permute(const heed_looks *own, uint64_t key, heed_looks *to)
{
    for (int layer = 0; layer < own->layers; layer++)
        for (int head = 0; head < own->heads; head++)
            for (int64_t t = 0; t < own->T; t++) {
                const int64_t at = row_at(own, layer, head, t), n = seen_by(own, at, to);
                const uint64_t row_key = heed_key(heed_key(heed_key(key, (uint64_t)layer), (uint64_t)head), (uint64_t)t);
                float *row = to->weights + at;
                memcpy(row, own->weights + at, (size_t)own->S * sizeof *row);
                for (int64_t i = n - 1; i > 0; i--) {
                    const int64_t a = to->order[i], b = to->order[heed_below(row_key, (uint64_t)i, (uint64_t)i + 1)];
                    const float x = row[a];
                    row[a] = row[b];
                    row[b] = x;
                }
            }
}

void heed_looks_level(const heed_looks *own, heed_looks *to)
{
    const int64_t rows = own->layers * own->heads * own->T;
    for (int64_t row = 0; row < rows; row++) {
        const int64_t at = row * own->S, n = seen_by(own, at, to);
        for (int64_t j = 0; j < own->S; j++) to->weights[at + j] = own->seen[at + j] ? 1 / (float)n : 0;
    }
}

/* --- imposed ------------------------------------------------------------------------------------------------------------------------------------- */

static bool impose(void *self, const heed_aim *aim, float *weights)
{
    const heed_looks *l = (const heed_looks *)self + aim->variant;
    const float *row = l->weights + row_at(l, aim->layer, aim->head, aim->row);
    const size_t size = (size_t)aim->keys * sizeof *row;
    if (memcmp(weights, row, size) == 0) return false;
    memcpy(weights, row, size);
    return true;
}

heed_meddler heed_looks_imposed(const heed_looks *looks) { return (heed_meddler){(void *)looks, wants_cross, impose}; }

/* --- how far they are apart ---------------------------------------------------------------------------------------------------------------------- */

static double sum_of(const float *x, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += (double)x[i];
    return sum;
}

static double term(double p, double mean) { return p > 0 ? p * log(p / mean) : 0; }

static double of_row(const float *a, const float *b, int64_t n)
{
    const double whole_a = sum_of(a, n), whole_b = sum_of(b, n);
    double sum = 0;
    if (whole_a <= 0 || whole_b <= 0) return 0;
    for (int64_t i = 0; i < n; i++) {
        const double p = (double)a[i] / whole_a, q = (double)b[i] / whole_b;
        sum += term(p, (p + q) / 2) + term(q, (p + q) / 2);
    }
    return sum / 2;
}

double heed_looks_divergence(const heed_looks *a, const heed_looks *b)
{
    const int64_t looks = a->layers * a->heads;
    double sum = 0;
    for (int64_t row = 0; row < looks * a->T; row++) sum += of_row(a->weights + row * a->S, b->weights + row * a->S, a->S);
    return sum / (double)looks;
}
