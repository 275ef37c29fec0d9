/* The door to SentencePiece: plain C on this side, C++ on the other (pieces_shim.cc). No exception comes through it, and the library is told
 * to be silent. Only data/pieces.c includes this. */
#ifndef HEED_DATA_PIECES_SHIM_H
#define HEED_DATA_PIECES_SHIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct heed_spm heed_spm;

enum { HEED_SPM_WHY = 256 };   /* bytes of a complaint, the zero included; "" when memory ran out */

typedef void heed_spm_take(void *self, int32_t id, size_t start, size_t end);

/* Learns pieces from lines, each ended by \n. The model's bytes, to be given back with free(); NULL on failure, with why. The same lines and
 * numbers give the same bytes. */
char *heed_spm_train(const char *lines, size_t size, bool unigram, int64_t pieces, size_t *model_size, char why[HEED_SPM_WHY]);
/* A model that heed_pieces_check() has accepted; the library was not written for others. NULL on failure. Const: any thread may encode. */
heed_spm *heed_spm_open(const char *model, size_t size, char why[HEED_SPM_WHY]);
void heed_spm_close(heed_spm *m);
float heed_spm_score(const heed_spm *m, int32_t id);   /* of a piece: ln p of unigram, an order of merges of bpe */
/* Calls take for each piece of a text in order, with bytes [start,end) of the text. False on failure. */
bool heed_spm_encode(const heed_spm *m, const char *text, size_t size, heed_spm_take *take, void *self, char why[HEED_SPM_WHY]);

#ifdef __cplusplus
}
#endif

#endif
