/* A SentencePiece model, read by ourselves before the library sees it: it may come from a stranger, and the library ends the process on much of
 * what it does not expect.
 *
 * Accepted is what heed itself trains, and nothing else: bpe or unigram; piece 0 <unk>, 1 <s>, 2 </s>, the others ordinary; the identity
 * normaliser; no byte pieces, no self-test. */
#ifndef HEED_DATA_PIECES_CHECK_H
#define HEED_DATA_PIECES_CHECK_H

#include "heed/base.h"

enum { HEED_PIECES_MOST = 1000000, HEED_PIECE_BYTES = 512, HEED_PIECES_FILE = 64 << 20 };

/* An ordinary piece, from number 3 on, in order; `text` is UTF-8 of 1 to HEED_PIECE_BYTES bytes, without a zero byte anywhere. */
typedef heed_status heed_piece_take(void *self, int64_t number, const char *text, size_t size, heed_error *err);

/* HEED_E_MODEL names path and what is wrong; what take returns is returned. unigram: what kind it is. */
heed_status heed_pieces_check(const void *model, size_t size, const char *path, bool *unigram, heed_piece_take *take, void *self, heed_error *err);

#endif
