/* One head of one query, for attention_rows.c and attention_backward_rows.c: all its keys at once, in floats, with the kernels of job->kernels. */
#ifndef HEED_KERNELS_ATTENTION_ROW_H
#define HEED_KERNELS_ATTENTION_ROW_H

#include "kernels/attention.h"

enum { HEED_ATTENTION_HELD = 16 };          /* keys that are copied at a time, where each has to be changed before it is scored */

typedef struct heed_attention_row {
    const heed_attention_job *job;
    int64_t sequence, key_head, head, i;      /* i: the query's row in its sequence */
    int64_t position;
    heed_looking sees;
    const float *q;                           /* the query as it is multiplied: turned, and for cosine of length 1 */
    float *scores;                            /* of all keys that are seen, run after run */
    float *weights, *query, *turned;          /* query, turned: room for q */
    float *copies;                            /* [copied, d] room for keys that are shifted; copied: at the most HELD */
    int64_t copied;
} heed_attention_row;

/* position and sees, from sequence, head and i. */
void heed_attention_row_see(heed_attention_row *r);
/* q and scores. products (NULL: not wanted): what they were before the factor, the cap and the distance's terms; scale is in them. */
void heed_attention_row_score(heed_attention_row *r, float *products);
/* m: q with keys first .. first+n-1 of its sequence; shifted ones are copied, so n <= copied then. */
void heed_attention_row_meets(const heed_attention_row *r, int64_t first, int64_t n, heed_meeting *m);
/* What happens to weights after they were normalised: the Gaussian around a centre, dropout. */
void heed_attention_row_change(const heed_attention_row *r);

/* A value of the pair of query i and key j of the sequence, of which each head has one. */
static inline int64_t heed_attention_pair(const heed_attention_row *r, int64_t j)
{
    return (r->i * heed_attention_keys(r->job, r->sequence) + j) * r->job->H + r->head;
}

#endif
