/* Terms of the distance between a query and a key, as heed/attention.h takes them. */
#ifndef HEED_OPS_DISTANCE_H
#define HEED_OPS_DISTANCE_H

#include "heed/ops.h"

enum { HEED_DISTANCE_FURTHEST = 128 };       /* beyond it every key is in the last bucket */

bool heed_distance_fits(const heed_distance *x, int64_t heads);      /* the shape of weight */
/* BUCKETS' column of weight for a key so far ahead of the query. */
int64_t heed_distance_bucket(const heed_distance *x, int64_t ahead);

/* 2^(-8 (h+1)/H), of LINEAR [heads]. */
void heed_distance_slopes(float *slope, int64_t heads);
/* table [heads, 2 reach + 1], of BUCKETS: terms of keys that are reach behind .. reach ahead. */
void heed_distance_terms(const heed_distance *x, float *table, int64_t heads, int64_t reach);
/* And back: dweight [heads, buckets] += */
void heed_distance_terms_back(const heed_distance *x, const float *dtable, float *dweight, int64_t heads, int64_t reach);

#endif
