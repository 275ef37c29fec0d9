/* Inside a heed_pieces: for pieces.c and pieces_draw.c only. */
#ifndef HEED_DATA_PIECES_STATE_H
#define HEED_DATA_PIECES_STATE_H

#include "data/pieces.h"
#include "data/pieces_shim.h"
#include "data/sample.h"

struct heed_pieces {
    heed_sample sample;      /* to learn from */
    heed_buf model;          /* as it lies in its file */
    heed_spm *spm;
    bool unigram;
    float *score, least;     /* by number in the vocabulary; the lowest of them */
    int64_t longest;         /* characters of a piece */
};

#endif
