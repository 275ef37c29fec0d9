/* What the words of two texts translate to, in both directions: a table of the pairs of words that stand in some pair of texts together. Counts are whole
 * numbers of HEED_COUNT_ONE-ths, so that their sums are the same in any order of adding. For the files of this folder. */
#ifndef HEED_ALIGN_LEXICON_H
#define HEED_ALIGN_LEXICON_H

#include <stdatomic.h>

#include "align/spelling.h"
#include "data/vocabulary.h"

#define HEED_COUNT_ONE 1073741824.0   /* 2^30: room for 2^33 words */
typedef _Atomic int64_t heed_count;
static inline void heed_count_add(heed_count *c, double x) { atomic_fetch_add_explicit(c, (int64_t)(x * HEED_COUNT_ONE + 0.5), memory_order_relaxed); }
static inline double heed_count_get(const heed_count *c) { return (double)atomic_load_explicit(c, memory_order_relaxed) / HEED_COUNT_ONE; }

/* One side of all texts as numbers of words: those of text i are word[start[i]] to word[start[i + 1] - 1]. */
typedef struct heed_side {
    heed_vocabulary words;
    int32_t *word;
    int64_t *start, texts, texts_room, room;
} heed_side;

/* What is believed of a pair of words before it was counted, in counts (Dirichlet; means by variational Bayes, Riley and Gildea 2012). each 0: nothing, and
 * plain maximum likelihood. */
typedef struct heed_prior {
    double each;        /* every pair that stands together */
    double spelling;    /* the power of the odds, learnt from all pairs as much alike, by which `each` is multiplied */
    double stem;        /* in all for a word: what words that begin like it translate to */
    double empty;       /* every word, of coming from nowhere */
} heed_prior;

typedef struct heed_lexicon {
    int64_t *row;                  /* [source words + 1]: pairs of source word s are row[s] to row[s + 1] - 1 */
    int32_t *target;               /* [pairs], in order within a row */
    uint8_t *alike;                /* [pairs], align/spelling.h */
    float *given[2];               /* [pairs] p(target | source), p(source | target) */
    heed_count *count[2];          /* [pairs] */
    bool agreed;                   /* count[0] is that of both directions */
    float *empty[2];               /* [target words], [source words] p(word | nowhere) */
    heed_count *empty_count[2];
    struct heed_stems *stems;      /* align/stems.h */
    heed_count chance[HEED_LIKENESSES];   /* by likeness: what is counted when all words of a text are as probable */
    struct heed_sums *sums;        /* scratch of learning */
} heed_lexicon;

/* All pairs as probable. threads: of heed_lexicon_learn. HEED_E_NOMEM. */
heed_status heed_lexicon_begin(heed_lexicon *l, const heed_side side[2], int threads, heed_error *err);
void heed_lexicon_free(heed_lexicon *l);
int64_t heed_lexicon_find(const heed_lexicon *l, int32_t source, int32_t target);   /* of words that stand together somewhere */
void heed_lexicon_clear(heed_lexicon *l, const heed_side side[2]);                  /* counts to zero */
void heed_lexicon_learn(heed_lexicon *l, const heed_side side[2], const heed_prior *prior, int threads);   /* probabilities from counts */

#endif
