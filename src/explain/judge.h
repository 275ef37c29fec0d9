/* Judges of lenses: what becomes of a symbol's probability when the source symbols that a lens calls important are taken away, and when nothing else is left.
 *
 *   comprehensiveness   p(y) - p(y without the first share of symbols), the mean over five shares     (DeYoung et al. 2020; higher is better)
 *   sufficiency         p(y) - p(y with that share alone), likewise                                    (lower is better)
 *
 * What is taken away leaves the text (those behind it move up), or, by a second judge, keeps its place and has the mean embedding of the vocabulary. Either way
 * the model reads what it was not taught on, so a figure means something only beside that of random orders under the same judge, and a lens that itself works
 * by taking away is not judged by its own way of doing so alone. */
#ifndef HEED_EXPLAIN_JUDGE_H
#define HEED_EXPLAIN_JUDGE_H

#include "explain/lens.h"

/* Shares of the source's symbols, </s> not counted: 0, 1, 5, 10, 20, 50, 100 %; of the inner ones at least one symbol. */
enum { HEED_SHARES = 7 };
extern const double heed_judge_share[HEED_SHARES];

/* An order in which symbols are taken away. */
typedef struct heed_order {
    const float *scores;      /* [T,S] of a lens: the highest first; NULL: a random order */
    bool reverse;             /* the lowest first */
    uint64_t seed;            /* of a random order, which is a function of it and the target symbol */
} heed_order;

/* Mean p over the judged target symbols, by share. */
typedef struct heed_judged {
    double deleted[HEED_SHARES];      /* without the first by the order: the deletion curve */
    double blanked[HEED_SHARES];      /* the first by the order are blanks: likewise, by the other judge */
    double kept[HEED_SHARES];         /* with the first by the order alone: the insertion curve */
} heed_judged;

/* rows [n]: the target symbols that are judged, of in->T. Cost: 15 forward passes an order and row at most, in batches. HEED_E_USAGE: a source of </s> alone;
 * errors of the probe; HEED_E_NOMEM. */
heed_status heed_judge(const heed_lens_input *in, const heed_order *orders, int count, const int64_t *rows, int64_t n, heed_judged *judged, heed_error *err);

/* Means over the five inner shares. */
double heed_comprehensiveness(const double curve[HEED_SHARES]);   /* of deleted or blanked */
double heed_sufficiency(const heed_judged *j);

#endif
