/* Batches for bench/train.sh, so that both sides train on the same.
 *
 *   batches demo DICTIONARY FILE            the demo's model, from data/cmudict/cmudict.tsv.gz
 *   batches words SOURCE TARGET FILE        GRUs and additive attention over words: lower-cased, split at spaces and punctuation, rarer than twice unknown
 *   batches tiny|base SOURCE TARGET FILE    Transformers over 10,000 joint pieces, lower-cased; batches of 4,096 symbols with padding, which the other side needs
 *
 * A file of batches is text: a first line (settings.h), a line of settings (names and numbers in turn), and for each batch a line with the number of its sentences,
 * then a line a sentence: symbols of the source, "|", symbols of the target, the ends of sentence not written. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/batch.h"
#include "data/phrases.h"
#include "settings.h"

enum { POOL = 8192, PADDED = 4096 };

static int complain(const char *text)
{
    fprintf(stderr, "bench/batches: %s\n", text);
    return 1;
}

/* A corpus and how to read it, before it becomes batches. */
typedef struct source {
    settings of;
    heed_text_settings source, target;
    int64_t sentences;          /* a batch; 0: PADDED symbols instead */
    bool joint;                 /* one vocabulary */
} source;

/* --- vocabularies ----------------------------------------------------------------------------------------------------------------------- */

static bool count_symbols(heed_text *text, const char *const *paths, int files, int field, heed_error *err)
{
    heed_corpus *c = heed_corpus_open(&(heed_corpus_settings){.paths = paths, .files = files, .fields = 2}, err);
    bool end = false, good = c != NULL;
    for (heed_record r; good && !end;) {
        good = heed_corpus_next(c, &r, &end, err) == HEED_OK;
        if (good && !end) good = heed_text_count(text, r.text[field], r.size[field], err) == HEED_OK;
    }
    heed_corpus_close(c);
    return good;
}

/* --- batches of a number of sentences --------------------------------------------------------------------------------------------------- */

static void write_settings(FILE *out, const settings *s)
{
    fputs(FIRST_LINE, out);
#define SETTING(name, meaning) fprintf(out, #name " %.10g ", s->name);
    SETTINGS
#undef SETTING
    fputs("\n", out);
}

static void write_side(FILE *out, const heed_side *side, int64_t b)
{
    for (int64_t i = side->span.start[b]; i + 1 < side->span.start[b + 1]; i++) fprintf(out, "%d ", side->ids[i]);
}

static void write_batch(FILE *out, const heed_batch *b, int64_t first, int64_t count)
{
    fprintf(out, "%" PRId64 "\n", count);
    for (int64_t i = first; i < first + count; i++) {
        write_side(out, &b->source, i);
        fputs("| ", out);
        write_side(out, &b->target, i);
        fputs("\n", out);
    }
}

static bool write_by_sentences(FILE *out, const source *s, heed_loader *loader, heed_error *err)
{
    heed_status status = HEED_OK;
    for (int64_t n = 0; n < s->of.batches && !status;) {
        const heed_batch *b;
        bool end;
        status = heed_loader_next(loader, &b, &end, err);
        if (status || end || b->B < s->sentences) continue;   /* the last one of an epoch may be short */
        write_batch(out, b, 0, b->B);
        n++;
    }
    return !status;
}

/* --- batches of padded symbols: pools of sentences, sorted by length, cut where the longest times their number would be too much ------------- */

static int64_t length_of(heed_span span, int64_t b) { return span.start[b + 1] - span.start[b]; }

/* Where the pool's batches begin; returns their number. */
static int64_t cut_pool(const heed_batch *pool, int64_t *first)
{
    int64_t n = 0, longest = 0;
    for (int64_t b = 0; b < pool->B; b++) {
        const int64_t x = length_of(pool->source.span, b), y = length_of(pool->target.span, b), most = x > y ? x : y;
        const int64_t grown = most > longest ? most : longest;
        if (b == 0 || grown * (b - first[n - 1] + 1) > PADDED) {
            first[n++] = b;
            longest = most;
        } else {
            longest = grown;
        }
    }
    first[n] = pool->B;
    return n;
}

/* The loader's batch of POOL sentences is a pool: it is sorted. Its batches are taken from all over it, in the order of a step prime to their number. */
static bool write_by_padding(FILE *out, const source *s, heed_loader *loader, heed_error *err)
{
    static int64_t first[POOL + 1];
    const heed_batch *pool;
    bool end;
    if (heed_loader_next(loader, &pool, &end, err) != HEED_OK || end) return false;
    const int64_t n = cut_pool(pool, first), stride = 7;
    if (n < s->of.batches || n % stride == 0) return heed_fail(err, HEED_E_DATA, "%lld batches in a pool do not suit", (long long)n), false;
    for (int64_t i = 0; i < s->of.batches; i++) {
        const int64_t at = i * stride % n;
        write_batch(out, pool, first[at], first[at + 1] - first[at]);
    }
    return true;
}

/* --- a corpus becomes a file --------------------------------------------------------------------------------------------------------------- */

static bool write_file(const char *path, const source *s, heed_loader *loader, heed_error *err)
{
    FILE *out = fopen(path, "w");
    if (!out) return heed_fail(err, HEED_E_IO, "cannot write %s", path), false;
    write_settings(out, &s->of);
    const bool good = s->sentences ? write_by_sentences(out, s, loader, err) : write_by_padding(out, s, loader, err);
    return fclose(out) == 0 && good;
}

static int make_batches(source *s, const char *const *paths, int files, const char *path)
{
    heed_error err = {.status = HEED_OK};
    heed_text *a = heed_text_new(&s->source, &err), *b = s->joint ? a : heed_text_new(&s->target, &err);
    heed_loader *loader = NULL;
    bool good = a && b && count_symbols(a, paths, files, 0, &err) && count_symbols(b, paths, files, 1, &err) && heed_text_finish(a, &err) == HEED_OK &&
                (s->joint || heed_text_finish(b, &err) == HEED_OK);
    if (good) {
        s->of.source = (double)heed_text_size(a);
        s->of.target = (double)heed_text_size(b);
        loader = heed_loader_new(&(heed_loader_settings){.corpus = {paths, files, 2, HEED_INVALID_ERROR}, .source = a, .target = b,
                                                         .sentences = s->sentences ? s->sentences : POOL, .shuffle = true, .seed = 1}, &err);
        good = loader && write_file(path, s, loader, &err);
    }
    heed_loader_free(loader);
    heed_text_free(a);
    if (b != a) heed_text_free(b);
    return good ? 0 : complain(err.text);
}

static int write_demo(const char *dictionary, const char *path)
{
    source s = {.of = {.embed = 64, .width = 128, .rate = 2e-3, .beta2 = 0.999, .clip = 1, .accumulate = 1, .batches = 400},
                .source = {.units = HEED_UNIT_characters, .min_count = 1}, .target = {.units = HEED_UNIT_symbols, .min_count = 1}, .sentences = 48};
    char tsv[4096];
    heed_error err;
    heed_phrases *p = heed_phrases_open(dictionary, &err);
    snprintf(tsv, sizeof tsv, "%s.tsv", path);
    const bool good = p && heed_phrases_write_training(p, tsv, 200000, 3, 1, &err) == HEED_OK;
    heed_phrases_close(p);
    const int rc = good ? make_batches(&s, (const char *const[]){tsv}, 1, path) : complain(err.text);
    remove(tsv);
    return rc;
}

/* Punctuation stands alone, as a tokenizer would have it. Tabs and backslashes are none of Multi30k's. */
static void write_words(FILE *out, const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        const char c = text[i] == '\t' || text[i] == '\\' ? ' ' : text[i];
        if (strchr(".,!?;:()\"'", c)) fprintf(out, " %c ", c);
        else fputc(c, out);
    }
}

static bool write_pairs(FILE *out, const char *const *paths, heed_error *err)
{
    heed_corpus *c = heed_corpus_open(&(heed_corpus_settings){.paths = paths, .files = 2, .fields = 2}, err);
    bool end = false, good = c != NULL;
    for (heed_record r; good && !end;) {
        good = heed_corpus_next(c, &r, &end, err) == HEED_OK;
        if (!good || end) break;
        write_words(out, r.text[0], r.size[0]);
        fputc('\t', out);
        write_words(out, r.text[1], r.size[1]);
        fputc('\n', out);
    }
    heed_corpus_close(c);
    return good;
}

static int write_corpus(const char *const *paths, const char *path)
{
    const heed_text_settings words = {.units = HEED_UNIT_symbols, .min_count = 2, .lower = true};
    source s = {.of = {.embed = 256, .width = 512, .dropout = 0.5, .rate = 1e-3, .beta2 = 0.999, .clip = 1, .accumulate = 1, .batches = 60},
                .source = words, .target = words, .sentences = 128};
    char tsv[4096];
    heed_error err = {.status = HEED_OK};
    snprintf(tsv, sizeof tsv, "%s.tsv", path);
    FILE *out = fopen(tsv, "w");
    if (!out) return complain("cannot write beside the file of batches");
    const bool good = write_pairs(out, paths, &err);
    int rc = fclose(out) || !good ? complain(good ? "the disk is full" : err.text) : 0;
    if (!rc) rc = make_batches(&s, (const char *const[]){tsv}, 1, path);
    remove(tsv);
    return rc;
}

static int write_transformer(bool base, const char *const *paths, const char *path)
{
    const heed_text_settings pieces = {.units = HEED_UNIT_pieces, .kind = HEED_PIECES_BPE, .size = 10000, .min_count = 1, .lower = true};
    source s = {.of = {.layers = 4, .width = 128, .heads = 4, .inner = 256, .dropout = 0.3, .rate = 1e-4, .beta2 = 0.98, .clip = 25, .smoothing = 0.1, .accumulate = 2,
                       .batches = 24},
                .source = pieces, .target = pieces, .joint = true};
    if (base) s.of.layers = 6, s.of.width = 512, s.of.heads = 8, s.of.inner = 2048;
    s.of.embed = s.of.width;
    return make_batches(&s, paths, 2, path);
}

int main(int argc, char **argv)
{
    if (argc == 4 && !strcmp(argv[1], "demo")) return write_demo(argv[2], argv[3]);
    if (argc == 5) {
        const char *const paths[] = {argv[2], argv[3]};
        if (!strcmp(argv[1], "words")) return write_corpus(paths, argv[4]);
        if (!strcmp(argv[1], "tiny") || !strcmp(argv[1], "base")) return write_transformer(!strcmp(argv[1], "base"), paths, argv[4]);
    }
    return complain("demo DICTIONARY FILE | words SOURCE TARGET FILE | tiny SOURCE TARGET FILE | base SOURCE TARGET FILE");
}
