/* Parts of training: the cut of a batch, learning rates, optimizers, what is kept over a restart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/rng.h"
#include "model/safetensors.h"
#include "support/scratch.h"
#include "tensor/params.h"
#include "train/checkpoint.h"
#include "train/log.h"
#include "train/optimizer.h"
#include "train/schedule.h"
#include "train/shards.h"
#include "train/state.h"

/* --- shards ------------------------------------------------------------------------------------------------------------------------ */

static void test_shard_count__is_a_rule_of_the_batch_alone(void **state)
{
    (void)state;
    static const struct { int64_t B; int count; } rows[] = {{1, 1}, {11, 1}, {12, 1}, {24, 2}, {48, 4}, {79, 4}, {80, 5}, {95, 5}, {96, 6}, {128, 8}, {159, 9}, {160, 10}, {1000, 10}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) assert_int_equal(heed_shard_count(rows[i].B), rows[i].count);
}

/* Random lengths, longest first: every sentence is in one shard, none is empty, and no shard has more than its part and one sentence. */
static void test_shard_cut__gives_every_shard_its_part(void **state)
{
    (void)state;
    int64_t start[401], first[HEED_MAX_SHARDS + 1];
    for (uint64_t round = 0; round < 200; round++) {
        const int64_t B = 1 + (int64_t)heed_below(1, round, 400);
        const int count = heed_shard_count(B);
        start[0] = 0;
        int64_t length = 1 + (int64_t)heed_below(2, round, 300);
        for (int64_t i = 0; i < B; i++) {
            start[i + 1] = start[i] + length;
            length -= (int64_t)heed_below(3, round * 1000 + (uint64_t)i, 2) * (length > 1);
        }
        heed_shard_cut((heed_span){start, B}, count, first);
        assert_int_equal(first[0], 0);
        assert_int_equal(first[count], B);
        for (int i = 0; i < count; i++) {
            assert_true(first[i] < first[i + 1]);
            const int64_t symbols = start[first[i + 1]] - start[first[i]];
            assert_true(symbols <= start[B] / count + 1 + start[1]);
        }
    }
}

static void test_shard_cut__a_giant_sentence_leaves_one_to_each_other_shard(void **state)
{
    (void)state;
    const int64_t start[] = {0, 1000, 1001, 1002, 1003};
    int64_t first[5];
    heed_shard_cut((heed_span){start, 4}, 4, first);
    for (int i = 0; i <= 4; i++) assert_int_equal(first[i], i);
}

/* --- rates ------------------------------------------------------------------------------------------------------------------------- */

static double rate(int type, int64_t warmup, double from, double to, int64_t update, double progress, double scale)
{
    heed_recipe r = {.version = 1};
    r.train.optimizer.rate = 2;
    r.train.schedule.type = type;
    r.train.schedule.warmup_updates = warmup;
    r.train.schedule.from = from;
    r.train.schedule.to = to;
    return heed_schedule_rate(&r, update, progress, scale);
}

static void near(double value, double expected) { assert_true(fabs(value - expected) <= 1e-12 * fabs(expected) + 1e-15); }

static void test_schedule__constant_stays(void **state)
{
    (void)state;
    near(rate(HEED_SCHEDULE_CONSTANT, 10, 0, 0, 1, 0.5, 1), 2);
}

static void test_schedule__linear_falls_to_its_end(void **state)
{
    (void)state;
    near(rate(HEED_SCHEDULE_LINEAR, 0, 0, 0.05, 1, 0, 1), 2);
    near(rate(HEED_SCHEDULE_LINEAR, 0, 0, 0.05, 7, 0.5, 1), 2 * 0.525);
    near(rate(HEED_SCHEDULE_LINEAR, 0, 0, 0.05, 9, 1, 1), 0.1);
    near(rate(HEED_SCHEDULE_LINEAR, 0, 0, 0.05, 9, 1.5, 1), 0.1);
}

static void test_schedule__inverse_sqrt_peaks_where_warming_ends(void **state)
{
    (void)state;
    near(rate(HEED_SCHEDULE_INVERSE_SQRT, 4, 0.2, 0, 1, 0, 1), 2 * (0.2 + 0.8 / 4));
    near(rate(HEED_SCHEDULE_INVERSE_SQRT, 4, 0.2, 0, 4, 0, 1), 2);
    near(rate(HEED_SCHEDULE_INVERSE_SQRT, 4, 0.2, 0, 16, 0, 1), 1);
}

static void test_schedule__cosine_warms_up_and_ends(void **state)
{
    (void)state;
    near(rate(HEED_SCHEDULE_COSINE, 10, 0, 0.1, 5, 0, 1), 1);
    near(rate(HEED_SCHEDULE_COSINE, 10, 0, 0.1, 50, 0.5, 1), 2 * 0.55);
    near(rate(HEED_SCHEDULE_COSINE, 10, 0, 0.1, 100, 1, 1), 0.2);
}

static void test_schedule__plateau_takes_what_is_left(void **state)
{
    (void)state;
    near(rate(HEED_SCHEDULE_PLATEAU, 0, 0, 0, 100, 0.5, 0.25), 0.5);
}

/* --- optimizers ---------------------------------------------------------------------------------------------------------------------- */

enum { ROWS = 300, COLS = 700 };   /* 13 pieces of the slab, the last one short */

typedef struct fixture { heed_params *params; heed_optimizer o; heed_recipe recipe; } fixture;

static void fixture_open(fixture *f, int type, double momentum)
{
    *f = (fixture){.params = heed_params_new(NULL)};
    assert_non_null(heed_params_add(f->params, "wide", 2, ROWS, COLS, HEED_FILL_NORMAL, 1));
    assert_non_null(heed_params_add(f->params, "bias", 1, 1, 5, HEED_FILL_NORMAL, 1));
    assert_int_equal(heed_params_finish(f->params, NULL), HEED_OK);
    heed_params_fill(f->params, 7);
    f->recipe.train.optimizer.type = type;
    f->recipe.train.optimizer.beta1 = 0.9;
    f->recipe.train.optimizer.beta2 = 0.99;
    f->recipe.train.optimizer.eps = 1e-6;
    f->recipe.train.optimizer.weight_decay = 0.125;
    f->recipe.train.optimizer.momentum = momentum;
    assert_int_equal(heed_optimizer_init(&f->o, f->params, &f->recipe, NULL), HEED_OK);
}

static void fixture_close(fixture *f)
{
    heed_optimizer_free(&f->o);
    heed_params_free(f->params);
}

/* The padding behind a weight has no gradient. */
static bool is_padding(const fixture *f, int64_t i) { return i >= heed_params_find(f->params, "bias")->offset + 5; }

static void fill_grads(const fixture *f, uint64_t key)
{
    float *g = heed_params_grads(f->params);
    for (int64_t i = 0; i < f->params->size; i++) g[i] = is_padding(f, i) ? 0 : (float)heed_normal(key, (uint64_t)i);
}

/* One weight in double by the papers' own formulas. */
typedef struct reference { double w, m, v; } reference;

static void reference_step(reference *x, const fixture *f, double g, double rate, int64_t t)
{
    const double decay = 0.125;
    if (f->o.type == HEED_OPTIMIZER_SGD) {
        x->m = f->recipe.train.optimizer.momentum * x->m + g + decay * x->w;
        x->w -= rate * x->m;
        return;
    }
    const double b1 = 0.9, b2 = 0.99, shrink = f->o.type == HEED_OPTIMIZER_ADAMW ? rate * decay : 0;
    const double d = f->o.type == HEED_OPTIMIZER_ADAMW ? g : g + decay * x->w;
    x->m = b1 * x->m + (1 - b1) * d;
    x->v = b2 * x->v + (1 - b2) * d * d;
    x->w = x->w - shrink * x->w - rate * (x->m / (1 - pow(b1, (double)t))) / (sqrt(x->v / (1 - pow(b2, (double)t))) + 1e-6);
}

/* Five steps. A weight near 1 is rounded a few times a step: 40 units of its last place (6e-8) bound the sum of these and of the constants that were
 * rounded to float. */
static void follow(int type, double momentum)
{
    fixture f;
    fixture_open(&f, type, momentum);
    const int64_t size = f.params->size;
    reference *x = calloc((size_t)size, sizeof *x);
    for (int64_t i = 0; i < size; i++) x[i].w = heed_params_values(f.params)[i];
    for (int64_t t = 1; t <= 5; t++) {
        fill_grads(&f, (uint64_t)t);
        for (int64_t i = 0; i < size; i++) reference_step(&x[i], &f, 0.5 * (double)heed_params_grads(f.params)[i], 0.01, t);
        heed_optimizer_step(&f.o, heed_params_grads(f.params), 0.5, 0.01, t, 2);
    }
    for (int64_t i = 0; i < size; i++) {
        const double w = heed_params_values(f.params)[i];
        if (fabs(w - x[i].w) > 40 * 6e-8 * fmax(1, fabs(x[i].w))) fail_msg("weight %lld is %.9g, expected %.9g", (long long)i, w, x[i].w);
    }
    free(x);
    fixture_close(&f);
}

static void test_optimizer__adam_follows_the_paper(void **state) { (void)state; follow(HEED_OPTIMIZER_ADAM, 0); }
static void test_optimizer__adamw_decays_apart(void **state) { (void)state; follow(HEED_OPTIMIZER_ADAMW, 0); }
static void test_optimizer__sgd_keeps_its_momentum(void **state) { (void)state; follow(HEED_OPTIMIZER_SGD, 0.8); }

static void test_optimizer__padding_between_weights_stays_zero(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f, HEED_OPTIMIZER_ADAM, 0);
    fill_grads(&f, 1);
    for (int64_t t = 1; t <= 3; t++) heed_optimizer_step(&f.o, heed_params_grads(f.params), 1, 0.1, t, 1);
    for (int64_t i = 0; i < f.params->size; i++) assert_true(!is_padding(&f, i) || heed_params_values(f.params)[i] == 0);
    fixture_close(&f);
}

static void test_optimizer__norm_is_euclids_and_the_same_for_any_threads(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f, HEED_OPTIMIZER_ADAM, 0);
    fill_grads(&f, 3);
    const float *g = heed_params_grads(f.params);
    double sum = 0;
    for (int64_t i = 0; i < f.params->size; i++) sum += (double)g[i] * g[i];
    const double one = heed_optimizer_norm(&f.o, g, 1), two = heed_optimizer_norm(&f.o, g, 2);
    assert_true(fabs(one - sqrt(sum)) < 1e-9 * one);
    assert_memory_equal(&one, &two, sizeof one);
    fixture_close(&f);
}

static void test_optimizer__a_saved_one_goes_on_to_the_same_bits(void **state)
{
    (void)state;
    const char *path = scratch_path("optimizer.safetensors");
    fixture a, b;
    fixture_open(&a, HEED_OPTIMIZER_ADAM, 0);
    fixture_open(&b, HEED_OPTIMIZER_ADAM, 0);
    fill_grads(&a, 1);
    fill_grads(&b, 1);
    heed_optimizer_step(&a.o, heed_params_grads(a.params), 1, 0.01, 1, 1);
    assert_int_equal(heed_optimizer_save(&a.o, path, NULL), HEED_OK);
    memcpy(heed_params_values(b.params), heed_params_values(a.params), (size_t)a.params->size * sizeof(float));
    heed_error err = {.status = HEED_OK};
    if (heed_optimizer_load(&b.o, path, &err)) fail_msg("%s", err.text);
    heed_optimizer_step(&a.o, heed_params_grads(a.params), 1, 0.01, 2, 1);
    heed_optimizer_step(&b.o, heed_params_grads(b.params), 1, 0.01, 2, 2);
    assert_memory_equal(heed_params_values(a.params), heed_params_values(b.params), (size_t)a.params->size * sizeof(float));
    assert_memory_equal(a.o.v, b.o.v, (size_t)a.params->size * sizeof(float));
    fixture_close(&a);
    fixture_close(&b);
}

static void refuse_slabs(const heed_named *named, int64_t count, const char *expected)
{
    const char *path = scratch_path("foreign.safetensors");
    fixture f;
    heed_error err = {.status = HEED_OK};
    fixture_open(&f, HEED_OPTIMIZER_SGD, 0.5);
    assert_int_equal(heed_safetensors_write(path, named, count, NULL, NULL), HEED_OK);
    assert_int_equal(heed_optimizer_load(&f.o, path, &err), HEED_E_MODEL);
    if (!strstr(err.text, expected) || !strstr(err.text, path)) fail_msg("\"%s\" does not say \"%s\"", err.text, expected);
    fixture_close(&f);
}

static void test_optimizer__refuses_slabs_that_do_not_fit(void **state)
{
    (void)state;
    float *x = calloc(ROWS * COLS, sizeof *x);
    heed_named wide = {"m.wide", x, 2, ROWS, COLS, HEED_F32}, bias = {"m.bias", x, 1, 1, 5, HEED_F32}, small = {"m.wide", x, 2, 2, 3, HEED_F32};
    heed_named other = {"m.other", x, 1, 1, 5, HEED_F32}, narrow = {"m.wide", x, 2, ROWS, COLS, HEED_BF16};
    refuse_slabs(&bias, 1, "holds 1 tensors");
    refuse_slabs((heed_named[]){wide, other}, 2, "\"m.bias\" is missing");
    refuse_slabs((heed_named[]){small, bias}, 2, "is [2,3], expected [300,700]");
    refuse_slabs((heed_named[]){narrow, bias}, 2, "is not of floats");
    x[3] = NAN;
    refuse_slabs((heed_named[]){wide, bias}, 2, "not finite");
    free(x);
}

/* --- the state ------------------------------------------------------------------------------------------------------------------------- */

static heed_train_state some_state(void)
{
    return (heed_train_state){
        .update = 1234567890123, .validated = 5, .data = {3, 4, 5}, .records = 6, .records_per_epoch = 7, .pairs = 8, .best = 0.1, .best_update = 9,
        .bad = 10, .scale = 1.0 / 3, .plateau = 11, .logged = {-1e-17, 12}, .judged = {-123456.789, 13}, .rate = 1e-300, .norm = 2.5, .valid_loss = 1e22,
        .metric = -0.0, .seconds = 3.3, .seed = UINT64_MAX, .isa = "avx512",
    };
}

static void test_state__comes_back_to_the_bit(void **state)
{
    (void)state;
    const heed_train_state a = some_state();
    heed_train_state b;
    heed_error err = {.status = HEED_OK};
    const char *path = scratch_path("state.json");
    assert_int_equal(heed_train_state_save(&a, path, NULL), HEED_OK);
    if (heed_train_state_load(&b, path, &err)) fail_msg("%s", err.text);
    assert_true(b.update == a.update && b.validated == a.validated && memcmp(&b.data, &a.data, sizeof a.data) == 0 && b.records == a.records);
    assert_true(b.records_per_epoch == a.records_per_epoch && b.pairs == a.pairs && b.best == a.best && b.best_update == a.best_update && b.bad == a.bad);
    assert_true(b.scale == a.scale && b.plateau == a.plateau && b.logged.log_p == a.logged.log_p && b.logged.symbols == a.logged.symbols);
    assert_true(b.judged.log_p == a.judged.log_p && b.judged.symbols == a.judged.symbols && b.rate == a.rate && b.norm == a.norm);
    assert_true(b.valid_loss == a.valid_loss && b.metric == a.metric && b.seconds == a.seconds && b.seed == a.seed);
    assert_string_equal(b.isa, a.isa);
}

/* The saved text with `from` replaced by `to`. */
static void refuse_state(const char *from, const char *to, const char *expected)
{
    const heed_train_state a = some_state();
    heed_train_state b;
    heed_error err = {.status = HEED_OK};
    assert_int_equal(heed_train_state_save(&a, scratch_path("good.json"), NULL), HEED_OK);
    char *text = scratch_read("good.json", NULL), altered[4000];
    char *at = strstr(text, from);
    assert_non_null(at);
    snprintf(altered, sizeof altered, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    free(text);
    const char *path = scratch_text("bad.json", altered);
    assert_int_equal(heed_train_state_load(&b, path, &err), HEED_E_MODEL);
    if (!strstr(err.text, expected) || !strstr(err.text, path)) fail_msg("\"%s\" does not say \"%s\"", err.text, expected);
}

static void test_state__an_altered_one_is_refused_by_name(void **state)
{
    (void)state;
    refuse_state("\"update\"", "\"updatf\"", "\"update\" is missing");
    refuse_state("\"bad\": 10", "\"bad\": -10", "\"bad\"");
    refuse_state("\"bad\": 10", "\"bad\": 1.5", "\"bad\"");
    refuse_state("\"scale\": ", "\"scale\": \"x\", \"other\": ", "\"scale\"");
    refuse_state("18446744073709551615", "18446744073709551616", "\"seed\"");
    refuse_state("18446744073709551615", "one", "\"seed\"");
    refuse_state("avx512", "an instruction set with a long name", "\"isa\"");
    refuse_state("\"format\": 1", "\"format\": 2", "newer");
    refuse_state("}", "", "not JSON");
    refuse_state("\"pairs\"", "\"bad\"", "not JSON");   /* twice */
}

/* --- lists of checkpoints, the log ------------------------------------------------------------------------------------------------------ */

static const char *make_dir(const char *name)
{
    const char *path = scratch_path(name);
    assert_int_equal(mkdir(path, 0777), 0);
    return path;
}

static void test_steps__are_listed_newest_first_and_nothing_else(void **state)
{
    (void)state;
    const char *dir = make_dir("list");
    const char *names[] = {"list/step-9", "list/step-100", "list/step-20", "list/step-30.tmp", "list/step-", "list/step-x", "list/step-0", "list/step-007"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) make_dir(names[i]);
    int64_t *steps, count, update;
    assert_int_equal(heed_steps_list(dir, &steps, &count, NULL), HEED_OK);
    assert_int_equal(count, 3);
    assert_int_equal(steps[0], 100);
    assert_int_equal(steps[1], 20);
    assert_int_equal(steps[2], 9);
    free(steps);
    assert_int_equal(heed_steps_latest(dir, &update, NULL), HEED_OK);   /* without the link: the newest */
    assert_int_equal(update, 100);
}

static void test_steps__latest_is_what_the_link_says(void **state)
{
    (void)state;
    const char *dir = make_dir("linked");
    make_dir("linked/step-5");
    make_dir("linked/step-8");
    int64_t update;
    heed_error err = {.status = HEED_OK};
    assert_int_equal(heed_steps_link(dir, 5, 0, NULL), HEED_OK);
    assert_int_equal(heed_steps_latest(dir, &update, NULL), HEED_OK);
    assert_int_equal(update, 5);
    assert_int_equal(heed_steps_link(dir, 6, 5, NULL), HEED_OK);   /* there is no step-6 */
    assert_int_equal(heed_steps_latest(dir, &update, &err), HEED_E_MODEL);
    assert_non_null(strstr(err.text, "step-6"));
}

static void test_steps__tidying_takes_only_what_was_left_behind(void **state)
{
    (void)state;
    const char *dir = make_dir("tidy");
    const char *stay[] = {"tidy/step-5", "tidy/step-4", "tidy/model", "tidy/notes.tmp"};
    const char *go[] = {"tidy/step-6", "tidy/step-5.tmp", "tidy/model.tmp", "tidy/model.old.tmp", "tidy/latest.tmp-77"};
    for (size_t i = 0; i < sizeof stay / sizeof *stay; i++) make_dir(stay[i]);
    for (size_t i = 0; i < sizeof go / sizeof *go; i++) make_dir(go[i]);
    scratch_text("tidy/step-5.tmp/model.safetensors", "half");
    assert_int_equal(heed_steps_tidy(dir, 5, NULL), HEED_OK);
    for (size_t i = 0; i < sizeof stay / sizeof *stay; i++) assert_true(heed_path_exists(scratch_path(stay[i])));
    for (size_t i = 0; i < sizeof go / sizeof *go; i++) assert_false(heed_path_exists(scratch_path(go[i])));
}

static void test_log__a_cut_one_ends_at_the_checkpoint(void **state)
{
    (void)state;
    heed_log log = {.line = {0}};
    snprintf(log.path, sizeof log.path, "%s", scratch_path("log.jsonl"));
    for (int64_t update = 100; update <= 300; update += 100)
        assert_int_equal(heed_log_write(&log, &(heed_log_entry){.update = update, .epoch = 1, .loss = NAN, .rate = 0.5}, NULL), HEED_OK);
    assert_int_equal(heed_file_append(log.path, "{\"update\": 400, \"ep", 19, NULL), HEED_OK);   /* a kill in the middle of a write */
    assert_int_equal(heed_log_cut(&log, 400, NULL), HEED_OK);
    char *text = scratch_read("log.jsonl", NULL);
    assert_null(strstr(text, "400"));
    assert_non_null(strstr(text, "{\"update\": 300, \"epoch\": 1, \"seconds\": 0, \"loss\": null,"));
    free(text);
    assert_int_equal(heed_log_cut(&log, 299, NULL), HEED_OK);
    text = scratch_read("log.jsonl", NULL);
    assert_null(strstr(text, "300"));
    assert_non_null(strstr(text, "{\"update\": 200"));
    free(text);
    heed_log_free(&log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shard_count__is_a_rule_of_the_batch_alone),
        cmocka_unit_test(test_shard_cut__gives_every_shard_its_part),
        cmocka_unit_test(test_shard_cut__a_giant_sentence_leaves_one_to_each_other_shard),
        cmocka_unit_test(test_schedule__constant_stays),
        cmocka_unit_test(test_schedule__linear_falls_to_its_end),
        cmocka_unit_test(test_schedule__inverse_sqrt_peaks_where_warming_ends),
        cmocka_unit_test(test_schedule__cosine_warms_up_and_ends),
        cmocka_unit_test(test_schedule__plateau_takes_what_is_left),
        cmocka_unit_test(test_optimizer__adam_follows_the_paper),
        cmocka_unit_test(test_optimizer__adamw_decays_apart),
        cmocka_unit_test(test_optimizer__sgd_keeps_its_momentum),
        cmocka_unit_test(test_optimizer__padding_between_weights_stays_zero),
        cmocka_unit_test(test_optimizer__norm_is_euclids_and_the_same_for_any_threads),
        cmocka_unit_test(test_optimizer__a_saved_one_goes_on_to_the_same_bits),
        cmocka_unit_test(test_optimizer__refuses_slabs_that_do_not_fit),
        cmocka_unit_test(test_state__comes_back_to_the_bit),
        cmocka_unit_test(test_state__an_altered_one_is_refused_by_name),
        cmocka_unit_test(test_steps__are_listed_newest_first_and_nothing_else),
        cmocka_unit_test(test_steps__latest_is_what_the_link_says),
        cmocka_unit_test(test_steps__tidying_takes_only_what_was_left_behind),
        cmocka_unit_test(test_log__a_cut_one_ends_at_the_checkpoint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
