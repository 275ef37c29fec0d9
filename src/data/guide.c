/* Links of words to links of symbols: data/guide.h. */
#include "data/guide.h"

#include <stdlib.h>
#include <string.h>

void heed_guide_words(const heed_tokens *tokens, const heed_tokens *words, int32_t *word)
{
    int64_t w = 0;
    for (int64_t i = 0; i < tokens->count; i++) {
        const heed_token *t = &tokens->item[i];
        while (w < words->count && words->item[w].end <= t->start) w++;
        word[i] = w < words->count && words->item[w].start < t->end ? (int32_t)w : -1;
    }
}

void heed_guide_room_free(heed_guide_room *room)
{
    free(room->start);
    free(room->key);
    *room = (heed_guide_room){0};
}

static bool grow_keys(heed_guide_room *room, int64_t wanted)
{
    if (wanted <= room->key_room) return true;
    const int64_t size = wanted + wanted / 2 + 64;
    int32_t *grown = realloc(room->key, (size_t)size * sizeof *grown);
    if (!grown) return false;
    room->key = grown;
    room->key_room = size;
    return true;
}

static bool grow_starts(heed_guide_room *room, int64_t wanted)
{
    if (wanted <= room->start_room) return true;
    const int64_t size = wanted + wanted / 2;
    int64_t *grown = realloc(room->start, (size_t)size * sizeof *grown);
    if (!grown) return false;
    room->start = grown;
    room->start_room = size;
    return true;
}

/* Links of one line whose target is word w: the first of them, and how many. */
static int64_t links_of(const heed_word_link *link, int64_t n, int32_t w, int64_t *count)
{
    int64_t first = 0, end;
    while (first < n && link[first].target < w) first++;
    for (end = first; end < n && link[end].target == w;) end++;
    *count = end - first;
    return first;
}

/* Numbers of the symbols of a sequence whose words are linked; words rise where there are any. Returns how many; key has room for n. */
static int64_t put_keys(int32_t *key, const int32_t *word, int64_t n, const heed_word_link *link, int64_t count)
{
    int64_t found = 0, at = 0;
    for (int64_t j = 0; j < n; j++) {
        while (at < count && link[at].source < word[j]) at++;
        if (at < count && link[at].source == word[j]) key[found++] = (int32_t)j;
    }
    return found;
}

typedef struct sequence { const int32_t *source, *target; int64_t source_count, target_count; const heed_word_link *link; int64_t links; } sequence;

static sequence sequence_of(const heed_batch *b, const heed_line_links *l, int64_t i)
{
    const int64_t *s = b->source.span.start, *t = b->target.span.start, line = b->line[i];
    sequence q = {b->source.word + s[i], b->target.word + t[i], s[i + 1] - s[i], t[i + 1] - t[i], NULL, 0};
    if (line < 1 || line > l->lines) return q;
    q.link = l->link + l->first[line - 1];
    q.links = l->first[line] - l->first[line - 1];
    return q;
}

/* The source's </s>, its last symbol, if the line has links at all. */
static int64_t put_end(int32_t *key, const sequence *q, bool wanted)
{
    if (wanted && q->links) *key = (int32_t)q->source_count - 1;
    return wanted && q->links;
}

/* Links of word w to symbols, -1: no word. Links that no symbol of the source stands for are none, but tell that the word is not without. */
static int64_t put_links(int32_t *key, const sequence *q, int32_t w, bool empty)
{
    int64_t count;
    const int64_t first = links_of(q->link, q->links, w, &count);
    if (w < 0) return 0;
    return count ? put_keys(key, q->source, q->source_count, q->link + first, count) : put_end(key, q, empty);
}

/* Symbols of one word stand together and have the same links. Returns how many symbols have any, -1: out of memory. */
static int64_t guide_sequence(heed_guide_room *room, const heed_guide_settings *how, const sequence *q, int64_t *start, int64_t *used)
{
    int64_t guided = 0, found = 0;
    for (int64_t i = 0; i < q->target_count; i++) {
        const bool end = i == q->target_count - 1, same = i && !end && q->target[i] == q->target[i - 1];
        if (!grow_keys(room, *used + q->source_count)) return -1;
        if (same && found) memcpy(room->key + *used, room->key + *used - found, (size_t)found * sizeof *room->key);
        if (!same) found = end ? put_end(room->key + *used, q, how->ends) : put_links(room->key + *used, q, q->target[i], how->empty);
        *used += found;
        start[i + 1] = *used;
        guided += found > 0;
    }
    return guided;
}

bool heed_guide_batch(heed_guide_room *room, const heed_guide_settings *how, heed_batch *b)
{
    int64_t guided = 0, used = 0;
    if (!grow_starts(room, b->target.N + 1)) return false;
    room->start[0] = 0;
    for (int64_t i = 0; i < b->B; i++) {
        const sequence q = sequence_of(b, how->links, i);
        const int64_t more = guide_sequence(room, how, &q, room->start + b->target.span.start[i], &used);
        if (more < 0) return false;
        guided += more;
    }
    b->guide = (heed_guidance){.start = room->start, .key = room->key, .share = guided ? (double)b->target.N / (double)guided : 0};
    return true;
}
