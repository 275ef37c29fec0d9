/* Edits of words where moving a run of words is one edit too: what TER counts (Snover et al. 2006). */
#ifndef HEED_METRIC_SHIFTS_H
#define HEED_METRIC_SHIFTS_H

#include "base/codes.h"

typedef struct heed_shifts {
    heed_codes words, moved, best;          /* the hypothesis after the moves so far, a candidate for the next, the best of them */
    heed_codes table, row[2];               /* costs in the beam: of words against the reference, of a candidate */
    heed_codes where, wrong, wrong_reference;   /* of each reference word the place in words; is a word edited, of words and of the reference */
} heed_shifts;                              /* {0}; keeps its memory from call to call */

void heed_shifts_free(heed_shifts *s);
/* The edits that turn hypothesis into reference, found as tercom and sacreBLEU find them, so that figures agree: greedily the best move first, of at
 * most 10 words over at most 50 places; distances in a beam of 25 around the diagonal; after 1,000 candidates no further move. A reference without
 * words takes as many edits as the hypothesis has words. HEED_E_NOMEM; HEED_E_LIMIT: lines of hundreds of thousands of words, which would take minutes. */
heed_status heed_shifts_count(heed_shifts *s, const heed_codes *hypothesis, const heed_codes *reference, int64_t *edits, heed_error *err);

#endif
