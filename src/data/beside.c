#include "data/beside.h"

#include <string.h>

#include "base/utf8.h"

static heed_status check_text(const heed_beside *b, int i, const char *text, size_t size, heed_error *err)
{
    const size_t whole = heed_utf8_check(text, size);
    const char *zero = memchr(text, 0, whole);
    const size_t bad = zero ? (size_t)(zero - text) : whole;
    if (bad == size) return HEED_OK;
    return heed_fail(err, HEED_E_DATA, "%s: line %lld: byte 0x%02X at column %zu is not text in UTF-8; fix the line", b->name[i],
                     (long long)heed_lines_number(b->file[i]), (unsigned char)text[bad], bad + 1);
}

heed_status heed_beside_next(const heed_beside *b, char **text, size_t *size, bool *end, heed_error *err)
{
    int over = 0, shorter = 0, longer = 0;
    for (int i = 0; i < b->count; i++) {
        bool ended;
        heed_status status = heed_lines_next(b->file[i], &text[i], &size[i], &ended, err);
        if (status == HEED_OK && !ended) status = check_text(b, i, text[i], size[i], err);
        if (status != HEED_OK) return status;
        *(ended ? &shorter : &longer) = i;
        over += ended;
        if (!ended && size[i] && text[i][size[i] - 1] == '\r') text[i][--size[i]] = 0;
    }
    *end = over == b->count;
    if (over == 0 || *end) return HEED_OK;
    return heed_fail(err, HEED_E_DATA, "%s ends after line %lld, but %s goes on; both must have the same number of lines", b->name[shorter],
                     (long long)heed_lines_number(b->file[shorter]), b->name[longer]);
}
