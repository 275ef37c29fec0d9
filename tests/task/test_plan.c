/* What heed_plan() foretells comes true: a plan and a training, each in a process of its own, since the most memory a process ever held is its own. Speed is
 * held to its forecast by bench/plan.sh: it belongs to machines that do nothing else. */
#include "base/buf.h"
#include "base/machine.h"
#include "base/rng.h"
#include "heed.h"
#include "support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MEMORY_IS_OURS 0   /* a sanitizer keeps what was freed */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define MEMORY_IS_OURS 0
#endif
#endif
#ifndef MEMORY_IS_OURS
#define MEMORY_IS_OURS 1
#endif

enum { PAIRS = 400, VALID_PAIRS = 150 };

static const char frame[] =
    "data: {train: train.tsv, valid: valid.tsv, shuffle_buffer: 300}\n"
    "text: {source: {units: characters}, target: {units: characters}}\n"
    "train: {%s, validate: {metric: %s}, optimizer: {rate: 1e-3}}\n"
    "decode: {beam: 2, max_length: [1, 2]}\n"
    "model:\n"
    "  encoder: {%s}\n"
    "  attention: {score: %s}\n"
    "  decoder: {%s}\n";
static const struct { const char *train, *metric, *encoder, *score, *decoder; } recipes[] = {
    {"batch: {sentences: 100}, epochs: 2", "loss", "type: rnn, cell: gru, embed: 32, width: 96", "additive", "type: rnn, cell: gru, embed: 32, width: 128"},
    {"batch: {tokens: 1500}, epochs: 2, accumulate: 2, average: 2", "cer", "type: transformer, layers: 2, width: 96, heads: 4, inner: 256", "scaled",
     "type: transformer, layers: 2, width: 96, heads: 4, inner: 256"},
    {"batch: {sentences: 64}, epochs: 2", "loss", "type: conv, layers: 3, embed: 64, width: 96", "dot", "type: conv, layers: 3, embed: 64, width: 96"},
};
enum { RECIPES = sizeof recipes / sizeof *recipes };

static void write_pairs(const char *name, int64_t pairs, uint64_t key)
{
    heed_buf text = {0};
    for (int64_t i = 0; i < pairs; i++) {
        const int n = 8 + (int)(heed_uniform(key, (uint64_t)i) * 50);
        char word[64] = "";
        for (int j = 0; j < n; j++) word[j] = (char)('a' + (int)(heed_uniform(heed_key(key, 1 + (uint64_t)i), (uint64_t)j) * 20));
        heed_buf_printf(&text, "%s\t%s\n", word, word);
    }
    scratch_text(name, text.data);
    heed_buf_free(&text);
}

static const char *write_recipe(int i)
{
    char name[32], text[1000];
    snprintf(name, sizeof name, "recipe-%d.yaml", i);
    snprintf(text, sizeof text, frame, recipes[i].train, recipes[i].metric, recipes[i].encoder, recipes[i].score, recipes[i].decoder);
    return scratch_text(name, text);
}

/* What a child found. */
typedef struct report { heed_forecast forecast; int64_t parameters, updates; size_t peak; heed_status status; char text[400]; } report;

static void keep_update(void *user, const heed_event *e) { *(int64_t *)user = e->update; }

static void plan(const char *recipe, report *r)
{
    heed_error err = {0};
    r->status = heed_plan(&(heed_train_options){.recipe = recipe, .threads = 2}, &r->forecast, &err);
    snprintf(r->text, sizeof r->text, "%.390s", err.text);
}

static void train(const char *recipe, report *r)
{
    heed_error err = {0};
    char dir[500], *model = NULL;
    snprintf(dir, sizeof dir, "%s.run", recipe);
    r->status = heed_train(&(heed_train_options){.recipe = recipe, .threads = 2, .dir = dir, .event = keep_update, .user = &r->updates}, &model, &err);
    r->peak = heed_process_peak();
    snprintf(r->text, sizeof r->text, "%.390s", err.text);
    heed_model *m = model ? heed_model_open(model, NULL, NULL) : NULL;
    char *json = m ? heed_model_describe(m, true, NULL) : NULL, *number = json ? strstr(json, "\"parameters\":") : NULL;
    if (number) r->parameters = strtoll(number + strlen("\"parameters\":"), NULL, 10);
    heed_free(json);
    heed_free(model);
    heed_model_close(m);
}

/* As the program does: else the holes of glibc's heap are counted. */
#if defined(__GLIBC__)
static void give_blocks_back(void) { mallopt(M_MMAP_THRESHOLD, 1 << 20); }
#else
static void give_blocks_back(void) {}
#endif

static report in_child(void (*work)(const char *, report *), const char *recipe)
{
    report r = {.status = HEED_E_IO};
    int ends[2], status = 0;
    assert_int_equal(pipe(ends), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        give_blocks_back();
        work(recipe, &r);
        _exit(write(ends[1], &r, sizeof r) == (ssize_t)sizeof r ? 0 : 1);
    }
    close(ends[1]);
    const ssize_t size = read(ends[0], &r, sizeof r);
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (size != (ssize_t)sizeof r) fail_msg("the child ended with status %d", status);
    return r;
}

static void test_plan__foretells_weights_updates_and_memory_of_the_training(void **state)
{
    (void)state;
    write_pairs("train.tsv", PAIRS, 1);
    write_pairs("valid.tsv", VALID_PAIRS, 2);
    for (int i = 0; i < RECIPES; i++) {
        const char *recipe = write_recipe(i);
        const report told = in_child(plan, recipe), was = in_child(train, recipe);
        if (told.status || was.status) fail_msg("recipe %d: %s%s", i, told.text, was.text);
        const heed_forecast *f = &told.forecast;
        const double ratio = (double)f->peak_bytes / (double)was.peak;
        print_message("recipe %d: %.1f MB foretold, %.1f MB taken\n", i, (double)f->peak_bytes * 1e-6, (double)was.peak * 1e-6);
        assert_int_equal(f->parameters, was.parameters);
        assert_int_equal(f->pairs, PAIRS);
        assert_int_equal(2 * f->updates, was.updates);
        assert_true(f->tokens_per_second > 0 && f->seconds_per_epoch > 0 && f->seconds == 2 * f->seconds_per_epoch);
        if (MEMORY_IS_OURS && (ratio < 0.8 || ratio > 1.2)) fail_msg("recipe %d: %.2f of the memory that was taken", i, ratio);
    }
}

static void test_plan__writes_nothing(void **state)
{
    (void)state;
    const char *recipe = write_recipe(0);
    char before[600], after[600];
    snprintf(before, sizeof before, "ls -R '%s' > '%s.before'", scratch_path(""), recipe);
    snprintf(after, sizeof after, "ls -R '%s' > '%s.after' && sed -i '/before$/d;/after$/d' '%s.before' '%s.after' && cmp '%s.before' '%s.after'", scratch_path(""), recipe,
             recipe, recipe, recipe, recipe);
    assert_int_equal(system(before), 0);
    assert_int_equal(in_child(plan, recipe).status, HEED_OK);
    assert_int_equal(system(after), 0);
}

static void plan_too_much(const char *recipe, report *r)
{
    heed_error err = {0};
    const char *sets[] = {"model.encoder.width=65536", "model.decoder.width=65536"};
    r->status = heed_plan(&(heed_train_options){.recipe = recipe, .threads = 1, .sets = sets, .set_count = 2}, &r->forecast, &err);
    r->peak = heed_process_peak();
    snprintf(r->text, sizeof r->text, "%.390s", err.text);
}

static void test_plan__refuses_weights_that_cannot_fit_without_trying(void **state)
{
    (void)state;
    const report r = in_child(plan_too_much, write_recipe(0));
    assert_int_equal(r.status, HEED_E_LIMIT);
    assert_non_null(strstr(r.text, "will not fit into memory: its "));
    if (MEMORY_IS_OURS) assert_true(r.peak < 200000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plan__foretells_weights_updates_and_memory_of_the_training),
        cmocka_unit_test(test_plan__writes_nothing),
        cmocka_unit_test(test_plan__refuses_weights_that_cannot_fit_without_trying),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
