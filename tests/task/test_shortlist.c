/* Answers under a shortlist: of its symbols alone, the same in any company, as without it where it has all symbols; what was asked for is added to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/rng.h"
#include "kernels/gemm.h"
#include "support/scratch.h"
#include "support/tiny.h"
#include "task/same.h"

enum { ITEMS = 40, LONGEST = 10 };
typedef struct items { char source[ITEMS][6 * LONGEST + 2]; heed_item item[ITEMS]; } items;

static const tiny kinds[] = {
    {.cell = "lstm", .decoder_cell = "lstm", .source_units = "symbols", .tie = "output", .decode = ", beam: 3"},
    {.layers = 2, .attention = "{score: scaled}", .encoder = "type: transformer, heads: 2", .decoder = "type: transformer, heads: 3", .source_units = "symbols",
     .decode = ", beam: 4"},
};
static const tiny copying = {.attention = "{score: additive, copy: true}", .source_units = "symbols"};
enum { KINDS = sizeof kinds / sizeof *kinds };

static const char *const precisions[] = {"decode.precision=f32", "decode.precision=bf16", "decode.precision=int8"};
static const char few[] = "\tA\nab\tB\nabc\tB C\nabcde\tE\n<unk>\tD\n", all[] = "\tA B C D E\n";

static heed_model *try_open(const char *dir, const char *text, const char *set, heed_error *err)
{
    if (heed_file_replace(scratch_path("list"), text, strlen(text), NULL)) fail_msg("the list cannot be written");
    return heed_model_open(dir, &(heed_model_options){.sets = &set, .set_count = 1, .shortlist = scratch_path("list")}, err);
}

static heed_model *open_with(const char *dir, const char *text, const char *set)
{
    heed_error err;
    heed_model *m = try_open(dir, text, set, &err);
    if (!m) fail_msg("%s", err.text);
    return m;
}

static heed_model *open_without(const char *dir, const char *set)
{
    heed_error err;
    heed_model *m = heed_model_open(dir, &(heed_model_options){.sets = &set, .set_count = 1}, &err);
    if (!m) fail_msg("%s", err.text);
    return m;
}

static heed_reply *ask(const heed_model *m, int threads, int64_t batch, const heed_decode *how, const heed_item *item, int64_t count)
{
    heed_error err;
    heed_session *s = heed_session_new(m, &(heed_session_options){.threads = threads, .batch = batch}, &err);
    heed_reply *r = s ? heed_session_run(s, &(heed_request){.items = item, .count = count, .weights = true, .decode = how}, &err) : NULL;
    if (!r) fail_msg("%s", err.text);
    heed_session_free(s);
    return r;
}

static void draw_items(items *x, bool asking)
{
    static const char *const must[] = {"D"}, *const words[] = {"ab", "abc", "abcde", "q", "zz"};
    *x = (items){.item = {{0}}};
    for (uint64_t i = 0; i < ITEMS; i++) {
        const uint64_t key = heed_key(41, i), n = heed_below(key, 0, LONGEST + 1);
        for (uint64_t k = 0; k < n; k++) {
            const size_t at = strlen(x->source[i]);
            snprintf(x->source[i] + at, sizeof x->source[i] - at, "%s ", words[heed_below(key, 1 + k, 5)]);
        }
        x->item[i] = (heed_item){.text = x->source[i]};
        if (asking && i % 5 == 1) x->item[i].target = "A C D";
        if (asking && i % 5 == 2) x->item[i].prefix = "D C";
        if (asking && i % 5 == 3) x->item[i].must = (heed_phrases){must, 1};
    }
}

static void test_shortlist__answers_are_the_same_in_any_company(void **state)
{
    (void)state;
    static const heed_decode ways[] = {{.beam = 0}, {.beam = 1}, {.nbest = 3}};
    items x;
    draw_items(&x, true);
    for (int k = 0; k < KINDS * 3; k++) {
        const char *dir = tiny_save(tiny_build(&kinds[k / 3]), "m");
        heed_model *m = open_with(dir, few, precisions[k % 3]);
        for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) {
            heed_reply *together = ask(m, 1, 64, &ways[w], x.item, ITEMS), *cut = ask(m, 3, 7, &ways[w], x.item, ITEMS);
            for (int64_t i = 0; i < ITEMS; i++) {
                heed_reply *alone = ask(m, 1, 1, &ways[w], &x.item[i], 1);
                same_output(heed_reply_at(together, i), heed_reply_at(cut, i), true);
                same_output(heed_reply_at(together, i), heed_reply_at(alone, 0), true);
                heed_reply_free(alone);
            }
            heed_reply_free(together);
            heed_reply_free(cut);
        }
        heed_model_close(m);
    }
}

static bool has(const char *source, const char *word)
{
    const size_t size = strlen(word);
    for (const char *at = strstr(source, word); at; at = strstr(at + 1, word))
        if ((at == source || at[-1] == ' ') && at[size] == ' ') return true;
    return false;
}

/* As `few` says. */
static bool may(const char *source, const char *symbol)
{
    if (!strcmp(symbol, "A") || !strcmp(symbol, "</s>") || !strcmp(symbol, "<unk>")) return true;
    switch (*symbol) {
    case 'B': return has(source, "ab") || has(source, "abc");
    case 'C': return has(source, "abc");
    case 'D': return has(source, "zz");
    default: return has(source, "abcde");
    }
}

static void only_listed(const heed_model *m, const heed_decode *how, const items *x)
{
    heed_reply *r = ask(m, 1, 64, how, x->item, ITEMS);
    for (int64_t i = 0; i < ITEMS; i++) {
        const heed_output *o = heed_reply_at(r, i);
        assert_int_equal(o->status, HEED_OK);
        assert_true(isfinite(o->score));
        for (int64_t k = 0; k < o->count; k++)
            if (!may(x->source[i], o->tokens[k].text)) fail_msg("\"%s\" is answered by \"%s\"", x->source[i], o->text);
    }
    heed_reply_free(r);
}

static void test_shortlist__nothing_else_is_written(void **state)
{
    (void)state;
    static const heed_decode ways[] = {{.beam = 1}, {.beam = 8}, {.sample = true, .temperature = 3, .nbest = 4}};
    items x;
    draw_items(&x, false);
    for (int k = 0; k < KINDS; k++) {
        heed_model *m = open_with(tiny_save(tiny_build(&kinds[k]), "m"), few, precisions[0]);
        for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) only_listed(m, &ways[w], &x);
        heed_model_close(m);
    }
}

/* Where more are asked for than there are, and where another word is wanted at a place. */
static void test_shortlist__choices_and_other_words_are_listed_too(void **state)
{
    (void)state;
    heed_error err;
    heed_model *m = open_with(tiny_save(tiny_build(&kinds[1]), "m"), few, precisions[0]);
    heed_session *s = heed_session_new(m, NULL, &err);
    static const heed_item item = {.text = "ab abc "};
    heed_reply *r = heed_session_run(s, &(heed_request){.items = &item, .count = 1, .choices = 8, .fork = &(heed_fork){.outputs = 8}}, &err);
    assert_non_null(r);
    const heed_output *o = heed_reply_at(r, 0);
    assert_int_equal(o->choice_count, 5);   /* A, B, C, </s>, <unk> */
    for (int64_t i = 0; i < o->count * o->choice_count; i++) assert_true(may(item.text, o->choices[i].text) && isfinite(o->choices[i].logp));
    for (int64_t i = 0; i < o->alternative_count; i++)
        for (int64_t k = 0; k < o->alternatives[i].count; k++) assert_true(may(item.text, o->alternatives[i].tokens[k].text));
    heed_reply_free(r);
    heed_session_free(s);
    heed_model_close(m);
}

/* A needed symbol that the list lacks: of a prefix, of what must appear. */
static void test_shortlist__what_is_asked_for_is_added(void **state)
{
    (void)state;
    items x;
    draw_items(&x, true);
    heed_model *m = open_with(tiny_save(tiny_build(&kinds[1]), "m"), "\tA\n", precisions[0]);
    heed_reply *r = ask(m, 1, 64, &(heed_decode){.beam = 4}, x.item, ITEMS);
    for (int64_t i = 0; i < ITEMS; i++) {
        const heed_output *o = heed_reply_at(r, i);
        if (o->status || !*x.source[i]) continue;
        if (x.item[i].prefix) assert_true(!strncmp(o->text, "D C", 3));
        if (x.item[i].must.count) assert_true(strchr(o->text, 'D') && o->unmet_count == 0);
    }
    heed_reply_free(r);
    heed_model_close(m);
}

static void test_shortlist__given_targets_are_read_as_without_it(void **state)
{
    (void)state;
    items x;
    draw_items(&x, true);
    for (int k = 0; k < 3; k++) {
        const char *dir = tiny_save(tiny_build(&kinds[1]), "m");
        heed_model *with = open_with(dir, few, precisions[k]), *without = open_without(dir, precisions[k]);
        heed_reply *a = ask(with, 1, 64, NULL, x.item, ITEMS), *b = ask(without, 1, 64, NULL, x.item, ITEMS);
        for (int64_t i = 0; i < ITEMS; i++)
            if (x.item[i].target) same_output(heed_reply_at(a, i), heed_reply_at(b, i), true);
        heed_reply_free(a);
        heed_reply_free(b);
        heed_model_close(with);
        heed_model_close(without);
    }
}

/* But for <s>, which the list never has, and all symbols together a little probability. */
static void test_shortlist__of_all_symbols_it_changes_nothing(void **state)
{
    (void)state;
    items x;
    draw_items(&x, false);
    for (int k = 0; k < KINDS * 3; k++) {
        const char *dir = tiny_save(tiny_build(&kinds[k / 3]), "m");
        heed_model *with = open_with(dir, all, precisions[k % 3]), *without = open_without(dir, precisions[k % 3]);
        heed_reply *a = ask(with, 1, 64, NULL, x.item, ITEMS), *b = ask(without, 1, 64, NULL, x.item, ITEMS);
        for (int64_t i = 0; i < ITEMS; i++) {
            const heed_output *one = heed_reply_at(a, i), *other = heed_reply_at(b, i);
            assert_string_equal(one->text, other->text);
            assert_true(fabs(one->score - other->score) <= 0.01 * (double)(one->count + 1));
        }
        heed_reply_free(a);
        heed_reply_free(b);
        heed_model_close(with);
        heed_model_close(without);
    }
}

static void refused(const char *dir, const char *text, heed_status status, const char *why)
{
    heed_error err;
    assert_null(try_open(dir, text, precisions[0], &err));
    assert_int_equal(err.status, status);
    if (!strstr(err.text, why)) fail_msg("\"%s\" is not in \"%s\"", why, err.text);
}

static void test_shortlist__what_is_wrong_is_named_with_its_line(void **state)
{
    (void)state;
    const char *dir = tiny_save(tiny_build(&kinds[0]), "m");
    refused(dir, "", HEED_E_DATA, "list: no line");
    refused(dir, "\tA\nab B\n", HEED_E_DATA, "list: line 2: no tab");
    refused(dir, "\tA\n\nab\tB ha\n", HEED_E_DATA, "list: line 3: \"ha\" is no symbol of the model's target vocabulary; make the shortlist with this model");
    refused(dir, "Haus\tB\n", HEED_E_DATA, "line 1: \"Haus\" is no symbol of the model's source vocabulary");
    refused(dir, "ab\tB\nabc\tB\nab\tC\n", HEED_E_DATA, "line 3: the source symbol \"ab\" had a line before");
    refused(dir, "ab q\tB\n", HEED_E_DATA, "line 1: \"ab q\" are several symbols");
    refused(dir, "ab\t<s>\n", HEED_E_DATA, "line 1: \"<s>\" is no symbol");
    heed_error err;
    assert_null(heed_model_open(dir, &(heed_model_options){.shortlist = scratch_path("none at all")}, &err));
    assert_int_equal(err.status, HEED_E_DATA);
    refused(tiny_save(tiny_build(&copying), "c"), few, HEED_E_USAGE, "copies");
    refused(tiny_save(tiny_build(&(tiny){.layers = 1}), "c"), few, HEED_E_USAGE, "white space");
}

static void test_shortlist__ensembles_write_any_symbol(void **state)
{
    (void)state;
    const char *dir = tiny_save(tiny_build(&kinds[0]), "m");
    heed_model *with = open_with(dir, few, precisions[0]), *without = open_without(dir, precisions[0]);
    const heed_model *const pairs[][2] = {{with, without}, {without, with}};
    for (int k = 0; k < 2; k++) {
        heed_error err;
        assert_null(heed_session_new(pairs[k][0], &(heed_session_options){.ensemble = &pairs[k][1], .ensemble_count = 1}, &err));
        assert_int_equal(err.status, HEED_E_USAGE);
        assert_non_null(strstr(err.text, "without a shortlist"));
    }
    heed_model_close(with);
    heed_model_close(without);
}

/* --- making one ---------------------------------------------------------------------------------------------------------------------------------- */

static void test_shortlist__is_learnt_from_pairs(void **state)
{
    (void)state;
    static const char sources[] = "ab\nabc\nab abc\nabcde ab\n\nabc abcde\n", targets[] = "A\nB\nA B\nC A\nE\nB C\n";
    heed_error err;
    heed_shortlist_report report;
    const char *dir = tiny_save(tiny_build(&kinds[0]), "m");
    heed_model *m = open_without(dir, precisions[0]);
    assert_int_equal(heed_file_replace(scratch_path("s"), sources, strlen(sources), NULL), HEED_OK);
    assert_int_equal(heed_file_replace(scratch_path("t"), targets, strlen(targets), NULL), HEED_OK);
    const heed_shortlist_options o = {scratch_path("s"), scratch_path("t"), scratch_path("made"), 1, 1, 1};
    if (heed_shortlist_make(m, &o, &report, &err)) fail_msg("%s", err.text);
    heed_file f;
    assert_int_equal(heed_file_map(&f, scratch_path("made"), HEED_E_DATA, NULL), HEED_OK);
    const char want[] = "\t</s> <unk> A\nab\tA\nabc\tB\nabcde\tC\n";
    assert_int_equal(f.size, strlen(want));
    assert_memory_equal(f.data, want, f.size);
    heed_file_unmap(&f);
    assert_int_equal(report.pairs, 6);
    assert_true(fabs(report.covered - 8.0 / 9) < 1e-12);   /* E has no source */
    const heed_shortlist_options bad[] = {{NULL, o.target, o.out, 1, 1, 1}, {o.source, o.target, "", 1, 1, 1}, {o.source, o.target, o.out, -1, 1, 1}};
    for (int i = 0; i < 3; i++) assert_int_equal(heed_shortlist_make(m, &bad[i], NULL, &err), HEED_E_USAGE);
    assert_int_equal(heed_file_replace(scratch_path("t"), "A\n", 2, NULL), HEED_OK);
    assert_int_equal(heed_shortlist_make(m, &o, NULL, &err), HEED_E_DATA);
    heed_model_close(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shortlist__answers_are_the_same_in_any_company),
        cmocka_unit_test(test_shortlist__nothing_else_is_written),
        cmocka_unit_test(test_shortlist__choices_and_other_words_are_listed_too),
        cmocka_unit_test(test_shortlist__what_is_asked_for_is_added),
        cmocka_unit_test(test_shortlist__given_targets_are_read_as_without_it),
        cmocka_unit_test(test_shortlist__of_all_symbols_it_changes_nothing),
        cmocka_unit_test(test_shortlist__what_is_wrong_is_named_with_its_line),
        cmocka_unit_test(test_shortlist__ensembles_write_any_symbol),
        cmocka_unit_test(test_shortlist__is_learnt_from_pairs),
    };
    return cmocka_run_group_tests_name("shortlist", tests, NULL, NULL);
}
