/* Words and numbers of messages and settings: model/words.h. */
#include "model/words.h"

#include <errno.h>
#include <langinfo.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/unicode.h"

enum { LONGEST_NUMBER = 400 };

const char *heed_quote(char out[HEED_QUOTE_SIZE], const char *text)
{
    size_t size = strlen(text), used = 0, i = 0;
    out[used++] = '"';
    while (i < size && used + 12 < HEED_QUOTE_SIZE) {
        int32_t code = 0;
        int bytes = heed_utf8_next(text + i, size - i, &code);
        if (bytes == 0 || code < 0x20 || (code >= 0x7F && code < 0xA0)) out[used++] = '?';
        else memcpy(out + used, text + i, (size_t)bytes), used += (size_t)bytes;
        i += bytes ? (size_t)bytes : 1;
    }
    const char *end = i < size ? "...\"" : "\"";
    memcpy(out + used, end, strlen(end) + 1);
    return out;
}

static size_t digits(const char *text)
{
    return strspn(text, "0123456789");
}

bool heed_whole_read(const char *text, int64_t *value)
{
    const char *number = text + (*text == '-');
    size_t count = digits(number);
    if (count == 0 || number[count]) return false;
    errno = 0;
    *value = strtoll(text, NULL, 10);
    return errno == 0;
}

/* The grammar is ours, so that no locale decides what a number is; strtod then wants the locale's own point. */
bool heed_real_read(const char *text, double *value)
{
    const char *p = text + (*text == '-');
    size_t whole = digits(p), part = 0, point = (size_t)(p + whole - text);
    p += whole;
    if (*p == '.') part = digits(p + 1), p += 1 + part;
    if (whole + part == 0) return false;
    if (*p == 'e' || *p == 'E') {
        p += 1 + (p[1] == '-' || p[1] == '+');
        if (digits(p) == 0) return false;
        p += digits(p);
    }
    if (*p || (size_t)(p - text) > LONGEST_NUMBER) return false;
    char local[LONGEST_NUMBER + 16];
    if (text[point] == '.') snprintf(local, sizeof local, "%.*s%.8s%s", (int)point, text, nl_langinfo(RADIXCHAR), text + point + 1);
    else snprintf(local, sizeof local, "%s", text);
    *value = strtod(local, NULL);
    return isfinite(*value);
}

void heed_real_write(heed_buf *out, double value)
{
    char text[64];
    if (fabs(value) < 1e15 && value == floor(value)) snprintf(text, sizeof text, "%.0f", value);
    else
        for (int precision = 1; precision <= 17; precision++) {
            snprintf(text, sizeof text, "%.*g", precision, value);
            if (strtod(text, NULL) == value) break;
        }
    const char *radix = nl_langinfo(RADIXCHAR), *at = *radix ? strstr(text, radix) : NULL;
    if (!at) heed_buf_text(out, text);
    else {
        heed_buf_add(out, text, (size_t)(at - text));
        heed_buf_char(out, '.');
        heed_buf_text(out, at + strlen(radix));
    }
}

/* Written as a number: control characters, what YAML takes for a line break and what it refuses to read. */
static bool must_escape(int32_t code)
{
    return code < 0x20 || (code >= 0x7F && code < 0xA1) || code == 0x2028 || code == 0x2029 || code == 0xFEFF || code == 0xFFFE || code == 0xFFFF;
}

void heed_json_text(heed_buf *out, const char *text)
{
    size_t size = strlen(text);
    heed_buf_char(out, '"');
    for (size_t i = 0; i < size;) {
        int32_t code = 0;
        int bytes = heed_utf8_next(text + i, size - i, &code);
        if (bytes == 0) code = 0xFFFD, heed_buf_text(out, "\xEF\xBF\xBD");
        else if (must_escape(code)) heed_buf_printf(out, "\\u%04x", (unsigned)code);
        else {
            if (code == '"' || code == '\\') heed_buf_char(out, '\\');
            heed_buf_add(out, text + i, (size_t)bytes);
        }
        i += bytes ? (size_t)bytes : 1;
    }
    heed_buf_char(out, '"');
}

/* Levenshtein's distance, one row at a time; words are short. */
static size_t distance(const char *a, const char *b, size_t an, size_t bn)
{
    size_t row[HEED_LONGEST_WORD + 1];
    for (size_t j = 0; j <= bn; j++) row[j] = j;
    for (size_t i = 1; i <= an; i++) {
        size_t corner = row[0];
        row[0] = i;
        for (size_t j = 1; j <= bn; j++) {
            size_t change = corner + (a[i - 1] != b[j - 1]);
            corner = row[j];
            if (row[j] + 1 < change) change = row[j] + 1;
            if (row[j - 1] + 1 < change) change = row[j - 1] + 1;
            row[j] = change;
        }
    }
    return row[bn];
}

void heed_nearest_offer(heed_nearest *n, const char *word)
{
    size_t wanted = strlen(n->wanted), offered = strlen(word), shorter = wanted < offered ? wanted : offered;
    if (wanted > HEED_LONGEST_WORD || offered > HEED_LONGEST_WORD) return;
    size_t d = distance(n->wanted, word, wanted, offered);
    if (shorter >= 3 && d > 1 && memcmp(n->wanted, word, shorter) == 0) d = 1;
    if (d > (shorter + 1) / 2 || (*n->best && d >= n->distance)) return;
    memcpy(n->best, word, offered + 1);
    n->distance = d;
}
