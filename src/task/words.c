/* From symbols to words: which word a symbol belongs to, weights joined, links taken. Words are split at white space. */
#include <string.h>

#include "task/task.h"

static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }   /* as data/text.c has it */

int64_t heed_words_split(const char *text, heed_range *words)
{
    int64_t count = 0;
    for (const char *at = text; *at;) {
        const char *start = at;
        while (*at && !is_space(*at)) at++;
        if (at > start && words) words[count] = (heed_range){start - text, at - text};
        count += at > start;
        at += *at != 0;
    }
    return count;
}

static heed_range *split(const char *text, int64_t *count, heed_arena *arena)
{
    *count = heed_words_split(text, NULL);
    heed_range *words = heed_arena_alloc(arena, (size_t)(*count + 1) * sizeof *words);
    if (words) heed_words_split(text, words);
    return words;
}

/* A symbol belongs to the word its first byte that is no space lies in. */
void heed_words_place(const char *text, const heed_piece_of_text *symbols, int64_t count, const heed_range *words, int64_t word_count, int64_t *word)
{
    for (int64_t i = 0, w = 0; i < count; i++) {
        int64_t first = symbols[i].start;
        while (first < symbols[i].end && is_space(text[first])) first++;
        while (w < word_count && words[w].end <= first) w++;
        word[i] = first < symbols[i].end ? w : -1;
    }
}

/* empty: likewise of </s>, or NULL. */
static void add_up(const heed_output *o, heed_weight_row *row, void *self, const int64_t *source_word, const int64_t *target_word, float *joined, float *empty)
{
    for (int64_t i = 0; i < o->count; i++) {
        const float *weights = row(self, i);
        for (int64_t j = 0; target_word[i] >= 0 && j < o->source_count; j++)
            if (source_word[j] >= 0) joined[target_word[i] * o->source_words + source_word[j]] += weights[j];
        if (empty && target_word[i] >= 0) empty[target_word[i]] += weights[o->source_count - 1];
    }
}

/* Each row's sum is 1. */
static void share_out(const heed_output *o, float *joined)
{
    for (int64_t w = 0; w < o->target_words; w++) {
        double sum = 0;
        for (int64_t v = 0; v < o->source_words; v++) sum += joined[w * o->source_words + v];
        for (int64_t v = 0; sum > 0 && v < o->source_words; v++) joined[w * o->source_words + v] /= (float)sum;
    }
}

/* The mean over the symbols of each target word. */
static void average(const heed_output *o, const int64_t *target_word, float *joined, float *empty)
{
    for (int64_t w = 0, i = 0; w < o->target_words; w++) {
        int64_t n = 0;
        for (; i < o->count && target_word[i] <= w; i++) n += target_word[i] == w;
        for (int64_t v = 0; n > 1 && v < o->source_words; v++) joined[w * o->source_words + v] /= (float)n;
        if (n > 1) empty[w] /= (float)n;
    }
}

/* The heaviest of a row, the first of equals; -1: there is none, or </s> is heavier. */
static int64_t heaviest(const float *row, int64_t n, float empty)
{
    int64_t best = 0;
    for (int64_t v = 1; v < n; v++)
        if (row[v] > row[best]) best = v;
    return n && row[best] > 0 && row[best] >= empty ? best : -1;
}

int64_t heed_output_link(const heed_output *o, double threshold, heed_link *links)
{
    int64_t count = 0;
    for (int64_t w = 0; w < o->target_words; w++) {
        const float *row = o->word_weights + w * o->source_words;
        const int64_t best = threshold > 0 ? -1 : heaviest(row, o->source_words, o->empty_weights ? o->empty_weights[w] : 0);
        for (int64_t v = 0; v < o->source_words; v++) {
            if (threshold > 0 ? (double)row[v] < threshold : v != best) continue;
            if (links) links[count] = (heed_link){v, w};
            count++;
        }
    }
    return count;
}

static bool split_and_join(heed_output *o, heed_weight_row *row, void *self, heed_arena *arena)
{
    int64_t *source_word = heed_arena_alloc(arena, (size_t)(o->source_count + o->count + 1) * sizeof *source_word);
    o->source_ranges = split(o->source, &o->source_words, arena);
    o->target_ranges = split(o->text, &o->target_words, arena);
    float *joined = heed_arena_zero(arena, (size_t)((o->source_words + 1) * o->target_words + 1) * sizeof *joined);
    float *empty = joined && o->look.empty ? joined + o->source_words * o->target_words : NULL;
    if (!source_word || !o->source_ranges || !o->target_ranges || !joined) return false;
    int64_t *target_word = source_word + o->source_count;
    heed_words_place(o->source, o->source_tokens, o->source_count, o->source_ranges, o->source_words, source_word);
    heed_words_place(o->text, o->tokens, o->count, o->target_ranges, o->target_words, target_word);
    add_up(o, row, self, source_word, target_word, joined, empty);
    if (empty) average(o, target_word, joined, empty);
    else share_out(o, joined);
    o->word_weights = joined;
    o->empty_weights = empty;
    return true;
}

bool heed_output_align(heed_output *o, heed_weight_row *row, void *self, heed_arena *arena)
{
    const heed_mark mark = heed_arena_mark(arena);
    bool good = split_and_join(o, row, self, arena);
    if (good) {
        o->link_count = heed_output_link(o, o->look.threshold, NULL);
        heed_link *links = heed_arena_alloc(arena, (size_t)(o->link_count + 1) * sizeof *links);
        if (links) heed_output_link(o, o->look.threshold, links);
        o->links = links;
        good = links != NULL;
    }
    if (!good) heed_arena_rewind(arena, mark);
    return good;
}
