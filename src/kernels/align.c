/* Which keys each alignment sees, and its way from scores to weights and back: kernels/align.h. */
#include "kernels/align.h"

#include <math.h>
#include <string.h>

enum { NEWTON_STEPS = 40 };

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
bool heed_align_sees_one_run(heed_align align) { return rows[align].sight != HEED_SIGHT_blocks; }
bool heed_align_sees_all(heed_align align) { return rows[align].sight == HEED_SIGHT_everything; }

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

/* p = n sigmoid(u); whole keys within w of it. A u that is NaN sees nothing. */
static void see_around(heed_looking *l, int64_t w, int64_t n, float u)
{
    l->place = (float)n / (1 + expf(-u));
    l->width = (float)w / 2;
    if (l->place >= 0) see(l, (int64_t)ceilf(l->place - (float)w), (int64_t)floorf(l->place + (float)w) + 1, n);
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
            if (!(s[j] <= tau)) sum += s[j], left++;
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
    heed_align_again(k, normal, w, s, n, saved);
    return saved;
}

/* A score that is NaN gives a weight that is, under each but `hard`. */
void heed_align_again(const heed_kernels *k, heed_weighing normal, float *w, const float *s, int64_t n, float saved)
{
    if (normal == HEED_WEIGHING_softmax) {
        k->softmax(w, s, n);   /* all scores are at hand, and the same bits as the first time are worth more than one pass less */
        return;
    }
    for (int64_t j = 0; j < n; j++) {
        const float x = normal == HEED_WEIGHING_entmax ? s[j] / 2 - saved : s[j] - saved;
        if (normal == HEED_WEIGHING_hard) w[j] = (float)j == saved;
        else if (x <= 0) w[j] = 0;
        else w[j] = normal == HEED_WEIGHING_entmax ? x * x : x;
    }
}

/* w (dw - w.dw) */
static void softmax_back(const heed_kernels *k, float *ds, const float *w, const float *dw, int64_t n)
{
    const float mean = k->dot(w, dw, n);
    for (int64_t j = 0; j < n; j++) ds[j] = w[j] * (dw[j] - mean);
}

/* r (dw - r.dw / sum r): r is 1 over the support for sparsemax, sqrt(w) for entmax. */
static void sparse_back(float *ds, const float *w, const float *dw, int64_t n, bool root)
{
    double share = 0, all = 0;
    for (int64_t j = 0; j < n; j++) {
        const double r = root ? sqrt(w[j]) : w[j] > 0;
        share += r * dw[j];
        all += r;
    }
    const double mean = all > 0 ? share / all : 0;
    for (int64_t j = 0; j < n; j++) ds[j] = (float)((root ? sqrt(w[j]) : w[j] > 0) * (dw[j] - mean));
}

void heed_align_back(const heed_kernels *k, heed_weighing normal, float *ds, const float *w, const float *dw, int64_t n)
{
    switch (normal) {
    case HEED_WEIGHING_softmax: softmax_back(k, ds, w, dw, n); break;
    case HEED_WEIGHING_sparsemax: sparse_back(ds, w, dw, n, false); break;
    case HEED_WEIGHING_entmax: sparse_back(ds, w, dw, n, true); break;
    case HEED_WEIGHING_hard: memset(ds, 0, (size_t)n * sizeof *ds); break;
    }
}
