/* Texts of a small set, to be recognised in a large one: 16 bytes and some bits each. What two texts have in common is a number of 64 bits (data/seen.h). */
#ifndef HEED_DATA_KNOWN_H
#define HEED_DATA_KNOWN_H

#include "heed/base.h"

typedef struct heed_known_text { uint64_t hash; uint32_t line, met; } heed_known_text;   /* met: the first line of the large set with this text; 0: none */

typedef struct heed_known {
    heed_known_text *text;    /* [count] */
    int64_t count, capacity;
    uint64_t *bits;           /* most texts of the large set are turned away here */
    uint64_t mask;
} heed_known;                 /* {0} is empty */

bool heed_known_add(heed_known *k, uint64_t hash, int64_t line);     /* false: out of memory */
bool heed_known_sort(heed_known *k);                                  /* after the last was added; false: out of memory */
void heed_known_meet(heed_known *k, uint64_t hash, int64_t line);     /* a text of the large set, from its first line on */
void heed_known_free(heed_known *k);

#endif
