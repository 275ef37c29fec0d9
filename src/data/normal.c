/* Normal forms that remember where they came from. Composition is done here, a pair at a time, because utf8proc's own pass over a whole
 * string keeps no offsets; which pairs compose is still asked of utf8proc. See Unicode Standard Annex 15. */
#include "data/normal.h"

#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>

#include "base/unicode.h"

enum {
    LONGEST_DECOMPOSITION = 32,   /* U+FDFA has 18 */
    SHORT_RUN = 32,               /* marks on one letter that insertion sorts; real text has a few */
    FIRST_MARK = 0x300            /* no character below it is the second of a pair that composes */
};

bool heed_tokens_reserve(heed_tokens *t, int64_t capacity)
{
    if (capacity <= t->capacity)
        return true;
    int64_t grown = t->capacity * 2 > capacity ? t->capacity * 2 : capacity;
    grown = grown < 64 ? 64 : grown;
    heed_token *item = realloc(t->item, (size_t)grown * sizeof *item);
    if (!item)
        return false;
    t->item = item;
    t->capacity = grown;
    return true;
}

void heed_tokens_free(heed_tokens *t)
{
    free(t->item);
    *t = (heed_tokens){0};
}

static int combining(int32_t code)
{
    return code < FIRST_MARK ? 0 : utf8proc_get_property(code)->combining_class;
}

/* The code points that stand for one of the text; returns how many. */
static int expand(int32_t code, bool lower, bool nfkc, int32_t out[LONGEST_DECOMPOSITION])
{
    if (nfkc && code >= 0x80) {
        int boundary = 0;
        utf8proc_ssize_t n = utf8proc_decompose_char(code, out, LONGEST_DECOMPOSITION, UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT, &boundary);
        if (n > 0 && n <= LONGEST_DECOMPOSITION)
            return (int)n;
    }
    if (lower && code == 0x130) {
        out[0] = 'I';
        out[1] = 0x307;
        return 2;
    }
    out[0] = code;
    return 1;
}

static heed_status read_codes(const char *text, size_t size, bool lower, bool nfkc, heed_tokens *out, heed_error *err)
{
    int32_t code, part[LONGEST_DECOMPOSITION];
    for (size_t at = 0; at < size;) {
        int bytes = heed_utf8_next(text + at, size - at, &code);
        if (bytes == 0) {
            char complaint[64];
            heed_utf8_complaint(complaint, sizeof complaint, text, size, at);
            return heed_fail(err, HEED_E_DATA, "%s", complaint);
        }
        int parts = expand(code, lower, nfkc, part);
        if (!heed_tokens_reserve(out, out->count + parts))
            return heed_fail(err, HEED_E_NOMEM, "out of memory for a text of %zu bytes", size);
        for (int i = 0; i < parts; i++)
            out->item[out->count++] = (heed_token){part[i], (int32_t)at, (int32_t)at + bytes};
        at += (size_t)bytes;
    }
    return HEED_OK;
}

static void sort_short_run(heed_token *item, int64_t n)
{
    for (int64_t i = 1; i < n; i++) {
        heed_token held = item[i];
        int class = combining(held.id);
        int64_t j = i;
        for (; j > 0 && combining(item[j - 1].id) > class; j--)
            item[j] = item[j - 1];
        item[j] = held;
    }
}

/* A million marks on one letter must not take a million squared steps: a counting sort over the 256 classes. */
static void sort_long_run(heed_token *item, int64_t n, heed_token *spare)
{
    int64_t at[257] = {0};
    for (int64_t i = 0; i < n; i++)
        at[combining(item[i].id) + 1]++;
    for (int c = 0; c < 256; c++)
        at[c + 1] += at[c];
    for (int64_t i = 0; i < n; i++)
        spare[at[combining(item[i].id)]++] = item[i];
    memcpy(item, spare, (size_t)n * sizeof *item);
}

/* Canonical order: marks on one letter stand by their class, equal classes as they came. */
static heed_status order_marks(heed_tokens *t, heed_error *err)
{
    for (int64_t i = 0; i < t->count;) {
        if (combining(t->item[i].id) == 0) {
            i++;
            continue;
        }
        int64_t first = i;
        while (i < t->count && combining(t->item[i].id) != 0)
            i++;
        int64_t n = i - first;
        if (n <= SHORT_RUN) {
            sort_short_run(t->item + first, n);
            continue;
        }
        if (!heed_tokens_reserve(t, t->count + n))
            return heed_fail(err, HEED_E_NOMEM, "out of memory for %lld combining marks in a row", (long long)n);
        sort_long_run(t->item + first, n, t->item + t->count);
    }
    return HEED_OK;
}

static bool compose_pair(int32_t first, int32_t second, int32_t *both)
{
    if (second < FIRST_MARK)
        return false;
    utf8proc_int32_t pair[3] = {first, second, 0};
    if (utf8proc_normalize_utf32(pair, 2, UTF8PROC_COMPOSE | UTF8PROC_STABLE) != 1)
        return false;
    *both = pair[0];
    return true;
}

/* A character joins the last starter unless something of its own class or of class 0 stands between. */
static void compose(heed_tokens *t)
{
    int64_t kept = 0, starter = -1;
    int last = -1;   /* class of the last mark kept after the starter, -1: none */
    for (int64_t i = 0; i < t->count; i++) {
        heed_token c = t->item[i];
        int class = combining(c.id);
        int32_t both;
        if (starter >= 0 && last < class && compose_pair(t->item[starter].id, c.id, &both)) {
            heed_token *s = &t->item[starter];
            s->id = both;
            s->start = c.start < s->start ? c.start : s->start;
            s->end = c.end > s->end ? c.end : s->end;
            continue;
        }
        if (class == 0)
            starter = kept;
        last = class == 0 ? -1 : class;
        t->item[kept++] = c;
    }
    t->count = kept;
}

heed_status heed_normalize(const char *text, size_t size, bool lower, bool nfkc, heed_tokens *out, heed_error *err)
{
    out->count = 0;
    if (size >= INT32_MAX)
        return heed_fail(err, HEED_E_LIMIT, "a text of %zu bytes is too long; the limit is 2 GiB", size);
    heed_status status = read_codes(text, size, lower, nfkc, out, err);
    if (status || out->count == 0)
        return status;
    if (lower)
        heed_unicode_lower(&out->item[0].id, out->count, (int64_t)(sizeof(heed_token) / sizeof(int32_t)));
    if (nfkc) {
        status = order_marks(out, err);
        if (!status)
            compose(out);
    }
    return status;
}
