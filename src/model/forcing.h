/* Teacher forcing in the order of time: the rows of one moment lie together, and since a batch stands longest target first, those still alive are
 * the first of them. What a recurrent decoder's forward pass walks over. */
#ifndef HEED_MODEL_FORCING_H
#define HEED_MODEL_FORCING_H

#include "data/batch.h"
#include "heed/tensor.h"

typedef struct heed_forcing {
    int64_t N, T;               /* rows, moments */
    int64_t *first, *alive;     /* [T] of each moment: its first row, and how many */
    int32_t *before, *targets;  /* [N] the symbol before (<s> at first) and the one to be found */
    uint64_t *keys;             /* [N] of the target's positions, for dropout */
} heed_forcing;

/* False: the tape has failed (out of memory, or the batch is not sorted). */
bool heed_forcing_lay(heed_forcing *f, heed_tape *t, const heed_side *target);

#endif
