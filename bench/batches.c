/* Batches for bench/train.sh, so that both sides train on the same. Beside FILE it writes the recipe of their model, FILE.yaml.
 *
 *   batches demo DICTIONARY FILE            the demo's model, from data/cmudict/cmudict.tsv.gz
 *   batches words SOURCE TARGET FILE        GRUs and additive attention over words: lower-cased, split at spaces and punctuation, rarer than twice unknown
 *   batches tiny|base SOURCE TARGET FILE    Transformers over 10,000 joint pieces, lower-cased; batches of 4,096 symbols with padding, which the other side needs
 *   batches RECIPE FILE                     the model and the training data of a recipe, batches of so many sentences as it says
 *
 * A file of batches is text: a first line (settings.h), a line of settings (names and numbers in turn), and for each batch a line with the number of its sentences,
 * then a line a sentence: symbols of the source, "|", symbols of the target, the ends of sentence not written. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/batch.h"
#include "data/phrases.h"
#include "model/recipe.h"
#include "settings.h"

enum { POOL = 8192, PADDED = 4096 };

static int complain(const char *text)
{
    fprintf(stderr, "bench/batches: %s\n", text);
    return 1;
}

/* A corpus and how to read it, before it becomes batches. */
typedef struct source {
    heed_recipe recipe;
    const char *paths[2];
    int files;
    int64_t sentences;          /* a batch; 0: PADDED symbols instead */
    settings of;                /* the recipe's, when the vocabularies are known */
} source;

static settings settings_of(const heed_recipe *r)
{
    return (settings){
#define SETTING(name, value, meaning) .name = (double)(value),
        SETTINGS
#undef SETTING
    };
}

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
#define SETTING(name, value, meaning) fprintf(out, #name " %.10g ", s->name);
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

static bool write_recipe(const char *path, const heed_recipe *r, heed_error *err)
{
    char name[4096];
    heed_buf yaml = {.data = NULL};
    snprintf(name, sizeof name, "%s.yaml", path);
    FILE *out = heed_recipe_write(r, &yaml) == HEED_OK ? fopen(name, "w") : NULL;
    const bool good = out && fwrite(yaml.data, 1, yaml.size, out) == yaml.size;
    heed_buf_free(&yaml);
    if ((out && fclose(out)) || !good) return heed_fail(err, HEED_E_IO, "cannot write %s", name), false;
    return true;
}

static bool write_file(const char *path, const source *s, heed_loader *loader, heed_error *err)
{
    FILE *out = fopen(path, "w");
    if (!out) return heed_fail(err, HEED_E_IO, "cannot write %s", path), false;
    write_settings(out, &s->of);
    const bool good = s->sentences ? write_by_sentences(out, s, loader, err) : write_by_padding(out, s, loader, err);
    return fclose(out) == 0 && good && write_recipe(path, &s->recipe, err);
}

static bool make_batches(source *s, int batches, const char *path, heed_error *err)
{
    const heed_recipe *r = &s->recipe;
    heed_text *a = heed_text_new(&r->text.source, err), *b = r->text.shared ? a : heed_text_new(&r->text.target, err);
    heed_loader *loader = NULL;
    bool good = a && b && count_symbols(a, s->paths, s->files, 0, err) && count_symbols(b, s->paths, s->files, 1, err) && heed_text_finish(a, err) == HEED_OK &&
                (a == b || heed_text_finish(b, err) == HEED_OK);
    if (good) {
        s->of = settings_of(r);
        s->of.source = (double)heed_text_size(a);
        s->of.target = (double)heed_text_size(b);
        s->of.batches = batches;
        loader = heed_loader_new(&(heed_loader_settings){.corpus = {s->paths, s->files, 2, HEED_INVALID_ERROR}, .source = a, .target = b,
                                                         .sentences = s->sentences ? s->sentences : POOL, .max_length = r->data.max_length, .shuffle = true,
                                                         .seed = 1}, err);
        good = loader && write_file(path, s, loader, err);
    }
    heed_loader_free(loader);
    heed_text_free(a);
    if (b != a) heed_text_free(b);
    return good;
}

/* --- the models that have no recipe of their own: assignments to the default one ---------------------------------------------------------------- */

#define RECURRENT "data.train=corpus.tsv", "train.clip=1", "data.max_length=0"

static const char *const demo_model[] = {RECURRENT, "text.source.units=characters", "text.target.units=symbols", "model.encoder.embed=64", "model.decoder.embed=64",
                                         "model.encoder.width=128", "model.decoder.width=128", "model.encoder.dropout=0", "model.decoder.dropout=0",
                                         "train.rate=2e-3", NULL};
static const char *const words_model[] = {RECURRENT, "text.units=symbols", "text.min_count=2", "text.lower=true", "model.encoder.dropout=0.5",
                                          "model.decoder.dropout=0.5", "train.rate=1e-3", NULL};

#define STACK(L, D, H, F) "{type: transformer, layers: " L ", width: " D ", heads: " H ", inner: " F ", dropout: 0.3}"
#define TRANSFORMER(L, D, H, F)                                                                                                              \
    {"data.train=corpus.tsv", "data.max_length=0", "text.units=pieces", "text.size=10000", "text.lower=true", "text.shared=true",            \
     "model.tie=all", "model.attention.score=scaled", "model.encoder=" STACK(L, D, H, F), "model.decoder=" STACK(L, D, H, F),                \
     "train.optimizer.betas=[0.9, 0.98]", "train.rate=1e-4", "train.clip=25", "train.label_smoothing=0.1", "train.accumulate=2", NULL}
static const char *const tiny_model[] = TRANSFORMER("4", "128", "4", "256");
static const char *const base_model[] = TRANSFORMER("6", "512", "8", "2048");

static bool open_default(source *s, const char *const *assignments, heed_error *err)
{
    bool good = heed_recipe_default(&s->recipe, err) == HEED_OK;
    for (; good && *assignments; assignments++) good = heed_recipe_set(&s->recipe, *assignments, err) == HEED_OK;
    return good;
}

static int finish(source *s, bool good, const heed_error *err)
{
    heed_recipe_free(&s->recipe);
    return good ? 0 : complain(err->text);
}

static int write_demo(const char *dictionary, const char *path)
{
    char tsv[4096];
    source s = {.paths = {tsv}, .files = 1, .sentences = 48};
    heed_error err = {.status = HEED_OK};
    heed_phrases *p = heed_phrases_open(dictionary, &err);
    snprintf(tsv, sizeof tsv, "%s.tsv", path);
    const bool good = p && heed_phrases_write_training(p, tsv, 200000, 3, 1, &err) == HEED_OK && open_default(&s, demo_model, &err) &&
                      make_batches(&s, 400, path, &err);
    heed_phrases_close(p);
    remove(tsv);
    return finish(&s, good, &err);
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
    char tsv[4096];
    source s = {.paths = {tsv}, .files = 1, .sentences = 128};
    heed_error err = {.status = HEED_OK};
    snprintf(tsv, sizeof tsv, "%s.tsv", path);
    FILE *out = fopen(tsv, "w");
    if (!out) return complain("cannot write beside the file of batches");
    bool good = write_pairs(out, paths, &err);
    if (fclose(out) && good) good = (heed_fail(&err, HEED_E_IO, "the disk is full"), false);
    good = good && open_default(&s, words_model, &err) && make_batches(&s, 60, path, &err);
    remove(tsv);
    return finish(&s, good, &err);
}

static int write_transformer(bool base, const char *const *paths, const char *path)
{
    source s = {.paths = {paths[0], paths[1]}, .files = 2};
    heed_error err = {.status = HEED_OK};
    const bool good = open_default(&s, base ? base_model : tiny_model, &err) && make_batches(&s, 24, path, &err);
    return finish(&s, good, &err);
}

/* A rate with which no model needs to warm up; speed does not depend on it. */
static int write_ladder(const char *recipe, const char *path)
{
    static const char *const sets[] = {"train.rate=1e-4"};
    char file[2][4096];
    source s = {.paths = {file[0], file[1]}};
    heed_error err = {.status = HEED_OK};
    bool good = heed_recipe_open(&s.recipe, recipe, sets, 1, &err) == HEED_OK;
    const heed_files *train = &s.recipe.data.train;
    s.files = train->count;
    s.sentences = s.recipe.train.sentences;
    if (good && (s.files > 2 || !s.sentences)) good = (heed_fail(&err, HEED_E_USAGE, "%s: its batches are not of sentences, or its files not two", recipe), false);
    for (int i = 0; good && i < s.files; i++) good = heed_recipe_find(&s.recipe, train->path[i], getenv("HEED_DATA"), file[i], sizeof file[i], &err) == HEED_OK;
    good = good && make_batches(&s, 60, path, &err);
    return finish(&s, good, &err);
}

int main(int argc, char **argv)
{
    if (argc == 3) return write_ladder(argv[1], argv[2]);
    if (argc == 4 && !strcmp(argv[1], "demo")) return write_demo(argv[2], argv[3]);
    if (argc == 5) {
        const char *const paths[] = {argv[2], argv[3]};
        if (!strcmp(argv[1], "words")) return write_corpus(paths, argv[4]);
        if (!strcmp(argv[1], "tiny") || !strcmp(argv[1], "base")) return write_transformer(!strcmp(argv[1], "base"), paths, argv[4]);
    }
    return complain("demo DICTIONARY FILE | words SOURCE TARGET FILE | tiny SOURCE TARGET FILE | base SOURCE TARGET FILE | RECIPE FILE");
}
