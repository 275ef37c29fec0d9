/* Faults of single lines: data/fault.h. */
#include "data/fault.h"

#include <string.h>

#include "base/unicode.h"

enum { REPLACEMENT = 0xFFFD, LONGEST_ENTITY = 10, LONGEST_TAG = 100, ASCII = 0x80 };

static void add(heed_faults *f, heed_fault fault, int64_t at)
{
    if (!(f->bits >> fault & 1)) f->at[fault] = at;
    f->bits |= 1u << fault;
}

static bool is_ascii_letter(int32_t c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
static bool is_ascii_digit(int32_t c) { return c >= '0' && c <= '9'; }

/* --- characters ------------------------------------------------------------------------------------------------------------------------------- */

/* Control characters but for tab and line feed, which the escapes of a TSV can write; marks of direction, soft hyphens and the like. The joiners U+200C and
 * U+200D are part of Persian, Hindi and emoji. */
static bool is_control(int32_t c)
{
    if (c < ASCII) return (c < ' ' && c != '\t' && c != '\n') || c == 0x7F;
    return c < 0xA0 || c == 0xAD || c == 0x200B || c == 0x200E || c == 0x200F || (c >= 0x202A && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF ||
           (c >= 0xFFF9 && c <= 0xFFFB) || (c >= 0xE000 && c <= 0xF8FF);
}

/* The wide space of Chinese and Japanese is at home there. */
static bool is_unusual_space(int32_t c)
{
    return c != ' ' && c != 0x3000 && heed_unicode_space(c);
}

static bool is_space(int32_t c) { return c == ' ' || heed_unicode_space(c); }

/* The value of a numeral, -1: none. */
static int digit_of(int32_t c)
{
    static const int32_t zeros[] = {'0', 0x660, 0x6F0, 0x966, 0x9E6, 0xE50, 0xFF10};
    for (size_t i = 0; i < sizeof zeros / sizeof *zeros && c >= zeros[i]; i++)
        if (c <= zeros[i] + 9) return (int)(c - zeros[i]);
    return -1;
}

/* --- runs of characters ------------------------------------------------------------------------------------------------------------------------- */

/* &amp; &#39; &#xE9; */
static bool is_entity(const int32_t *code, int64_t n)
{
    const bool number = n > 1 && code[1] == '#';
    const int64_t name = 1 + number, least = number ? 1 : 2;
    int64_t i = name;
    while (i < n && i < name + LONGEST_ENTITY && (is_ascii_letter(code[i]) || is_ascii_digit(code[i]))) i++;
    return i >= name + least && i < n && code[i] == ';';
}

/* <b> </div> <br/> <unk> */
static bool is_tag(const int32_t *code, int64_t n)
{
    int64_t i = 1 + (n > 1 && code[1] == '/');
    if (i >= n || !is_ascii_letter(code[i])) return false;
    while (i < n && i < LONGEST_TAG && code[i] != '>' && code[i] != '<') i++;
    return i < n && code[i] == '>';
}

/* The byte that Windows-1252 shows as this character, 0: none above 0x7F. */
static int byte_of(int32_t c)
{
    static const int32_t specials[32] = {0x20AC, 0x81,   0x201A, 0x192,  0x201E, 0x2026, 0x2020, 0x2021, 0x2C6, 0x2030, 0x160, 0x2039, 0x152, 0x8D,   0x17D, 0x8F,
                                         0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x2DC, 0x2122, 0x161, 0x203A, 0x153, 0x9D, 0x17E, 0x178};
    if (c >= 0x80 && c <= 0xFF) return (int)c;
    for (int i = 0; c > 0xFF && i < 32; i++)
        if (specials[i] == c) return 0x80 + i;
    return 0;
}

static bool continues(const int32_t *code, int64_t n, int64_t from, int64_t count)
{
    if (from + count > n) return false;
    for (int64_t i = from; i < from + count; i++) {
        const int byte = byte_of(code[i]);
        if (byte < 0x80 || byte > 0xBF) return false;
    }
    return true;
}

/* Characters that are the bytes of UTF-8: Ã¤ for ä, â€™ for an apostrophe. Two of them may be a capital and a sign by chance, so of most letters the next two
 * must be such bytes as well. */
static bool is_mojibake(const int32_t *code, int64_t n)
{
    const int lead = code[0] >= 0xC2 && code[0] <= 0xF4 ? (int)code[0] : 0;
    if (lead == 0xC2 || lead == 0xC3) return continues(code, n, 1, 1);
    if (lead >= 0xC4 && lead <= 0xDF) return continues(code, n, 1, 1) && n > 3 && code[2] >= 0xC2 && code[2] <= 0xDF && continues(code, n, 3, 1);
    if (lead >= 0xE0 && lead <= 0xEF) return continues(code, n, 1, 2);
    return lead >= 0xF0 && continues(code, n, 1, 3);
}

/* --- brackets and quotation marks ----------------------------------------------------------------------------------------------------------------- */

/* Those of a group open and close; of quotation marks, which nations turn round, an even number must stand there. */
static const struct { const int32_t open[3], close[3]; bool quotes; } groups[] = {
    {{'('}, {')'}, false}, {{'['}, {']'}, false}, {{'{'}, {'}'}, false}, {{0xFF08}, {0xFF09}, false}, {{0x300C}, {0x300D}, false}, {{0x300E}, {0x300F}, false},
    {{0x3010}, {0x3011}, false}, {{0x300A}, {0x300B}, false}, {{'"'}, {0}, true}, {{0x201C, 0x201D, 0x201E}, {0}, true}, {{0xAB, 0xBB}, {0}, true},
};
enum { GROUPS = sizeof groups / sizeof *groups };

typedef struct balance { int64_t depth[GROUPS], at[GROUPS]; } balance;

static bool among(const int32_t marks[3], int32_t c) { return c == marks[0] || c == marks[1] || c == marks[2]; }

static void weigh(balance *b, heed_faults *f, int32_t c, int64_t at)
{
    if (c < ASCII ? !strchr("()[]{}\"", c) : c != 0xAB && c != 0xBB && (c < 0x201C || c > 0x201E) && (c < 0x300A || c > 0x3011) && c != 0xFF08 && c != 0xFF09) return;
    for (int i = 0; i < GROUPS; i++) {
        const bool open = among(groups[i].open, c);
        if (!open && !among(groups[i].close, c)) continue;
        if (b->depth[i] == 0) b->at[i] = at;
        b->depth[i] += open ? 1 : -1;
        if (groups[i].quotes) b->depth[i] &= 1;
        if (b->depth[i] >= 0) return;
        add(f, HEED_FAULT_brackets, at);
        b->depth[i] = 0;
    }
}

static void settle(const balance *b, heed_faults *f)
{
    for (int i = 0; i < GROUPS; i++)
        if (b->depth[i] > 0) add(f, HEED_FAULT_brackets, b->at[i]);
}

/* --- the line ------------------------------------------------------------------------------------------------------------------------------------- */

typedef struct letters { int64_t of[HEED_SCRIPT_COUNT], all; heed_script word; } letters;   /* word: the spaced script of the word under way */

static void read_letter(letters *l, heed_faults *f, int32_t c, int64_t at)
{
    const heed_script s = heed_script_of(c);
    if (s == HEED_SCRIPT_none) {
        if (c < ASCII || !heed_unicode_mark(c)) l->word = HEED_SCRIPT_none;
        return;
    }
    l->of[s]++;
    l->all++;
    const bool ohm = c == 0x2126;   /* a letter of units: kΩ */
    if (s < HEED_SCRIPT_Latin || s > HEED_SCRIPT_SPACED_LAST || ohm) return;
    if (l->word && l->word != s) add(f, HEED_FAULT_mixed, at);
    l->word = s;
}

static heed_script most(const letters *l)
{
    for (int s = HEED_SCRIPT_other; s < HEED_SCRIPT_COUNT; s++)
        if (2 * l->of[s] > l->all) return (heed_script)s;
    return HEED_SCRIPT_none;
}

static void read_space(heed_faults *f, const int32_t *code, int64_t n, int64_t i)
{
    const bool border = i == 0 || i == n - 1, twice = i > 0 && is_space(code[i - 1]);
    if (border || twice || is_unusual_space(code[i])) add(f, HEED_FAULT_spaces, i);
}

void heed_faults_find(heed_faults *f, const int32_t *code, int64_t n)
{
    letters l = {.all = 0};
    balance b = {.depth = {0}};
    int64_t seen = 0;
    *f = (heed_faults){.bits = 0};
    for (int64_t i = 0; i < n; i++) {
        const int32_t c = code[i];
        const int digit = digit_of(c);
        read_letter(&l, f, c, i);
        if (digit >= 0) f->digits[digit]++;
        if (is_space(c)) read_space(f, code, n, i);
        else seen++;
        if (is_control(c)) add(f, HEED_FAULT_control, i);
        if (c == REPLACEMENT) add(f, HEED_FAULT_replacement, i);
        if ((c == '&' && is_entity(code + i, n - i)) || (c == '<' && is_tag(code + i, n - i))) add(f, HEED_FAULT_markup, i);
        if (c >= 0xC2 && c <= 0xF4 && is_mojibake(code + i, n - i)) add(f, HEED_FAULT_mojibake, i);
        weigh(&b, f, c, i);
    }
    settle(&b, f);
    f->script = most(&l);
    if (seen == 0) add(f, HEED_FAULT_empty, 0);
    if (n > HEED_FAULT_LONG) add(f, HEED_FAULT_long, 0);
}
