/* Ragged batches in one piece of memory: arrays of 8-byte numbers first, symbols last, so that everything is aligned. */
#include "data/batch.h"

#include <stdlib.h>

#include "base/rng.h"
#include "data/lay.h"
#include "data/rank.h"

static int64_t symbols(const heed_draft *d, int64_t B, bool target)
{
    int64_t n = B;
    for (int64_t i = 0; i < B; i++)
        n += target ? d[i].target_count : d[i].source_count;
    return n;
}

static bool knows_words(const heed_draft *d, int64_t B)
{
    return B > 0 && d[0].source_word;
}

static size_t side_bytes(int64_t B, int64_t N, bool words)
{
    const size_t symbol = (size_t)(words ? 2 : 1) * sizeof(int32_t);
    return (size_t)(B + 1) * sizeof(int64_t) + (size_t)N * sizeof(uint64_t) + (size_t)(N + N % 2) * symbol;
}

size_t heed_lay_bytes(const heed_draft *d, int64_t B, bool target)
{
    const bool words = knows_words(d, B);
    size_t bytes = (size_t)B * (sizeof(heed_rank) + sizeof(uint64_t) + sizeof(int64_t)) + side_bytes(B, symbols(d, B, false), words);
    return target ? bytes + side_bytes(B, symbols(d, B, true), words) : bytes;
}

static void *carve(char **memory, size_t bytes)
{
    void *piece = *memory;
    *memory += bytes;
    return piece;
}

static void rank_drafts(heed_rank *r, const heed_draft *d, int64_t B, bool target, bool sort)
{
    for (int64_t i = 0; i < B; i++) {
        int64_t length = target ? d[i].target_count : d[i].source_count;
        r[i] = (heed_rank){{-length, d[i].line, i}, i};
    }
    if (sort)
        heed_rank_sort(r, B);
}

static void lay_words(int32_t *word, const heed_draft *d, const heed_rank *r, int64_t B, bool target)
{
    for (int64_t i = 0; i < B; i++) {
        const heed_draft *one = &d[r[i].item];
        const int32_t *from = target ? one->target_word : one->source_word;
        int64_t count = target ? one->target_count : one->source_count;
        for (int64_t k = 0; k <= count; k++)
            *word++ = k < count ? from[k] : -1;
    }
}

static void lay_side(heed_side *side, const heed_draft *d, const heed_rank *r, int64_t B, bool target, char **memory)
{
    int64_t N = symbols(d, B, target), at = 0;
    int64_t *start = carve(memory, (size_t)(B + 1) * sizeof *start);
    uint64_t *keys = carve(memory, (size_t)N * sizeof *keys);
    int32_t *ids = carve(memory, (size_t)(N + N % 2) * sizeof *ids);
    for (int64_t i = 0; i < B; i++) {
        const heed_draft *one = &d[r[i].item];
        const int32_t *from = target ? one->target : one->source;
        int64_t count = target ? one->target_count : one->source_count;
        start[i] = at;
        for (int64_t k = 0; k <= count; k++) {
            ids[at] = k < count ? from[k * one->stride] : HEED_EOS;
            keys[at++] = heed_key(one->record, (uint64_t)k);
        }
    }
    start[B] = at;
    *side = (heed_side){.ids = ids, .N = N, .span = {start, B}, .keys = keys};
    if (!knows_words(d, B))
        return;
    side->word = carve(memory, (size_t)(N + N % 2) * sizeof *side->word);
    lay_words(side->word, d, r, B, target);
}

void heed_lay(heed_batch *b, const heed_draft *d, int64_t B, bool target, bool sort, void *memory)
{
    char *at = memory;
    heed_rank *r = carve(&at, (size_t)B * sizeof *r);
    rank_drafts(r, d, B, target, sort);
    *b = (heed_batch){.B = B};
    b->record = carve(&at, (size_t)B * sizeof *b->record);
    b->line = carve(&at, (size_t)B * sizeof *b->line);
    for (int64_t i = 0; i < B; i++) {
        b->record[i] = d[r[i].item].record;
        b->line[i] = d[r[i].item].line;
    }
    lay_side(&b->source, d, r, B, false, &at);
    if (target)
        lay_side(&b->target, d, r, B, true, &at);
}

static void draft_tokens(heed_draft *d, const heed_tokens *source, const heed_tokens *target, int64_t B, const uint64_t *record,
                         const int64_t *line)
{
    for (int64_t i = 0; i < B; i++) {
        d[i] = (heed_draft){.stride = (int64_t)(sizeof(heed_token) / sizeof(int32_t)), .record = record ? record[i] : (uint64_t)i,
                            .line = line ? line[i] : i, .source_count = source[i].count, .target_count = target ? target[i].count : 0};
        d[i].source = d[i].source_count ? &source[i].item[0].id : NULL;
        d[i].target = d[i].target_count ? &target[i].item[0].id : NULL;
    }
}

heed_batch *heed_batch_new(const heed_tokens *source, const heed_tokens *target, int64_t B, const uint64_t *record, const int64_t *line, bool sort,
                           heed_error *err)
{
    heed_draft *d = malloc((size_t)(B + 1) * sizeof *d);
    heed_batch *b = NULL;
    if (d) {
        draft_tokens(d, source, target, B, record, line);
        b = malloc(sizeof *b + heed_lay_bytes(d, B, target != NULL));
    }
    if (b)
        heed_lay(b, d, B, target != NULL, sort, b + 1);
    else
        heed_fail(err, HEED_E_NOMEM, "out of memory for a batch of %lld sequences", (long long)B);
    free(d);
    return b;
}

void heed_batch_free(heed_batch *b)
{
    free(b);
}

static heed_side part_side(const heed_side *side, int64_t first, int64_t count, int64_t *start)
{
    int64_t origin = side->span.start[first];
    for (int64_t i = 0; i <= count; i++)
        start[i] = side->span.start[first + i] - origin;
    return (heed_side){.ids = side->ids + origin, .N = start[count], .span = {start, count}, .keys = side->keys + origin,
                       .word = side->word ? side->word + origin : NULL};
}

void heed_batch_part(const heed_batch *b, int64_t first, int64_t count, int64_t *source_start, int64_t *target_start, heed_batch *part)
{
    *part = (heed_batch){.B = count, .record = b->record + first, .line = b->line + first};
    part->source = part_side(&b->source, first, count, source_start);
    if (b->target.ids)
        part->target = part_side(&b->target, first, count, target_start);
    part->guide = b->guide;
    if (b->guide.start)
        part->guide.start += b->target.span.start[first];
}
