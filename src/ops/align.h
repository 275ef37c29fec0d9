/* What attend knows of alignments: which keys a query sees, and how scores over them become weights and back. */
#ifndef HEED_OPS_ALIGN_H
#define HEED_OPS_ALIGN_H

#include "heed/ops.h"
#include "kernels/kernels.h"

/* The keys that one query sees: one run or two, in rising order. */
typedef struct heed_looking {
    int64_t first[2], count[2];
    int runs;
    int64_t seen;                   /* all counts together */
    float place, width;             /* HEED_SIGHT_centre: p, and the deviation of its Gaussian, w/2 */
} heed_looking;

/* u: for HEED_SIGHT_centre, see heed_attend_args. */
heed_looking heed_looking_of(heed_align align, int64_t window, int64_t position, int64_t n, float u);

heed_weighing heed_align_weighing(heed_align align);
bool heed_align_has_centre(heed_align align);
bool heed_align_sees_one_run(heed_align align);
bool heed_align_sees_all(heed_align align);

/* Weights w [n] of scores s [n] (w may be s), n > 0; returns what is to be saved of them. */
float heed_align_weights(const heed_kernels *k, heed_weighing normal, float *w, const float *s, int64_t n);
/* The same again, n >= 0; from what was saved where that says enough. */
void heed_align_again(const heed_kernels *k, heed_weighing normal, float *w, const float *s, int64_t n, float saved);
/* ds from the gradient dw of weights w; ds may be dw. */
void heed_align_back(const heed_kernels *k, heed_weighing normal, float *ds, const float *w, const float *dw, int64_t n);

/* The Gaussian of local-p on keys first .. first+n-1. */
void heed_centre_factors(const heed_looking *l, float *g, int64_t first, int64_t n);

/* Adds the distance's term to s [n], the scores of keys first .. first+n-1. */
void heed_distance_add(const heed_distance *x, float *s, int64_t position, int64_t first, int64_t n, int64_t head, int64_t heads);
/* -2^(-8 (h+1)/H), LINEAR's term a key; BUCKETS' column of weight for a key so far ahead of the query. */
float heed_distance_slope(int64_t head, int64_t heads);
int64_t heed_distance_bucket(const heed_distance *x, int64_t ahead);
bool heed_distance_fits(const heed_distance *x, int64_t heads);   /* the shape of weight */
/* And back: dweight [H, buckets] += */
void heed_distance_back(const heed_distance *x, const float *ds, float *dweight, int64_t position, int64_t first, int64_t n, int64_t head);

#endif
