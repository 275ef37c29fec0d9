/* Which elements dropout keeps: a function of the row's key, the site and the column, the same on every machine. */
#ifndef HEED_KERNELS_DROPOUT_H
#define HEED_KERNELS_DROPOUT_H

#include "base/rng.h"

/* An element is kept when its bits reach the threshold; the kept ones grow by `scale`, so that the mean stays. 0 <= p < 1. */
typedef struct heed_drop {
    uint32_t threshold;
    float scale;
} heed_drop;

static inline heed_drop heed_drop_of(float p) { return (heed_drop){(uint32_t)((double)p * 0x1p32), 1.0f / (1.0f - p)}; }

/* The seed of one row; its halves enter before and between the two rounds of mixing, so that no row is another one shifted. */
static inline uint64_t heed_drop_row(uint64_t row_key, uint64_t site) { return heed_key(row_key, site); }

/* The same for the weights of the query at position i under one head; the column is the key's number in its sequence. */
static inline uint64_t heed_drop_query(uint64_t seed, uint64_t record, int64_t head, int64_t i)
{
    return heed_key(heed_key(heed_key(seed, record), (uint64_t)head), (uint64_t)i);
}

/* The mixing of 32-bit lanes, written once for uint32_t and for vectors of it (multipliers of Wellons' lowbias32). */
#define HEED_DROP_BITS(column, low, high, h) \
    ((h) = (column) * 0x9E3779B9u + (low), (h) ^= (h) >> 16, (h) *= 0x7FEB352Du, (h) ^= (h) >> 15, (h) ^= (high), (h) *= 0x846CA68Bu, \
     (h) ^= (h) >> 16)

#endif
