/* From symbols to words: which word a symbol belongs to, weights joined, links taken. Words are split at white space. */
#include <string.h>

#include "task/task.h"

static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }   /* as data/text.c has it */

/* word[i] of symbol i, -1 for what lies between words (and for </s>). Returns the number of words. A symbol belongs to the word its first
 * byte that is no space lies in. */
static int64_t words_of(const char *text, const heed_piece_of_text *symbols, int64_t count, int64_t *word)
{
    int64_t words = 0, at = 0;
    bool inside = false;
    for (int64_t i = 0; i < count; i++) {
        word[i] = -1;
        int64_t first = symbols[i].start;
        while (first < symbols[i].end && is_space(text[first])) first++;
        for (; at < first || (at < symbols[i].end && at == first); at++) {
            if (!is_space(text[at]) && !inside) words++;
            inside = !is_space(text[at]);
        }
        if (first < symbols[i].end) word[i] = words - 1;
    }
    return words;
}

static void join(const heed_output *o, heed_weight_row *row, void *self, const int64_t *source_word, const int64_t *target_word, float *joined)
{
    for (int64_t i = 0; i < o->count; i++) {
        const float *weights = row(self, i);
        for (int64_t j = 0; target_word[i] >= 0 && j < o->source_count; j++)
            if (source_word[j] >= 0) joined[target_word[i] * o->source_words + source_word[j]] += weights[j];
    }
    for (int64_t w = 0; w < o->target_words; w++) {
        double sum = 0;
        for (int64_t v = 0; v < o->source_words; v++) sum += joined[w * o->source_words + v];
        for (int64_t v = 0; sum > 0 && v < o->source_words; v++) joined[w * o->source_words + v] /= (float)sum;
    }
}

static void link_words(heed_output *o, const float *joined, heed_link *links)
{
    for (int64_t w = 0; w < o->target_words; w++) {
        const float *row = joined + w * o->source_words;
        int64_t best = 0;
        for (int64_t v = 1; v < o->source_words; v++)
            if (row[v] > row[best]) best = v;
        if (o->source_words && row[best] > 0) links[o->link_count++] = (heed_link){best, w};
    }
}

bool heed_output_align(heed_output *o, heed_weight_row *row, void *self, heed_arena *arena)
{
    heed_mark mark = heed_arena_mark(arena);
    int64_t *source_word = heed_arena_alloc(arena, (size_t)(o->source_count + o->count + 1) * sizeof *source_word);
    if (!source_word) return false;
    int64_t *target_word = source_word + o->source_count;
    o->source_words = words_of(o->source, o->source_tokens, o->source_count, source_word);
    o->target_words = words_of(o->text, o->tokens, o->count, target_word);
    float *joined = heed_arena_zero(arena, (size_t)(o->source_words * o->target_words + 1) * sizeof *joined);
    heed_link *links = heed_arena_alloc(arena, (size_t)(o->target_words + 1) * sizeof *links);
    if (!joined || !links) {
        heed_arena_rewind(arena, mark);
        return false;
    }
    o->link_count = 0;
    join(o, row, self, source_word, target_word, joined);
    link_words(o, joined, links);
    o->word_weights = joined;
    o->links = links;
    return true;
}
