/* Lines to learn from, as many as fit into a number of bytes: each with the same chance, whatever their number, and always the same of the same lines. As long as all
 * fit, all are kept; then about half of them at random, and so on (a line belongs to the sample while a number drawn for its place is below the share). Bytes in runs
 * of more than 48 without a space can be made to weigh more: each run is a word of its own to who learns from it. */
#ifndef HEED_DATA_SAMPLE_H
#define HEED_DATA_SAMPLE_H

#include "base/buf.h"

typedef struct heed_sample {
    size_t most;              /* of the weight */
    double run_weight;        /* of a byte in a long run without a space; all others weigh 1 */
    heed_buf lines;           /* each ends with \n, in the order offered */
    heed_buf places;          /* uint64_t each: the place of a line among those offered */
    double weight;            /* of the lines, and where the last of them begins */
    size_t last;
    uint64_t offered;
    int halvings;             /* the share is 2 ^ -halvings */
} heed_sample;                /* {.most = ..., .run_weight = ...} is empty */

bool heed_sample_offer(heed_sample *s);           /* one more line: does it belong to the sample as things stand? Then append its text to s->lines and ... */
bool heed_sample_keep(heed_sample *s);            /* ... end the line. false: out of memory */
void heed_sample_free(heed_sample *s);            /* gives the memory back */

#endif
