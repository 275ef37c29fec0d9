/* Whole trainings of a tiny model: what a restart, a thread more or a stop must not change, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/rng.h"
#include "model/safetensors.h"
#include "support/scratch.h"
#include "train/run.h"

/* --- help -------------------------------------------------------------------------------------------------------------------------- */

enum { MOST_SETS = 8 };

/* One call of heed_training_run() and what it told. */
typedef struct call {
    heed_train_options options;
    const char *sets[MOST_SETS];
    int64_t stop_at;              /* polls of stop, 0: never */
    int64_t polls;
    heed_buf told;                /* texts of events, one a line, with their kind */
    double rate;                  /* of the last event */
    heed_error err;
} call;

static bool stop(void *user)
{
    call *c = user;
    return ++c->polls == c->stop_at;
}

static void hear(void *user, const heed_event *e)
{
    call *c = user;
    c->rate = e->rate;
    if (e->text) heed_buf_printf(&c->told, "%d %s\n", (int)e->kind, e->text);
}

static heed_status measure_nothing(void *user, const heed_model *m, const char *const *paths, int files, const char *metric, int threads, double *value,
                                   heed_error *err)
{
    (void)user, (void)m, (void)paths, (void)files, (void)metric, (void)threads, (void)err;
    *value = 50;
    return HEED_OK;
}

static const char *write_words(const char *name, int64_t lines, uint64_t key)
{
    heed_buf text = {0};
    for (int64_t i = 0; i < lines; i++) {
        const uint64_t line = heed_key(key, (uint64_t)i);
        const int size = 1 + (int)heed_below(line, 0, 8);
        char word[9];
        for (int j = 0; j < size; j++) word[j] = (char)('a' + heed_below(line, 1 + (uint64_t)j, 6));
        heed_buf_printf(&text, "%.*s\t%.*s\n", size, word, size, word);
    }
    const char *path = scratch_write(name, text.data, text.size);
    heed_buf_free(&text);
    return path;
}

static const char recipe[] =
    "data: {train: train.tsv, valid: valid.tsv, shuffle_buffer: 100}\n"
    "model:\n"
    "  encoder: {cell: gru, embed: 12, width: 16, dropout: 0.2}\n"
    "  decoder: {cell: gru, embed: 12, width: 16, dropout: 0.2}\n"
    "train:\n"
    "  batch: {sentences: 30}\n"
    "  epochs: 3\n"
    "  optimizer: {rate: 0.01}\n"
    "  label_smoothing: 0.1\n"
    "  teacher_forcing: 0.8\n"
    "  schedule: {type: linear, to: 0.1}\n";   /* 250 records in blocks of 100: 4 + 4 + 2 updates an epoch */

static call prepare(const char *dir)
{
    if (!heed_path_exists(scratch_path("tiny.yaml"))) {
        scratch_text("tiny.yaml", recipe);
        write_words("train.tsv", 250, 1);
        write_words("valid.tsv", 40, 2);
    }
    return (call){.options = {.recipe = scratch_path("tiny.yaml"), .dir = scratch_path(dir), .threads = 1}};
}

static void set(call *c, const char *assignment)
{
    assert_true(c->options.set_count < MOST_SETS);
    c->sets[c->options.set_count++] = assignment;
}

static heed_status train(call *c)
{
    c->options.sets = c->sets;
    c->options.stop = stop;
    c->options.event = hear;
    c->options.user = c;
    c->polls = 0;
    heed_buf_reset(&c->told);
    char *model = NULL;
    heed_status status = heed_training_run(&(heed_training){.options = &c->options, .metric = measure_nothing}, &model, &c->err);
    if (!status) assert_true(model && heed_path_is_dir(model));
    free(model);
    return status;
}

static void must(call *c, heed_status expected)
{
    heed_status status = train(c);
    if (status != expected) fail_msg("%s: %s, expected %s", heed_status_name(status), c->err.text, heed_status_name(expected));
}

static void says(const call *c, const char *expected)
{
    if (!strstr(c->err.text, expected)) fail_msg("\"%s\" does not say \"%s\"", c->err.text, expected);
}

static void told(const call *c, const char *expected)
{
    if (!c->told.data || !strstr(c->told.data, expected)) fail_msg("\"%s\" was not told in \"%s\"", expected, c->told.data ? c->told.data : "");
}

static void end(call *c) { heed_buf_free(&c->told); }

static const char *file_of(const char *dir, const char *name)
{
    char path[300];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return scratch_path(path);
}

static bool exists(const char *dir, const char *name) { return heed_path_exists(file_of(dir, name)); }

static void same_file(const char *a, const char *b, const char *name)
{
    heed_file x, y;
    assert_int_equal(heed_file_map(&x, file_of(a, name), HEED_E_IO, NULL), HEED_OK);
    assert_int_equal(heed_file_map(&y, file_of(b, name), HEED_E_IO, NULL), HEED_OK);
    if (x.size != y.size || memcmp(x.data, y.data, x.size) != 0) fail_msg("%s of %s and %s differ", name, a, b);
    heed_file_unmap(&x);
    heed_file_unmap(&y);
}

static void same_run(const char *a, const char *b)
{
    same_file(a, b, "latest/model.safetensors");
    same_file(a, b, "latest/optimizer.safetensors");
    same_file(a, b, "best/model.safetensors");
    same_file(a, b, "model/model.safetensors");
}

static heed_train_state state_of(const char *dir, const char *step)
{
    heed_train_state s;
    char name[64];
    heed_error err = {.status = HEED_OK};
    snprintf(name, sizeof name, "%s/train_state.json", step);
    if (heed_train_state_load(&s, file_of(dir, name), &err)) fail_msg("%s", err.text);
    return s;
}

/* --- the same bits --------------------------------------------------------------------------------------------------------------------- */

static void test_run__threads_change_no_bit(void **state)
{
    (void)state;
    call one = prepare("one-thread"), two = prepare("two-threads");
    two.options.threads = 2;
    must(&one, HEED_OK);
    must(&two, HEED_OK);
    same_run("one-thread", "two-threads");
    assert_int_equal(state_of("one-thread", "latest").update, 30);
    end(&one);
    end(&two);
}

/* Cut short by number of updates: before, at and after the end of a block and of an epoch. */
static void test_run__a_resumed_one_equals_the_uninterrupted_one(void **state)
{
    (void)state;
    static const int64_t cuts[] = {1, 3, 4, 2, 1, 7};   /* 1, 4, 8, 10: the last of an epoch, 11, 18 */
    call whole = prepare("whole"), parts = prepare("parts");
    must(&whole, HEED_OK);
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        parts.options.max_updates = cuts[i];
        parts.options.resume = i > 0;
        must(&parts, HEED_OK);
    }
    parts.options.max_updates = 0;
    must(&parts, HEED_OK);
    same_run("whole", "parts");
    const heed_train_state a = state_of("whole", "latest"), b = state_of("parts", "latest");
    assert_true(a.best == b.best && a.best_update == b.best_update && a.bad == b.bad && a.update == b.update && a.valid_loss == b.valid_loss);
    assert_true(a.judged.log_p == b.judged.log_p && a.logged.log_p == b.logged.log_p && a.norm == b.norm);
    end(&whole);
    end(&parts);
}

/* Asked to stop at every place where it is asked, also in the middle of a validation. */
static void test_run__a_stop_anywhere_is_made_good(void **state)
{
    (void)state;
    call whole = prepare("unstopped"), parts = prepare("stopped");
    const char *settings[] = {"train.accumulate=3", "train.validate.every=2", "train.updates=8", "train.schedule={type: cosine, warmup: 3}"};
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        set(&whole, settings[i]);
        set(&parts, settings[i]);
    }
    must(&whole, HEED_OK);
    for (int64_t turn = 0; turn < 30; turn++) {
        parts.stop_at = 2 + turn % 3;
        parts.options.resume = turn > 0;
        heed_status status = train(&parts);
        if (status == HEED_OK) break;
        if (status != HEED_E_STOPPED) fail_msg("%s", parts.err.text);
        says(&parts, "go on with --resume");
    }
    parts.stop_at = 0;
    must(&parts, HEED_OK);
    same_run("unstopped", "stopped");
    end(&whole);
    end(&parts);
}

static void test_run__a_stop_before_the_first_update_leaves_a_place_to_start_from(void **state)
{
    (void)state;
    call c = prepare("early");
    c.stop_at = 1;
    must(&c, HEED_E_STOPPED);
    says(&c, "nothing was saved");
    c.stop_at = 0;
    c.options.resume = true;
    c.options.max_updates = 1;
    must(&c, HEED_OK);
    told(&c, "begins anew");
    end(&c);
}

static void test_run__a_finished_one_has_nothing_left_to_do_until_a_limit_grows(void **state)
{
    (void)state;
    call c = prepare("grow");
    set(&c, "train.epochs=1");
    must(&c, HEED_OK);
    c.options.resume = true;
    must(&c, HEED_OK);
    assert_int_equal(state_of("grow", "latest").update, 10);
    c.sets[0] = "train.epochs=2";
    must(&c, HEED_OK);
    assert_int_equal(state_of("grow", "latest").update, 20);
    end(&c);
}

/* --- memory ------------------------------------------------------------------------------------------------------------------------------ */

static void test_run__a_second_epoch_asks_for_no_memory(void **state)
{
    (void)state;
    call c = prepare("steady");
    c.options.resume = true;
    heed_run *run = calloc(1, sizeof *run);
    int64_t grown[3];
    bool ended;
    assert_int_equal(heed_run_open(run, &(heed_training){.options = &c.options}, &c.err), HEED_OK);
    for (int epoch = 0; epoch < 3; epoch++) {
        do assert_int_equal(heed_run_update(run, &ended, &c.err), HEED_OK);
        while (!ended);
        grown[epoch] = heed_shards_grown(run->shards);
    }
    assert_true(grown[0] > 0);
    assert_int_equal(grown[1], grown[2]);
    heed_run_close(run);
    free(run);
    end(&c);
}

/* --- what is kept ------------------------------------------------------------------------------------------------------------------------ */

static void test_run__keeps_the_newest_checkpoints_and_the_best(void **state)
{
    (void)state;
    call c = prepare("kept");
    set(&c, "train.keep=2");
    set(&c, "train.validate={every: 5, metric: wer, patience: 0}");   /* the first figure stays the best */
    must(&c, HEED_OK);
    static const struct { const char *name; bool there; } rows[] = {
        {"step-5", true}, {"step-10", false}, {"step-20", false}, {"step-25", true}, {"step-30", true}, {"best/config.json", true}, {"latest/train_state.json", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (exists("kept", rows[i].name) != rows[i].there) fail_msg("%s is %s", rows[i].name, rows[i].there ? "missing" : "there");
    assert_int_equal(state_of("kept", "best").update, 5);
    same_file("kept", "kept", "model/model.safetensors");
    end(&c);
}

static void test_run__a_checkpoint_made_to_go_on_from_is_replaced(void **state)
{
    (void)state;
    call c = prepare("fleeting");
    c.options.max_updates = 3;
    must(&c, HEED_OK);
    assert_true(exists("fleeting", "step-3"));
    c.options.resume = true;
    must(&c, HEED_OK);
    assert_false(exists("fleeting", "step-3"));
    assert_true(exists("fleeting", "step-6"));
    end(&c);
}

static double weight_of(const char *dir, const char *file, const char *name)
{
    heed_safetensors *s = heed_safetensors_open(file_of(dir, file), NULL);
    assert_non_null(s);
    const double x = heed_safetensors_find(s, name)->x[0];
    heed_safetensors_close(s);
    return x;
}

static void test_run__an_average_is_the_mean_of_the_last_checkpoints(void **state)
{
    (void)state;
    call c = prepare("average");
    set(&c, "train.average=2");
    set(&c, "train.keep=2");
    must(&c, HEED_OK);
    const double a = weight_of("average", "step-20/model.safetensors", "head.weight"), b = weight_of("average", "step-30/model.safetensors", "head.weight");
    assert_true(a != b && weight_of("average", "model/model.safetensors", "head.weight") == (float)((a + b) / 2));
    end(&c);
}

static void test_run__patience_ends_it_and_plateaus_cut_the_rate(void **state)
{
    (void)state;
    call c = prepare("patience");
    set(&c, "train.validate={every: 2, metric: wer, patience: 5}");
    set(&c, "train.schedule={type: plateau, factor: 0.5, patience: 2}");
    must(&c, HEED_OK);
    told(&c, "5 validations without progress; best wer 50 at update 2");
    assert_int_equal(state_of("patience", "latest").update, 12);
    assert_true(state_of("patience", "latest").scale == 0.25);
    assert_true(c.rate == 0.01 * 0.25);
    end(&c);
}

static void test_run__seconds_count_over_restarts(void **state)
{
    (void)state;
    call c = prepare("seconds");
    c.options.max_updates = 1;
    must(&c, HEED_OK);
    const double before = state_of("seconds", "latest").seconds;
    c.options.resume = true;
    must(&c, HEED_OK);
    assert_true(before > 0 && state_of("seconds", "latest").seconds > before);
    c.options.max_updates = 0;
    c.options.max_seconds = 1e-9;   /* over after the update that is made in any case: none, since there are some */
    must(&c, HEED_OK);
    assert_int_equal(state_of("seconds", "latest").update, 2);
    end(&c);
}

/* --- refusals ------------------------------------------------------------------------------------------------------------------------------ */

static void test_run__refuses_places_that_are_taken(void **state)
{
    (void)state;
    call c = prepare("taken");
    assert_int_equal(mkdir(scratch_path("taken"), 0777), 0);
    must(&c, HEED_E_USAGE);
    says(&c, "--resume");
    scratch_text("taken/thesis.tex", "not ours");
    c.options.resume = true;
    must(&c, HEED_E_USAGE);
    says(&c, "no training to resume");
    assert_true(exists("taken", "thesis.tex"));
    c.options.dir = scratch_path("taken/thesis.tex");
    must(&c, HEED_E_USAGE);
    says(&c, "is a file");
    end(&c);
}

static void test_run__refuses_a_directory_where_another_trains(void **state)
{
    (void)state;
    call c = prepare("shared");
    c.options.max_updates = 1;
    must(&c, HEED_OK);
    const int lock = open(scratch_path("shared"), O_RDONLY | O_DIRECTORY);
    assert_int_equal(flock(lock, LOCK_EX), 0);
    c.options.resume = true;
    must(&c, HEED_E_USAGE);
    says(&c, "another process");
    close(lock);
    must(&c, HEED_OK);
    end(&c);
}

static void test_run__refuses_to_go_on_with_another_recipe(void **state)
{
    (void)state;
    call c = prepare("changed");
    c.options.max_updates = 1;
    must(&c, HEED_OK);
    c.options.resume = true;
    set(&c, "train.rate=0.02");
    set(&c, "train.keep=3");
    must(&c, HEED_E_USAGE);
    says(&c, "train.optimizer.rate: 0.02, was 0.01");
    assert_null(strstr(c.err.text, "keep"));
    end(&c);
}

static void test_run__data_that_are_not_there_leave_no_directory(void **state)
{
    (void)state;
    call c = prepare("dataless");
    set(&c, "data.train=missing.tsv");
    must(&c, HEED_E_DATA);
    says(&c, "missing.tsv");
    assert_false(exists("dataless", ""));
    end(&c);
}

static void test_run__a_damaged_checkpoint_is_named(void **state)
{
    (void)state;
    call c = prepare("damaged");
    c.options.max_updates = 1;
    must(&c, HEED_OK);
    assert_int_equal(truncate(file_of("damaged", "latest/optimizer.safetensors"), 5000), 0);
    c.options.resume = true;
    must(&c, HEED_E_MODEL);
    says(&c, "optimizer.safetensors");
    assert_int_equal(truncate(file_of("damaged", "latest/train_state.json"), 40), 0);
    must(&c, HEED_E_MODEL);
    says(&c, "train_state.json");
    end(&c);
}

static void test_run__another_instruction_set_is_said_aloud(void **state)
{
    (void)state;
    call c = prepare("moved");
    c.options.max_updates = 1;
    must(&c, HEED_OK);
    heed_train_state s = state_of("moved", "latest");
    snprintf(s.isa, sizeof s.isa, "abacus");
    assert_int_equal(heed_train_state_save(&s, file_of("moved", "latest/train_state.json"), NULL), HEED_OK);
    c.options.resume = true;
    must(&c, HEED_OK);
    told(&c, "with abacus kernels so far");
    end(&c);
}

static void test_run__divergence_names_update_place_records_and_the_last_good_checkpoint(void **state)
{
    (void)state;
    call c = prepare("diverged");
    set(&c, "train.optimizer={type: sgd, rate: 100}");
    set(&c, "train.clip=0");
    set(&c, "train.validate.every=2");
    must(&c, HEED_E_DIVERGED);
    static const char *const parts[] = {"update ", " in op \"", "with the records of line", "last good checkpoint: ", "diverged/step-", "lower train.rate"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) says(&c, parts[i]);
    char step[HEED_PATH];
    assert_int_equal(sscanf(strstr(c.err.text, "checkpoint: "), "checkpoint: %4000[^;]", step), 1);
    assert_true(heed_path_is_dir(step));
    end(&c);
}

/* --- what is said ---------------------------------------------------------------------------------------------------------------------------- */

static void test_run__says_what_it_will_do_and_what_it_left_out(void **state)
{
    (void)state;
    call c = prepare("words");
    set(&c, "data.max_length=7");
    set(&c, "train.epochs=2");
    must(&c, HEED_OK);
    told(&c, "/words: rnn gru 16 + additive, 0.01 M weights, 1 thread, ");
    told(&c, "; 250 pairs; at most 2 epochs\n");
    told(&c, "longer than data.max_length (7 symbols)");
    told(&c, "validation records are longer");
    told(&c, "2 epochs are done; best loss ");
    end(&c);
}

static void test_run__a_validation_is_what_anybody_measures(void **state)
{
    (void)state;
    call c = prepare("measured");
    must(&c, HEED_OK);
    heed_model *m = heed_model_load(file_of("measured", "best"), &c.err);
    assert_non_null(m);
    const char *path = scratch_path("valid.tsv");
    heed_valid v;
    assert_int_equal(heed_validate(m, &path, 1, 2, &v, &c.err), HEED_OK);
    assert_true(v.loss == state_of("measured", "best").valid_loss);
    assert_true(v.symbols > 40 && v.hits <= v.symbols);
    heed_model_free(m);
    end(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run__threads_change_no_bit),
        cmocka_unit_test(test_run__a_resumed_one_equals_the_uninterrupted_one),
        cmocka_unit_test(test_run__a_stop_anywhere_is_made_good),
        cmocka_unit_test(test_run__a_stop_before_the_first_update_leaves_a_place_to_start_from),
        cmocka_unit_test(test_run__a_finished_one_has_nothing_left_to_do_until_a_limit_grows),
        cmocka_unit_test(test_run__a_second_epoch_asks_for_no_memory),
        cmocka_unit_test(test_run__keeps_the_newest_checkpoints_and_the_best),
        cmocka_unit_test(test_run__a_checkpoint_made_to_go_on_from_is_replaced),
        cmocka_unit_test(test_run__an_average_is_the_mean_of_the_last_checkpoints),
        cmocka_unit_test(test_run__patience_ends_it_and_plateaus_cut_the_rate),
        cmocka_unit_test(test_run__seconds_count_over_restarts),
        cmocka_unit_test(test_run__refuses_places_that_are_taken),
        cmocka_unit_test(test_run__refuses_a_directory_where_another_trains),
        cmocka_unit_test(test_run__refuses_to_go_on_with_another_recipe),
        cmocka_unit_test(test_run__data_that_are_not_there_leave_no_directory),
        cmocka_unit_test(test_run__a_damaged_checkpoint_is_named),
        cmocka_unit_test(test_run__another_instruction_set_is_said_aloud),
        cmocka_unit_test(test_run__divergence_names_update_place_records_and_the_last_good_checkpoint),
        cmocka_unit_test(test_run__says_what_it_will_do_and_what_it_left_out),
        cmocka_unit_test(test_run__a_validation_is_what_anybody_measures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
