/* UTF-8 and the properties of characters, over utf8proc. */
#include "base/unicode.h"

#include <stdio.h>

#include <utf8proc.h>

int heed_utf8_next(const char *text, size_t size, int32_t *code)
{
    if (size == 0 || text[0] == 0)
        return 0;
    if ((unsigned char)text[0] < 0x80) {
        *code = text[0];
        return 1;
    }
    utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)text, size < 4 ? (utf8proc_ssize_t)size : 4, code);
    return n > 0 ? (int)n : 0;
}

int heed_utf8_put(int32_t code, char out[4])
{
    return (int)utf8proc_encode_char(code, (utf8proc_uint8_t *)out);
}

void heed_utf8_complaint(char *out, size_t room, const char *text, size_t size, size_t at)
{
    int64_t column = 1;
    int32_t code;
    for (size_t i = 0; i < at;) {
        int n = heed_utf8_next(text + i, size - i, &code);
        i += n > 0 ? (size_t)n : 1;
        column++;
    }
    unsigned byte = (unsigned char)text[at];
    snprintf(out, room, "byte 0x%02X at column %lld is not %s", byte, (long long)column, byte == 0 ? "text" : "UTF-8");
}

bool heed_unicode_space(int32_t code)
{
    if (code < 0x80)
        return code == ' ' || (code >= 0x09 && code <= 0x0D) || (code >= 0x1C && code <= 0x1F);
    switch (code) {
    case 0x85: case 0xA0: case 0x1680: case 0x2028: case 0x2029: case 0x202F: case 0x205F: case 0x3000:
        return true;
    default:
        return code >= 0x2000 && code <= 0x200A;
    }
}

bool heed_unicode_word(int32_t code)
{
    utf8proc_category_t k = utf8proc_category(code);
    return k >= UTF8PROC_CATEGORY_LU && k <= UTF8PROC_CATEGORY_NO;
}

bool heed_unicode_letter(int32_t code)
{
    utf8proc_category_t k = utf8proc_category(code);
    return k >= UTF8PROC_CATEGORY_LU && k <= UTF8PROC_CATEGORY_LO;
}

bool heed_unicode_mark(int32_t code)
{
    utf8proc_category_t k = utf8proc_category(code);
    return k >= UTF8PROC_CATEGORY_MN && k <= UTF8PROC_CATEGORY_ME;
}

bool heed_unicode_number(int32_t code)
{
    utf8proc_category_t k = utf8proc_category(code);
    return k >= UTF8PROC_CATEGORY_ND && k <= UTF8PROC_CATEGORY_NO;
}

bool heed_unicode_punctuation(int32_t code)
{
    utf8proc_category_t k = utf8proc_category(code);
    return k >= UTF8PROC_CATEGORY_PC && k <= UTF8PROC_CATEGORY_PO;
}

bool heed_unicode_symbol(int32_t code)
{
    utf8proc_category_t k = utf8proc_category(code);
    return k >= UTF8PROC_CATEGORY_SM && k <= UTF8PROC_CATEGORY_SO;
}

static bool of_words(int32_t code)
{
    const utf8proc_category_t k = utf8proc_category(code);
    return k >= UTF8PROC_CATEGORY_LU && k <= UTF8PROC_CATEGORY_NO;
}

static bool unspaced(int32_t code)
{
    static const struct { int32_t first, last; } scripts[] = {{0x0E00, 0x0EFF}, {0x1000, 0x109F}, {0x1780, 0x17FF}, {0x2E80, 0x2FDF}, {0x3005, 0x3007},
                                                              {0x3021, 0x3029}, {0x3031, 0x30FF}, {0x31F0, 0x31FF}, {0x3400, 0x4DBF}, {0x4E00, 0x9FFF},
                                                              {0xF900, 0xFAFF}, {0xFF66, 0xFF9F}, {0x20000, 0x3FFFF}};
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++)
        if (code >= scripts[i].first && code <= scripts[i].last) return true;
    return false;
}

bool heed_unicode_joined(int32_t before, int32_t after)
{
    return of_words(before) && of_words(after) && !unspaced(before) && !unspaced(after);
}

int heed_unicode_cells(int32_t code)
{
    return code >= 0x20 && code < 0x7F ? 1 : utf8proc_charwidth(code);
}

/* Marks, formats, modifiers and the punctuation that stands inside words: what Final_Sigma looks through. */
static bool case_ignorable(int32_t code)
{
    switch (code) {
    case '\'': case '.': case ':': case 0xB7: case 0x387: case 0x55F: case 0x5F4: case 0x2018: case 0x2019: case 0x2024: case 0x2027:
    case 0xFE13: case 0xFE52: case 0xFE55: case 0xFF07: case 0xFF0E: case 0xFF1A:
        return true;
    default:
        break;
    }
    switch (utf8proc_category(code)) {
    case UTF8PROC_CATEGORY_MN: case UTF8PROC_CATEGORY_ME: case UTF8PROC_CATEGORY_CF: case UTF8PROC_CATEGORY_LM: case UTF8PROC_CATEGORY_SK:
        return true;
    default:
        return false;
    }
}

static bool cased(int32_t code)
{
    switch (utf8proc_category(code)) {
    case UTF8PROC_CATEGORY_LU: case UTF8PROC_CATEGORY_LL: case UTF8PROC_CATEGORY_LT:
        return true;
    default:   /* Other_Uppercase and Other_Lowercase that are not marks or modifiers: ordinals, Roman numerals, letters in circles and squares */
        return code == 0xAA || code == 0xBA || (code >= 0x2160 && code <= 0x217F) || (code >= 0x24B6 && code <= 0x24E9) ||
               (code >= 0x1F130 && code <= 0x1F149) || (code >= 0x1F150 && code <= 0x1F169) || (code >= 0x1F170 && code <= 0x1F189);
    }
}

static bool sigma_ends_word(const int32_t *code, int64_t i, int64_t count, int64_t stride)
{
    int64_t j = i - 1;
    while (j >= 0 && case_ignorable(code[j * stride]))
        j--;
    if (j < 0 || !cased(code[j * stride]))
        return false;
    j = i + 1;
    while (j < count && case_ignorable(code[j * stride]))
        j++;
    return j == count || !cased(code[j * stride]);
}

void heed_unicode_lower(int32_t *code, int64_t count, int64_t stride)
{
    for (int64_t i = 0; i < count; i++) {
        int32_t *c = &code[i * stride];
        if (*c < 0x80)
            *c += (*c >= 'A' && *c <= 'Z') ? 'a' - 'A' : 0;
        else if (*c == 0x3A3)
            *c = sigma_ends_word(code, i, count, stride) ? 0x3C2 : 0x3C3;
        else
            *c = utf8proc_tolower(*c);
    }
}
