/* Strict UTF-8: base/utf8.h. */
#include "base/utf8.h"

#include <string.h>
#include <utf8proc.h>

static bool eight_ascii(const char *text)
{
    uint64_t word;
    memcpy(&word, text, sizeof word);
    return (word & 0x8080808080808080u) == 0;
}

size_t heed_utf8_check(const char *text, size_t size)
{
    size_t i = 0;
    while (i < size) {
        if (size - i >= 8 && eight_ascii(text + i)) {
            i += 8;
            continue;
        }
        size_t left = size - i > 4 ? 4 : size - i;
        utf8proc_int32_t code;
        utf8proc_ssize_t length = utf8proc_iterate((const utf8proc_uint8_t *)text + i, (utf8proc_ssize_t)left, &code);
        if (length <= 0) break;
        i += (size_t)length;
    }
    return i;
}

size_t heed_utf8_check_line(const char *text, size_t size)
{
    const size_t whole = heed_utf8_check(text, size);
    const char *zero = memchr(text, 0, whole);
    return zero ? (size_t)(zero - text) : whole;
}
