/* Error rates: edits (insertions, deletions, substitutions) over the length of the references. Shared by wer and cer. */
#ifndef HEED_METRIC_RATE_H
#define HEED_METRIC_RATE_H

#include "metric/intern.h"

typedef struct heed_rate {
    heed_codes row;           /* scratch */
} heed_rate;

enum { HEED_RATE_EDITS, HEED_RATE_LENGTH, HEED_RATE_SUMS };     /* what is counted of a line */

/* The least number of edits between a and b. HEED_E_NOMEM, or HEED_E_LIMIT when two very long lines are so different that it would take
 * long. Cost: length times distance. */
heed_status heed_rate_distance(heed_rate *r, const heed_codes *a, const heed_codes *b, int64_t *edits, heed_error *err);
/* Counts a sentence. Of several references the one with the fewest edits counts, the longer of two that are equal. stride: bytes from one
 * reference to the next. */
heed_status heed_rate_add(heed_rate *r, const heed_codes *hypothesis, const heed_codes *reference, size_t stride, int count, double sums[HEED_RATE_SUMS],
                          heed_error *err);
double heed_rate_value(const double sums[HEED_RATE_SUMS]);    /* in percent; over references without length: 0 without edits, else 100 */

#endif
