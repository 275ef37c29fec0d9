/* Phrases out of a pronouncing dictionary: data/phrases.h. */
#include "data/phrases.h"

#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "base/file.h"
#include "base/rng.h"
#include "data/corpus.h"

enum { SPLITS_OF = 20 };

typedef struct word {
    size_t text;           /* places in the pool, zero bytes after them */
    size_t first;          /* of the first pronunciation; the others follow, each after its zero byte */
    int64_t variants;
} word;

typedef struct list {
    word *item;
    int64_t count, capacity;
} list;

struct heed_phrases {
    heed_buf pool;
    list split[HEED_SPLIT_COUNT];
};

static heed_split split_of(const char *text, size_t size)
{
    uLong rest = crc32(0, (const Bytef *)text, (uInt)size) % SPLITS_OF;
    return rest == 0 ? HEED_SPLIT_TEST : rest == 1 ? HEED_SPLIT_VALID : HEED_SPLIT_TRAIN;
}

static size_t keep_text(heed_phrases *p, const char *text, size_t size)
{
    size_t at = p->pool.size;
    heed_buf_add(&p->pool, text, size);
    heed_buf_char(&p->pool, 0);
    return at;
}

static word *add_word(list *l)
{
    if (l->count == l->capacity) {
        int64_t capacity = l->capacity ? l->capacity * 2 : 1024;
        word *item = realloc(l->item, (size_t)capacity * sizeof *item);
        if (!item)
            return NULL;
        l->item = item;
        l->capacity = capacity;
    }
    return &l->item[l->count++];
}

/* *last: the word of the line before, which this line may belong to. */
static bool add_line(heed_phrases *p, const heed_record *r, word **last)
{
    bool same = *last && strlen(p->pool.data + (*last)->text) == r->size[0] && memcmp(p->pool.data + (*last)->text, r->text[0], r->size[0]) == 0;
    if (!same) {
        word *w = add_word(&p->split[split_of(r->text[0], r->size[0])]);
        if (!w)
            return false;
        w->text = keep_text(p, r->text[0], r->size[0]);
        w->first = p->pool.size;
        w->variants = 0;
        *last = w;
    }
    keep_text(p, r->text[1], r->size[1]);
    (*last)->variants++;
    return !p->pool.failed;
}

static heed_status read_dictionary(heed_phrases *p, const char *path, heed_error *err)
{
    heed_corpus *c = heed_corpus_open(&(heed_corpus_settings){.paths = &path, .files = 1, .fields = 2}, err);
    if (!c)
        return err ? err->status : HEED_E_DATA;
    heed_status status = HEED_OK;
    word *last = NULL;
    for (bool end = false; !status;) {
        heed_record r;
        status = heed_corpus_next(c, &r, &end, err);
        if (status || end)
            break;
        if (!add_line(p, &r, &last))
            status = heed_fail(err, HEED_E_NOMEM, "%s: out of memory at line %lld", path, (long long)r.line);
    }
    heed_corpus_close(c);
    for (int s = 0; s < HEED_SPLIT_COUNT && !status; s++)
        if (p->split[s].count == 0)
            status = heed_fail(err, HEED_E_DATA, "%s: too few words: none falls into every split (training, validation, test)", path);
    return status;
}

heed_phrases *heed_phrases_open(const char *path, heed_error *err)
{
    heed_phrases *p = calloc(1, sizeof *p);
    if (!p)
        heed_fail(err, HEED_E_NOMEM, "%s: out of memory", path);
    else if (read_dictionary(p, path, err)) {
        heed_phrases_close(p);
        p = NULL;
    }
    return p;
}

void heed_phrases_close(heed_phrases *p)
{
    if (!p)
        return;
    for (int s = 0; s < HEED_SPLIT_COUNT; s++)
        free(p->split[s].item);
    heed_buf_free(&p->pool);
    free(p);
}

int64_t heed_phrases_words(const heed_phrases *p, heed_split split)
{
    return p->split[split].count;
}

const char *heed_phrases_word(const heed_phrases *p, heed_split split, int64_t i)
{
    return p->pool.data + p->split[split].item[i].text;
}

int64_t heed_phrases_variants(const heed_phrases *p, heed_split split, int64_t i)
{
    return p->split[split].item[i].variants;
}

const char *heed_phrases_variant(const heed_phrases *p, heed_split split, int64_t i, int64_t k)
{
    const char *text = p->pool.data + p->split[split].item[i].first;
    while (k-- > 0)
        text += strlen(text) + 1;
    return text;
}

void heed_phrases_draw(const heed_phrases *p, heed_split split, int64_t words, uint64_t key, uint64_t index, heed_buf *letters, heed_buf *phones)
{
    uint64_t phrase = heed_key(key, index);
    for (int64_t k = 0; k < words; k++) {
        int64_t i = (int64_t)heed_below(phrase, (uint64_t)k, (uint64_t)heed_phrases_words(p, split));
        heed_buf_text(letters, k > 0 ? " " : "");
        heed_buf_text(letters, heed_phrases_word(p, split, i));
        heed_buf_text(phones, k > 0 ? " | " : "");
        heed_buf_text(phones, heed_phrases_variant(p, split, i, 0));
    }
}

/* Text of the buffer as the file's new content, and the buffer given back. */
static heed_status write_out(heed_buf *b, const char *path, heed_error *err)
{
    heed_status status = b->failed ? heed_fail(err, HEED_E_NOMEM, "%s: out of memory", path) : heed_file_replace(path, b->data, b->size, err);
    heed_buf_free(b);
    return status;
}

static void add_phrase(const heed_phrases *p, heed_split split, int64_t words, uint64_t key, uint64_t index, heed_buf *out, heed_buf *phones)
{
    heed_buf_reset(phones);
    heed_phrases_draw(p, split, words, key, index, out, phones);
    heed_buf_char(out, '\t');
    heed_buf_add(out, phones->data ? phones->data : "", phones->size);
    heed_buf_char(out, '\n');
    out->failed |= phones->failed;
}

/* A length that comes up as often as 1/length, so that every length has the same share of the words. */
static int64_t draw_length(uint64_t key, uint64_t i, int64_t max_words)
{
    double sum = 0;
    for (int64_t n = 1; n <= max_words; n++) sum += 1.0 / (double)n;
    double left = heed_uniform(key, i) * sum;
    for (int64_t n = 1; n < max_words; n++) {
        left -= 1.0 / (double)n;
        if (left < 0) return n;
    }
    return max_words;
}

heed_status heed_phrases_write_training(const heed_phrases *p, const char *path, int64_t words, int64_t max_words, uint64_t seed,
                                        heed_error *err)
{
    if (words < 1 || max_words < 1)
        return heed_fail(err, HEED_E_USAGE, "phrases of 1 to %lld words, %lld in all: both must be 1 or more", (long long)max_words,
                         (long long)words);
    heed_buf out = {0}, phones = {0};
    uint64_t lengths = heed_key(seed, 0), key = heed_key(seed, 1);
    for (uint64_t i = 0; words > 0 && !out.failed; i++) {
        int64_t n = draw_length(lengths, i, max_words);
        n = n < words ? n : words;
        add_phrase(p, HEED_SPLIT_TRAIN, n, key, i, &out, &phones);
        words -= n;
    }
    heed_buf_free(&phones);
    return write_out(&out, path, err);
}

heed_status heed_phrases_write_phrases(const heed_phrases *p, const char *path, heed_split split, int64_t words, int64_t count, uint64_t seed,
                                       heed_error *err)
{
    if (words < 1 || count < 1)
        return heed_fail(err, HEED_E_USAGE, "%lld phrases of %lld words: both must be 1 or more", (long long)count, (long long)words);
    heed_buf out = {0}, phones = {0};
    uint64_t key = heed_key(heed_key(seed, 2 + (uint64_t)split), (uint64_t)words);
    for (int64_t i = 0; i < count && !out.failed; i++)
        add_phrase(p, split, words, key, (uint64_t)i, &out, &phones);
    heed_buf_free(&phones);
    return write_out(&out, path, err);
}

heed_status heed_phrases_write_words(const heed_phrases *p, const char *path, const char *references, heed_split split, bool every,
                                     heed_error *err)
{
    heed_buf pairs = {0}, listing = {0};
    for (int64_t i = 0; i < heed_phrases_words(p, split); i++) {
        heed_buf_text(&listing, heed_phrases_word(p, split, i));
        for (int64_t k = 0; k < heed_phrases_variants(p, split, i); k++) {
            const char *phones = heed_phrases_variant(p, split, i, k);
            heed_buf_printf(&listing, "\t%s", phones);
            if (k == 0 || every)
                heed_buf_printf(&pairs, "%s\t%s\n", heed_phrases_word(p, split, i), phones);
        }
        heed_buf_char(&listing, '\n');
    }
    heed_status status = write_out(&pairs, path, err);
    if (!status && references)
        return write_out(&listing, references, err);
    heed_buf_free(&listing);
    return status;
}
