/* Lines that were seen, by a number of 64 bits made of their text: 12 bytes a place, a place for at least three quarters of them. Two different texts have the
 * same number with a chance of 2^-64; among n lines that makes n^2 / 2^65 false repetitions, three in a million for ten million lines. */
#ifndef HEED_DATA_SEEN_H
#define HEED_DATA_SEEN_H

#include "heed/base.h"

typedef struct heed_seen {
    uint64_t *hash;           /* [slots] 0: free */
    uint32_t *line;
    int64_t count, slots;     /* slots: 0 or a power of two */
} heed_seen;                  /* {0} is empty */

uint64_t heed_seen_hash(const int32_t *code, int64_t n);
/* *first: the line at which this number was first seen; 0 when it is new, and then it is added. false: out of memory. Lines count from 1, to 2^32 - 1. */
bool heed_seen_add(heed_seen *s, uint64_t hash, int64_t line, int64_t *first);
void heed_seen_free(heed_seen *s);

#endif
