/* Inside a heed_text: for text.c and text_json.c only. */
#ifndef HEED_DATA_TEXT_STATE_H
#define HEED_DATA_TEXT_STATE_H

#include "data/joints.h"
#include "data/pieces.h"
#include "data/vocabulary.h"

struct heed_text {
    heed_text_settings settings;
    heed_vocabulary vocabulary;   /* number + HEED_SPECIALS is the symbol */
    heed_tokens codes;            /* scratch of counting */
    heed_joints *joints;          /* of words; NULL for other units */
    heed_pieces *pieces;          /* of pieces; NULL for other units */
    bool seen;                    /* of pieces: some text was counted */
    bool finished;                /* const from here on */
};

const char *heed_unit_names(void);   /* "characters, symbols, words, pieces" */
/* The next symbol in code[n]: returns how many code points to skip before it and sets its size, 0 when none is left.
 * Not of pieces, which their model cuts. */
int64_t heed_unit_cut(heed_unit u, const heed_token *code, int64_t n, int64_t *size);

#endif
