/* Runs of numbers: base/codes.h. */
#include "base/codes.h"

#include <stdlib.h>
#include <string.h>

#include "base/unicode.h"

bool heed_codes_reserve(heed_codes *c, int64_t n)
{
    if (n <= c->room)
        return true;
    int64_t room = c->room * 2 > n ? c->room * 2 : n + 64;
    int32_t *x = realloc(c->x, (size_t)room * sizeof *x);
    if (!x) {
        c->failed = true;
        return false;
    }
    c->x = x;
    c->room = room;
    return true;
}

void heed_codes_add(heed_codes *c, int32_t code)
{
    if (heed_codes_reserve(c, c->n + 1))
        c->x[c->n++] = code;
}

bool heed_codes_zeros(heed_codes *c, int64_t n)
{
    if (!heed_codes_reserve(c, n))
        return false;
    if (n > 0)
        memset(c->x, 0, (size_t)n * sizeof *c->x);
    c->n = n;
    return true;
}

void heed_codes_free(heed_codes *c)
{
    free(c->x);
    *c = (heed_codes){0};
}

heed_status heed_codes_read(heed_codes *out, const char *text, bool lower, heed_error *err)
{
    size_t size = strlen(text);
    out->n = 0;
    for (size_t at = 0; at < size;) {
        int32_t code;
        int bytes = heed_utf8_next(text + at, size - at, &code);
        if (bytes == 0) {
            char complaint[64];
            heed_utf8_complaint(complaint, sizeof complaint, text, size, at);
            return heed_fail(err, HEED_E_DATA, "%s", complaint);
        }
        at += (size_t)bytes;
        bool dotted = lower && code == 0x130;
        heed_codes_add(out, dotted ? 'I' : code);
        if (dotted)
            heed_codes_add(out, 0x307);
    }
    if (out->failed)
        return heed_fail(err, HEED_E_NOMEM, "out of memory for a line of %zu bytes", size);
    if (lower && out->n > 0)
        heed_unicode_lower(out->x, out->n, 1);
    return HEED_OK;
}
