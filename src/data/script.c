#include "data/script.h"

#include "base/unicode.h"

typedef struct range { int32_t first, last; heed_script script; } range;

static const range ranges[] = {
#define HEED_RANGE(first, last, script) {first, last, HEED_SCRIPT_##script},
#include "data/scripts.def"
#undef HEED_RANGE
};

heed_script heed_script_of(int32_t code)
{
    if (code < 0x80) return (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z') ? HEED_SCRIPT_Latin : HEED_SCRIPT_none;
    if (!heed_unicode_letter(code)) return HEED_SCRIPT_none;
    size_t low = 0, high = sizeof ranges / sizeof *ranges;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (code > ranges[middle].last) low = middle + 1;
        else high = middle;
    }
    return low < sizeof ranges / sizeof *ranges && code >= ranges[low].first ? ranges[low].script : HEED_SCRIPT_other;
}

const char *heed_script_name(heed_script s)
{
    static const char *const names[HEED_SCRIPT_COUNT] = {
        "no letters", "another script", "Latin", "Greek", "Cyrillic", "Armenian", "Hebrew", "Arabic", "Syriac", "Thaana", "Devanagari", "Bengali", "Gurmukhi",
        "Gujarati", "Oriya", "Tamil", "Telugu", "Kannada", "Malayalam", "Sinhala", "Georgian", "Ethiopic", "Cherokee", "Mongolian", "Tibetan", "Thai", "Lao",
        "Myanmar", "Khmer", "Korean", "Chinese or Japanese",
    };
    return names[s];
}
