/* Tokenisers as lists of passes over code points. A pass is one substitution of mteval-v13a or mteval-v14: from left to right, and what it
 * has matched is not looked at again, as with a regular expression. */
#include "base/tokenize.h"

#include <string.h>

#include "base/unicode.h"

enum { MOST_PASSES = 4 };

typedef struct pass {
    bool (*first)(int32_t), (*second)(int32_t);   /* second NULL: a single character, set between spaces */
    bool space_before;                            /* " 1 2" instead of "1 2 " */
} pass;

typedef struct tokenizer {
    const char *name;
    void (*prepare)(const heed_codes *in, heed_codes *out);   /* NULL: nothing */
    bool entities;                                            /* &quot; and its like are read, <skipped> is dropped */
    pass passes[MOST_PASSES];
} tokenizer;

static bool digit(int32_t c) { return c >= '0' && c <= '9'; }
static bool not_digit(int32_t c) { return !digit(c); }
static bool dot_or_comma(int32_t c) { return c == '.' || c == ','; }
static bool dash(int32_t c) { return c == '-'; }
static bool not_number(int32_t c) { return !heed_unicode_number(c); }

/* ASCII punctuation but for apostrophe, comma, dash and dot; and the space. */
static bool mark(int32_t c)
{
    return (c >= '{' && c <= '~') || (c >= '[' && c <= '`') || (c >= ' ' && c <= '&') || (c >= '(' && c <= '+') || (c >= ':' && c <= '@') || c == '/';
}

bool heed_tokenize_mark(int32_t c)
{
    return c != ' ' && (mark(c) || dot_or_comma(c) || dash(c));
}

/* As sacreBLEU has it: U+2001 to U+2A6D stand there because "\u20000" is two characters in Python, and scores are compared with its scores. */
static bool chinese(int32_t c)
{
    static const int32_t range[][2] = {
        {0x3400, 0x4DB5}, {0x4E00, 0x9FBB}, {0xF900, 0xFA2D}, {0xFA30, 0xFA6A}, {0xFA70, 0xFAD9}, {0x2001, 0x2A6D}, {0xFF00, 0xFFEF},
        {0x2E80, 0x2EFF}, {0x3000, 0x303F}, {0x31C0, 0x31EF}, {0x2F00, 0x2FDF}, {0x2FF0, 0x2FFF}, {0x3100, 0x312F}, {0x31A0, 0x31BF},
        {0xFE10, 0xFE1F}, {0xFE30, 0xFE4F}, {0x3200, 0x33FF},
    };
    for (size_t i = 0; i < sizeof range / sizeof range[0]; i++)
        if (c >= range[i][0] && c <= range[i][1])
            return true;
    return false;
}

static void add_apart(heed_codes *out, int32_t code)
{
    heed_codes_add(out, ' ');
    heed_codes_add(out, code);
    heed_codes_add(out, ' ');
}

static void pad(const heed_codes *in, heed_codes *out)
{
    heed_codes_add(out, ' ');
    for (int64_t i = 0; i < in->n; i++)
        heed_codes_add(out, in->x[i]);
    heed_codes_add(out, ' ');
}

static void part_chinese(const heed_codes *in, heed_codes *out)
{
    int64_t i = 0;
    while (i < in->n && heed_unicode_space(in->x[i]))   /* of all tokenisers this one alone strips the beginning: a dot there has nothing before it */
        i++;
    for (; i < in->n; i++) {
        if (chinese(in->x[i]))
            add_apart(out, in->x[i]);
        else
            heed_codes_add(out, in->x[i]);
    }
}

static void part_all(const heed_codes *in, heed_codes *out)
{
    for (int64_t i = 0; i < in->n; i++)
        add_apart(out, in->x[i]);
}

#define MTEVAL {{mark, NULL, false}, {not_digit, dot_or_comma, false}, {dot_or_comma, not_digit, true}, {digit, dash, false}}

static const tokenizer tokenizers[] = {
    {"13a", pad, true, MTEVAL},
    {"words", pad, false, MTEVAL},
    {"none", NULL, false, {{0}}},
    {"char", part_all, false, {{0}}},
    {"intl", NULL, false,
     {{not_number, heed_unicode_punctuation, false}, {heed_unicode_punctuation, not_number, true}, {heed_unicode_symbol, NULL, false}}},
    {"zh", part_chinese, false, MTEVAL},
};

const char *const heed_tokenizers[] = {"13a", "none", "char", "intl", "zh", "words", NULL};

static bool stands_at(const heed_codes *in, int64_t i, const char *what)
{
    for (; *what; what++, i++)
        if (i >= in->n || in->x[i] != *what)
            return false;
    return true;
}

static void replace(const heed_codes *in, const char *from, const char *to, heed_codes *out)
{
    for (int64_t i = 0; i < in->n;) {
        if (!stands_at(in, i, from)) {
            heed_codes_add(out, in->x[i++]);
            continue;
        }
        for (const char *c = to; *c; c++)
            heed_codes_add(out, *c);
        i += (int64_t)strlen(from);
    }
}

static void run_pass(const heed_codes *in, const pass *p, heed_codes *out)
{
    for (int64_t i = 0; i < in->n; i++) {
        int32_t c = in->x[i];
        if (!p->second && p->first(c)) {
            add_apart(out, c);
        } else if (p->second && i + 1 < in->n && p->first(c) && p->second(in->x[i + 1])) {
            if (p->space_before)
                heed_codes_add(out, ' ');
            heed_codes_add(out, c);
            heed_codes_add(out, ' ');
            heed_codes_add(out, in->x[++i]);
            if (!p->space_before)
                heed_codes_add(out, ' ');
        } else {
            heed_codes_add(out, c);
        }
    }
}

/* The result of a step becomes the input of the next. */
static void turn(heed_codes *text, heed_codes *spare)
{
    heed_codes held = *text;
    *text = *spare;
    *spare = held;
    spare->n = 0;
}

static void read_entities(heed_codes *text, heed_codes *spare)
{
    static const char *const change[][2] = {{"<skipped>", ""}, {"-\n", ""},    {"\n", " "},   {"&quot;", "\""},
                                            {"&amp;", "&"},    {"&lt;", "<"}, {"&gt;", ">"}};
    for (size_t i = 0; i < sizeof change / sizeof change[0]; i++) {
        replace(text, change[i][0], change[i][1], spare);
        turn(text, spare);
    }
}

bool heed_tokenize(const char *name, heed_codes *text, heed_codes *spare)
{
    const tokenizer *t = tokenizers;
    while (strcmp(t->name, name) != 0)
        t++;
    while (text->n > 0 && heed_unicode_space(text->x[text->n - 1]))
        text->n--;
    spare->n = 0;
    if (t->entities)
        read_entities(text, spare);
    if (t->prepare) {
        t->prepare(text, spare);
        turn(text, spare);
    }
    for (int i = 0; i < MOST_PASSES && t->passes[i].first; i++) {
        run_pass(text, &t->passes[i], spare);
        turn(text, spare);
    }
    return !text->failed && !spare->failed;
}
