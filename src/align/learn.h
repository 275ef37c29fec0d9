/* Scratch of heed_lexicon_learn. For the files of this folder. */
#ifndef HEED_ALIGN_LEARN_H
#define HEED_ALIGN_LEARN_H

#include "align/stems.h"

typedef struct heed_sums {
    heed_count *target, *target_prior;   /* [target words] of the reverse direction */
    double *target_norm;                 /* [target words] */
    heed_count *stem;                    /* [target stems] of both directions */
    int64_t **by_stem;                   /* [threads][target stems], zeros between calls */
    int threads;
} heed_sums;

heed_sums *heed_sums_new(const heed_side side[2], const heed_stems *stems, int threads);   /* NULL: out of memory */
void heed_sums_free(heed_sums *s);

#endif
