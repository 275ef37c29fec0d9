/* How much two words look alike, as languages with common roots, names and numbers do. */
#ifndef HEED_ALIGN_SPELLING_H
#define HEED_ALIGN_SPELLING_H

#include "heed/base.h"

enum {
    HEED_LIKENESSES = 12,     /* 0: nothing in common, or too short to say; 9: nearly the same; the last two: the same, short and long */
    HEED_SPELT = 40           /* letters looked at */
};
typedef struct heed_spelling { int32_t letter[HEED_SPELT]; int count; } heed_spelling;
void heed_spelling_read(heed_spelling *s, const char *word);   /* UTF-8 */
int heed_spelling_likeness(const heed_spelling *a, const heed_spelling *b);

#endif
