/* Files aligned and a look found with every allocation refused in turn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "heed.h"
#include "oom/refuse.h"
#include "support/scratch.h"
#include "support/tiny.h"

typedef struct aligning { heed_session *session, *reverse; heed_align_options options; } aligning;

static bool expect_nomem(heed_status status, const heed_error *err)
{
    if (status != HEED_OK && (status != HEED_E_NOMEM || err->status != HEED_E_NOMEM)) fail_msg("status %d: %s", (int)err->status, err->text);
    return status == HEED_OK;
}

static bool take(void *user, const heed_reply *r, int64_t first)
{
    (void)user;
    (void)first;
    return heed_reply_at(r, 0) != NULL;
}

static bool align(void *data)
{
    const aligning *a = data;
    heed_error err = {0};
    heed_align_report report;
    return expect_nomem(heed_files_align(a->session, &a->options, &report, &err), &err);
}

static bool calibrate(void *data)
{
    const aligning *a = data;
    heed_error err = {0};
    heed_candidate *found = NULL;
    int count;
    const bool done = expect_nomem(heed_calibrate(a->session, &a->options, &found, &count, &err), &err);
    if (!done) assert_null(found);
    heed_free(found);
    return done;
}

typedef struct storing { const heed_model *model; const char *dir; } storing;

static bool store(void *data)
{
    const storing *s = data;
    heed_error err = {0};
    return expect_nomem(heed_look_store(s->model, s->dir, &(heed_look){.layer = -1, .head = -1, .shift = 1}, &err), &err);
}

typedef struct scoring { const char *gold, *links; } scoring;

static bool score(void *data)
{
    const scoring *s = data;
    heed_error err = {0};
    heed_figure f;
    return expect_nomem(heed_links_score(s->gold, s->links, 1, &f, &err), &err);
}

static void refuse_both_ways(bool (*run)(void *), void *data)
{
    assert_true(refuse_each(run, data, true, 5000) > 0);
    assert_true(refuse_each(run, data, false, 5000) > 0);
}

static heed_align_options pairs(void)
{
    return (heed_align_options){.source = scratch_text("s", "a b\n\nc\n"), .target = scratch_text("t", "A\nB\nC A\n"), .gold = scratch_text("g", "1-1 2p1\n\n1-2\n"), .answer = take};
}

static void test_align__by_models_survives_every_refusal(void **state)
{
    (void)state;
    const tiny symbols = {.source_units = "symbols", .target_units = "symbols"};
    heed_model *m = tiny_build(&symbols);
    aligning a = {.options = pairs(), .session = heed_session_new(m, &(heed_session_options){.threads = 1}, NULL)};
    refuse_both_ways(align, &a);
    refuse_both_ways(calibrate, &a);
    a.options.reverse = a.session;
    refuse_both_ways(align, &a);
    heed_session_free(a.session);
    heed_model_free(m);
}

static void test_align__without_a_model_survives_every_refusal(void **state)
{
    (void)state;
    const char *const more[] = {scratch_text("more", "a\nb c\n"), scratch_text("more-target", "A\nC B\n")};
    aligning a = {.options = pairs()};
    a.options.threads = 1;
    a.options.more = more;
    a.options.more_count = 2;
    refuse_both_ways(align, &a);
}

static void test_look__is_stored_or_not_at_all(void **state)
{
    (void)state;
    const char *dir = tiny_save(tiny_build(&(tiny){0}), "m");
    heed_error err;
    heed_model *m = heed_model_open(dir, NULL, &err);
    refuse_both_ways(store, &(storing){m, dir});
    heed_model *again = heed_model_open(dir, NULL, &err);
    assert_non_null(again);
    assert_int_equal(heed_model_look(again).shift, 1);
    heed_model_close(again);
    heed_model_close(m);
}

static void test_score_links__survives_every_refusal(void **state)
{
    (void)state;
    refuse_both_ways(score, &(scoring){scratch_text("g", "1-1 2p1\n\n1-2\n"), scratch_text("l", "0-0 1-0\n0-1\n1-0 0-1\n")});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_align__by_models_survives_every_refusal),
        cmocka_unit_test(test_align__without_a_model_survives_every_refusal),
        cmocka_unit_test(test_look__is_stored_or_not_at_all),
        cmocka_unit_test(test_score_links__survives_every_refusal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
