/* The k largest of a row: what the forms of kernel_top and kernel_rank share. */
#ifndef HEED_KERNELS_TOP_H
#define HEED_KERNELS_TOP_H

#include <math.h>

#include "kernels/kernels.h"

enum { HEED_PIECE = 2048 };   /* numbers: a sum of exponentials is that of sums of so many */

/* Lets place i of x in among the n best so far, of k > 0 at most, behind its equals; returns how many there are then. */
static inline int64_t heed_top_enter(int32_t *places, const float *x, int64_t i, int64_t n, int64_t k)
{
    if (x[i] != x[i] || (n == k && !(x[i] > x[places[n - 1]]))) return n;
    int64_t at = n < k ? n++ : k - 1;
    for (; at > 0 && x[i] > x[places[at - 1]]; at--) places[at] = places[at - 1];
    places[at] = (int32_t)i;
    return n;
}

/* ids, best: [k]. */
static inline heed_ranking heed_ranking_begin(int32_t *ids, float *best, int64_t k)
{
    return (heed_ranking){.most = -INFINITY, .k = k, .ids = ids, .best = best};
}

/* ln of the sum of e^x; as kernel_log_sum_exp. */
static inline float heed_ranking_norm(const heed_ranking *r)
{
    if (r->most == -INFINITY) return r->sum != r->sum ? r->sum : -INFINITY;
    return r->most + logf(r->sum);
}

static inline void heed_ranking_enter(heed_ranking *r, float x, int64_t id)
{
    if (x != x || (r->n == r->k && !(r->k && x > r->best[r->k - 1]))) return;
    int64_t at = r->n < r->k ? r->n++ : r->k - 1;
    for (; at > 0 && x > r->best[at - 1]; at--) {
        r->best[at] = r->best[at - 1];
        r->ids[at] = r->ids[at - 1];
    }
    r->best[at] = x;
    r->ids[at] = (int32_t)id;
}

/* What is near is above it, and the greatest itself is where it is a number; NaN where that is infinite above. */
static inline float heed_near_floor(const heed_nearing *r) { return nextafterf(r->most - (r->reach + r->share * fabsf(r->most)), -INFINITY); }

static inline void heed_near_settle(heed_nearing *r)
{
    const float floor = heed_near_floor(r);
    int64_t kept = 0;
    for (int64_t i = 0; i < r->n; i++) {
        if (!(r->values[i] > floor)) continue;
        r->ids[kept] = r->ids[i];
        r->values[kept++] = r->values[i];
    }
    r->n = kept;
}

static inline void heed_near_enter(heed_nearing *r, float x, int64_t id)
{
    if (r->n == r->room) heed_near_settle(r);
    if (r->n == r->room) {
        r->over = true;
        return;
    }
    r->ids[r->n] = (int32_t)id;
    r->values[r->n++] = x;
}

#endif
