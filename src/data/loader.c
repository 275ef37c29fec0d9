/* The loader: a block of records in a buffer, shuffled, sorted by length, cut into batches. Where it stands is (epoch, block, batch): the
 * content of a block follows from the corpus alone and its order from the seed, so resuming reads the corpus again up to the block. */
#include <stdlib.h>

#include "base/rng.h"
#include "data/batch.h"
#include "data/guide.h"
#include "data/lay.h"
#include "data/rank.h"

enum { DEFAULT_BUFFER = 65536, PIECES = 0x706965 };   /* PIECES: tells the draws of pieces from those of shuffling */

typedef struct entry {
    int64_t at, source, target;   /* place in the pool; lengths; the target follows the source */
    int64_t line;
} entry;

struct heed_loader {
    heed_loader_settings settings;
    heed_corpus *corpus;
    heed_loader_state state;
    heed_loader_counts counts;
    bool between;                 /* an epoch has ended and the next has not begun: counts still tell of the old one */
    bool loaded;                  /* the block of the state is in the buffer and cut */

    heed_tokens source, target;   /* scratch of encoding */
    heed_tokens words;            /* scratch of splitting */
    int32_t *pool;                /* symbols of the block, of a record those of both sides and, where a guide is wanted, their words */
    int64_t pooled, pool_room;
    entry *entries;
    heed_rank *ranks;             /* entries by length */
    heed_draft *drafts;
    int64_t *order, *cut;         /* order of the batches; batch i is ranks[cut[i] .. cut[i+1]) */
    int64_t count, room, batches;
    void *memory;                 /* of the batch handed out */
    size_t memory_size;
    heed_batch batch;
    heed_guide_room guide;        /* of the batch */
};

heed_loader *heed_loader_new(const heed_loader_settings *settings, heed_error *err)
{
    if ((settings->sentences > 0) == (settings->tokens > 0) || settings->buffer < 0) {
        heed_fail(err, HEED_E_USAGE, "a batch is cut by sentences or by tokens (one of them above 0), from a buffer of 1 record or more");
        return NULL;
    }
    heed_loader *l = calloc(1, sizeof *l);
    if (!l) {
        heed_fail(err, HEED_E_NOMEM, "out of memory for a loader");
        return NULL;
    }
    l->settings = *settings;
    if (l->settings.buffer == 0)
        l->settings.buffer = DEFAULT_BUFFER;
    l->corpus = heed_corpus_open(&settings->corpus, err);
    l->settings.corpus = (heed_corpus_settings){0};
    if (!l->corpus) {
        heed_loader_free(l);
        return NULL;
    }
    return l;
}

void heed_loader_free(heed_loader *l)
{
    if (!l)
        return;
    heed_corpus_close(l->corpus);
    heed_tokens_free(&l->source);
    heed_tokens_free(&l->target);
    heed_tokens_free(&l->words);
    heed_guide_room_free(&l->guide);
    free(l->pool);
    free(l->entries);
    free(l->ranks);
    free(l->drafts);
    free(l->order);
    free(l->cut);
    free(l->memory);
    free(l);
}

/* The array with room for n items; as it was, and *ok false, when out of memory. */
static void *widen(void *array, int64_t n, size_t item, bool *ok)
{
    void *grown = realloc(array, (size_t)n * item);
    *ok &= grown != NULL;
    return grown ? grown : array;
}

static bool reserve_entry(heed_loader *l)
{
    if (l->count < l->room)
        return true;
    int64_t room = l->room ? l->room * 2 : 256;
    bool ok = true;
    l->entries = widen(l->entries, room, sizeof *l->entries, &ok);
    l->ranks = widen(l->ranks, room, sizeof *l->ranks, &ok);
    l->drafts = widen(l->drafts, room, sizeof *l->drafts, &ok);
    l->order = widen(l->order, room, sizeof *l->order, &ok);
    l->cut = widen(l->cut, room + 1, sizeof *l->cut, &ok);
    l->room = ok ? room : l->room;
    return ok;
}

static bool reserve_pool(heed_loader *l, int64_t more)
{
    if (l->pooled + more <= l->pool_room)
        return true;
    int64_t room = l->pool_room * 2 > l->pooled + more ? l->pool_room * 2 : l->pooled + more;
    bool ok = true;
    l->pool = widen(l->pool, room, sizeof *l->pool, &ok);
    l->pool_room = ok ? room : l->pool_room;
    return ok;
}

static void pool_side(heed_loader *l, const heed_tokens *t)
{
    for (int64_t i = 0; i < t->count; i++) {
        l->pool[l->pooled++] = t->item[i].id;
        l->counts.unknown += t->item[i].id == HEED_UNK;
    }
}

static heed_status pool_words(heed_loader *l, const heed_record *r, heed_error *err)
{
    const heed_guide_settings *guide = &l->settings.guide;
    for (int i = 0; i < 2; i++) {
        const heed_tokens *symbols = i ? &l->target : &l->source;
        heed_status status = guide->split(r->text[i], r->size[i], guide->parted, &l->words, err);
        if (status)
            return status;
        heed_guide_words(symbols, &l->words, l->pool + l->pooled);
        l->pooled += symbols->count;
    }
    return HEED_OK;
}

static heed_status keep_record(heed_loader *l, const heed_record *r, heed_error *err)
{
    int64_t source = l->source.count, target = l->target.count;
    const bool guided = l->settings.guide.links != NULL;
    if (!reserve_entry(l) || !reserve_pool(l, (source + target) * (guided ? 2 : 1)))
        return heed_fail(err, HEED_E_NOMEM, "out of memory for a shuffle buffer of %lld records; set data.shuffle_buffer lower",
                         (long long)l->settings.buffer);
    l->entries[l->count++] = (entry){.at = l->pooled, .source = source, .target = target, .line = r->line};
    pool_side(l, &l->source);
    pool_side(l, &l->target);
    l->counts.records++;
    return guided ? pool_words(l, r, err) : HEED_OK;
}

static bool too_long(const heed_loader *l)
{
    const heed_loader_settings *s = &l->settings;
    return (s->max_length > 0 && (l->source.count > s->max_length || l->target.count > s->max_length)) ||
           (s->longest_source > 0 && l->source.count + 1 > s->longest_source) || (s->longest_target > 0 && l->target.count + 1 > s->longest_target) ||
           (s->tokens > 0 && l->target.count + 1 > s->tokens);
}

static bool is_noisy(const heed_text_noise *n)
{
    return n->dropout > 0 || n->sampling > 0;
}

static heed_status encode_plain(heed_loader *l, const heed_record *r, heed_error *err)
{
    heed_status status = heed_text_encode(l->settings.source, r->text[0], r->size[0], &l->source, err);
    return status ? status : heed_text_encode(l->settings.target, r->text[1], r->size[1], &l->target, err);
}

static heed_status encode_record(heed_loader *l, const heed_record *r, heed_error *err)
{
    const heed_loader_settings *s = &l->settings;
    if (!is_noisy(&s->source_noise) && !is_noisy(&s->target_noise))
        return encode_plain(l, r, err);
    const uint64_t key = heed_key(heed_key(heed_key(s->seed, PIECES), (uint64_t)l->state.epoch), (uint64_t)r->line);
    heed_status status = heed_text_draw(s->source, r->text[0], r->size[0], &s->source_noise, heed_key(key, 0), &l->source, err);
    if (!status)
        status = heed_text_draw(s->target, r->text[1], r->size[1], &s->target_noise, heed_key(key, 1), &l->target, err);
    return status || !too_long(l) ? status : encode_plain(l, r, err);
}

static heed_status take_record(heed_loader *l, const heed_record *r, heed_error *err)
{
    heed_status status = encode_record(l, r, err);
    if (status)
        return status;
    if (l->source.count == 0 || l->target.count == 0)
        l->counts.empty++;   /* nothing but spaces */
    else if (too_long(l))
        l->counts.too_long++;
    else
        return keep_record(l, r, err);
    return HEED_OK;
}

/* Fills the buffer with the next block of the corpus; count = 0 at its end. */
static heed_status read_block(heed_loader *l, heed_error *err)
{
    heed_corpus_counts seen = *heed_corpus_get_counts(l->corpus);
    heed_status status = HEED_OK;
    bool end = false;
    l->count = l->pooled = 0;
    while (!status && l->count < l->settings.buffer) {
        heed_record r;
        status = heed_corpus_next(l->corpus, &r, &end, err);
        if (status || end)
            break;
        status = take_record(l, &r, err);
    }
    l->counts.empty += heed_corpus_get_counts(l->corpus)->empty - seen.empty;
    l->counts.invalid += heed_corpus_get_counts(l->corpus)->invalid - seen.invalid;
    return status;
}

static void sort_block(heed_loader *l, uint64_t key)
{
    int64_t *place = l->order;
    for (int64_t i = 0; i < l->count; i++)
        place[i] = i;
    if (l->settings.shuffle)
        heed_shuffle(key, place, l->count);
    for (int64_t i = 0; i < l->count; i++) {
        const entry *e = &l->entries[place[i]];
        l->ranks[i] = (heed_rank){{e->target, e->source, i}, place[i]};
    }
    heed_rank_sort(l->ranks, l->count);
}

static void cut_block(heed_loader *l)
{
    const heed_loader_settings *s = &l->settings;
    int64_t sentences = 0, tokens = 0;
    l->batches = 0;
    for (int64_t i = 0; i < l->count; i++) {
        int64_t more = l->entries[l->ranks[i].item].target + 1;
        bool full = s->sentences > 0 ? sentences == s->sentences : tokens + more > s->tokens;
        if (i == 0 || full) {
            l->cut[l->batches++] = i;
            sentences = tokens = 0;
        }
        sentences++;
        tokens += more;
    }
    l->cut[l->batches] = l->count;
}

static void arrange_block(heed_loader *l)
{
    uint64_t key = heed_key(heed_key(l->settings.seed, (uint64_t)l->state.epoch), (uint64_t)l->state.block);
    sort_block(l, heed_key(key, 0));
    cut_block(l);
    for (int64_t i = 0; i < l->batches; i++)
        l->order[i] = i;
    if (l->settings.shuffle)
        heed_shuffle(heed_key(key, 1), l->order, l->batches);
    l->loaded = true;
}

static heed_status build_batch(heed_loader *l, int64_t which, heed_error *err)
{
    int64_t first = l->cut[which], B = l->cut[which + 1] - first;
    for (int64_t i = 0; i < B; i++) {
        const entry *e = &l->entries[l->ranks[first + i].item];
        const int32_t *ids = l->pool + e->at;
        l->drafts[i] = (heed_draft){.source = ids, .target = ids + e->source, .source_count = e->source, .target_count = e->target,
                                    .stride = 1, .record = heed_key((uint64_t)l->state.epoch, (uint64_t)e->line), .line = e->line};
        if (!l->settings.guide.links)
            continue;
        l->drafts[i].source_word = ids + e->source + e->target;
        l->drafts[i].target_word = l->drafts[i].source_word + e->source;
    }
    size_t bytes = heed_lay_bytes(l->drafts, B, true);
    if (bytes > l->memory_size) {
        bytes += bytes / 4;
        free(l->memory);
        l->memory = malloc(bytes);
        l->memory_size = l->memory ? bytes : 0;
    }
    if (!l->memory)
        return heed_fail(err, HEED_E_NOMEM, "out of memory for a batch of %lld records", (long long)B);
    heed_lay(&l->batch, l->drafts, B, true, true, l->memory);
    if (l->settings.guide.links && !heed_guide_batch(&l->guide, &l->settings.guide, &l->batch))
        return heed_fail(err, HEED_E_NOMEM, "out of memory for the links of %lld records", (long long)B);
    return HEED_OK;
}

static heed_status no_records(const heed_loader *l, heed_error *err)
{
    const heed_loader_counts *c = &l->counts;
    return heed_fail(err, HEED_E_DATA, "%s: no record of use (empty: %lld, not UTF-8: %lld, too long for data.max_length, the model or a batch: %lld)",
                     heed_corpus_name(l->corpus), (long long)c->empty, (long long)c->invalid, (long long)c->too_long);
}

static heed_status end_epoch(heed_loader *l, heed_error *err)
{
    if (l->counts.records == 0)
        return no_records(l, err);
    l->state = (heed_loader_state){.epoch = l->state.epoch + 1};
    l->between = true;
    return heed_corpus_rewind(l->corpus, err);
}

heed_status heed_loader_next(heed_loader *l, const heed_batch **b, bool *end_of_epoch, heed_error *err)
{
    *b = NULL;
    *end_of_epoch = false;
    if (l->between)
        l->counts = (heed_loader_counts){0};
    l->between = false;
    if (!l->loaded) {
        heed_status status = read_block(l, err);
        if (status)
            return status;
        if (l->count == 0) {
            status = end_epoch(l, err);
            *end_of_epoch = status == HEED_OK;
            return status;
        }
        arrange_block(l);
    }
    heed_status status = build_batch(l, l->order[l->state.batch], err);
    if (status)
        return status;
    *b = &l->batch;
    if (++l->state.batch == l->batches) {
        l->state.block++;
        l->state.batch = 0;
        l->loaded = false;
    }
    return HEED_OK;
}

heed_loader_state heed_loader_get_state(const heed_loader *l)
{
    return l->state;
}

static heed_status changed(heed_error *err)
{
    return heed_fail(err, HEED_E_DATA, "the training data have changed: they end before the place where training stopped");
}

heed_status heed_loader_set_state(heed_loader *l, heed_loader_state state, heed_error *err)
{
    if (state.epoch < 0 || state.block < 0 || state.batch < 0)
        return heed_fail(err, HEED_E_MODEL, "a place in the data below zero: epoch %lld, block %lld, batch %lld", (long long)state.epoch,
                         (long long)state.block, (long long)state.batch);
    heed_status status = heed_corpus_rewind(l->corpus, err);
    l->counts = (heed_loader_counts){0};
    l->state = state;
    l->loaded = l->between = false;
    for (int64_t i = 0; i < state.block && !status; i++) {
        status = read_block(l, err);
        if (!status && l->count == 0)
            status = changed(err);
    }
    if (status || state.batch == 0)
        return status;
    status = read_block(l, err);
    if (status)
        return status;
    arrange_block(l);
    return state.batch < l->batches ? HEED_OK : changed(err);
}

const heed_loader_counts *heed_loader_get_counts(const heed_loader *l)
{
    return &l->counts;
}
