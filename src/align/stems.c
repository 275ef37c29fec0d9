/* Stems by number: align/stems.h. */
#include "align/stems.h"

#include <stdlib.h>
#include <string.h>

enum { LETTERS = 4 };

static int64_t stem_of(heed_vocabulary *stems, const char *word)
{
    heed_spelling s;
    heed_token code[LETTERS];
    heed_spelling_read(&s, word);
    const int n = s.count < LETTERS ? s.count : LETTERS;
    for (int i = 0; i < n; i++) code[i] = (heed_token){.id = s.letter[i]};
    return heed_vocabulary_add(stems, code, n);
}

static bool number_side(heed_stems *s, const heed_side *side, int which)
{
    heed_vocabulary stems = {0};
    const int64_t n = side->words.count;
    s->of[which] = malloc((size_t)(n + 1) * sizeof *s->of[which]);
    s->share[which] = malloc((size_t)(n + 1) * sizeof *s->share[which]);
    bool ok = s->of[which] && s->share[which];
    for (int64_t w = 0; ok && w < n; w++) {
        const int64_t stem = stem_of(&stems, heed_vocabulary_text(&side->words, w));
        ok = stem >= 0;
        if (!ok) break;
        stems.item[stem].count += side->words.item[w].count;
        s->of[which][w] = (int32_t)stem;
    }
    for (int64_t w = 0; ok && w < n; w++) s->share[which][w] = (double)side->words.item[w].count / (double)stems.item[s->of[which][w]].count;
    s->count[which] = stems.count;
    heed_vocabulary_free(&stems);
    return ok;
}

static bool list_members(heed_stems *s, int64_t words)
{
    s->first = calloc((size_t)s->count[0] + 2, sizeof *s->first);
    s->member = malloc((size_t)(words + 1) * sizeof *s->member);
    if (!s->first || !s->member) return false;
    for (int64_t w = 0; w < words; w++) s->first[s->of[0][w] + 2]++;
    for (int64_t i = 1; i < s->count[0]; i++) s->first[i + 1] += s->first[i];
    for (int64_t w = 0; w < words; w++) s->member[s->first[s->of[0][w] + 1]++] = (int32_t)w;
    return true;
}

heed_stems *heed_stems_new(const heed_side side[2])
{
    heed_stems *s = calloc(1, sizeof *s);
    if (s && number_side(s, &side[0], 0) && number_side(s, &side[1], 1) && list_members(s, side[0].words.count)) return s;
    heed_stems_free(s);
    return NULL;
}

void heed_stems_free(heed_stems *s)
{
    if (!s) return;
    for (int i = 0; i < 2; i++) {
        free(s->of[i]);
        free(s->share[i]);
    }
    free(s->first);
    free(s->member);
    free(s);
}
