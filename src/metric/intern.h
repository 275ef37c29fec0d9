/* The numbering of words and n-grams. */
#ifndef HEED_METRIC_INTERN_H
#define HEED_METRIC_INTERN_H

#include "base/codes.h"

/* Numbers 64-bit keys from 0 in the order of their first coming. Words are numbered letter by letter (a key is the number of the beginning
 * and the next letter) and n-grams word by word, so no two ever share a number and no text is compared. */
typedef struct heed_intern {
    struct heed_intern_slot { uint64_t key; uint32_t round; int32_t number; } *slot;
    int64_t slots, count;
    uint32_t round;
} heed_intern;                /* {0} is empty */

void heed_intern_reset(heed_intern *t);
void heed_intern_free(heed_intern *t);
int32_t heed_intern_number(heed_intern *t, uint64_t key);            /* -1: out of memory */
/* Replaces words with the numbers of what stands between white space. false: out of memory. */
bool heed_intern_words(heed_intern *t, const heed_codes *text, heed_codes *words);
/* Turns the (n-1)-grams in gram into n-grams of unit; for n = 1 gram's content does not matter. Reset t before each n. */
bool heed_intern_grams(heed_intern *t, const heed_codes *unit, int n, heed_codes *gram);

#endif
