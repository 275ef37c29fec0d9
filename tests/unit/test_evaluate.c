/* Figures of a model on files: heed_eval against the same outputs scored by hand. */
#include "unit/evaluations.h"

/* --- figures ---------------------------------------------------------------------------------------------------------------------------- */

static void test_figures__are_those_of_the_outputs(void **state)
{
    (void)state;
    figures x;
    const corpus *c = make();
    heed_eval_options o = two_files(c);
    o.metrics = "loss wer perplexity ter chrf++ accuracy";
    assert_int_equal(evaluate(&x, &o), HEED_OK);
    assert_int_equal(x.count, 6);
    expect(&x, "loss", expected(c, "loss", 0, 99));
    expect(&x, "perplexity", exp(expected(c, "loss", 0, 99)));
    expect(&x, "ter", expected(c, "ter", 0, 99));
    expect(&x, "chrf++", expected(c, "chrf++", 0, 99));
    expect(&x, "wer", expected(c, "wer", 0, 99));
    expect(&x, "accuracy", expected(c, "accuracy", 0, 99));
    assert_true(figure(&x, "accuracy")->value >= 50 && figure(&x, "wer")->value > 0);
    assert_non_null(strstr(figure(&x, "wer")->signature, "records:40|"));
    heed_free(x.f);
}

static void test_figures__without_names_are_the_recipes_and_the_usual_ones(void **state)
{
    (void)state;
    figures x;
    heed_eval_options o = two_files(make());
    assert_int_equal(evaluate(&x, &o), HEED_OK);
    static const char *const names[] = {"loss", "chrf", "wer", "accuracy"};
    assert_int_equal(x.count, 4);
    for (int i = 0; i < 4; i++) assert_string_equal(x.f[i].name, names[i]);
    heed_free(x.f);
}

static void test_bins__hold_each_record_once(void **state)
{
    (void)state;
    figures x;
    const corpus *c = make();
    const int64_t edges[] = {3, 7, 7, 40, 50};   /* the third and the last two bins are empty */
    heed_eval_options o = two_files(c);
    o.metrics = "wer loss";
    o.edges = edges;
    o.edge_count = 5;
    assert_int_equal(evaluate(&x, &o), HEED_OK);
    assert_int_equal(x.count, 2 * 4);
    static const struct { const char *bin; int64_t from, to; } bins[] = {{"", 0, 99}, {" 1-3", 1, 3}, {" 4-7", 4, 7}, {" 8-40", 8, 40}};
    for (int i = 0; i < 4; i++) {
        char name[40];
        snprintf(name, sizeof name, "wer%s", bins[i].bin);
        expect(&x, name, expected(c, "wer", bins[i].from, bins[i].to));
        snprintf(name, sizeof name, "loss%s", bins[i].bin);
        expect(&x, name, expected(c, "loss", bins[i].from, bins[i].to));
    }
    heed_free(x.f);
    o.edge_count = 1;
    assert_int_equal(evaluate(&x, &o), HEED_OK);
    expect(&x, "wer 4-", expected(c, "wer", 4, 99));
    heed_free(x.f);
}

/* As many words as spaces part: records of one length in symbols lie in several bins. */
static void test_bins__may_count_words(void **state)
{
    (void)state;
    figures x;
    const heed_eval_options o = {.source = scratch_text("words.tsv", "a b c\tA\nab cd\tA\nabcde\tA\n  ab  cd\tB\n"), .metrics = "wer", .edges = (const int64_t[]){1, 2}, .edge_count = 2,
                                 .words = true};
    assert_int_equal(evaluate(&x, &o), HEED_OK);
    assert_int_equal(x.count, 4);
    assert_non_null(strstr(figure(&x, "wer")->signature, "records:4|nrefs"));
    assert_non_null(strstr(figure(&x, "wer 1-1")->signature, "records:1|length:words|"));
    assert_non_null(strstr(figure(&x, "wer 2-2")->signature, "records:2|length:words|"));
    assert_non_null(strstr(figure(&x, "wer 3-")->signature, "records:1|length:words|"));
    heed_free(x.f);
}

/* Any of a record's references may match; the loss is that of the first. */
static void test_references__may_be_several(void **state)
{
    (void)state;
    figures x;
    const corpus *c = make();
    heed_buf text = {0};
    for (int i = 0; i < RECORDS; i++) heed_buf_printf(&text, i % 2 ? "%s\t%s\tnothing\t%s\n" : "%s\t%s\n", c->source[i], c->reference[i], c->written[i]);
    const heed_eval_options o = {.source = scratch_text("several.tsv", text.data), .metrics = "accuracy loss"};
    heed_buf_free(&text);
    assert_int_equal(evaluate(&x, &o), HEED_OK);
    expect(&x, "accuracy", 100);
    expect(&x, "loss", expected(c, "loss", 0, 99));
    heed_free(x.f);
}

static void test_tsv__fields_may_be_escaped(void **state)
{
    (void)state;
    figures x, y;
    const heed_eval_options plain = {.source = scratch_text("a.txt", "a\\b\n"), .target = scratch_text("b.txt", "A\tB C\n"), .metrics = "loss wer"};
    static const char *const escaped[] = {"a\\\\b\tA\\tB C\n", "a\\\\b\tA\\tB C\tA\n"};
    assert_int_equal(evaluate(&x, &plain), HEED_OK);
    for (int i = 0; i < 2; i++) {
        const heed_eval_options o = {.source = scratch_text("ab.tsv", escaped[i]), .metrics = "loss wer"};
        assert_int_equal(evaluate(&y, &o), HEED_OK);
        expect(&y, "loss", figure(&x, "loss")->value);
        heed_free(y.f);
    }
    heed_free(x.f);
}

/* More records than are held at once, and a last line without an end. */
static void test_rounds__join_without_a_seam(void **state)
{
    (void)state;
    enum { MANY = 2500 };
    figures x;
    const corpus *c = make();
    heed_buf text = {0};
    double logp = 0;
    int64_t symbols = 0;
    for (int i = 0; i < MANY; i++) {
        heed_buf_printf(&text, "%s%s\t%s", i ? "\n" : "", c->source[i % RECORDS], c->reference[i % RECORDS]);
        logp += c->logp[i % RECORDS];
        symbols += c->symbols[i % RECORDS];
    }
    const heed_eval_options o = {.source = scratch_text("many.tsv", text.data), .metrics = "loss"};
    heed_buf_free(&text);
    assert_int_equal(evaluate(&x, &o), HEED_OK);
    expect(&x, "loss", -logp / (double)symbols);
    assert_non_null(strstr(x.f[0].signature, "records:2500"));
    heed_free(x.f);
}

static void test_sets__are_those_of_the_recipe(void **state)
{
    (void)state;
    figures x;
    const corpus *c = make();
    two_files(c);
    scratch_text("all.tsv", "abc\tA B\n");
    char dir[512];
    snprintf(dir, sizeof dir, "%s", scratch_path("x"));
    *strrchr(dir, '/') = 0;
    heed_eval_options o = {.data_dir = dir, .metrics = "wer"};
    assert_int_equal(evaluate(&x, &o), HEED_OK);
    assert_int_equal(x.count, 2);
    expect(&x, "spoken/wer", expected(c, "wer", 0, 99));
    figure(&x, "written/wer");
    heed_free(x.f);
    o.set_name = "written";
    assert_int_equal(evaluate(&x, &o), HEED_OK);
    assert_int_equal(x.count, 1);
    heed_free(x.f);
    o.set_name = "sung";
    refused(&o, HEED_E_USAGE, "\"sung\"");
}

/* --- what is refused ------------------------------------------------------------------------------------------------------------------------ */

static void test_sides__of_unequal_length_are_refused(void **state)
{
    (void)state;
    const heed_eval_options longer = {.source = scratch_text("short.txt", "a\nb\n"), .target = scratch_text("long.txt", "A\nB\nC\n"), .metrics = "wer"};
    refused(&longer, HEED_E_DATA, "short.txt ends after line 2");
    const heed_eval_options shorter = {.source = longer.target, .target = longer.source, .metrics = "wer"};
    refused(&shorter, HEED_E_DATA, "short.txt ends after line 2");
}

static void test_files__that_say_nothing_are_refused(void **state)
{
    (void)state;
    const heed_eval_options empty = {.source = scratch_text("empty.tsv", "")};
    refused(&empty, HEED_E_DATA, "empty.tsv: no record");
    const heed_eval_options none = {.source = scratch_path("none.txt"), .target = scratch_path("none.txt")};
    refused(&none, HEED_E_DATA, "none.txt");
}

static void test_records__that_cannot_be_read_are_told_by_line(void **state)
{
    (void)state;
    static const struct { const char *text; size_t size; const char *told; } bad[] = {
        {"a\tA\nb\n", 6, "line 2: one column"},
        {"a\tA\nb\xC3\tB\n", 9, "line 2: byte 0xC3 at column 2"},
        {"a\tA\nb\tB\nc\0\tC\n", 13, "line 3: byte 0x00 at column 2"},
        {"a\t1\t2\t3\t4\t5\t6\t7\t8\t9\t0\t1\t2\t3\t4\t5\t6\t7\n", 36, "line 1: more than 16 references"},
    };
    for (int i = 0; i < 4; i++) refused(&(heed_eval_options){.source = scratch_write("bad.tsv", bad[i].text, bad[i].size)}, HEED_E_DATA, bad[i].told);
}

static void test_records__that_are_too_long_are_refused(void **state)
{
    (void)state;
    heed_buf text = {0};
    for (int side = 0; side < 2; side++) {
        heed_buf_reset(&text);
        heed_buf_text(&text, "a\tA\n");
        for (int i = 0; i < 6000; i++) heed_buf_text(&text, i == 0 ? (side ? "a\tA" : "a") : side ? " A" : "a");
        heed_buf_text(&text, side ? "\n" : "\tA\n");
        refused(&(heed_eval_options){.source = scratch_text("wide.tsv", text.data), .metrics = "loss"}, HEED_E_LIMIT, "record 2: 6000 symbols");
    }
    heed_buf_free(&text);
}

static void test_metrics__of_a_model_that_writes_lower_case_do_not_count_case(void **state)
{
    (void)state;
    heed_error err;
    heed_model *lower = tiny_build(&(tiny){.target_units = "symbols, lower: true"});
    heed_session *s = heed_session_new(lower, NULL, &err);
    heed_reply *r = heed_session_run(s, &(heed_request){.items = &(heed_item){.text = "abc de"}, .count = 1}, &err);
    char line[200] = "abc de\t";
    for (const char *c = heed_reply_at(r, 0)->text, *end = c + strlen(c); c < end; c++) line[strlen(line)] = (char)toupper((unsigned char)*c);
    assert_true(strlen(line) > strlen("abc de\t"));
    assert_string_not_equal(line + strlen("abc de\t"), heed_reply_at(r, 0)->text);
    assert_int_equal(heed_file_replace(scratch_path("upper.tsv"), line, strlen(line), &err), HEED_OK);
    figures x = {0};
    assert_int_equal(heed_eval(s, &(heed_eval_options){.source = scratch_path("upper.tsv"), .metrics = "accuracy"}, &x.f, &x.count, &err), HEED_OK);
    assert_true(x.f[0].value == 100);
    assert_non_null(strstr(x.f[0].signature, "case:lc"));
    heed_free(x.f);
    heed_reply_free(r);
    heed_session_free(s);
    heed_model_free(lower);
}

static void test_metrics__that_are_unknown_are_refused(void **state)
{
    (void)state;
    heed_eval_options o = two_files(make());
    o.metrics = "loss wer beauty";
    refused(&o, HEED_E_USAGE, "beauty");
    o.metrics = "wer wer wer wer wer wer wer wer wer";
    refused(&o, HEED_E_USAGE, "metrics");
}

/* --- files against files ---------------------------------------------------------------------------------------------------------------------- */

static void test_score__takes_several_references(void **state)
{
    (void)state;
    heed_error err;
    heed_figure f;
    const char *const references[] = {scratch_text("r1.txt", "A\nB\n"), scratch_text("r2.txt", "C\nD\n")};
    const char *hypothesis = scratch_text("h.txt", "C\nB");
    assert_int_equal(heed_files_score("accuracy", references, 2, hypothesis, NULL, &f, &err), HEED_OK);
    assert_true(f.value == 100);
    assert_int_equal(heed_files_score("accuracy", references, 1, hypothesis, NULL, &f, &err), HEED_OK);
    assert_true(f.value == 50);
    assert_int_equal(heed_files_score("accuracy", references, 1, scratch_text("h.txt", "C\n"), NULL, &f, &err), HEED_E_DATA);
    assert_non_null(strstr(err.text, "h.txt ends after line 1"));
    assert_int_equal(heed_files_score("beauty", references, 1, hypothesis, NULL, &f, NULL), HEED_E_USAGE);
    assert_int_equal(heed_files_score("accuracy", references, 0, hypothesis, NULL, &f, &err), HEED_E_USAGE);
    assert_int_equal(heed_files_score("accuracy", (const char *const[]){scratch_text("e.txt", "")}, 1, scratch_text("h.txt", ""), NULL, &f, &err), HEED_E_DATA);
    assert_non_null(strstr(err.text, "empty"));
}

static void test_score__refuses_what_is_no_text(void **state)
{
    (void)state;
    heed_error err;
    heed_figure f;
    const char *const reference[] = {scratch_text("r.txt", "A\nB\n")};
    assert_int_equal(heed_files_score("accuracy", reference, 1, scratch_write("zero.txt", "A\nB\0C\n", 6), NULL, &f, &err), HEED_E_DATA);
    assert_non_null(strstr(err.text, "zero.txt: line 2: byte 0x00 at column 2"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_figures__are_those_of_the_outputs),
        cmocka_unit_test(test_figures__without_names_are_the_recipes_and_the_usual_ones),
        cmocka_unit_test(test_bins__hold_each_record_once),
        cmocka_unit_test(test_bins__may_count_words),
        cmocka_unit_test(test_references__may_be_several),
        cmocka_unit_test(test_tsv__fields_may_be_escaped),
        cmocka_unit_test(test_rounds__join_without_a_seam),
        cmocka_unit_test(test_sets__are_those_of_the_recipe),
        cmocka_unit_test(test_sides__of_unequal_length_are_refused),
        cmocka_unit_test(test_files__that_say_nothing_are_refused),
        cmocka_unit_test(test_records__that_cannot_be_read_are_told_by_line),
        cmocka_unit_test(test_records__that_are_too_long_are_refused),
        cmocka_unit_test(test_metrics__of_a_model_that_writes_lower_case_do_not_count_case),
        cmocka_unit_test(test_metrics__that_are_unknown_are_refused),
        cmocka_unit_test(test_score__takes_several_references),
        cmocka_unit_test(test_score__refuses_what_is_no_text),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
