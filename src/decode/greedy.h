/* Greedy search and forced decoding, over two functions of whoever holds the model. Finished rows leave at once. */
#ifndef HEED_DECODE_GREEDY_H
#define HEED_DECODE_GREEDY_H

#include "heed/base.h"

typedef struct heed_search {
    void *self;
    int64_t V;
    int32_t first, last;                                     /* <s> and </s> */
    /* Logits [n,V] of the step that follows `before` [n]; NULL: failed, and self knows why. Valid until the next call. */
    float *(*logits)(void *self, const int32_t *before, int64_t n);
    /* Keeps these rows, in this order; false: failed. */
    bool (*select)(void *self, const int64_t *rows, int64_t n);
} heed_search;

typedef struct heed_hypothesis {
    int32_t *ids;             /* [limit] caller's room; </s> included */
    float *logp;              /* [limit] */
    int64_t n, limit;
    const int32_t *forced;    /* [limit] the symbols to take instead of the best; NULL: free */
    double score;             /* sum of logp */
    bool ended;               /* with </s>, not by the limit */
} heed_hypothesis;

/* B rows, their memories numbered as the rows. False: a callback failed or memory ran out. */
bool heed_greedy(const heed_search *s, heed_hypothesis *h, int64_t B);

#endif
