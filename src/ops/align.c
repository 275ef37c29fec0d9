#include "ops/align.h"

#include <math.h>
#include <stdlib.h>

enum { FURTHEST = 128 };

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

/* --- distances ----------------------------------------------------------------------------------------------------------------------------- */

float heed_distance_slope(int64_t head, int64_t heads) { return -exp2f(-8 * (float)(head + 1) / (float)heads); }

static int64_t one_way(const heed_distance *x) { return x->both ? x->weight->cols / 2 : x->weight->cols; }

bool heed_distance_fits(const heed_distance *x, int64_t heads)
{
    if (x->kind != HEED_DISTANCE_BUCKETS) return true;
    return x->weight && x->weight->rows == heads && one_way(x) >= 2 && one_way(x) < 2 * FURTHEST && !(x->both && x->weight->cols % 2);
}

/* T5: half the buckets hold one distance each, the rest ever wider ranges up to FURTHEST. A distance at which a range begins belongs to it, however its
 * logarithm is rounded. */
int64_t heed_distance_bucket(const heed_distance *x, int64_t ahead)
{
    const int64_t buckets = one_way(x), exact = buckets / 2, base = x->both && ahead > 0 ? buckets : 0;
    const int64_t far = ahead < 0 ? -ahead : x->both ? ahead : 0;
    if (far < exact) return base + far;
    const double range = log((double)far / (double)exact) / log((double)FURTHEST / (double)exact) * (double)(buckets - exact);
    return base + least(buckets - 1, exact + (int64_t)(range + 1e-9));
}

void heed_distance_add(const heed_distance *x, float *s, int64_t position, int64_t first, int64_t n, int64_t head, int64_t heads)
{
    if (x->kind == HEED_DISTANCE_LINEAR) {
        const float slope = heed_distance_slope(head, heads);
        for (int64_t j = 0; j < n; j++) s[j] += slope * (float)llabs((long long)(position - first - j));
    }
    if (x->kind == HEED_DISTANCE_BUCKETS) {
        const float *weight = x->weight->x + head * x->weight->cols;
        for (int64_t j = 0; j < n; j++) s[j] += weight[heed_distance_bucket(x, first + j - position)];
    }
}

void heed_distance_back(const heed_distance *x, const float *ds, float *dweight, int64_t position, int64_t first, int64_t n, int64_t head)
{
    float *d = dweight + head * x->weight->cols;
    for (int64_t j = 0; j < n; j++) d[heed_distance_bucket(x, first + j - position)] += ds[j];
}
