/* Whole trainings of a tiny model: what is refused, and how a failure is told. */
#include "unit/run_calls.h"

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
    says(&c, "; no earlier checkpoint is whole: train anew with another -o");
    end(&c);
}

/* What the message says is done, and works. */
static void test_run__of_a_damaged_checkpoint_the_older_one_that_is_whole_is_named(void **state)
{
    (void)state;
    static const char *const members[] = {"optimizer.safetensors", "train_state.json", "model.safetensors"};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        char name[64];
        call c = prepare("older");
        heed_dir_remove(c.options.dir, NULL);
        set(&c, "train.validate.every=2");
        set(&c, "train.updates=6");
        must(&c, HEED_OK);
        snprintf(name, sizeof name, "step-6/%s", members[i]);
        assert_int_equal(truncate(file_of("older", name), 50), 0);
        assert_int_equal(truncate(file_of("older", "step-4/config.json"), 0), 0);
        c.options.resume = true;
        must(&c, HEED_E_MODEL);
        says(&c, name);
        says(&c, "; step-2 is whole: ln -sfn step-2 ");
        assert_int_equal(unlink(file_of("older", "latest")), 0);
        assert_int_equal(symlink("step-2", file_of("older", "latest")), 0);
        must(&c, HEED_OK);
        assert_int_equal(state_of("older", "latest").update, 6);
        end(&c);
    }
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run__refuses_places_that_are_taken),
        cmocka_unit_test(test_run__refuses_a_directory_where_another_trains),
        cmocka_unit_test(test_run__refuses_to_go_on_with_another_recipe),
        cmocka_unit_test(test_run__data_that_are_not_there_leave_no_directory),
        cmocka_unit_test(test_run__a_damaged_checkpoint_is_named),
        cmocka_unit_test(test_run__of_a_damaged_checkpoint_the_older_one_that_is_whole_is_named),
        cmocka_unit_test(test_run__another_instruction_set_is_said_aloud),
        cmocka_unit_test(test_run__divergence_names_update_place_records_and_the_last_good_checkpoint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
