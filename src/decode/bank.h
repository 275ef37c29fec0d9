/* Which continuations of constrained hypotheses are kept: dynamic beam allocation (Post and Vilar 2018). A bank holds the hypotheses that have taken so many
 * steps to what must appear; each has an equal share of the beam, the last, which has taken all, what is left over; and what a bank does not need
 * falls to the likeliest of all. */
#ifndef HEED_DECODE_BANK_H
#define HEED_DECODE_BANK_H

#include "heed/base.h"

/* A continuation of row `row`. */
typedef struct heed_candidate {
    double sum;
    int64_t row, bank;
    int32_t id;
    float logp, logit;
    bool kept;
} heed_candidate;

/* Sorts by sum (equals by row, then logit, then number) and marks those that are kept, `room` at most; bank: 0 .. banks-1. taken: [banks] scratch. */
void heed_bank_choose(heed_candidate *c, int64_t count, int64_t banks, int64_t room, int64_t *taken);

#endif
