/* A pronouncing dictionary and the task the demo makes of it: say phrases of some words, phone by phone.
 *
 * The file is a TSV, plain or gzip: word TAB phones joined by spaces; the pronunciations of a word stand on lines that follow each other.
 * A word's split is the CRC-32 of its bytes modulo 20: 0 test, 1 validation, the others training, so it never depends on the file's order.
 * Letters are the words joined by one space; phones are joined by one space, with the symbol | between two words. */
#ifndef HEED_DATA_PHRASES_H
#define HEED_DATA_PHRASES_H

#include "base/buf.h"

typedef enum heed_split { HEED_SPLIT_TRAIN, HEED_SPLIT_VALID, HEED_SPLIT_TEST, HEED_SPLIT_COUNT } heed_split;

typedef struct heed_phrases heed_phrases;   /* const once open, may be shared by threads */

/* HEED_E_DATA: missing, damaged, not two columns, or a split without a word. */
heed_phrases *heed_phrases_open(const char *path, heed_error *err);
void heed_phrases_close(heed_phrases *p);                                        /* NULL is fine */
int64_t heed_phrases_words(const heed_phrases *p, heed_split split);             /* how many words */
const char *heed_phrases_word(const heed_phrases *p, heed_split split, int64_t i);
/* How many pronunciations word i has, and the k-th of them as listed, from 0. */
int64_t heed_phrases_variants(const heed_phrases *p, heed_split split, int64_t i);
const char *heed_phrases_variant(const heed_phrases *p, heed_split split, int64_t i, int64_t k);

/* Draws phrase `index` of `words` words, with replacement, each in its first pronunciation; appends. A pure function of its arguments.
 * Failure of memory shows in the buffers. */
void heed_phrases_draw(const heed_phrases *p, heed_split split, int64_t words, uint64_t key, uint64_t index, heed_buf *letters, heed_buf *phones);

/* TSV of letters and phones, replaced as a whole. Phrases of 1 to max_words training words, `words` words in all, as many in phrases of
 * one length as of another. */
heed_status heed_phrases_write_training(const heed_phrases *p, const char *path, int64_t words, int64_t max_words, uint64_t seed,
                                        heed_error *err);
/* `count` phrases of `words` words each, of any split. */
heed_status heed_phrases_write_phrases(const heed_phrases *p, const char *path, heed_split split, int64_t words, int64_t count, uint64_t seed,
                                       heed_error *err);
/* Single words. every: a line for every pronunciation (to train on), else the first alone (to test with). references: NULL, or a file for
 * word TAB pronunciation TAB pronunciation ..., a line for each word in the same order: the word is right if any of them matches. */
heed_status heed_phrases_write_words(const heed_phrases *p, const char *path, const char *references, heed_split split, bool every,
                                     heed_error *err);

#endif
