/* Requests through a session: what an output must hold, and that nothing but its own item decides it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "heed.h"
#include "support/scratch.h"
#include "task/same.h"
#include "task/variants.h"

/* --- help -------------------------------------------------------------------------------------------------------------------------- */

enum { ITEMS = 12, LONGEST = 20 };

typedef struct items { heed_item item[ITEMS]; char source[ITEMS][LONGEST + 1], target[ITEMS][LONGEST + 1]; } items;

static void draw(char *out, const char *symbols, int64_t most, uint64_t key)
{
    const int64_t n = (int64_t)heed_below(key, 0, (uint64_t)most + 1);
    for (int64_t i = 0; i < n; i++) out[i] = symbols[heed_below(key, 1 + (uint64_t)i, strlen(symbols))];
    out[n] = 0;
}

/* Random texts, some of them without a symbol, some with unknown ones, one not UTF-8; a third are forced. */
static void draw_items(items *x, uint64_t key)
{
    for (uint64_t i = 0; i < ITEMS; i++) {
        draw(x->source[i], "abcde abcz", LONGEST, heed_key(key, 2 * i));
        draw(x->target[i], "A B C D E Z ", LONGEST, heed_key(key, 2 * i + 1));
        x->item[i] = (heed_item){.text = x->source[i], .target = i % 3 == 0 ? x->target[i] : NULL};
    }
    x->source[4][0] = 0;
    memcpy(x->source[7], "ab\xFFz", 5);
    x->target[9][0] = 0;
}

static heed_session *open_session(const heed_model *m, int threads, int64_t batch)
{
    heed_error err;
    heed_session *s = heed_session_new(m, &(heed_session_options){.threads = threads, .batch = batch}, &err);
    if (!s) fail_msg("%s", err.text);
    return s;
}

static heed_reply *run(heed_session *s, const heed_item *item, int64_t count, bool weights)
{
    heed_error err;
    heed_reply *r = heed_session_run(s, &(heed_request){.items = item, .count = count, .weights = weights}, &err);
    if (!r) fail_msg("%s", err.text);
    assert_int_equal(heed_reply_count(r), count);
    return r;
}

static bool aligned(const char *attention, const char *align)
{
    char setting[40];
    snprintf(setting, sizeof setting, "align: %s,", align);
    return strstr(attention, setting);
}

/* Key j is out of the sight of query i, wherever that looks. */
static bool is_hidden(const char *attention, int64_t i, int64_t j)
{
    const int64_t w = VARIANT_WINDOW, apart = j / w - i / w;
    if (aligned(attention, "causal")) return j > i;
    if (aligned(attention, "window")) return j > i + w || j < i - w;
    if (aligned(attention, "causal_window")) return j > i || j < i - w;
    return aligned(attention, "block_sparse") && j >= w && (apart < -1 || apart > 1);
}

/* A threshold is saved as a float and rounds with the scores, below 16 in models so small; so does each weight above it. */
static bool are_weights(double sum, int64_t terms, const char *attention)
{
    const bool nothing = sum == 0 && strstr(attention, "window,"), part = aligned(attention, "local_p") && sum >= 0 && sum < 1.001;
    const bool threshold = aligned(attention, "sparsemax") || aligned(attention, "entmax");
    return nothing || part || fabs(sum - 1) <= (threshold ? 16 : 1) * (double)(terms + 4) * 1.2e-7;
}

/* What holds for every output of a model. */
static void check_output(const heed_output *o, const heed_item *item, const char *attention)
{
    const bool attends = !strstr(attention, "none");
    double score = 0;
    if (o->status) return;
    for (int64_t i = 0; i < o->count; i++) {
        assert_true(o->tokens[i].start <= o->tokens[i].end && o->tokens[i].end <= (int64_t)strlen(o->text));
        score += o->tokens[i].logp;
    }
    assert_true(score <= 0 && score == o->score);
    assert_int_equal(o->weights != NULL, attends && o->count);
    for (int64_t i = 0; o->weights && i < o->count; i++) {
        double sum = 0;
        for (int64_t j = 0; j < o->source_count; j++) {
            const float weight = o->weights[i * o->source_count + j];
            assert_true(weight >= 0 && (!is_hidden(attention, i, j) || weight == 0));
            sum += (double)weight;
        }
        if (!are_weights(sum, o->source_count, attention)) fail_msg("%s: weights of symbol %d sum to %.9g of %d", attention, (int)i, sum, (int)o->source_count);
    }
    for (int64_t i = 0; i < o->target_words && attends; i++) {
        double sum = 0;
        for (int64_t j = 0; j < o->source_words; j++) sum += (double)o->word_weights[i * o->source_words + j];
        assert_true(are_weights(sum, o->source_words, attention) || sum == 0);
    }
    if (!attends) assert_true(o->link_count == 0 && !o->word_weights);
    if (item->target) assert_string_equal(o->text, item->target);
    if (item->target) assert_string_equal(o->tokens[o->count - 1].text, "</s>");
}

/* --- the same bits --------------------------------------------------------------------------------------------------------------------- */

static void same_alone_and_together(const heed_model *m, const items *x, const char *attention)
{
    heed_session *one = open_session(m, 1, 64), *few = open_session(m, 2, 3);
    heed_item backwards[ITEMS];
    for (int i = 0; i < ITEMS; i++) backwards[i] = x->item[ITEMS - 1 - i];
    heed_reply *all = run(one, x->item, ITEMS, true), *threads = run(few, x->item, ITEMS, true), *back = run(one, backwards, ITEMS, true);
    heed_reply *part = run(few, x->item + 2, 5, false);
    for (int i = 0; i < ITEMS; i++) {
        heed_reply *alone = run(one, &x->item[i], 1, true);
        const heed_output *o = heed_reply_at(alone, 0);
        check_output(o, &x->item[i], attention);
        same_output(o, heed_reply_at(all, i), true);
        same_output(o, heed_reply_at(threads, i), true);
        same_output(o, heed_reply_at(back, ITEMS - 1 - i), true);
        if (i >= 2 && i < 7) same_output(o, heed_reply_at(part, i - 2), false);
        heed_reply_free(alone);
    }
    heed_reply_free(all);
    heed_reply_free(threads);
    heed_reply_free(back);
    heed_reply_free(part);
    heed_session_free(one);
    heed_session_free(few);
}

static void test_output__has_the_same_bits_alone_and_in_any_company(void **state)
{
    (void)state;
    for (int i = 0; i < variant_count(); i++) {
        const char *name;
        const tiny *t = variant_at(i, &name);
        items x;
        print_message("%s\n", name);
        heed_model *m = tiny_build(t);
        draw_items(&x, (uint64_t)i);
        same_alone_and_together(m, &x, t->attention);
        heed_model_free(m);
    }
}

/* More text than one batch takes. */
static void test_output__has_the_same_bits_when_long_texts_are_cut_into_batches(void **state)
{
    (void)state;
    enum { LONG = 3000, COUNT = 7 };
    heed_model *m = tiny_build(&(tiny){.directions = 1, .attention = "{score: dot, align: window, window: 3}", .max_length = "[0, 4]"});
    heed_session *s = open_session(m, 2, 0);
    heed_item item[COUNT];
    char *text = malloc((LONG + 1) * COUNT);
    for (uint64_t i = 0; i < COUNT; i++) {
        char *at = text + i * (LONG + 1);
        for (uint64_t j = 0; j < LONG; j++) at[j] = "abcde"[heed_below(i, j, 5)];
        at[LONG - i] = 0;
        item[i] = (heed_item){.text = at};
    }
    heed_reply *all = run(s, item, COUNT, false);
    for (int i = 0; i < COUNT; i += 3) {
        heed_reply *alone = run(s, &item[i], 1, false);
        same_output(heed_reply_at(alone, 0), heed_reply_at(all, i), true);
        heed_reply_free(alone);
    }
    heed_reply_free(all);
    heed_session_free(s);
    heed_model_free(m);
    free(text);
}

/* The tests above would show little if all outputs were alike. */
static void test_outputs__end_early_late_and_never(void **state)
{
    (void)state;
    int64_t early = 0, late = 0, cut = 0;
    for (int i = 0; i < variant_count(); i += 5) {
        const char *name;
        items x;
        heed_model *m = tiny_build(variant_at(i, &name));
        heed_session *s = open_session(m, 1, 0);
        draw_items(&x, (uint64_t)i);
        heed_reply *r = run(s, x.item, ITEMS, false);
        for (int j = 0; j < ITEMS; j++) {
            const heed_output *o = heed_reply_at(r, j);
            if (!o->count || x.item[j].target) continue;
            const bool ended = strcmp(o->tokens[o->count - 1].text, "</s>") == 0;
            *(!ended ? &cut : o->count == 1 ? &early : &late) += 1;
        }
        heed_reply_free(r);
        heed_session_free(s);
        heed_model_free(m);
    }
    if (!early || late < 5 || !cut) fail_msg("%d ended at once, %d later, %d never", (int)early, (int)late, (int)cut);
}

/* --- one output ----------------------------------------------------------------------------------------------------------------------- */

typedef struct fixture { heed_model *m; heed_session *s; heed_reply *r; } fixture;

static const heed_output *run_one(fixture *f, const tiny *t, const char *text, const char *target)
{
    if (!f->m) f->m = tiny_build(t);
    if (!f->s) f->s = open_session(f->m, 1, 0);
    heed_reply_free(f->r);
    f->r = run(f->s, &(heed_item){.text = text, .target = target}, 1, true);
    return heed_reply_at(f->r, 0);
}

static void finish(fixture *f)
{
    heed_reply_free(f->r);
    heed_session_free(f->s);
    heed_model_free(f->m);
}

static void expect_piece(const heed_piece_of_text *p, const char *text, int64_t start, int64_t end)
{
    assert_string_equal(p->text, text);
    assert_int_equal(p->start, start);
    assert_int_equal(p->end, end);
}

static void test_forced__text_and_offsets_are_those_of_the_target_as_given(void **state)
{
    (void)state;
    fixture f = {0};
    const heed_output *o = run_one(&f, &(tiny){0}, "ab z", " A  Zoë B");
    assert_string_equal(o->text, " A  Zoë B");
    assert_int_equal(o->count, 4);
    expect_piece(&o->tokens[0], "A", 1, 2);
    expect_piece(&o->tokens[1], "Zoë", 4, 8);
    expect_piece(&o->tokens[2], "B", 9, 10);
    expect_piece(&o->tokens[3], "</s>", 10, 10);
    assert_int_equal(o->source_count, 5);
    expect_piece(&o->source_tokens[2], " ", 2, 3);
    expect_piece(&o->source_tokens[3], "z", 3, 4);
    expect_piece(&o->source_tokens[4], "</s>", 4, 4);
    assert_int_equal(o->source_words, 2);
    assert_int_equal(o->target_words, 3);
    finish(&f);
}

static void test_forced__an_empty_target_costs_its_end_alone(void **state)
{
    (void)state;
    fixture f = {0};
    const heed_output *o = run_one(&f, &(tiny){0}, "abc", "");
    assert_int_equal(o->count, 1);
    assert_int_equal(o->target_words, 0);
    assert_int_equal(o->link_count, 0);
    assert_true(o->score < 0);
    o = run_one(&f, NULL, "", "");
    assert_int_equal(o->count, 1);
    assert_int_equal(o->source_count, 1);
    finish(&f);
}

static void test_source__without_symbols_gives_an_empty_output(void **state)
{
    (void)state;
    fixture f = {0};
    const heed_output *o = run_one(&f, &(tiny){.source_units = "symbols"}, " \t ", NULL);
    assert_int_equal(o->status, HEED_OK);
    assert_string_equal(o->text, "");
    assert_string_equal(o->source, " \t ");
    assert_true(o->count == 0 && o->source_count == 0 && o->score == 0 && o->link_count == 0);
    char *json = heed_reply_json(f.r, 0, 3, true, NULL);
    assert_non_null(strstr(json, "\"text\": \"\""));
    heed_free(json);
    finish(&f);
}

static void test_output__stops_at_the_limit_of_length(void **state)
{
    (void)state;
    heed_model *m = tiny_build(&(tiny){.max_length = "[0.5, 1]"});
    heed_session *s = open_session(m, 1, 0);
    items x;
    draw_items(&x, 3);
    heed_reply *r = run(s, x.item, ITEMS, false);
    for (int i = 0; i < ITEMS; i++) {
        const heed_output *o = heed_reply_at(r, i);
        if (o->status || !o->source_count || x.item[i].target) continue;
        const int64_t most = (o->source_count - 1) / 2 + 1;
        assert_true(o->count <= most);
        assert_true(o->count == most || strcmp(o->tokens[o->count - 1].text, "</s>") == 0);
    }
    heed_reply_free(r);
    heed_session_free(s);
    heed_model_free(m);
}

/* --- what fails ----------------------------------------------------------------------------------------------------------------------- */

static char *repeat(char c, size_t n)
{
    char *text = malloc(n + 1);
    memset(text, c, n);
    text[n] = 0;
    return text;
}

static void expect_failure(const heed_output *o, heed_status status, const char *text)
{
    assert_int_equal(o->status, status);
    assert_string_equal(o->text, "");
    if (!strstr(o->error, text)) fail_msg("\"%s\" is not in: %s", text, o->error);
}

static void test_items__fail_alone(void **state)
{
    (void)state;
    heed_model *m = tiny_build(&(tiny){.target_units = "characters"});
    heed_session *s = open_session(m, 2, 2);
    char *line = repeat('a', 1000000), *target = repeat('A', 5001);
    const heed_item item[] = {{.text = "abc"}, {.text = line}, {.text = "a\xC3"}, {.text = "cab", .target = "A\xE2\x28"},
                              {.text = "ab", .target = target}, {.text = "abc", .target = "AB"}, {.text = "q"}};
    heed_reply *r = run(s, item, 7, true);
    expect_failure(heed_reply_at(r, 1), HEED_E_LIMIT, "1000000 symbols");
    expect_failure(heed_reply_at(r, 2), HEED_E_DATA, "UTF-8");
    expect_failure(heed_reply_at(r, 3), HEED_E_DATA, "UTF-8");
    expect_failure(heed_reply_at(r, 4), HEED_E_LIMIT, "5001 symbols");
    for (int i = 0; i < 7; i++) {
        char *json = heed_reply_json(r, i, i, true, NULL);
        assert_int_equal(strstr(json, "\"error\"") != NULL, i >= 1 && i <= 4);
        heed_free(json);
        if (i >= 1 && i <= 4) continue;
        heed_reply *alone = run(s, &item[i], 1, true);
        same_output(heed_reply_at(alone, 0), heed_reply_at(r, i), true);
        heed_reply_free(alone);
    }
    heed_reply_free(r);
    heed_session_free(s);
    heed_model_free(m);
    free(line);
    free(target);
}

/* Whatever the limit, either the reply is the one without it or memory is said to be short; between both lie limits that a half fits into. */
static void test_run__cuts_a_batch_that_does_not_fit_into_memory(void **state)
{
    (void)state;
    items x;
    draw_items(&x, 77);
    const char *name;
    heed_model *m = tiny_build(variant_at(0, &name));
    heed_session *free_one = open_session(m, 1, 64);
    heed_reply *whole = run(free_one, x.item, ITEMS, true);
    int refused = 0, cut = 0, fitted = 0;
    assert_int_equal(heed_reply_splits(whole), 0);
    for (size_t memory = 1 << 12; memory <= 1 << 24; memory += memory / 4) {
        heed_error err = {.status = HEED_OK};
        heed_session *s = heed_session_new(m, &(heed_session_options){.threads = 1, .memory = memory}, &err);
        heed_reply *r = s ? heed_session_run(s, &(heed_request){.items = x.item, .count = ITEMS, .weights = true}, &err) : NULL;
        if (!r) assert_int_equal(err.status, HEED_E_NOMEM);
        for (int64_t i = 0; r && i < ITEMS; i++) same_output(heed_reply_at(whole, i), heed_reply_at(r, i), true);
        refused += !r;
        cut += r && heed_reply_splits(r) > 0;
        fitted += r && heed_reply_splits(r) == 0;
        heed_reply_free(r);
        heed_session_free(s);
    }
    assert_true(refused && cut && fitted);
    heed_reply_free(whole);
    heed_session_free(free_one);
    heed_model_close(m);
}

static void test_run__refuses_requests_that_make_no_sense(void **state)
{
    (void)state;
    heed_error err;
    heed_model *m = tiny_build(&(tiny){0});
    assert_null(heed_session_new(NULL, NULL, &err));
    assert_int_equal(err.status, HEED_E_USAGE);
    assert_null(heed_session_new(m, &(heed_session_options){.threads = 100000}, &err));
    assert_int_equal(err.status, HEED_E_USAGE);
    heed_session *s = open_session(m, 1, 0);
    const heed_item nothing[2] = {{.text = "a"}, {0}};
    const heed_request wrong[] = {{.count = 1}, {.items = nothing, .count = -1}, {.items = nothing, .count = 2}};
    for (int i = 0; i < 3; i++) {
        assert_null(heed_session_run(s, &wrong[i], &err));
        assert_int_equal(err.status, HEED_E_USAGE);
    }
    assert_null(heed_session_run(s, NULL, NULL));
    heed_reply *r = run(s, NULL, 0, true);
    assert_null(heed_reply_at(r, 0));
    assert_null(heed_reply_at(r, -1));
    assert_null(heed_reply_json(r, 0, 0, false, &err));
    assert_int_equal(err.status, HEED_E_USAGE);
    heed_reply_free(r);
    heed_session_free(s);
    heed_model_free(m);
}

/* --- looking into it ------------------------------------------------------------------------------------------------------------------- */

static char *explain(heed_session *s, const char *text, const char *target, heed_picture picture)
{
    heed_error err;
    char *out = heed_explain(s, &(heed_item){.text = text, .target = target}, &(heed_explain_options){.picture = picture}, &err);
    if (!out) fail_msg("%s", err.text);
    return out;
}

static void test_explain__lays_every_step_open(void **state)
{
    (void)state;
    for (int i = 0; i < variant_count(); i += 4) {
        const char *name;
        heed_model *m = tiny_build(variant_at(i, &name));
        heed_session *s = open_session(m, 1, 0);
        char *steps = explain(s, "ab cz", "A Z C", HEED_PICTURE_STEPS), *json = explain(s, "ab", NULL, HEED_PICTURE_JSON);
        if (!strstr(steps, "step 4 of 4")) fail_msg("%s: %s", name, steps);
        assert_int_equal(strstr(steps, "weighted sum") != NULL, !strstr(name, "none,"));
        assert_int_equal(json[0], '{');
        heed_free(steps);
        heed_free(json);
        heed_free(explain(s, "", NULL, HEED_PICTURE_STEPS));
        heed_free(explain(s, "abc", NULL, HEED_PICTURE_TERMINAL));
        heed_free(explain(s, "abc", NULL, HEED_PICTURE_SVG));
        heed_session_free(s);
        heed_model_free(m);
    }
}

static void test_explain__refuses_what_it_cannot_show(void **state)
{
    (void)state;
    heed_error err;
    heed_model *m = tiny_build(&(tiny){0});
    heed_session *s = open_session(m, 1, 0);
    assert_null(heed_explain(s, &(heed_item){.text = "a"}, &(heed_explain_options){.look = &(heed_look){.layer = 1}}, &err));
    assert_int_equal(err.status, HEED_E_USAGE);
    assert_null(heed_explain(s, &(heed_item){.text = "a"}, &(heed_explain_options){.picture = (heed_picture)9}, &err));
    assert_int_equal(err.status, HEED_E_USAGE);
    assert_null(heed_explain(s, &(heed_item){0}, NULL, &err));
    assert_int_equal(err.status, HEED_E_USAGE);
    assert_null(heed_explain(s, &(heed_item){.text = "a\xFF"}, NULL, &err));
    assert_int_equal(err.status, HEED_E_DATA);
    assert_string_equal(err.text, "the text: byte 0xFF at column 2 is not UTF-8");
    heed_session_free(s);
    heed_model_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_output__has_the_same_bits_alone_and_in_any_company),
        cmocka_unit_test(test_output__has_the_same_bits_when_long_texts_are_cut_into_batches),
        cmocka_unit_test(test_outputs__end_early_late_and_never),
        cmocka_unit_test(test_forced__text_and_offsets_are_those_of_the_target_as_given),
        cmocka_unit_test(test_forced__an_empty_target_costs_its_end_alone),
        cmocka_unit_test(test_source__without_symbols_gives_an_empty_output),
        cmocka_unit_test(test_output__stops_at_the_limit_of_length),
        cmocka_unit_test(test_items__fail_alone),
        cmocka_unit_test(test_run__cuts_a_batch_that_does_not_fit_into_memory),
        cmocka_unit_test(test_run__refuses_requests_that_make_no_sense),
        cmocka_unit_test(test_explain__lays_every_step_open),
        cmocka_unit_test(test_explain__refuses_what_it_cannot_show),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
