/* The k largest of a row: what the forms of kernel_top share. */
#ifndef HEED_KERNELS_TOP_H
#define HEED_KERNELS_TOP_H

#include <stdint.h>

/* Lets place i of x in among the n best so far, of k > 0 at most, behind its equals; returns how many there are then. */
static inline int64_t heed_top_enter(int32_t *places, const float *x, int64_t i, int64_t n, int64_t k)
{
    if (x[i] != x[i] || (n == k && !(x[i] > x[places[n - 1]]))) return n;
    int64_t at = n < k ? n++ : k - 1;
    for (; at > 0 && x[i] > x[places[at - 1]]; at--) places[at] = places[at - 1];
    places[at] = (int32_t)i;
    return n;
}

#endif
