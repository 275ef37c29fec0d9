#include "ops/align.h"

#include <math.h>
#include <stdlib.h>

enum { NEWTON_STEPS = 40, FURTHEST = 128 };

typedef struct row { heed_sight sight; heed_weighing normal; } row;

static const row rows[HEED_ALIGN_COUNT] = {
#define HEED_ALIGN(name, sight, normal, meaning, paper) {HEED_SIGHT_##sight, HEED_WEIGHING_##normal},
#include "heed/aligns.def"
#undef HEED_ALIGN
};

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

heed_weighing heed_align_weighing(heed_align align) { return rows[align].normal; }
bool heed_align_has_centre(heed_align align) { return rows[align].sight == HEED_SIGHT_centre; }

/* --- which keys -------------------------------------------------------------------------------------------------------------------------- */

static void see(heed_looking *l, int64_t from, int64_t to, int64_t n)
{
    from = most(0, from);
    to = least(n, to);
    if (to <= from) return;
    l->first[l->runs] = from;
    l->count[l->runs++] = to - from;
    l->seen += to - from;
}

/* p = n sigmoid(u); whole keys within w of it. */
static void see_around(heed_looking *l, int64_t w, int64_t n, float u)
{
    l->place = (float)n / (1 + expf(-u));
    l->width = (float)w / 2;
    see(l, (int64_t)ceilf(l->place - (float)w), (int64_t)floorf(l->place + (float)w) + 1, n);
}

static void see_blocks(heed_looking *l, int64_t w, int64_t i, int64_t n)
{
    const int64_t from = (i / w - 1) * w, to = (i / w + 2) * w;
    if (from > w) see(l, 0, w, n);
    see(l, from > w ? from : 0, to, n);
}

heed_looking heed_looking_of(heed_align align, int64_t window, int64_t position, int64_t n, float u)
{
    heed_looking l = {.runs = 0};
    switch (rows[align].sight) {
    case HEED_SIGHT_everything: see(&l, 0, n, n); break;
    case HEED_SIGHT_causal: see(&l, 0, position + 1, n); break;
    case HEED_SIGHT_window: see(&l, position - window, position + window + 1, n); break;
    case HEED_SIGHT_causal_window: see(&l, position - window, position + 1, n); break;
    case HEED_SIGHT_centre: see_around(&l, window, n, u); break;
    case HEED_SIGHT_blocks: see_blocks(&l, most(1, window), position, n); break;
    }
    return l;
}

void heed_centre_factors(const heed_looking *l, float *g, int64_t first, int64_t n)
{
    for (int64_t j = 0; j < n; j++) {
        const float x = l->width > 0 ? ((float)(first + j) - l->place) / l->width : 0;
        g[j] = expf(-0.5F * x * x);
    }
}

/* --- scores to weights ------------------------------------------------------------------------------------------------------------------- */

static float greatest(const float *s, int64_t n)
{
    float x = s[0];
    for (int64_t j = 1; j < n; j++) x = s[j] > x ? s[j] : x;
    return x;
}

/* sum of (s - tau)+ = 1, solved exactly: whoever is not above the mean threshold of the rest leaves, until nobody does (Michelot 1986). */
static float sparsemax_threshold(const float *s, int64_t n)
{
    double tau = -INFINITY;
    for (int64_t left = n + 1, before = 0; left != before;) {
        double sum = 0;
        before = left;
        left = 0;
        for (int64_t j = 0; j < n; j++)
            if (s[j] > tau) sum += s[j], left++;
        if (!left) break;
        tau = (sum - 1) / (double)left;
    }
    return (float)tau;
}

/* sum of ((s/2 - tau)+)^2 = 1: convex and falling in tau, so Newton's steps from the left never overshoot. */
static float entmax_threshold(const float *s, int64_t n)
{
    double tau = greatest(s, n) / 2.0 - 1;
    for (int i = 0; i < NEWTON_STEPS; i++) {
        double f = -1, slope = 0;
        for (int64_t j = 0; j < n; j++) {
            const double x = s[j] / 2.0 - tau;
            if (x > 0) f += x * x, slope += 2 * x;
        }
        const double next = tau + f / slope;
        if (!(next > tau)) break;
        tau = next;
    }
    return (float)tau;
}

float heed_align_weights(const heed_kernels *k, heed_weighing normal, float *w, const float *s, int64_t n)
{
    float saved = 0;
    switch (normal) {
    case HEED_WEIGHING_softmax: return k->softmax(w, s, n);
    case HEED_WEIGHING_sparsemax: saved = sparsemax_threshold(s, n); break;
    case HEED_WEIGHING_entmax: saved = entmax_threshold(s, n); break;
    case HEED_WEIGHING_hard: saved = (float)k->arg_max(s, n); break;
    }
    heed_align_again(normal, w, s, n, saved);
    return saved;
}

void heed_align_again(heed_weighing normal, float *w, const float *s, int64_t n, float saved)
{
    for (int64_t j = 0; j < n; j++) {
        const float x = normal == HEED_WEIGHING_entmax ? s[j] / 2 - saved : s[j] - saved;
        switch (normal) {
        case HEED_WEIGHING_softmax: w[j] = expf(x); break;
        case HEED_WEIGHING_sparsemax: w[j] = x > 0 ? x : 0; break;
        case HEED_WEIGHING_entmax: w[j] = x > 0 ? x * x : 0; break;
        case HEED_WEIGHING_hard: w[j] = (float)j == saved; break;
        }
    }
}

/* softmax: w (dw - w.dw); sparsemax: dw - its mean over the support; entmax: r (dw - r.dw / sum r), r = sqrt(w) */
void heed_align_back(heed_weighing normal, float *ds, const float *w, const float *dw, int64_t n)
{
    double share = 0, all = 0;
    for (int64_t j = 0; j < n; j++) {
        const double r = normal == HEED_WEIGHING_softmax ? w[j] : normal == HEED_WEIGHING_entmax ? sqrt(w[j]) : w[j] > 0;
        share += r * dw[j];
        all += r;
    }
    const double mean = normal == HEED_WEIGHING_softmax ? share : all > 0 ? share / all : 0;
    for (int64_t j = 0; j < n; j++) {
        const double r = normal == HEED_WEIGHING_softmax ? w[j] : normal == HEED_WEIGHING_entmax ? sqrt(w[j]) : normal == HEED_WEIGHING_sparsemax ? w[j] > 0 : 0;
        ds[j] = (float)(r * (dw[j] - mean));
    }
}

/* --- distances ----------------------------------------------------------------------------------------------------------------------------- */

/* T5: half the buckets hold one distance each, the rest ever wider ranges up to FURTHEST. ahead: how far the key is ahead of the query. */
static int64_t bucket_of(int64_t ahead, int64_t buckets, bool both)
{
    int64_t base = 0, far = ahead < 0 ? -ahead : 0;
    if (both) {
        buckets /= 2;
        base = ahead > 0 ? buckets : 0;
        far = ahead < 0 ? -ahead : ahead;
    }
    const int64_t exact = buckets / 2;
    if (far < exact) return base + far;
    const double log_range = log((double)far / (double)exact) / log((double)FURTHEST / (double)exact);
    return base + least(buckets - 1, exact + (int64_t)(log_range * (double)(buckets - exact)));
}

void heed_distance_add(const heed_distance *x, float *s, int64_t position, int64_t first, int64_t n, int64_t head, int64_t heads)
{
    if (x->kind == HEED_DISTANCE_LINEAR) {
        const float slope = exp2f(-8 * (float)(head + 1) / (float)heads);
        for (int64_t j = 0; j < n; j++) s[j] -= slope * (float)llabs((long long)(position - first - j));
    }
    if (x->kind == HEED_DISTANCE_BUCKETS) {
        const float *weight = x->weight->x + head * x->weight->cols;
        for (int64_t j = 0; j < n; j++) s[j] += weight[bucket_of(first + j - position, x->weight->cols, x->both)];
    }
}

void heed_distance_back(const heed_distance *x, const float *ds, float *dweight, int64_t position, int64_t first, int64_t n, int64_t head)
{
    float *d = dweight + head * x->weight->cols;
    for (int64_t j = 0; j < n; j++) d[bucket_of(first + j - position, x->weight->cols, x->both)] += ds[j];
}
