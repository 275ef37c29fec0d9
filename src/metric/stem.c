/* Suffix stripping in the steps of Porter (An algorithm for suffix stripping, Program 14.3, 1980), which are numbered as there. What NLTK has changed is
 * said where it is. Why it is here though libstemmer has Porter's algorithm, and how often the two differ: docs/architecture.md. */
#include "metric/stem.h"

#include <string.h>

typedef struct word { int32_t *x; int64_t n; } word;

/* Of a table the first rule whose suffix the word has is the only one that is tried; the suffix goes when what remains has measure above `above`. */
typedef struct rule { const char *suffix, *put; } rule;

static bool ends(const word *w, const char *suffix)
{
    const int64_t n = (int64_t)strlen(suffix);
    if (n > w->n) return false;
    for (int64_t i = 0; i < n; i++)
        if (w->x[w->n - n + i] != suffix[i]) return false;
    return true;
}

static bool is(const word *w, const char *text) { return w->n == (int64_t)strlen(text) && ends(w, text); }

static void replace(word *w, const char *suffix, const char *put)
{
    w->n -= (int64_t)strlen(suffix);
    while (*put) w->x[w->n++] = *put++;
}

static bool vowel(int32_t c) { return c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u'; }

/* y is a consonant at the beginning and after a vowel. */
static bool consonant(const word *w, int64_t i)
{
    bool turned = false;
    for (; i > 0 && w->x[i] == 'y'; i--) turned = !turned;
    return vowel(w->x[i]) == turned;
}

/* How often a consonant follows a vowel in the first n letters; *vowels: how many vowels there are, unless NULL. */
static int64_t measure(const word *w, int64_t n, int64_t *vowels)
{
    int64_t turns = 0, seen = 0;
    bool before = true;
    for (int64_t i = 0; i < n; i++) {
        const bool now = !vowel(w->x[i]) && (w->x[i] != 'y' || i == 0 || !before);
        turns += now && !before;
        seen += !now;
        before = now;
    }
    if (vowels) *vowels = seen;
    return turns;
}

/* consonant - vowel - consonant at the end, the last not w, x or y; NLTK: or all of the word is vowel - consonant. */
static bool ends_short(const word *w, int64_t n)
{
    if (n == 2) return !consonant(w, 0) && consonant(w, 1);
    if (n < 3) return false;
    const int32_t last = w->x[n - 1];
    return consonant(w, n - 3) && !consonant(w, n - 2) && consonant(w, n - 1) && last != 'w' && last != 'x' && last != 'y';
}

static void apply(word *w, const rule *rules, int count, int64_t above)
{
    for (int i = 0; i < count; i++) {
        if (!ends(w, rules[i].suffix)) continue;
        const int64_t stem = w->n - (int64_t)strlen(rules[i].suffix);
        if (measure(w, stem, NULL) > above) replace(w, rules[i].suffix, rules[i].put);
        return;
    }
}
#define APPLY(w, rules, above) apply(w, rules, (int)(sizeof(rules) / sizeof(rules)[0]), above)

static void plurals(word *w)                                                       /* step 1a */
{
    static const rule rules[] = {{"sses", "ss"}, {"ies", "i"}, {"ss", "ss"}, {"s", ""}};
    if (w->n == 4 && ends(w, "ies")) replace(w, "ies", "ie");                      /* NLTK */
    else APPLY(w, rules, -1);
}

/* What is left of a word that lost "ed" or "ing" gets back its e, or loses its doubled consonant. */
static void mend(word *w)
{
    if (ends(w, "at") || ends(w, "bl") || ends(w, "iz")) {
        replace(w, "", "e");
        return;
    }
    const int32_t last = w->x[w->n - 1];
    if (w->n >= 2 && last == w->x[w->n - 2] && consonant(w, w->n - 1)) w->n -= last != 'l' && last != 's' && last != 'z';
    else if (measure(w, w->n, NULL) == 1 && ends_short(w, w->n)) replace(w, "", "e");
}

static void past_and_progress(word *w)                                             /* step 1b */
{
    if (ends(w, "ied")) {                                                          /* NLTK */
        replace(w, "ied", w->n == 4 ? "ie" : "i");
        return;
    }
    if (ends(w, "eed")) {
        if (measure(w, w->n - 3, NULL) > 0) w->n--;
        return;
    }
    const int64_t suffix = ends(w, "ed") ? 2 : ends(w, "ing") ? 3 : 0;
    int64_t vowels = 0;
    measure(w, w->n - suffix, &vowels);
    if (suffix == 0 || vowels == 0) return;
    w->n -= suffix;
    mend(w);
}

static void final_y(word *w)                                                       /* step 1c; NLTK: after a consonant, from the third letter on */
{
    if (w->n > 2 && ends(w, "y") && consonant(w, w->n - 2)) w->x[w->n - 1] = 'i';
}

static void double_suffixes(word *w)                                               /* step 2 */
{
    static const rule rules[] = {
        {"ational", "ate"}, {"tional", "tion"}, {"enci", "ence"}, {"anci", "ance"}, {"izer", "ize"},    {"bli", "ble"},    {"alli", "al"},
        {"entli", "ent"},   {"eli", "e"},       {"ousli", "ous"}, {"ization", "ize"}, {"ation", "ate"}, {"ator", "ate"},   {"alism", "al"},
        {"iveness", "ive"}, {"fulness", "ful"}, {"ousness", "ous"}, {"aliti", "al"},  {"iviti", "ive"}, {"biliti", "ble"}, {"fulli", "ful"},
    };
    while (ends(w, "alli") && measure(w, w->n - 4, NULL) > 0) w->n -= 2;           /* NLTK: and once more */
    if (ends(w, "logi")) w->n -= measure(w, w->n - 3, NULL) > 0;                   /* NLTK: the l counts as the stem's */
    else APPLY(w, rules, 0);
}

static void middle_suffixes(word *w)                                               /* step 3 */
{
    static const rule rules[] = {{"icate", "ic"}, {"ative", ""}, {"alize", "al"}, {"iciti", "ic"}, {"ical", "ic"}, {"ful", ""}, {"ness", ""}};
    APPLY(w, rules, 0);
}

static void last_suffixes(word *w)                                                 /* step 4 */
{
    static const rule rules[] = {
        {"al", ""},   {"ance", ""}, {"ence", ""}, {"er", ""}, {"ic", ""},  {"able", ""}, {"ible", ""}, {"ant", ""}, {"ement", ""},
        {"ment", ""}, {"ent", ""},  {"ou", ""},   {"ism", ""}, {"ate", ""}, {"iti", ""},  {"ous", ""},  {"ive", ""}, {"ize", ""},
    };
    static const rule ion[] = {{"ion", ""}};
    if (!ends(w, "ion")) APPLY(w, rules, 1);
    else if (ends(w, "sion") || ends(w, "tion")) APPLY(w, ion, 1);
}

static void tidy(word *w)                                                          /* step 5 */
{
    if (ends(w, "e")) {
        const int64_t m = measure(w, w->n - 1, NULL);
        w->n -= m > 1 || (m == 1 && !ends_short(w, w->n - 1));
    }
    if (ends(w, "ll")) w->n -= measure(w, w->n - 1, NULL) > 1;
}

static bool irregular(word *w)                                                     /* NLTK */
{
    static const rule forms[] = {
        {"skies", "sky"},      {"sky", "sky"},       {"dying", "die"},       {"lying", "lie"},         {"tying", "tie"},       {"news", "news"},
        {"innings", "inning"}, {"inning", "inning"}, {"outings", "outing"},  {"outing", "outing"},     {"cannings", "canning"}, {"canning", "canning"},
        {"howe", "howe"},      {"proceed", "proceed"}, {"exceed", "exceed"}, {"succeed", "succeed"},
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (!is(w, forms[i].suffix)) continue;
        replace(w, forms[i].suffix, forms[i].put);
        return true;
    }
    return false;
}

int64_t heed_stem(int32_t *x, int64_t n)
{
    word w = {x, n};
    if (irregular(&w) || n <= 2) return w.n;
    plurals(&w);
    past_and_progress(&w);
    final_y(&w);
    double_suffixes(&w);
    middle_suffixes(&w);
    last_suffixes(&w);
    tidy(&w);
    return w.n;
}
