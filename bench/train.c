/* One side of bench/train.sh and bench/step.sh: how long heed takes for an update of training. The other side, train_torch.py, speaks the same words.
 *
 *   train FILE THREADS WEIGHTS [DROPOUT [NUMBERS]]     trains on the batches of FILE (bench/batches.c), with another dropout than theirs when one is given that is
 *                                            not negative, multiplying f32 or bf16; writes its initial weights to WEIGHTS (safetensors) first
 *
 * It says "ready WEIGHTS ABOUT-ITSELF" and then answers each line "run N" with one line about the next N updates: seconds, symbols of both sides (ends of sentence
 * counted), 1e9 operations of the products, loss a symbol, the most memory it ever held in MB (1e6 bytes). It leaves at the end of its input. */
#include <inttypes.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heed.h"
#include "memory.h"
#include "model/model.h"
#include "model/safetensors.h"
#include "tensor/tape.h"
#include "train/optimizer.h"
#include "train/shards.h"
#include "work.h"

static int complain(const char *text)
{
    fprintf(stderr, "bench/train: %s\n", text);
    return 1;
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
    int64_t batches, next, updates;
    int threads;
    heed_model *model;
    heed_shards *shards;
    heed_optimizer optimizer;
} bench;

typedef struct tally { double seconds, work, log_p; int64_t tokens, targets; } tally;

static bool read_settings(settings *s, FILE *in)
{
    char first[64] = "";
    bool good = in && fgets(first, sizeof first, in) && !strcmp(first, FIRST_LINE);
#define SETTING(name, value, meaning) good = good && fscanf(in, " " #name " %lf", &s->name) == 1;
    SETTINGS
#undef SETTING
    return good && fscanf(in, " ") == 0;
}

static bool read_file(bench *b, const char *path, heed_error *err)
{
    FILE *in = fopen(path, "r");
    bool good = read_settings(&b->of, in);
    if (!good) heed_fail(err, HEED_E_DATA, "%s is no file of batches", path);
    b->batches = (int64_t)b->of.batches;
    b->batch = good ? calloc((size_t)b->batches + 1, sizeof *b->batch) : NULL;
    for (int64_t i = 0; b->batch && good && i < b->batches; i++) good = (b->batch[i] = read_batch(in, err)) != NULL;
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

static heed_model *make_model(const settings *s, const char *path, double dropout, heed_error *err)
{
    char yaml[4096];
    heed_recipe r = {.version = 0};
    snprintf(yaml, sizeof yaml, "%s.yaml", path);
    if (heed_recipe_reopen(&r, yaml, err) != HEED_OK) return NULL;
    if (dropout >= 0) r.model.encoder.dropout = r.model.decoder.dropout = dropout;
    heed_text *source = make_text((int64_t)s->source, err), *target = r.text.shared ? source : make_text((int64_t)s->target, err);
    heed_model *m = heed_model_build(&r, source, target, err);
    return m && heed_model_fill(m, err) == HEED_OK ? m : NULL;
}

static bool build(bench *b, const char *path, const char *weights, double dropout, heed_number number, heed_error *err)
{
    b->model = make_model(&b->of, path, dropout, err);
    if (!b->model) return false;
    heed_params *p = b->model->params;
    if (heed_params_multiply(p, number, err) != HEED_OK) return false;
    const int64_t count = heed_params_count(p);
    heed_named *named = calloc((size_t)count, sizeof *named);
    for (int64_t i = 0; named && i < count; i++) {
        const heed_weight *w = heed_params_at(p, i);
        named[i] = (heed_named){w->name, w->tensor.x, w->rank, w->tensor.rows, w->tensor.cols, HEED_F32};
    }
    b->shards = heed_shards_new(b->model, NULL, b->threads, 1, err);
    const bool good = named && heed_safetensors_write(weights, named, count, NULL, err) == HEED_OK && b->shards &&
                      heed_optimizer_init(&b->optimizer, p, &b->model->recipe, err) == HEED_OK && heed_params_pack(p, true, b->threads, err) == HEED_OK;
    free(named);
    return good;
}

/* --- one update, as of training (train/step.c) ------------------------------------------------------------------------------------------------------- */

static heed_status learn(bench *b, bool first, const heed_batch *batch, double weight, tally *t, heed_error *err)
{
    heed_loss_counts counts;
    bool finite;
    heed_status status = heed_shards_learn(b->shards, batch, first, weight, &counts, &finite, err);
    t->work += work_of(&b->of, batch);
    t->tokens += batch->source.N + batch->target.N;
    t->targets += counts.symbols;
    t->log_p += counts.log_p;
    return status;
}

static heed_status update(bench *b, tally *t, heed_error *err)
{
    heed_params *p = b->model->params;
    heed_status status = HEED_OK;
    int64_t targets = 0;
    const int64_t count = (int64_t)b->of.accumulate;
    const double began = omp_get_wtime();
    for (int64_t i = 0; i < count; i++) targets += b->batch[(b->next + i) % b->batches]->target.N;
    for (int64_t i = 0; i < count && !status; i++, b->next = (b->next + 1) % b->batches)
        status = learn(b, i == 0, b->batch[b->next], 1 / (double)targets, t, err);
    if (status) return status;
    const float *grads = heed_params_grads(p);
    const double norm = heed_optimizer_norm(&b->optimizer, grads, b->threads);
    heed_optimizer_step(&b->optimizer, grads, norm > b->of.clip ? b->of.clip / norm : 1, b->of.rate, ++b->updates, b->threads);
    status = heed_params_pack(p, true, b->threads, err);
    t->seconds += omp_get_wtime() - began;
    return status;
}

static int64_t weights_of(const heed_params *p)
{
    int64_t n = 0;
    for (int64_t i = 0; i < heed_params_count(p); i++) n += heed_params_at(p, i)->tensor.rows * heed_params_at(p, i)->tensor.cols;
    return n;
}

static int serve(bench *b, const char *path, const char *weights, double dropout, heed_number number)
{
    heed_error err = {.status = HEED_OK};
    char line[64];
    if (!read_file(b, path, &err) || !build(b, path, weights, dropout, number, &err)) return complain(err.text);
    printf("ready %" PRId64 " %s\n", weights_of(b->model->params), heed_build());
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        tally t = {0};
        long n = 0;
        if (sscanf(line, "run %ld", &n) != 1) return complain("the only word known is: run N");
        while (n-- > 0)
            if (update(b, &t, &err) != HEED_OK) return complain(err.text);
        printf("%.6f %" PRId64 " %.4f %.6f %.0f\n", t.seconds, t.tokens, t.work, -t.log_p / (double)(t.targets ? t.targets : 1), most_memory());
        fflush(stdout);
    }
    return 0;
}

static void close_bench(bench *b)
{
    for (int64_t i = 0; b->batch && i < b->batches; i++) heed_batch_free(b->batch[i]);
    free(b->batch);
    heed_optimizer_free(&b->optimizer);
    heed_shards_free(b->shards);
    heed_model_free(b->model);
}

int main(int argc, char **argv)
{
    if (argc < 4 || argc > 6) return complain("FILE THREADS WEIGHTS [DROPOUT [NUMBERS]]");
    bench b = {.threads = (int)strtol(argv[2], NULL, 10)};
    const int rc = serve(&b, argv[1], argv[3], argc > 4 ? strtod(argv[4], NULL) : -1, argc > 5 && !strcmp(argv[5], "bf16") ? HEED_BF16 : HEED_F32);
    close_bench(&b);
    return rc;
}
