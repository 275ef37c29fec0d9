/* Links that guide attention, read, learnt, written and laid beside batches with every allocation refused in turn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "oom/refuse.h"
#include "support/scratch.h"
#include "train/guide.h"

static const char *train, *links, *kept;

static void write_data(void)
{
    train = scratch_text("train.tsv", "a b c\tA B C\n\nb c\tB C\nc a\tC A\nb\tB\nc c b a\tC C B A\n");
    links = scratch_text("train.links", "0-0 1-1 2-2\n\n0-0\n1-1 0-0\n0-0\n0-0 0-1\n");
    kept = scratch_path("kept.links");
}

static heed_guide_source source(void) { return (heed_guide_source){.corpus = {.paths = &train, .files = 1, .fields = 2}, .threads = 1}; }

static bool expect_nomem(heed_status status, const heed_error *err)
{
    if (status != HEED_OK && (status != HEED_E_NOMEM || err->status != HEED_E_NOMEM)) fail_msg("status %d: %s", (int)err->status, err->text);
    return status == HEED_OK;
}

static bool read_links(void *data)
{
    (void)data;
    heed_guide_store s;
    heed_error err = {.status = HEED_OK};
    const heed_guide_source from = source();
    const bool done = expect_nomem(heed_guide_read(&s, &from, links, false, &err), &err);
    heed_guide_store_free(&s);
    return done;
}

static bool learn_and_write(void *data)
{
    (void)data;
    heed_guide_store s;
    heed_error err = {.status = HEED_OK};
    const heed_guide_source from = source();
    const bool done = expect_nomem(heed_guide_learn(&s, &from, HEED_SYMMETRY_UNION, &err), &err) && expect_nomem(heed_guide_write(&s, kept, &err), &err);
    heed_guide_store_free(&s);
    return done;
}

typedef struct loading { const heed_text *text; const heed_guide_store *store; } loading;

static bool load(void *data)
{
    const loading *x = data;
    heed_error err = {.status = HEED_OK};
    heed_loader *l = heed_loader_new(&(heed_loader_settings){.corpus = source().corpus, .source = x->text, .target = x->text, .sentences = 2,
                                                             .guide = {.links = &x->store->links, .split = heed_bitext_words}}, &err);
    bool end = false;
    const heed_batch *b;
    while (l && !end && !err.status)
        if (heed_loader_next(l, &b, &end, &err) == HEED_OK && b) assert_true(b->guide.share >= 1);
    heed_loader_free(l);
    return expect_nomem(err.status, &err);
}

static void test_oom__links_are_read(void **state)
{
    (void)state;
    write_data();
    assert_true(refuse_each(read_links, NULL, true, 1000) > 5);
    assert_true(refuse_each(read_links, NULL, false, 1000) > 5);
}

static void test_oom__links_are_learnt_and_written(void **state)
{
    (void)state;
    write_data();
    assert_true(refuse_each(learn_and_write, NULL, true, 5000) > 10);
    assert_true(refuse_each(learn_and_write, NULL, false, 5000) > 10);
}

static void test_oom__batches_have_guides(void **state)
{
    (void)state;
    heed_guide_store s;
    heed_error err;
    write_data();
    const heed_guide_source from = source();
    heed_text *text = heed_text_new(&(heed_text_settings){.units = HEED_UNIT_symbols, .min_count = 1}, &err);
    assert_int_equal(heed_text_count(text, "a b c A B C", 11, &err), HEED_OK);
    assert_int_equal(heed_text_finish(text, &err), HEED_OK);
    assert_int_equal(heed_guide_read(&s, &from, links, false, &err), HEED_OK);
    loading x = {text, &s};
    assert_true(refuse_each(load, &x, true, 1000) > 5);
    assert_true(refuse_each(load, &x, false, 1000) > 5);
    heed_guide_store_free(&s);
    heed_text_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_oom__links_are_read),
        cmocka_unit_test(test_oom__links_are_learnt_and_written),
        cmocka_unit_test(test_oom__batches_have_guides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
