/* Whole trainings of a tiny model: what a restart, a thread more or a stop must not change, and what is refused. */
#include "unit/run_calls.h"

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
    const double x = *(const float *)heed_safetensors_find(s, name)->x;
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

static void test_run__names_both_sides_of_a_model_where_they_differ(void **state)
{
    (void)state;
    static const struct { const char *set[3], *said; } rows[] = {
        {{"model.decoder.cell=lstm", "model.attention=none"}, ": rnn gru 16 -> rnn lstm 16 + a fixed vector, "},
        {{"model.encoder.layers=2", "model.decoder.width=20"}, ": rnn gru 2 x 16 -> rnn gru 20 + additive, "},
        {{"model.encoder.layers=2"}, ": rnn gru 2+1 x 16 + additive, "},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        call c = prepare("sides");
        heed_dir_remove(c.options.dir, NULL);
        for (int k = 0; k < 3 && rows[i].set[k]; k++) set(&c, rows[i].set[k]);
        c.options.max_updates = 1;
        must(&c, HEED_OK);
        told(&c, rows[i].said);
        end(&c);
    }
}

static void test_run__a_validation_is_what_anybody_measures(void **state)
{
    (void)state;
    call c = prepare("measured");
    must(&c, HEED_OK);
    heed_model *m = heed_model_load(file_of("measured", "best"), NULL, 0, &c.err);
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
        cmocka_unit_test(test_run__says_what_it_will_do_and_what_it_left_out),
        cmocka_unit_test(test_run__names_both_sides_of_a_model_where_they_differ),
        cmocka_unit_test(test_run__a_validation_is_what_anybody_measures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
