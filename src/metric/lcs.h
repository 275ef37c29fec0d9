/* The longest common subsequence of two lines of numbers, many columns of its table at a time.
 *
 * One line is indexed, others are held against it. A row of the table is kept as the columns at which it rises, one bit each, and is made of the row
 * above by one addition (Hyyro, Bit-parallel LCS-length computation revisited, 2004). Cost: a row and 64 columns take a few instructions; memory: what
 * the indexed line has, twelve bytes a number and eight for its commonest, and for a path 1/4 of a byte a column for the square root of the rows. */
#ifndef HEED_METRIC_LCS_H
#define HEED_METRIC_LCS_H

#include "base/codes.h"

typedef struct heed_lcs {
    heed_codes columns, before;     /* the indexed line; of each column the nearest on its left with the same number, from 1, 0: none */
    struct heed_lcs_symbol { int32_t last, count, mask; } *symbol;   /* [symbols] of each number: its last column from 1, how many, its mask from 1 */
    int64_t symbols;
    uint64_t *mask;                 /* [masks, words]: the first is of the number in `shown`, others of numbers too common to be looked up again */
    int64_t words, room;
    int32_t shown;
    uint64_t *rows;                 /* scratch of a path */
    int64_t rows_room;
} heed_lcs;                         /* {0} is empty */

void heed_lcs_free(heed_lcs *l);
/* n > 0, and numbers below `symbols`, here as in what is held against it. false: out of memory. */
bool heed_lcs_index(heed_lcs *l, const int32_t *x, int64_t n, int64_t symbols);
/* How long it is. false: out of memory. */
bool heed_lcs_length(heed_lcs *l, const int32_t *y, int64_t n, int64_t *length);
/* Sets on[i] where y[i] is part of one longest common subsequence, leaves the others: of several the one that rouge-score finds, which goes from the
 * ends to the left in the indexed line where that is longer than going to the left in y. Cost: four times that of the length. */
bool heed_lcs_path(heed_lcs *l, const int32_t *y, int64_t n, bool *on);

#endif
