/* What a decoder remembers of its own steps: a row a hypothesis and step in each of some slabs (keys, values, inputs of a convolution), written once and never
 * moved. Hypotheses share their beginnings: each is a path of row numbers, and choosing among them reorders paths only. Everything lives on the tape. */
#ifndef HEED_ATTN_HISTORY_H
#define HEED_ATTN_HISTORY_H

#include "attn/score.h"

typedef struct heed_history {
    int slabs;
    heed_tensor **slab;         /* [slabs] of [capacity,width]; the first `rows` rows are written or about to be */
    int64_t rows, capacity;
    int64_t n, moments;         /* hypotheses, and the steps of each, the one under way included */
    int64_t *path;              /* [n,moments] a row of the slabs: step i of hypothesis b at b * moments + i; as key_row of heed_gaze */
    heed_span span;             /* of path: a sequence for each hypothesis */
    int64_t *spare, *start, room, most;     /* the other paths, span's own; row numbers and hypotheses that they can hold */
} heed_history;

/* n hypotheses with nothing behind them. width [slabs]. rows: of each slab that will probably be written, 0: not known. False here and below: the tape has failed. */
bool heed_history_start(heed_tape *t, heed_history *h, const int64_t *width, int slabs, int64_t n, int64_t rows);
/* One step more: a row for each hypothesis, at the end of its path; every slab has room for it, so what follows takes no memory. path and span are valid until
 * the next call, slabs as long as the tape. */
bool heed_history_step(heed_tape *t, heed_history *h);
/* Writes x [n,width], the hypotheses' rows of the step under way; returns the slab. */
heed_tensor *heed_history_write(heed_tape *t, heed_history *h, int slab, const heed_tensor *x);
/* Keeps these hypotheses, in this order, repeats allowed. */
bool heed_history_select(heed_tape *t, heed_history *h, const int64_t *rows, int64_t n);

#endif
