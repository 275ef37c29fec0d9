/* Words that begin alike: the first four letters stand for the word, so that what is known of one form helps the others. */
#ifndef HEED_ALIGN_STEMS_H
#define HEED_ALIGN_STEMS_H

#include "align/lexicon.h"

typedef struct heed_stems {
    int32_t *of[2];          /* [words] of either side: the number of the stem */
    int64_t count[2];
    double *share[2];        /* [words]: how much of its stem's words are this one */
    int64_t *first;          /* [source stems + 1]: words of source stem s are member[first[s]] to member[first[s + 1] - 1] */
    int32_t *member;         /* [source words] */
} heed_stems;

heed_stems *heed_stems_new(const heed_side side[2]);   /* NULL: out of memory */
void heed_stems_free(heed_stems *s);

#endif
