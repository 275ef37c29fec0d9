/* What attend knows of alignments (kernels/align.h) and of distances between a query and a key. */
#ifndef HEED_OPS_ALIGN_H
#define HEED_OPS_ALIGN_H

#include "heed/ops.h"
#include "kernels/align.h"

/* Adds the distance's term to s [n], the scores of keys first .. first+n-1. */
void heed_distance_add(const heed_distance *x, float *s, int64_t position, int64_t first, int64_t n, int64_t head, int64_t heads);
/* -2^(-8 (h+1)/H), LINEAR's term a key; BUCKETS' column of weight for a key so far ahead of the query. */
float heed_distance_slope(int64_t head, int64_t heads);
int64_t heed_distance_bucket(const heed_distance *x, int64_t ahead);
bool heed_distance_fits(const heed_distance *x, int64_t heads);   /* the shape of weight */
/* And back: dweight [H, buckets] += */
void heed_distance_back(const heed_distance *x, const float *ds, float *dweight, int64_t position, int64_t first, int64_t n, int64_t head);

#endif
