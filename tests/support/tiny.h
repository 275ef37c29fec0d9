/* Untrained models over a handful of symbols: built as a training would, with weights large enough that outputs differ in length and symbols.
 *
 * source: characters a to e, q and the space, or words of them; target: symbols A to E, or characters. "z" is unknown on either side. */
#ifndef HEED_TESTS_SUPPORT_TINY_H
#define HEED_TESTS_SUPPORT_TINY_H

#include "model/model.h"

/* NULL and 0 stand for what the comment says. */
typedef struct tiny {
    const char *cell, *decoder_cell;       /* gru, gru */
    int layers, directions;                /* 1, 2; the decoder has as many layers */
    const char *attention;                 /* {score: additive} */
    const char *order;                     /* order: bahdanau */
    const char *encoder, *decoder;         /* more keys of either, "type: transformer, heads: 2"; they are 6 wide, and 6 a direction */
    const char *tie;                       /* none */
    const char *source_units, *target_units;    /* characters, symbols */
    const char *max_length;                /* [1, 6] */
    const char *decode;                    /* more keys of decode, ", beam: 4" */
    const char *train, *data;              /* more keys of the recipe, "train: {...}"; data: {train: none.tsv, max_length: 0} */
    double dropout;
} tiny;

/* Weights packed, ready to run; ends the program when it cannot. */
heed_model *tiny_build(const tiny *t);
/* Saves it below the scratch folder and frees it; the path. */
const char *tiny_save(heed_model *m, const char *name);

#endif
