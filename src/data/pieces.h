/* Subword pieces: SentencePiece's BPE and unigram models, learnt from the texts that were counted and applied to code points, so that byte
 * offsets stay those of the text as given. Lower case and NFKC are ours (data/normal.h); the library's normaliser does nothing.
 *
 * White space of any kind is a space; a word begins with U+2581, which is printed as a space but for the first of a text. */
#ifndef HEED_DATA_PIECES_H
#define HEED_DATA_PIECES_H

#include "data/vocabulary.h"

typedef struct heed_pieces heed_pieces;

heed_pieces *heed_pieces_new(bool unigram);                            /* NULL: out of memory */
void heed_pieces_free(heed_pieces *p);
/* A text to learn from, unless it is longer than 131,072 characters or holds U+2585, which the library keeps to itself. Of more than 64 MiB of texts, for unigram 16, a
 * sample is learnt from (data/sample.h), since the library needs 6 and 26 bytes of memory for each of theirs; of text without spaces 70 and 38, so less of it is taken. False: out of memory. */
bool heed_pieces_count(heed_pieces *p, heed_tokens *codes);
/* At most `size` pieces, specials included; the others go to the vocabulary. The same texts give the same model. HEED_E_DATA: not from these
 * texts, and why. */
heed_status heed_pieces_learn(heed_pieces *p, bool unigram, int64_t size, heed_vocabulary *v, heed_error *err);
/* A model from elsewhere, checked first. HEED_E_MODEL: damaged, or not of the kind that was asked for. */
heed_status heed_pieces_read(heed_pieces *p, const char *path, bool unigram, heed_vocabulary *v, heed_error *err);
heed_status heed_pieces_parse(heed_pieces *p, const void *model, size_t size, const char *path, bool unigram, heed_vocabulary *v, heed_error *err);
heed_status heed_pieces_write(const heed_pieces *p, const char *path, heed_error *err);

/* Code points to pieces, in the place of the former. Offsets leave out white space at a piece's beginning. Takes memory for the call. */
heed_status heed_pieces_encode(const heed_pieces *p, heed_tokens *text, heed_error *err);
/* The same, drawn with noise: heed_text_draw(). v: of this model. Merges and splits are looked for within words, and within 256 characters where no space is. */
heed_status heed_pieces_draw(const heed_pieces *p, const heed_vocabulary *v, const heed_text_noise *noise, uint64_t key, heed_tokens *text, heed_error *err);
/* What a piece looks like in a text: appended to out; `first`: nothing was printed before it. Returns how many bytes are space at its beginning. */
size_t heed_pieces_print(const char *piece, bool first, heed_buf *out);

#endif
