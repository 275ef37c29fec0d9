/* The inside of heed_files_align(): pairs of lines, the links of one direction or of two, what they count. */
#ifndef HEED_API_ALIGN_H
#define HEED_API_ALIGN_H

#include "api/pairs.h"

/* Directions: both joined (or the only one), forward, reverse. */
enum { HEED_ALIGN_JOINED, HEED_ALIGN_FORWARD, HEED_ALIGN_REVERSE, HEED_ALIGN_KINDS };

typedef struct heed_aligning {
    heed_pairs pairs;
    heed_symmetry how;
    double agreement;                  /* of two models, where it is above 0, instead: the least geometric mean of both weights */
    heed_link_counts counts[HEED_ALIGN_KINDS];
    int64_t lines;                     /* scored */
    bool joined;
} heed_aligning;

/* Gives output i of the reply the links of pair i, source - target: of one direction (the other NULL) or of both joined, as `agreed` has them
 * where it is not NULL; and counts them where there is gold.
 * HEED_E_DATA: the gold links; HEED_E_NOMEM. */
heed_status heed_align_pair(heed_aligning *a, int64_t i, const heed_links *forward, const heed_links *reverse, const heed_links *agreed, heed_reply *r, heed_error *err);
/* Hands a finished round to the caller. HEED_E_STOPPED. */
heed_status heed_align_answer(const heed_aligning *a, const heed_reply *r, heed_error *err);

/* By the built-in aligner: learns from the files, then links them. */
heed_status heed_align_by_statistics(heed_aligning *a, heed_error *err);

#endif
