#include "ops/distance.h"

#include <math.h>

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

static int64_t one_way(const heed_distance *x) { return x->both ? x->weight->cols / 2 : x->weight->cols; }

bool heed_distance_fits(const heed_distance *x, int64_t heads)
{
    if (x->kind != HEED_DISTANCE_BUCKETS) return true;
    return x->weight && x->weight->rows == heads && one_way(x) >= 2 && one_way(x) < 2 * HEED_DISTANCE_FURTHEST && !(x->both && x->weight->cols % 2);
}

/* T5: half the buckets hold one distance each, the rest ever wider ranges up to HEED_DISTANCE_FURTHEST. A distance at which a range begins belongs to it, however its
 * logarithm is rounded. */
int64_t heed_distance_bucket(const heed_distance *x, int64_t ahead)
{
    const int64_t buckets = one_way(x), exact = buckets / 2, base = x->both && ahead > 0 ? buckets : 0;
    const int64_t far = ahead < 0 ? -ahead : x->both ? ahead : 0;
    if (far < exact) return base + far;
    const double range = log((double)far / (double)exact) / log((double)HEED_DISTANCE_FURTHEST / (double)exact) * (double)(buckets - exact);
    return base + least(buckets - 1, exact + (int64_t)(range + 1e-9));
}

void heed_distance_slopes(float *slope, int64_t heads)
{
    for (int64_t h = 0; h < heads; h++) slope[h] = exp2f(-8 * (float)(h + 1) / (float)heads);
}

void heed_distance_terms(const heed_distance *x, float *table, int64_t heads, int64_t reach)
{
    const int64_t wide = 2 * reach + 1;
    for (int64_t i = 0; i < wide; i++) {
        const float *term = x->weight->x + heed_distance_bucket(x, i - reach);
        for (int64_t h = 0; h < heads; h++) table[h * wide + i] = term[h * x->weight->cols];
    }
}

void heed_distance_terms_back(const heed_distance *x, const float *dtable, float *dweight, int64_t heads, int64_t reach)
{
    const int64_t wide = 2 * reach + 1;
    for (int64_t i = 0; i < wide; i++) {
        float *term = dweight + heed_distance_bucket(x, i - reach);
        for (int64_t h = 0; h < heads; h++) term[h * x->weight->cols] += dtable[h * wide + i];
    }
}
