/* A unit of decoding: up to four queries on one head of the keys of one chunk. attention_decode.c cuts a call into units and joins what they give;
 * attention_decode.inc computes one in vectors, attention_decode_scalar.inc in plain C.
 *
 *   s_j = cap(times q.k_j) - slope |i-j| + relative(j-i),   most = max s_j,   sum = sum e^(s_j - most),   out = sum e^(s_j - most) v_j
 *
 * Every sum has an order that depends on the keys that are seen alone, so a query's bits are the same in a unit of one and of four. */
#ifndef HEED_KERNELS_ATTENTION_DECODE_H
#define HEED_KERNELS_ATTENTION_DECODE_H

#include "heed/attention.h"
#include "kernels/kernels.h"

enum { HEED_DECODE_CHUNK = 512, HEED_DECODE_QUERIES = 4, HEED_DECODE_RUNS = 2, HEED_DECODE_WIDEST = 1024 };

enum { HEED_DECODE_STEPS = 127 * 256 + 127 };      /* of the greatest |q| against int8 keys: two signed bytes hold as many */

/* The rows of one head. */
typedef struct heed_decode_rows {
    const char *x;                   /* row 0 */
    int64_t row;                     /* bytes from a row to the next */
    const float *scale;              /* HEED_INT8: of row 0 */
    int64_t scale_row;               /* floats from a row's to the next's */
    int64_t width;
} heed_decode_rows;

struct heed_decode_unit {
    heed_number type;
    heed_decode_rows k, v;
    const int64_t *at;               /* the row of key j is at[j]; NULL: j */
    int runs;                        /* of keys that all its queries see, in rising order; not more than a chunk together */
    int64_t first[HEED_DECODE_RUNS], count[HEED_DECODE_RUNS];
    const char *next;                /* keys of the unit after it, or NULL: a hint */
    int n;                           /* queries: 1, 2 or 4 */
    bool group;                      /* there are 4, as in every unit of the call: sums may have an order of their own */
    const float *q[HEED_DECODE_QUERIES];             /* rows of k.width */
    float times[HEED_DECODE_QUERIES];                /* q.k is multiplied by; for additive: s_j */
    bool half;                       /* q and what becomes of out have no more than bf16's accuracy */
    int64_t position[HEED_DECODE_QUERIES];
    float cap;                       /* 0: none */
    float slope[HEED_DECODE_QUERIES];
    const float *relative[HEED_DECODE_QUERIES];      /* [2 reach + 1] or NULL */
    int64_t reach;
    const float *additive[HEED_DECODE_QUERIES];      /* s_j = additive.tanh(q + k_j) instead; or NULL, for all of them */
    float place[HEED_DECODE_QUERIES], spread;        /* values are weighted by exp(-(j - place)^2 / (2 spread^2)) more; spread 0: they are not */
    float *out[HEED_DECODE_QUERIES];                 /* [v.width] */
    float most[HEED_DECODE_QUERIES], sum[HEED_DECODE_QUERIES];       /* results too */
};

/* Errors: HEED_E_SHAPE (attention_cache.c). */
heed_status heed_attention_cache_fits(const heed_attention_cache *c, heed_error *err);
/* With a table of one's own choice, for tests. */
heed_status heed_attention_decode_by(const heed_kernels *kernels, const heed_attention *a, const heed_attention_step *step, void *scratch, size_t bytes,
                                     heed_error *err);

#endif
