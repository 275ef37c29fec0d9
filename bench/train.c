/* One side of bench/train.sh: how long heed takes for an update of training. The other side, train_torch.py, speaks the same words.
 *
 *   train write demo DICTIONARY FILE         batches of the demo's model, from data/cmudict/cmudict.tsv.gz
 *   train write words SOURCE TARGET FILE     batches of words: lower-cased, split at spaces and punctuation, rarer than twice unknown
 *   train serve FILE THREADS WEIGHTS         trains on these batches; writes its initial weights to WEIGHTS (safetensors) first
 *
 * A file of batches is text: "heed batches 1", a line of settings, and for each batch a line with the number of its sentences, then a line a
 * sentence: symbols of the source, "|", symbols of the target, the ends of sentence not written.
 * `serve` says "ready WEIGHTS ABOUT-ITSELF" and then answers each line "run N" with one line about the next N updates: seconds, symbols of
 * both sides (ends of sentence counted), 1e9 operations of the products, loss a symbol. It leaves at the end of its input. */
#include <inttypes.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/phrases.h"
#include "heed.h"
#include "model/model.h"
#include "model/safetensors.h"
#include "tensor/tape.h"
#include "train/optimizer.h"
#include "train/shards.h"

typedef struct settings {
    int64_t source, target, embed, width;      /* symbols of both vocabularies; widths */
    double dropout, rate, clip;
    int64_t batches;
} settings;

/* The first two lines of a file; whole and real: how printf or scanf names them. */
#define FIRST_LINE "heed batches 1\n"
#define SETTINGS(whole, real) \
    "source %" whole " target %" whole " embed %" whole " width %" whole " dropout %" real " rate %" real " clip %" real " batches %" whole "\n"

static int complain(const char *text)
{
    fprintf(stderr, "bench/train: %s\n", text);
    return 1;
}

/* --- writing batches ------------------------------------------------------------------------------------------------------------------ */

/* A corpus and how to read it, before it becomes batches. */
typedef struct source {
    settings of;
    heed_text_settings source, target;
    int64_t sentences;
} source;

static bool count_symbols(heed_text *text, const char *const *path, int field, heed_error *err)
{
    heed_corpus *c = heed_corpus_open(&(heed_corpus_settings){.paths = path, .files = 1, .fields = 2}, err);
    bool end = false, good = c != NULL;
    for (heed_record r; good && !end;) {
        good = heed_corpus_next(c, &r, &end, err) == HEED_OK;
        if (good && !end) good = heed_text_count(text, r.text[field], r.size[field], err) == HEED_OK;
    }
    heed_corpus_close(c);
    return good && heed_text_finish(text, err) == HEED_OK;
}

static void write_side(FILE *out, const heed_side *side, int64_t b)
{
    for (int64_t i = side->span.start[b]; i + 1 < side->span.start[b + 1]; i++) fprintf(out, "%d ", side->ids[i]);
}

static void write_batch(FILE *out, const heed_batch *b)
{
    fprintf(out, "%" PRId64 "\n", b->B);
    for (int64_t i = 0; i < b->B; i++) {
        write_side(out, &b->source, i);
        fputs("| ", out);
        write_side(out, &b->target, i);
        fputs("\n", out);
    }
}

static bool write_batches(const char *path, const source *s, heed_loader *loader, heed_error *err)
{
    FILE *out = fopen(path, "w");
    if (!out) return heed_fail(err, HEED_E_IO, "cannot write %s", path), false;
    fprintf(out, FIRST_LINE SETTINGS(PRId64, "g"), s->of.source, s->of.target, s->of.embed, s->of.width, s->of.dropout, s->of.rate, s->of.clip, s->of.batches);
    heed_status status = HEED_OK;
    for (int64_t n = 0; n < s->of.batches && !status;) {
        const heed_batch *b;
        bool end;
        status = heed_loader_next(loader, &b, &end, err);
        if (status || end || b->B < s->sentences) continue;   /* the last one of an epoch may be short */
        write_batch(out, b);
        n++;
    }
    return fclose(out) == 0 && !status;
}

/* From a TSV at `tsv`, which is removed. */
static int make_batches(source *s, const char *tsv, const char *path)
{
    heed_error err;
    heed_text *a = heed_text_new(&s->source, &err), *b = heed_text_new(&s->target, &err);
    heed_loader *loader = NULL;
    const char *paths[] = {tsv};
    bool good = a && b && count_symbols(a, paths, 0, &err) && count_symbols(b, paths, 1, &err);
    if (good) {
        s->of.source = heed_text_size(a);
        s->of.target = heed_text_size(b);
        loader = heed_loader_new(&(heed_loader_settings){.corpus = {paths, 1, 2, HEED_INVALID_ERROR}, .source = a, .target = b, .sentences = s->sentences,
                                                         .shuffle = true, .seed = 1}, &err);
        good = loader && write_batches(path, s, loader, &err);
    }
    heed_loader_free(loader);
    heed_text_free(a);
    heed_text_free(b);
    remove(tsv);
    return good ? 0 : complain(err.text);
}

static int write_demo(const char *dictionary, const char *path)
{
    source s = {.of = {.embed = 64, .width = 128, .rate = 2e-3, .clip = 1, .batches = 400},
                .source = {.units = HEED_UNIT_characters, .min_count = 1}, .target = {.units = HEED_UNIT_symbols, .min_count = 1}, .sentences = 48};
    char tsv[4096];
    heed_error err;
    heed_phrases *p = heed_phrases_open(dictionary, &err);
    snprintf(tsv, sizeof tsv, "%s.tsv", path);
    const bool good = p && heed_phrases_write_training(p, tsv, 200000, 3, 1, &err) == HEED_OK;
    heed_phrases_close(p);
    return good ? make_batches(&s, tsv, path) : complain(err.text);
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

static int write_corpus(const char *from, const char *to, const char *path)
{
    const heed_text_settings words = {.units = HEED_UNIT_symbols, .min_count = 2, .lower = true};
    source s = {.of = {.embed = 256, .width = 512, .dropout = 0.5, .rate = 1e-3, .clip = 1, .batches = 60}, .source = words, .target = words, .sentences = 128};
    char tsv[4096];
    heed_error err = {.status = HEED_OK};
    snprintf(tsv, sizeof tsv, "%s.tsv", path);
    FILE *out = fopen(tsv, "w");
    if (!out) return complain("cannot write beside the file of batches");
    const bool good = write_pairs(out, (const char *const[]){from, to}, &err);
    if (fclose(out) || !good) return complain(good ? "the disk is full" : err.text);
    return make_batches(&s, tsv, path);
}

/* --- reading them --------------------------------------------------------------------------------------------------------------------- */

static bool read_symbols(heed_tokens *t, const char **at)
{
    t->count = 0;
    for (char *end; ; *at = end) {
        const long id = strtol(*at, &end, 10);
        if (end == *at) return true;
        if (t->count == t->capacity) {
            t->capacity = t->capacity ? 2 * t->capacity : 64;
            heed_token *grown = realloc(t->item, (size_t)t->capacity * sizeof *grown);
            if (!grown) return false;
            t->item = grown;
        }
        t->item[t->count++] = (heed_token){.id = (int32_t)id};
    }
}

static heed_batch *read_batch(FILE *in, heed_error *err)
{
    static char line[1 << 20];
    enum { MOST = 4096 };
    int64_t B = 0;
    heed_tokens source[MOST], target[MOST];
    if (!fgets(line, sizeof line, in) || (B = strtol(line, NULL, 10)) < 1 || B > MOST) return heed_fail(err, HEED_E_DATA, "no batch where one should be"), NULL;
    memset(source, 0, sizeof source);
    memset(target, 0, sizeof target);
    bool good = true;
    for (int64_t b = 0; b < B && good; b++) {
        const char *at = line;
        good = fgets(line, sizeof line, in) && read_symbols(&source[b], &at) && (at = strchr(at, '|')) && (at++, read_symbols(&target[b], &at));
    }
    heed_batch *batch = good ? heed_batch_new(source, target, B, NULL, NULL, true, err) : (heed_fail(err, HEED_E_DATA, "a batch is cut short"), NULL);
    for (int64_t b = 0; b < B; b++) {
        heed_tokens_free(&source[b]);
        heed_tokens_free(&target[b]);
    }
    return batch;
}

/* --- training ------------------------------------------------------------------------------------------------------------------------- */

typedef struct bench {
    settings of;
    heed_batch **batch;
    int64_t next, updates;
    int threads;
    heed_model *model;
    heed_shards *shards;
    heed_optimizer optimizer;
} bench;

typedef struct tally { double seconds, work, log_p; int64_t tokens, targets; } tally;

static bool read_file(bench *b, const char *path, heed_error *err)
{
    FILE *in = fopen(path, "r");
    char first[64] = "";
    settings *s = &b->of;
    bool good = in && fgets(first, sizeof first, in) && !strcmp(first, FIRST_LINE) &&
                fscanf(in, SETTINGS(SCNd64, "lf"), &s->source, &s->target, &s->embed, &s->width, &s->dropout, &s->rate, &s->clip, &s->batches) == 8;
    if (!good) heed_fail(err, HEED_E_DATA, "%s is no file of batches", path);
    b->batch = good ? calloc((size_t)s->batches + 1, sizeof *b->batch) : NULL;
    for (int64_t i = 0; b->batch && good && i < s->batches; i++) good = (b->batch[i] = read_batch(in, err)) != NULL;
    if (in) fclose(in);
    return good && b->batch;
}

/* Any vocabulary of the right size will do. */
static heed_text *make_text(int64_t size, heed_error *err)
{
    heed_text *t = heed_text_new(&(heed_text_settings){.units = HEED_UNIT_symbols, .min_count = 1}, err);
    char word[32];
    for (int64_t i = HEED_SPECIALS; t && i < size; i++) {
        const int n = snprintf(word, sizeof word, "w%d", (int)i);
        if (heed_text_count(t, word, (size_t)n, err) != HEED_OK) break;
    }
    if (t && heed_text_finish(t, err) == HEED_OK) return t;
    heed_text_free(t);
    return NULL;
}

static heed_status fill_recipe(heed_recipe *r, const settings *s, heed_error *err)
{
    heed_status status = heed_recipe_default(r, err);
    r->model.encoder.embed = r->model.decoder.embed = s->embed;
    r->model.encoder.width = r->model.decoder.width = s->width;
    r->model.encoder.dropout = r->model.decoder.dropout = s->dropout;
    r->train.clip = s->clip;
    return status;
}

static bool build(bench *b, const char *weights, heed_error *err)
{
    heed_recipe r = {.version = 1};
    if (fill_recipe(&r, &b->of, err) != HEED_OK) return false;
    b->model = heed_model_build(&r, make_text(b->of.source, err), make_text(b->of.target, err), err);
    if (!b->model || heed_model_fill(b->model, err) != HEED_OK) return false;
    heed_params *p = b->model->params;
    heed_named named[128];
    const int64_t count = heed_params_count(p);
    for (int64_t i = 0; i < count && i < 128; i++) {
        const heed_weight *w = heed_params_at(p, i);
        named[i] = (heed_named){w->name, w->tensor.x, w->rank, w->tensor.rows, w->tensor.cols};
    }
    b->shards = heed_shards_new(b->model, b->threads, 1, err);
    return heed_safetensors_write(weights, named, count, NULL, err) == HEED_OK && b->shards &&
           heed_optimizer_init(&b->optimizer, p, &b->model->recipe, err) == HEED_OK && heed_params_pack(p, true, b->threads, err) == HEED_OK;
}

/* Multiply-adds of the products and of attention, there and back (twice as many back), a multiply-add counting as two; tanh, gates and
 * optimizer are not counted. */
static double work_of(const settings *s, const heed_batch *b)
{
    const double E = (double)s->embed, H = (double)s->width, M = 2 * H, V = (double)s->target;
    const double encoder = 2 * 3 * H * (E + H) + M * H;
    const double decoder = 3 * H * (E + M + H) + H * H + (H + M + E) * V;
    double sum = encoder * (double)b->source.N + decoder * (double)b->target.N + M * H * (double)b->B;
    for (int64_t i = 0; i < b->B; i++)
        sum += (double)(b->source.span.start[i + 1] - b->source.span.start[i]) * (double)(b->target.span.start[i + 1] - b->target.span.start[i]) * (H + M);
    return 6 * sum / 1e9;
}

/* As one update of training goes (train/step.c). */
static heed_status update(bench *b, tally *t, heed_error *err)
{
    const heed_batch *batch = b->batch[b->next];
    heed_params *p = b->model->params;
    heed_loss_counts counts;
    bool finite;
    const double began = omp_get_wtime();
    heed_status status = heed_shards_run(b->shards, batch, true, 1 / (double)batch->target.N, &counts, &finite, err);
    if (!status) status = heed_shards_collect(b->shards, err);
    if (status) return status;
    const double norm = heed_optimizer_norm(&b->optimizer, heed_params_grads(p), b->threads);
    heed_optimizer_step(&b->optimizer, heed_params_grads(p), norm > b->of.clip ? b->of.clip / norm : 1, b->of.rate, ++b->updates, b->threads);
    status = heed_params_pack(p, true, b->threads, err);
    t->seconds += omp_get_wtime() - began;
    t->work += work_of(&b->of, batch);
    t->tokens += batch->source.N + batch->target.N;
    t->targets += counts.symbols;
    t->log_p += counts.log_p;
    b->next = (b->next + 1) % b->of.batches;
    return status;
}

static int64_t weights_of(const heed_params *p)
{
    int64_t n = 0;
    for (int64_t i = 0; i < heed_params_count(p); i++) n += heed_params_at(p, i)->tensor.rows * heed_params_at(p, i)->tensor.cols;
    return n;
}

static int serve(bench *b, const char *path, const char *weights)
{
    heed_error err = {.status = HEED_OK};
    char line[64];
    if (!read_file(b, path, &err) || !build(b, weights, &err)) return complain(err.text);
    printf("ready %" PRId64 " %s\n", weights_of(b->model->params), heed_build());
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        tally t = {0};
        long n = 0;
        if (sscanf(line, "run %ld", &n) != 1) return complain("the only word known is: run N");
        while (n-- > 0)
            if (update(b, &t, &err) != HEED_OK) return complain(err.text);
        printf("%.6f %" PRId64 " %.4f %.6f\n", t.seconds, t.tokens, t.work, -t.log_p / (double)(t.targets ? t.targets : 1));
        fflush(stdout);
    }
    return 0;
}

static void close_bench(bench *b)
{
    for (int64_t i = 0; b->batch && i < b->of.batches; i++) heed_batch_free(b->batch[i]);
    free(b->batch);
    heed_optimizer_free(&b->optimizer);
    heed_shards_free(b->shards);
    heed_model_free(b->model);
}

int main(int argc, char **argv)
{
    if (argc == 5 && !strcmp(argv[1], "write") && !strcmp(argv[2], "demo")) return write_demo(argv[3], argv[4]);
    if (argc == 6 && !strcmp(argv[1], "write") && !strcmp(argv[2], "words")) return write_corpus(argv[3], argv[4], argv[5]);
    if (argc != 5 || strcmp(argv[1], "serve")) return complain("write demo DICTIONARY FILE | write words SOURCE TARGET FILE | serve FILE THREADS WEIGHTS");
    bench b = {.threads = (int)strtol(argv[3], NULL, 10)};
    const int rc = serve(&b, argv[2], argv[4]);
    close_bench(&b);
    return rc;
}
