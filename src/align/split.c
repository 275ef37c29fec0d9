/* Words by white space, or by 13a: align/split.h. */
#include "align/split.h"

#include "align/bitext.h"
#include "base/unicode.h"
#include "data/normal.h"
#include "data/words.h"

heed_status heed_split_read(const char *text, size_t size, bool lower, bool parted, heed_tokens *codes, heed_error *err)
{
    heed_status status = heed_normalize(text, size, lower, false, codes, err);
    if (!status && parted && !heed_words_part(codes)) status = heed_fail(err, HEED_E_NOMEM, "out of memory for a text of %zu bytes", size);
    return status;
}

/* White space as the links of a model's output have it, or as data/words.h. */
static bool between(int32_t code, bool parted)
{
    return parted ? code == HEED_CUT || heed_unicode_space(code) : code == ' ' || (code >= '\t' && code <= '\r');
}

int64_t heed_split_next(const heed_tokens *codes, bool parted, int64_t *at, int64_t *size)
{
    while (*at < codes->count && between(codes->item[*at].id, parted)) (*at)++;
    const int64_t first = *at;
    while (*at < codes->count && !between(codes->item[*at].id, parted)) (*at)++;
    *size = *at - first;
    return *size ? first : -1;
}

heed_status heed_bitext_words(const char *text, size_t size, bool parted, heed_tokens *out, heed_error *err)
{
    heed_status status = heed_split_read(text, size, false, parted, out, err);
    if (status) return status;
    int64_t count = 0, at = 0, length, first;
    while ((first = heed_split_next(out, parted, &at, &length)) >= 0) {
        out->item[count] = (heed_token){(int32_t)count, out->item[first].start, out->item[first + length - 1].end};
        count++;
    }
    out->count = count;
    return HEED_OK;
}
