/* The table of pairs of words: which there are, and where each stands. Learning stands in learn.c. */
#include "align/lexicon.h"

#include <stdlib.h>
#include <string.h>

#include "align/learn.h"
#include "align/stems.h"

/* Texts by the words of one side: those that hold word w are text[first[w]] to text[first[w + 1] - 1], in order, once for each time. */
typedef struct places { int64_t *first; int64_t *text; } places;

static bool find_places(places *p, const heed_side *side)
{
    const int64_t words = side->words.count, n = side->texts ? side->start[side->texts] : 0;
    p->first = calloc((size_t)words + 2, sizeof *p->first);
    p->text = malloc((size_t)(n + 1) * sizeof *p->text);
    if (!p->first || !p->text) return false;
    for (int64_t i = 0; i < n; i++) p->first[side->word[i] + 2]++;
    for (int64_t w = 1; w < words; w++) p->first[w + 1] += p->first[w];
    for (int64_t t = 0; t < side->texts; t++)
        for (int64_t i = side->start[t]; i < side->start[t + 1]; i++) p->text[p->first[side->word[i] + 1]++] = t;
    return true;
}

/* Source words that stand with each target word are met once for it. First they are counted by row, from row[2] on; then, since target words come in order,
 * each row is filled in order, and row[1 + s] moves to where row s ends. */
static void meet(heed_lexicon *l, const heed_side side[2], const places *p, int64_t *met, bool fill)
{
    const heed_side *source = &side[0];
    memset(met, 0xFF, (size_t)source->words.count * sizeof *met);
    for (int64_t w = 0; w < side[1].words.count; w++)
        for (int64_t k = p->first[w]; k < p->first[w + 1]; k++)
            for (int64_t i = source->start[p->text[k]]; i < source->start[p->text[k] + 1]; i++) {
                const int32_t s = source->word[i];
                if (met[s] == w) continue;
                met[s] = w;
                if (fill) l->target[l->row[s + 1]++] = (int32_t)w;
                else l->row[s + 2]++;
            }
}

static bool list_pairs(heed_lexicon *l, const heed_side side[2])
{
    const int64_t words = side[0].words.count;
    places p = {0};
    int64_t *met = malloc((size_t)(words + 1) * sizeof *met);
    l->row = calloc((size_t)words + 3, sizeof *l->row);
    bool ok = met && l->row && find_places(&p, &side[1]);
    if (ok) {
        meet(l, side, &p, met, false);
        for (int64_t s = 0; s < words; s++) l->row[s + 2] += l->row[s + 1];
        l->target = malloc((size_t)(l->row[words + 1] + 1) * sizeof *l->target);
        ok = l->target != NULL;
    }
    if (ok) meet(l, side, &p, met, true);
    free(met);
    free(p.first);
    free(p.text);
    return ok;
}

static bool compare_spelling(heed_lexicon *l, const heed_side side[2], int threads)
{
    const int64_t pairs = l->row[side[0].words.count];
    heed_spelling *target = malloc((size_t)(side[1].words.count + 1) * sizeof *target);
    l->alike = malloc((size_t)pairs + 1);
    if (!target || !l->alike) {
        free(target);
        return false;
    }
    for (int64_t w = 0; w < side[1].words.count; w++) heed_spelling_read(&target[w], heed_vocabulary_text(&side[1].words, w));
#pragma omp parallel for schedule(dynamic, 16) num_threads(threads)
    for (int64_t s = 0; s < side[0].words.count; s++) {
        heed_spelling mine;
        heed_spelling_read(&mine, heed_vocabulary_text(&side[0].words, s));
        for (int64_t k = l->row[s]; k < l->row[s + 1]; k++) l->alike[k] = (uint8_t)heed_spelling_likeness(&mine, &target[l->target[k]]);
    }
    free(target);
    return true;
}

static void count_chance(heed_lexicon *l, const heed_side side[2], int threads)
{
#pragma omp parallel for schedule(dynamic, 64) num_threads(threads)
    for (int64_t t = 0; t < side[0].texts; t++) {
        const int64_t *s = side[0].start + t, *g = side[1].start + t;
        const double share = 1.0 / (double)(s[1] - s[0] + (s[1] == s[0])) + 1.0 / (double)(g[1] - g[0] + (g[1] == g[0]));
        int64_t alike[HEED_LIKENESSES] = {0};
        for (int64_t i = s[0]; i < s[1]; i++)
            for (int64_t j = g[0]; j < g[1]; j++) alike[l->alike[heed_lexicon_find(l, side[0].word[i], side[1].word[j])]]++;
        for (int b = 0; b < HEED_LIKENESSES; b++) heed_count_add(&l->chance[b], share * (double)alike[b]);
    }
}

static bool take_tables(heed_lexicon *l, const heed_side side[2], int threads)
{
    const int64_t pairs = l->row[side[0].words.count];
    bool ok = true;
    for (int d = 0; d < 2; d++) {
        const int64_t words = side[1 - d].words.count;
        l->given[d] = malloc((size_t)(pairs + 1) * sizeof *l->given[d]);
        l->count[d] = malloc((size_t)(pairs + 1) * sizeof *l->count[d]);
        l->empty[d] = malloc((size_t)(words + 1) * sizeof *l->empty[d]);
        l->empty_count[d] = malloc((size_t)(words + 1) * sizeof *l->empty_count[d]);
        ok = ok && l->given[d] && l->count[d] && l->empty[d] && l->empty_count[d];
        for (int64_t k = 0; ok && k < pairs; k++) l->given[d][k] = 1 / (float)words;
        for (int64_t w = 0; ok && w < words; w++) l->empty[d][w] = 1 / (float)words;
    }
    return ok && (l->stems = heed_stems_new(side)) != NULL && (l->sums = heed_sums_new(side, l->stems, threads)) != NULL;
}

heed_status heed_lexicon_begin(heed_lexicon *l, const heed_side side[2], int threads, heed_error *err)
{
    *l = (heed_lexicon){0};
    if (list_pairs(l, side) && compare_spelling(l, side, threads) && take_tables(l, side, threads)) {
        count_chance(l, side, threads);
        heed_lexicon_clear(l, side);
        return HEED_OK;
    }
    heed_lexicon_free(l);
    return heed_fail(err, HEED_E_NOMEM, "out of memory for the words that stand together in %lld pairs of texts; give fewer of them", (long long)side[0].texts);
}

void heed_lexicon_free(heed_lexicon *l)
{
    free(l->row);
    free(l->target);
    free(l->alike);
    for (int d = 0; d < 2; d++) {
        free(l->given[d]);
        free(l->count[d]);
        free(l->empty[d]);
        free(l->empty_count[d]);
    }
    heed_stems_free(l->stems);
    heed_sums_free(l->sums);
    *l = (heed_lexicon){0};
}

int64_t heed_lexicon_find(const heed_lexicon *l, int32_t source, int32_t target)
{
    int64_t low = l->row[source], high = l->row[source + 1];
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (l->target[middle] < target) low = middle + 1;
        else high = middle;
    }
    return low;
}

void heed_lexicon_clear(heed_lexicon *l, const heed_side side[2])
{
    const int64_t pairs = l->row[side[0].words.count];
    for (int d = 0; d < 2; d++) {
        memset(l->count[d], 0, (size_t)pairs * sizeof *l->count[d]);
        memset(l->empty_count[d], 0, (size_t)side[1 - d].words.count * sizeof *l->empty_count[d]);
    }
}
