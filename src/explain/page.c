/* The page of explain/page/ with an explanation in it. */
#include "explain/page.h"

#include "base/digest.h"
#include "explain/page_text.h"

#include <string.h>

/* Bytes of the escape sequence of JSON that stands for what begins here, and how many bytes it replaces; NULL: nothing to escape. */
static const char *escape_at(const char *at, size_t left, size_t *taken)
{
    *taken = 1;
    switch (*at) {
    case '<': return "\\u003c";
    case '>': return "\\u003e";
    case '&': return "\\u0026";
    default: break;
    }
    *taken = 3;
    if (left >= 3 && !memcmp(at, "\xE2\x80\xA8", 3)) return "\\u2028";
    if (left >= 3 && !memcmp(at, "\xE2\x80\xA9", 3)) return "\\u2029";
    return NULL;
}

/* Such characters stand in strings only, so an escape of JSON is right wherever they are. */
static void add_escaped(heed_buf *out, const char *json, size_t size)
{
    size_t from = 0, taken;
    for (size_t at = 0; at < size;) {
        const char *escape = escape_at(json + at, size - at, &taken);
        if (!escape) {
            at++;
            continue;
        }
        heed_buf_add(out, json + from, at - from);
        heed_buf_text(out, escape);
        from = at += taken;
    }
    heed_buf_add(out, json + from, size - from);
}

static bool is_object(const char *json, size_t size)
{
    size_t first = 0;
    while (first < size && strchr(" \t\r\n", json[first])) first++;     /* a zero byte is found here too, and refused below */
    return first < size && json[first] == '{' && !memchr(json, 0, size);
}

/* Drawn from the object: the same page for the same object, and no text can hold the digest of itself. */
static void draw_nonce(char nonce[33], const char *json, size_t size)
{
    char hex[65];
    heed_sha256(hex, json, size);
    memcpy(nonce, hex, 32);
    nonce[32] = 0;
}

bool heed_page_nonce(const char *text)
{
    static const char letters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    const size_t size = strlen(text);
    return size >= 16 && size <= 64 && strspn(text, letters) == size;
}

heed_status heed_explain_page(const char *json, size_t size, const char *nonce, heed_buf *out)
{
    if (!size || !is_object(json, size) || (nonce && !heed_page_nonce(nonce)))
        return HEED_E_USAGE;
    char drawn[33];
    draw_nonce(drawn, json, size);
    const char *at = (const char *)heed_page_text, *const end = at + heed_page_size;
    for (const char *mark; (mark = strstr(at, "@@")); at = strstr(mark + 2, "@@") + 2) {
        heed_buf_add(out, at, (size_t)(mark - at));
        if (!strncmp(mark, "@@nonce@@", 9)) heed_buf_text(out, nonce ? nonce : drawn);
        else if (!strncmp(mark, "@@data@@", 8)) add_escaped(out, json, size);
        else if (nonce) heed_buf_text(out, strncmp(mark, "@@connect@@", 11) ? " data-server=\"what-if\"" : " connect-src 'self';");
    }
    heed_buf_add(out, at, (size_t)(end - at));
    return out->failed ? HEED_E_NOMEM : HEED_OK;
}
