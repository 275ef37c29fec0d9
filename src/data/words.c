/* Words out of code points, by the tokeniser of the metrics: data/words.h. */
#include "data/words.h"

#include "base/tokenize.h"
#include "base/unicode.h"
#include "data/normal.h"

static bool blank(int32_t code)
{
    return heed_unicode_space(code);
}

/* Turns what the tokeniser made of the text into the places where it put a space between two neighbours: place[i] is before item place[i]. It
 * overwrites what it has read, since there are never more places than characters. */
static void find_cuts(heed_codes *made, const heed_tokens *text)
{
    int64_t at = 0, cuts = 0;
    const int64_t n = made->n;
    bool spaced = false;
    for (int64_t k = 0; k < n && at < text->count; k++) {
        if (blank(made->x[k])) {
            if (blank(text->item[at].id)) at++;
            spaced = true;
            continue;
        }
        if (spaced && at > 0 && !blank(text->item[at - 1].id)) made->x[cuts++] = (int32_t)at;
        spaced = false;
        at++;
    }
    made->n = cuts;
}

static void insert_cuts(heed_tokens *text, const heed_codes *cut)
{
    int64_t to = text->count + cut->n, left = cut->n;
    for (int64_t from = text->count - 1; left > 0; from--) {
        text->item[--to] = text->item[from];
        if (cut->x[left - 1] == from) {
            text->item[--to] = (heed_token){HEED_CUT, text->item[from].start, text->item[from].start};
            left--;
        }
    }
    text->count += cut->n;
}

bool heed_words_part(heed_tokens *text)
{
    heed_codes made = {0}, spare = {0};
    bool ok = heed_codes_reserve(&made, text->count);
    for (int64_t i = 0; ok && i < text->count; i++) heed_codes_add(&made, text->item[i].id);
    ok = ok && heed_tokenize("words", &made, &spare);
    if (ok) {
        find_cuts(&made, text);
        ok = heed_tokens_reserve(text, text->count + made.n);
    }
    if (ok) insert_cuts(text, &made);
    heed_codes_free(&made);
    heed_codes_free(&spare);
    return ok;
}
