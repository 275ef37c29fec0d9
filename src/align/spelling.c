/* Likeness of words: align/spelling.h. The mean of the longest common subsequence (Melamed 1999) and the longest common beginning, as shares of the longer word. */
#include "align/spelling.h"

#include <string.h>

#include "base/unicode.h"

enum { SHORTEST = 3, TENTHS = 10 };

void heed_spelling_read(heed_spelling *s, const char *word)
{
    size_t at = 0, size = strlen(word);
    int bytes;
    s->count = 0;
    while (s->count < HEED_SPELT && (bytes = heed_utf8_next(word + at, size - at, &s->letter[s->count])) > 0) {
        at += (size_t)bytes;
        s->count++;
    }
}

static int common_subsequence(const heed_spelling *a, const heed_spelling *b)
{
    uint8_t row[HEED_SPELT + 1] = {0};
    for (int i = 0; i < a->count; i++) {
        uint8_t before = 0;   /* of the row above, one to the left */
        for (int k = 0; k < b->count; k++) {
            const uint8_t above = row[k + 1], left = row[k];
            row[k + 1] = a->letter[i] == b->letter[k] ? before + 1 : above > left ? above : left;
            before = above;
        }
    }
    return row[b->count];
}

static int common_beginning(const heed_spelling *a, const heed_spelling *b)
{
    int n = 0;
    while (n < a->count && n < b->count && a->letter[n] == b->letter[n]) n++;
    return n;
}

int heed_spelling_likeness(const heed_spelling *a, const heed_spelling *b)
{
    const int longer = a->count > b->count ? a->count : b->count, beginning = common_beginning(a, b);
    if (beginning == longer) return HEED_LIKENESSES - (longer < SHORTEST ? 2 : 1);
    if (a->count < SHORTEST || b->count < SHORTEST) return 0;
    const int tenths = TENTHS * (common_subsequence(a, b) + beginning) / (2 * longer);
    return tenths < TENTHS ? tenths : TENTHS - 1;
}
