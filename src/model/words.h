/* Small things that messages and written settings share: numbers as text whatever the locale, quoted text, the nearest of some words. */
#ifndef HEED_MODEL_WORDS_H
#define HEED_MODEL_WORDS_H

#include "base/buf.h"
#include "base/number.h"

enum { HEED_QUOTE_SIZE = 96 };

/* Found text for a message: in quotes, cut to a line's part, without control characters. */
const char *heed_quote(char out[HEED_QUOTE_SIZE], const char *text);
/* Decimal numbers only: no sign of plus, no spaces, no hexadecimals, neither infinity nor NaN. false: not one. */
bool heed_whole_read(const char *text, int64_t *value);
bool heed_real_read(const char *text, double *value);
void heed_real_write(heed_buf *out, double value);                           /* the shortest text that reads back to the same bits */
void heed_json_text(heed_buf *out, const char *text);                        /* quoted and escaped for JSON and for YAML */

/* The nearest word: offer words one by one. A word that begins another counts as near. */
enum { HEED_LONGEST_WORD = 64 };
typedef struct heed_nearest {
    const char *wanted;
    char best[HEED_LONGEST_WORD + 1];    /* "": nothing is near */
    size_t distance;
} heed_nearest;
void heed_nearest_offer(heed_nearest *n, const char *word);

#endif
