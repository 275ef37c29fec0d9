/* Alignments: which keys a query sees, and how scores over them become weights and back. */
#ifndef HEED_KERNELS_ALIGN_H
#define HEED_KERNELS_ALIGN_H

#include "heed/attention.h"
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

#endif
