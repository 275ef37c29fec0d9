/* A model opened, asked, evaluated and saved, with every allocation refused in turn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "heed.h"
#include "oom/refuse.h"
#include "support/scratch.h"
#include "support/tiny.h"

static void expect_nomem(const heed_error *err)
{
    if (err->status != HEED_E_NOMEM) fail_msg("status %d: %s", (int)err->status, err->text);
}

static const heed_item items[] = {{.text = "abc de"}, {.text = "a", .target = "A Z"}, {.text = "\xFF"}, {.text = ""}, {.text = "e"}};
enum { ITEMS = sizeof items / sizeof *items };

/* What came is whole: an item fails for its own reason or not at all. */
static bool ask(heed_session *s, heed_error *err)
{
    heed_reply *r = heed_session_run(s, &(heed_request){.items = items, .count = ITEMS, .weights = true}, err);
    bool done = r != NULL;
    for (int64_t i = 0; i < ITEMS && done; i++) {
        assert_int_equal(heed_reply_at(r, i)->status, i == 2 ? HEED_E_DATA : HEED_OK);
        char *json = heed_reply_json(r, i, i, true, err);
        done = json != NULL;
        free(json);
    }
    heed_reply_free(r);
    return done;
}

static bool open_and_ask(void *data)
{
    heed_error err = {0};
    heed_model *m = heed_model_open(data, NULL, &err);
    heed_session *s = m ? heed_session_new(m, &(heed_session_options){.threads = 1, .batch = 2}, &err) : NULL;
    const bool done = s && ask(s, &err);
    if (!done) expect_nomem(&err);
    heed_session_free(s);
    heed_model_close(m);
    return done;
}

static bool open_with_shortlist(void *data)
{
    static const char *const must[] = {"D"};
    static const heed_item wanted[] = {{.text = "ab abc"}, {.text = "q", .prefix = "E"}, {.text = "abc", .must = {must, 1}}, {.text = "ab", .target = "A"}};
    heed_error err = {0};
    heed_model *m = heed_model_open(data, &(heed_model_options){.shortlist = scratch_path("list")}, &err);
    heed_session *s = m ? heed_session_new(m, &(heed_session_options){.threads = 1, .batch = 3}, &err) : NULL;
    heed_reply *r = s ? heed_session_run(s, &(heed_request){.items = wanted, .count = 4}, &err) : NULL;
    if (!r) expect_nomem(&err);
    heed_reply_free(r);
    heed_session_free(s);
    heed_model_close(m);
    return r != NULL;
}

static bool make_shortlist(void *data)
{
    heed_error err = {0};
    const heed_shortlist_options o = {.source = scratch_path("pairs-s"), .target = scratch_path("pairs-t"), .out = scratch_path("made"), .threads = 1};
    const bool done = heed_shortlist_make(data, &o, NULL, &err) == HEED_OK;
    if (!done) expect_nomem(&err);
    return done;
}

/* A session that lived through a refusal answers again: the reply is that of the first time. */
static bool ask_again(void *data)
{
    heed_session *s = data;
    heed_error err = {0};
    const bool done = ask(s, &err);
    if (!done) expect_nomem(&err);
    return done;
}

static bool look_into(void *data)
{
    heed_session *s = data;
    heed_error err = {0};
    for (int picture = HEED_PICTURE_TERMINAL; picture <= HEED_PICTURE_STEPS; picture++) {
        char *text = heed_explain(s, &items[0], &(heed_explain_options){.picture = (heed_picture)picture}, &err);
        if (!text) expect_nomem(&err);
        if (!text) return false;
        free(text);
    }
    return true;
}

static bool forget(void *user, const char *bytes, size_t size)
{
    (void)bytes;
    *(size_t *)user += size;
    return true;
}

/* Every form and kind of change, and lenses that take memory each in another way; what gradients pack is the session's, so each round begins with one of its own. */
static bool explain(void *data)
{
    static const char *const changes[] = {"mask:0", "edit:1=d", "head:cross.0.0=off", "row:0=1", "vector=e"};
    static const char *const lenses[] = {"weights", "norms", "rollout", "alignment", "gradient-x-input", "leave-one-out"};
    heed_error err = {0};
    size_t size = 0;
    heed_session *s = heed_session_new(data, &(heed_session_options){.threads = 1}, &err);
    heed_status status = s ? HEED_OK : HEED_E_NOMEM;
    for (int form = HEED_FORM_TERMINAL; status == HEED_OK && form <= HEED_FORM_NPY; form++) {
        const heed_explanation_options o = {.form = (heed_form)form, .lenses = lenses, .lens_count = form == HEED_FORM_JSON ? 6 : 1, .what_if = changes,
                                            .what_if_count = form == HEED_FORM_TERMINAL ? 5 : 0, .heads = true, .write = forget, .user = &size};
        status = heed_explanation_write(s, &(heed_item){.text = "ab", .target = "a"}, &o, &err);
    }
    if (status) expect_nomem(&err);
    heed_session_free(s);
    return status == HEED_OK;
}

typedef struct exam { heed_session *s; const char *tsv; const heed_model *model; } exam;

static bool evaluate(void *data)
{
    const exam *e = data;
    heed_error err = {0};
    heed_figure *figures;
    int count;
    const int64_t edge = 2;
    const heed_eval_options o = {.source = e->tsv, .metrics = "loss bleu", .edges = &edge, .edge_count = 1, .intervals = true, .samples = 9};
    const heed_status status = heed_eval(e->s, &o, &figures, &count, &err);
    if (status) expect_nomem(&err);
    free(figures);
    return status == HEED_OK;
}

static bool change_attention(void *data)
{
    const exam *e = data;
    heed_error err = {0};
    heed_needed found;
    const heed_status status = heed_needed_measure(e->s, &(heed_needed_options){.source = e->tsv, .other = e->model}, &found, &err);
    if (status) expect_nomem(&err);
    return status == HEED_OK;
}

typedef struct texts { const char *reference, *system[2]; bool swaps; } texts;

static bool compare(void *data)
{
    const texts *t = data;
    heed_error err = {0};
    heed_comparison *found;
    int count;
    const heed_compare_options o = {.samples = 10, .randomisation = t->swaps};
    const heed_status status = heed_files_compare(&t->reference, 1, t->system, 2, &o, &found, &count, &err);
    if (status) expect_nomem(&err);
    free(found);
    return status == HEED_OK;
}

static bool describe_and_save(void *data)
{
    heed_model *m = data;
    heed_error err = {0};
    char *text = heed_model_describe(m, false, &err), *json = text ? heed_model_describe(m, true, &err) : NULL;
    const bool done = json && heed_model_save(m, scratch_path("saved"), HEED_F32, NULL, &err) == HEED_OK;
    if (!done) expect_nomem(&err);
    free(text);
    free(json);
    return done;
}

static bool quantize(void *data)
{
    heed_error err = {0};
    heed_dir_remove(scratch_path("fewer"), NULL);
    const bool done = heed_quantize(data, HEED_INT8, scratch_path("fewer"), &(heed_quantized){0}, &err) == HEED_OK;
    heed_model *m = done ? heed_model_open(scratch_path("fewer"), NULL, &err) : NULL;
    if (!m) expect_nomem(&err);
    heed_model_close(m);
    return m != NULL;
}

static void refuse_both_ways(bool (*run)(void *), const void *data)
{
    assert_true(refuse_each(run, (void *)(uintptr_t)data, true, 5000) > 0);
    assert_true(refuse_each(run, (void *)(uintptr_t)data, false, 5000) > 0);
}

static void test_open_and_run__survive_every_refusal(void **state)
{
    (void)state;
    refuse_both_ways(open_and_ask, tiny_save(tiny_build(&(tiny){.cell = "lstm", .decoder_cell = "lstm"}), "m"));
    static const tiny copies = {.attention = "{score: additive, coverage: true, copy: true}", .target_units = "symbols, lower: true"};
    refuse_both_ways(open_and_ask, tiny_save(tiny_build(&copies), "c"));
    refuse_both_ways(open_and_ask, tiny_save(tiny_build(&(tiny){.attention = "none", .order = "order: luong, input_feeding: true", .tie = "output"}), "n"));
    const tiny transformer = {.encoder = "type: transformer, heads: 2", .decoder = "type: transformer, heads: 3, norm: pre", .layers = 2};
    refuse_both_ways(open_and_ask, tiny_save(tiny_build(&transformer), "t"));
    const tiny conv = {.encoder = "type: conv, embed: 6", .decoder = "type: conv, embed: 6, positions: learned", .attention = "{score: dot, copy: true}", .layers = 2};
    refuse_both_ways(open_and_ask, tiny_save(tiny_build(&conv), "v"));
}

static void test_shortlist__survives_every_refusal(void **state)
{
    (void)state;
    const tiny symbols = {.layers = 1, .attention = "{score: scaled}", .encoder = "type: transformer, heads: 2", .decoder = "type: transformer, heads: 3",
                          .source_units = "symbols", .decode = ", beam: 2"};
    heed_error err;
    const char *dir = tiny_save(tiny_build(&symbols), "l");
    scratch_text("list", "\tA\nab\tB C\nabc\tB\n");
    scratch_text("pairs-s", "ab abc\nq\n");
    scratch_text("pairs-t", "A B\nC\n");
    refuse_both_ways(open_with_shortlist, dir);
    heed_model *m = heed_model_open(dir, NULL, &err);
    refuse_both_ways(make_shortlist, m);
    heed_model_close(m);
}

static void test_quantize__survives_every_refusal(void **state)
{
    (void)state;
    refuse_both_ways(quantize, tiny_save(tiny_build(&(tiny){.cell = "lstm", .tie = "output"}), "m"));
}

static void test_compare__survives_every_refusal(void **state)
{
    (void)state;
    texts t = {scratch_text("r", "a b c d e\nb c\n"), {scratch_text("one", "c d a b e\nb\n"), scratch_text("two", "a b d\nc b\n")}, false};
    refuse_both_ways(compare, &t);
    t.swaps = true;
    refuse_both_ways(compare, &t);
}

/* A new session at first, then one that has all it needs but what belongs to the reply. */
static void test_session__survives_every_refusal_and_goes_on(void **state)
{
    (void)state;
    heed_model *m = tiny_build(&(tiny){.layers = 2});
    heed_session *s = heed_session_new(m, &(heed_session_options){.threads = 1}, NULL);
    refuse_both_ways(ask_again, s);
    refuse_both_ways(look_into, s);
    const exam pairs = {s, scratch_text("pairs.tsv", "abc\tA B\tC\na\tB C D E\nedcba\t\n"), m};
    refuse_both_ways(evaluate, &pairs);
    refuse_both_ways(change_attention, &pairs);
    assert_true(ask_again(s));
    heed_session_free(s);
    heed_model_free(m);
}

static void test_explanation__survives_every_refusal(void **state)
{
    (void)state;
    heed_model *m = tiny_build(&(tiny){.encoder = "type: transformer, heads: 2", .attention = "{score: additive, copy: true}", .target_units = "symbols, lower: true"});
    refuse_both_ways(explain, m);
    heed_model_free(m);
}

static void test_save_and_describe__survive_every_refusal(void **state)
{
    (void)state;
    heed_model *m = tiny_build(&(tiny){0});
    refuse_both_ways(describe_and_save, m);
    heed_model_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open_and_run__survive_every_refusal),
        cmocka_unit_test(test_session__survives_every_refusal_and_goes_on),
        cmocka_unit_test(test_explanation__survives_every_refusal),
        cmocka_unit_test(test_shortlist__survives_every_refusal),
        cmocka_unit_test(test_quantize__survives_every_refusal),
        cmocka_unit_test(test_compare__survives_every_refusal),
        cmocka_unit_test(test_save_and_describe__survive_every_refusal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
