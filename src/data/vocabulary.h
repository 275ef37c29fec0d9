/* Symbols by number and numbers by symbol: a hash table over runs of code points. Numbers are dense, in the order of adding. */
#ifndef HEED_DATA_VOCABULARY_H
#define HEED_DATA_VOCABULARY_H

#include "data/text.h"

typedef struct heed_symbol {
    size_t at;          /* of its UTF-8 in the pool, followed by a zero byte */
    uint32_t size, hash;
    int64_t count;      /* how often it was seen */
} heed_symbol;

typedef struct heed_vocabulary {
    heed_symbol *item;
    int64_t count, capacity;
    int32_t *slot;      /* number + 1, 0: free; a power of two of them, at least twice the count */
    int64_t slots;
    heed_buf pool;
} heed_vocabulary;      /* {0} is empty */

void heed_vocabulary_free(heed_vocabulary *v);
const char *heed_vocabulary_text(const heed_vocabulary *v, int64_t number);
/* The symbol whose code points stand in code[n].id; -1 when there is none. */
int64_t heed_vocabulary_find(const heed_vocabulary *v, const heed_token *code, int64_t n);
/* The same, added with a count of 0 when it is new; -1 when out of memory. */
int64_t heed_vocabulary_add(heed_vocabulary *v, const heed_token *code, int64_t n);
/* Forgets symbols that were seen less than `least` times; the others close up. */
void heed_vocabulary_prune(heed_vocabulary *v, int64_t least);

#endif
