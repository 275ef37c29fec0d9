/* Labels and numbers of pictures: explain/label.h. */
#include "explain/label.h"

#include "base/unicode.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* A character as it is shown: its code, the cells it takes and the bytes that it stood for. */
typedef struct glyph { int32_t code; int cells, bytes; } glyph;

/* Marks of direction would turn the rest of a line around, whoever wrote them. */
static bool turns_direction(int32_t code)
{
    return code == 0x61C || code == 0x200E || code == 0x200F || (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
}

static glyph glyph_at(const char *text, bool blanks)
{
    glyph g = {0};
    g.bytes = heed_utf8_next(text, strnlen(text, 4), &g.code);
    if (!g.bytes)
        g = (glyph){.code = 0xFFFD, .bytes = 1};
    else if (g.code == ' ')
        g.code = blanks ? 0x2423 : ' ';
    else if (g.code < 0x20 || (g.code >= 0x7F && g.code < 0xA0) || turns_direction(g.code) || (g.code & 0xFFFE) == 0xFFFE)
        g.code = 0xB7;
    g.cells = g.code == 0xFFFD ? 1 : heed_unicode_cells(g.code);
    return g;
}

static void add_code(heed_buf *out, int32_t code)
{
    char bytes[4];
    heed_buf_add(out, bytes, (size_t)heed_utf8_put(code, bytes));
}

int heed_label_width(const char *text)
{
    int width = 0;
    for (glyph g; *text; text += g.bytes) {
        g = glyph_at(text, true);
        width += g.cells;
    }
    return width;
}

void heed_label_fit(heed_buf *out, const char *text, int width)
{
    bool cut = heed_label_width(text) > width;
    int room = cut ? width - 1 : width, used = 0;
    for (glyph g; *text; text += g.bytes) {
        g = glyph_at(text, true);
        if (used + g.cells > room)
            break;
        add_code(out, g.code);
        used += g.cells;
    }
    if (cut)
        heed_buf_text(out, "…");
    for (used += cut; used < width; used++)
        heed_buf_char(out, ' ');
}

void heed_label_letter(heed_buf *out, const char *text, int place)
{
    int cell = 0;
    for (glyph g; *text; text += g.bytes) {
        g = glyph_at(text, true);
        if (g.cells > 0 && cell++ == place) {
            add_code(out, g.cells == 1 ? g.code : 0xB7);
            return;
        }
    }
    heed_buf_char(out, ' ');
}

void heed_label_xml(heed_buf *out, const char *text, bool blanks, int room)
{
    int used = 0;
    for (glyph g; text && *text; text += g.bytes) {
        g = glyph_at(text, blanks);
        used += g.cells;
        if (room && used >= room && text[g.bytes]) {
            heed_buf_text(out, "…");
            return;
        }
        switch (g.code) {
        case '<': heed_buf_text(out, "&lt;"); break;
        case '>': heed_buf_text(out, "&gt;"); break;
        case '&': heed_buf_text(out, "&amp;"); break;
        case '"': heed_buf_text(out, "&quot;"); break;
        default: add_code(out, g.code);
        }
    }
}

static void add_json_code(heed_buf *out, int32_t code)
{
    switch (code) {
    case '"': heed_buf_text(out, "\\\""); break;
    case '\\': heed_buf_text(out, "\\\\"); break;
    case '\n': heed_buf_text(out, "\\n"); break;
    case '\t': heed_buf_text(out, "\\t"); break;
    case '\r': heed_buf_text(out, "\\r"); break;
    default:
        if (code < 0x20)
            heed_buf_printf(out, "\\u%04x", (unsigned)code);
        else
            add_code(out, code);
    }
}

void heed_label_json_part(heed_buf *out, const char *text, size_t size)
{
    heed_buf_char(out, '"');
    for (size_t at = 0; at < size;) {
        int32_t code = 0xFFFD;
        int n = heed_utf8_next(text + at, size - at < 4 ? size - at : 4, &code);
        add_json_code(out, n ? code : 0xFFFD);
        at += n ? (size_t)n : 1;
    }
    heed_buf_char(out, '"');
}

void heed_label_json(heed_buf *out, const char *text)
{
    if (text)
        heed_label_json_part(out, text, strlen(text));
    else
        heed_buf_text(out, "null");
}

void heed_label_plain(heed_buf *out, const char *text)
{
    for (glyph g; *text; text += g.bytes) {
        g = glyph_at(text, false);
        add_code(out, g.code);
    }
}

/* The locale's decimal mark may be any character; digits, signs and exponents are ASCII in all of them. */
static void add_with_point(heed_buf *out, const char *number)
{
    bool inside = false;
    for (; *number; number++) {
        bool plain = strchr("0123456789+-eE", *number);
        if (plain)
            heed_buf_char(out, *number);
        else if (!inside)
            heed_buf_char(out, '.');
        inside = !plain;
    }
}

void heed_number_fixed(heed_buf *out, double value, int decimals)
{
    char number[400];
    snprintf(number, sizeof number, "%.*f", decimals, value);
    if (isfinite(value))
        add_with_point(out, number);
    else
        heed_buf_text(out, number);
}

void heed_number_short(heed_buf *out, double value, int digits)
{
    char number[64];
    snprintf(number, sizeof number, "%.*g", digits, value);
    if (isfinite(value))
        add_with_point(out, number);
    else
        heed_buf_text(out, "null");
}

const char *heed_label_symbol(const heed_piece_of_text *symbols, int64_t i)
{
    bool end = symbols[i].start == symbols[i].end && !strcmp(symbols[i].text, "</s>");
    return end ? "∎" : symbols[i].text;
}

void heed_label_look(heed_buf *out, const heed_output *o, const char *after)
{
    const char *comma = "";
    if (o->layers * o->heads < 2 && !o->look.shift)
        return;
    if (o->layers > 1) {
        heed_buf_printf(out, "layer %d of 0-%lld", o->look.layer, (long long)o->layers - 1);
        comma = ", ";
    }
    if (o->heads > 1) {
        if (o->look.head < 0)
            heed_buf_printf(out, "%smean of heads 0-%lld", comma, (long long)o->heads - 1);
        else
            heed_buf_printf(out, "%shead %d of 0-%lld", comma, o->look.head, (long long)o->heads - 1);
        comma = ", ";
    }
    if (o->look.shift)
        heed_buf_printf(out, "%sread one step later", comma);
    heed_buf_text(out, after);
}
