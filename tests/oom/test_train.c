/* Training with every allocation refused in turn: it says that memory is short, or does without; it never crashes, leaks or claims to be done when it
 * is not. And a training under way asks for nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/film.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/rng.h"
#include "model/model.h"
#include "oom/refuse.h"
#include "support/scratch.h"
#include "train/train.h"

static const char recipe[] =
    "data: {train: train.tsv, valid: train.tsv}\n"
    "model:\n"
    "  encoder: {cell: gru, embed: 3, width: 4}\n"
    "  decoder: {cell: gru, embed: 3, width: 4}\n"
    "train: {batch: {sentences: 2}, accumulate: 2, epochs: 0, updates: 1}\n";

static heed_train_options prepare(const char *dir)
{
    if (!heed_path_exists(scratch_path("tiny.yaml"))) {
        scratch_text("tiny.yaml", recipe);
        scratch_text("train.tsv", "ab\tba\nc\tc\nabc\tcba\ncc\tcc\n");
    }
    return (heed_train_options){.recipe = scratch_path("tiny.yaml"), .dir = scratch_path(dir), .threads = 1};
}

/* In a new directory each time. */
static bool train_once(void *data)
{
    const heed_train_options *o = data;
    char *model = NULL;
    heed_error err = {.status = HEED_OK};
    assert_int_equal(heed_dir_remove(o->dir, NULL), HEED_OK);
    heed_status status = heed_training_run(&(heed_training){.options = o, .film = heed_sentences_film}, &model, &err);
    if (status && !err.text[0]) fail_msg("failed without a word");
    if (!status && (!model || !heed_path_is_dir(model))) fail_msg("done, but there is no model");
    free(model);
    return status == HEED_OK;
}

static void test_train__survives_every_refusal(void **state)
{
    (void)state;
    heed_train_options o = prepare("refused");
    const int64_t refused = refuse_each(train_once, &o, true, 4000);
    if (refused < 100) fail_msg("%lld allocations were refused", (long long)refused);
}

/* From another model, with names on both sides that the other has not, and weights that stay. */
static void test_finetune__survives_every_refusal(void **state)
{
    (void)state;
    static const char *const sets[] = {"train.freeze=[encoder.*, head.bias]", "model.attention.score=cosine"};
    static char from[512];
    heed_train_options base = prepare("base");
    assert_true(train_once(&base));
    snprintf(from, sizeof from, "%s/model", base.dir);
    heed_train_options o = prepare("tuned");
    o.init_from = from;
    o.sets = sets;
    o.set_count = 2;
    const int64_t refused = refuse_each(train_once, &o, true, 4000);
    if (refused < 100) fail_msg("%lld allocations were refused", (long long)refused);
}

/* Around another model's attention, and against it. */
static void test_base_model__survives_every_refusal(void **state)
{
    (void)state;
    static const char *const keys[] = {"train.frozen_attention", "train.adversary"};
    heed_train_options base = prepare("first");
    assert_true(train_once(&base));
    for (int i = 0; i < 2; i++) {
        char from[600];
        snprintf(from, sizeof from, "%s=%s/model", keys[i], base.dir);
        const char *const sets[] = {from};
        heed_train_options o = prepare(i ? "against" : "around");
        o.sets = sets;
        o.set_count = 1;
        const int64_t refused = refuse_each(train_once, &o, true, 4000);
        if (refused < 100) fail_msg("%lld allocations were refused", (long long)refused);
    }
}

/* A block that is not to be had for reading leaves a peak unknown; all else ends the profile. */
static bool profile_once(void *data)
{
    heed_error err = {.status = HEED_OK};
    heed_profile *p = heed_training_profile(&(heed_training){.options = data}, &err);
    if (!p && !err.text[0]) fail_msg("failed without a word");
    const bool whole = p && p->count > 0 && p->reads[0].rate > 0 && p->reads[1].rate > 0 && p->reads[2].rate > 0;
    heed_profile_free(p);
    return whole;
}

static void test_profile__survives_every_refusal(void **state)
{
    (void)state;
    heed_train_options o = prepare("profiled");
    o.max_updates = 1;
    const int64_t refused = refuse_each(profile_once, &o, true, 4000);
    if (refused < 100) fail_msg("%lld allocations were refused", (long long)refused);
}

/* --- a steady state ----------------------------------------------------------------------------------------------------------------- */

enum { UPDATES = 60 };

typedef struct tally { int64_t polls, asked[UPDATES]; } tally;

/* Asked before every update. */
static bool count(void *user)
{
    tally *t = user;
    if (t->polls < UPDATES) t->asked[t->polls++] = refuse_asked();
    return false;
}

static void write_pairs(const char *name)
{
    heed_buf text = {0};
    for (uint64_t line = 0; line < 120; line++) {
        const int size = 1 + (int)heed_below(1, line, 12);
        for (int j = 0; j < size; j++) heed_buf_char(&text, (char)('a' + heed_below(line, (uint64_t)j, 5)));
        heed_buf_printf(&text, "\t%.*s\n", size, text.data + text.size - (size_t)size);
    }
    scratch_write(name, text.data, text.size);
    heed_buf_free(&text);
}

/* 5 batches an epoch, all of whose shapes the first one has shown. */
static void test_train__asks_for_nothing_once_it_has_seen_its_data(void **state)
{
    (void)state;
    tally t = {.polls = 0};
    heed_train_options o = prepare("steady");
    static const char *const sets[] = {"data.train=more.tsv", "train.batch.sentences=25", "train.accumulate=1", "train.updates=60", "train.validate.every=1000"};
    o.sets = sets;
    o.set_count = sizeof sets / sizeof *sets;
    o.stop = count;
    o.user = &t;
    write_pairs("more.tsv");
    assert_true(train_once(&o));
    assert_int_equal(t.polls, UPDATES);
    assert_true(t.asked[UPDATES / 2] > t.asked[0]);
    assert_int_equal(t.asked[UPDATES / 2], t.asked[UPDATES - 1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_train__survives_every_refusal),
        cmocka_unit_test(test_finetune__survives_every_refusal),
        cmocka_unit_test(test_base_model__survives_every_refusal),
        cmocka_unit_test(test_profile__survives_every_refusal),
        cmocka_unit_test(test_train__asks_for_nothing_once_it_has_seen_its_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
