/* A product with a weight of which each row wants some columns alone, those of its list: what a shortlist leaves of the output layer. The weight's rows that are on any
 * list are packed once and multiplied by many steps. A number's bits depend on its row and column alone, not on what other lists hold. */
#ifndef HEED_OPS_AMONG_H
#define HEED_OPS_AMONG_H

#include "kernels/gemm.h"
#include "heed/tensor.h"

typedef struct heed_among {
    int64_t columns, depth;       /* of the product; the width of its rows */
    int32_t *ids;                 /* [count] rows of the weight that are on a list, rising */
    int64_t count, widest;        /* of all lists; of the longest */
    int64_t *start;               /* [lists+1] */
    int32_t *place;               /* [start[lists]] of each list the places in ids, rising */
    heed_pack *pack;
    float *bias;
} heed_among;

/* marks: [lists, words] bits, id % 64 of id / 64; bits from the weight's rows on are clear. weight has floats. In the tape's arena but for the pack: heed_among_free(),
 * also after the tape has failed, which it tells. */
void heed_among_init(heed_among *a, heed_tape *t, const heed_tensor *weight, const heed_tensor *bias, const uint64_t *marks, int64_t lists, int64_t words);
void heed_among_free(heed_among *a);

/* x w^T + bias; list [rows]: of each row, NULL: its own number. Without gradients. Columns that are not on the list are -inf. *norm: [rows] ln of the sum of e^y, the
 * bits that heed_among_rank() gives. */
heed_tensor *heed_among_linear(heed_tape *t, const heed_among *a, heed_tensor *x, const int64_t *list, const float **norm);
/* The k greatest of each row, of which a list may have less; as heed_linear_rank(). */
heed_ranked heed_among_rank(heed_tape *t, const heed_among *a, heed_tensor *x, const int64_t *list, int64_t k);

#endif
