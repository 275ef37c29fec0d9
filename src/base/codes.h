/* Growable runs of numbers: code points, words, n-grams, counts. */
#ifndef HEED_BASE_CODES_H
#define HEED_BASE_CODES_H

#include "heed/base.h"

typedef struct heed_codes {
    int32_t *x;
    int64_t n, room;
    bool failed;              /* out of memory at some time: sticky, as in heed_buf */
} heed_codes;                 /* {0} is empty */

bool heed_codes_reserve(heed_codes *c, int64_t n);     /* room for n numbers; false when out of memory */
void heed_codes_add(heed_codes *c, int32_t code);
bool heed_codes_zeros(heed_codes *c, int64_t n);      /* n zeros instead of what it held; false when out of memory */
void heed_codes_free(heed_codes *c);
/* Replaces out with the code points of UTF-8 text, lower-cased when asked. HEED_E_DATA: not UTF-8 (byte and column). */
heed_status heed_codes_read(heed_codes *out, const char *text, bool lower, heed_error *err);

#endif
