/* Beams, prefixes and draws through a session: what the search finds is what the model says of it, whoever else is in the batch. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "heed.h"
#include "task/same.h"
#include "task/variants.h"

enum { ITEMS = 11, LONGEST = 14 };

typedef struct items { heed_item item[ITEMS]; char source[ITEMS][LONGEST + 1]; } items;

/* Random texts; some are forced, some have a prefix, one is empty. */
static void draw_items(items *x, uint64_t key)
{
    static const char *const prefixes[] = {NULL, "A", "B A", "", "Z C"};
    *x = (items){.item = {{0}}};
    for (uint64_t i = 0; i < ITEMS; i++) {
        const uint64_t one = heed_key(key, i), n = heed_below(one, 0, LONGEST + 1);
        for (uint64_t k = 0; k < n; k++) x->source[i][k] = "abcde abcz"[heed_below(one, 1 + k, 10)];
        x->item[i] = (heed_item){.text = x->source[i], .target = i % 5 == 4 ? "A C Z" : NULL, .prefix = i % 5 == 4 ? NULL : prefixes[i % 5]};
    }
    x->source[6][0] = 0;
}

static heed_session *open_session(const heed_model *m, int threads, int64_t batch)
{
    heed_session *s = heed_session_new(m, &(heed_session_options){.threads = threads, .batch = batch}, NULL);
    assert_non_null(s);
    return s;
}

static heed_reply *run(heed_session *s, const heed_item *item, int64_t count, const heed_decode *decode)
{
    heed_error err;
    heed_reply *r = heed_session_run(s, &(heed_request){.items = item, .count = count, .weights = true, .decode = decode}, &err);
    if (!r) fail_msg("%s", err.text);
    return r;
}

/* --- the same bits ------------------------------------------------------------------------------------------------------------------------- */

static void same_in_any_company(const heed_model *m, const items *x, const heed_decode *decode)
{
    heed_session *one = open_session(m, 1, 64), *few = open_session(m, 2, 9);
    heed_reply *together = run(one, x->item, ITEMS, decode), *cut = run(few, x->item, ITEMS, decode);
    for (int64_t i = 0; i < ITEMS; i++) {
        heed_decode own = *decode;
        own.first = (uint64_t)i;
        heed_reply *alone = run(few, &x->item[i], 1, &own);
        same_output(heed_reply_at(together, i), heed_reply_at(cut, i), true);
        same_output(heed_reply_at(together, i), heed_reply_at(alone, 0), true);
        heed_reply_free(alone);
    }
    heed_reply_free(together);
    heed_reply_free(cut);
    heed_session_free(one);
    heed_session_free(few);
}

static void test_output__has_the_same_bits_alone_and_in_any_company(void **state)
{
    (void)state;
    static const heed_decode ways[] = {{.beam = 4, .nbest = 3}, {.sample = true, .nbest = 3, .seed = 5}, {.beam = 1}, {.sample = true, .top_k = 3, .temperature = 2}};
    for (int i = 0; i < variant_count(); i += 2) {
        const char *name;
        heed_model *m = tiny_build(variant_at(i, &name));
        items x;
        draw_items(&x, (uint64_t)i);
        print_message("%s\n", name);
        same_in_any_company(m, &x, &ways[i / 2 % 4]);
        heed_model_free(m);
    }
}

static void test_beam__of_one_is_greedy_search(void **state)
{
    (void)state;
    heed_model *m = tiny_build(&(tiny){0}), *wide = tiny_build(&(tiny){.decode = ", beam: 4"});
    heed_session *s = open_session(m, 1, 0), *w = open_session(wide, 1, 0);
    items x;
    draw_items(&x, 3);
    heed_reply *usual = run(s, x.item, ITEMS, NULL), *one = run(w, x.item, ITEMS, &(heed_decode){.beam = 1});
    heed_reply *four = run(s, x.item, ITEMS, &(heed_decode){.beam = 4}), *recipe = run(w, x.item, ITEMS, NULL);
    for (int i = 0; i < ITEMS; i++) {
        same_output(heed_reply_at(usual, i), heed_reply_at(one, i), true);
        same_output(heed_reply_at(four, i), heed_reply_at(recipe, i), true);
        assert_int_equal(heed_reply_at(usual, i)->alternative_count, 0);
    }
    heed_reply_free(usual);
    heed_reply_free(one);
    heed_reply_free(four);
    heed_reply_free(recipe);
    heed_session_free(s);
    heed_session_free(w);
    heed_model_free(m);
    heed_model_free(wide);
}

/* --- what a beam finds ------------------------------------------------------------------------------------------------------------------------ */

/* Forced to write what it wrote, the model gives each symbol the same probability and the same weights. */
static bool is_what_forcing_says(heed_session *s, const heed_output *o, double penalty)
{
    if (!o->count || strchr(o->text, '<') || strcmp(o->tokens[o->count - 1].text, "</s>") != 0) return false;   /* <unk>; <s>, which is not printed */
    for (int64_t i = 0; i < o->count; i++)
        if (strcmp(o->tokens[i].text, "<s>") == 0) return false;
    heed_reply *r = run(s, &(heed_item){.text = o->source, .target = o->text}, 1, NULL);
    const heed_output *f = heed_reply_at(r, 0);
    assert_int_equal(f->count, o->count);
    for (int64_t i = 0; i < o->count; i++) assert_memory_equal(&f->tokens[i].logp, &o->tokens[i].logp, sizeof(double));
    assert_int_equal(f->weights == NULL, o->weights == NULL);
    if (o->weights) assert_memory_equal(f->weights, o->weights, (size_t)(o->count * o->source_count) * sizeof(float));
    assert_true(o->score == f->score / pow((double)o->count, penalty));
    heed_reply_free(r);
    return true;
}

static void test_alternatives__are_what_forcing_says_of_them_best_first(void **state)
{
    (void)state;
    int64_t seen = 0;
    for (int i = 0; i < variant_count(); i += 3) {
        const char *name;
        tiny t = *variant_at(i, &name);
        t.decode = i % 2 ? ", length_penalty: 0.7" : "";
        heed_model *m = tiny_build(&t);
        heed_session *s = open_session(m, 1, 0);
        items x;
        draw_items(&x, 50 + (uint64_t)i);
        heed_reply *r = run(s, x.item, ITEMS, &(heed_decode){.beam = 5, .nbest = 5});
        for (int k = 0; k < ITEMS; k++) {
            const heed_output *o = heed_reply_at(r, k), *before = o;
            if (x.item[k].target || !o->count) assert_int_equal(o->alternative_count, 0);
            if (x.item[k].target) continue;
            assert_true(!o->count || o->alternative_count == 4);
            seen += is_what_forcing_says(s, o, i % 2 ? 0.7 : 1);
            for (int64_t a = 0; a < o->alternative_count; before = &o->alternatives[a++]) {
                assert_true(o->alternatives[a].score <= before->score);
                assert_ptr_equal(o->alternatives[a].source_tokens, o->source_tokens);
                seen += is_what_forcing_says(s, &o->alternatives[a], i % 2 ? 0.7 : 1);
            }
        }
        heed_reply_free(r);
        heed_session_free(s);
        heed_model_free(m);
    }
    assert_true(seen > 300);
}

static char *steps(heed_session *s, const char *text, const char *target)
{
    return heed_explain(s, &(heed_item){.text = text, .target = target}, &(heed_explain_options){.picture = HEED_PICTURE_STEPS}, NULL);
}

static void test_explain__lays_open_the_steps_of_the_best(void **state)
{
    (void)state;
    static const char *const sources[] = {"ab cz", "cde", "a", "bdbd aa", "eeeee", "abcdeabcde", "cab", "qq"};
    int64_t seen = 0;
    heed_model *m = tiny_build(&(tiny){.decode = ", beam: 6, length_penalty: 4"});   /* so that the best was not always the likeliest */
    heed_session *s = open_session(m, 1, 0);
    for (int i = 0; i < 8; i++) {
        heed_reply *r = run(s, &(heed_item){.text = sources[i]}, 1, NULL);
        const heed_output *o = heed_reply_at(r, 0);
        if (strcmp(o->tokens[o->count - 1].text, "</s>") == 0 && !strchr(o->text, '<')) {
            char *free_run = steps(s, sources[i], NULL), *forced = steps(s, sources[i], o->text);
            assert_string_equal(strstr(free_run, "step 1 of"), strstr(forced, "step 1 of"));
            heed_free(free_run);
            heed_free(forced);
            seen++;
        }
        heed_reply_free(r);
    }
    assert_true(seen > 1);
    heed_session_free(s);
    heed_model_free(m);
}

static void test_json__lists_all_outputs(void **state)
{
    (void)state;
    heed_model *m = tiny_build(&(tiny){0});
    heed_session *s = open_session(m, 1, 0);
    heed_reply *r = run(s, &(heed_item){.text = "abc"}, 1, &(heed_decode){.beam = 3, .nbest = 3});
    char *json = heed_reply_json(r, 0, 0, true, NULL), *at = json;
    int outputs = 0;
    for (; (at = strstr(at, "\"score\"")) != NULL; at++) outputs++;
    assert_int_equal(outputs, 3);
    heed_free(json);
    heed_reply_free(r);
    heed_session_free(s);
    heed_model_free(m);
}

/* --- prefixes ---------------------------------------------------------------------------------------------------------------------------------- */

static void test_prefix__begins_every_output(void **state)
{
    (void)state;
    heed_model *m = tiny_build(&(tiny){0});
    heed_session *s = open_session(m, 1, 0);
    static const heed_decode ways[] = {{0}, {.beam = 4, .nbest = 4}, {.sample = true, .nbest = 4}};
    for (int w = 0; w < 3; w++) {
        heed_reply *r = run(s, &(heed_item){.text = "abcde", .prefix = " C  A B"}, 1, &ways[w]);
        const heed_output *o = heed_reply_at(r, 0);
        for (int64_t i = -1; i < o->alternative_count; i++) {
            const heed_output *one = i < 0 ? o : &o->alternatives[i];
            if (strncmp(one->text, "C A B", 5) != 0) fail_msg("%s", one->text);
        }
        heed_reply_free(r);
    }
    heed_session_free(s);
    heed_model_free(m);
}

static void test_prefix__of_the_own_output_changes_nothing(void **state)
{
    (void)state;
    heed_model *m = tiny_build(&(tiny){.target_units = "characters"});
    heed_session *s = open_session(m, 1, 0);
    heed_reply *free_run = run(s, &(heed_item){.text = "abcde"}, 1, NULL);
    const heed_output *o = heed_reply_at(free_run, 0);
    char prefix[64];
    for (int n = 0; n <= (int)strlen(o->text); n++) {
        snprintf(prefix, sizeof prefix, "%.*s", n, o->text);
        heed_reply *r = run(s, &(heed_item){.text = "abcde", .prefix = prefix}, 1, NULL);
        same_output(o, heed_reply_at(r, 0), true);
        heed_reply_free(r);
    }
    heed_reply_free(free_run);
    heed_session_free(s);
    heed_model_free(m);
}

static void test_prefix__that_is_too_long_or_no_text_fails_alone(void **state)
{
    (void)state;
    heed_model *m = tiny_build(&(tiny){.max_length = "[1, 2]"});   /* of ab: 4 symbols */
    heed_session *s = open_session(m, 1, 0);
    const heed_item item[] = {{.text = "ab", .prefix = "A B A B A"}, {.text = "ab", .prefix = "A B A B"}, {.text = "ab", .prefix = "A\xFF"}, {.text = "ab"}};
    heed_reply *r = run(s, item, 4, &(heed_decode){.beam = 3, .nbest = 2});
    const heed_output *o = heed_reply_at(r, 0);
    assert_int_equal(o->status, HEED_E_LIMIT);
    assert_string_equal(o->error, "its prefix has 5 symbols; decode.max_length allows an output of 4");
    assert_string_equal(heed_reply_at(r, 1)->text, "A B A B");
    assert_int_equal(heed_reply_at(r, 1)->count, 4);
    assert_int_equal(heed_reply_at(r, 2)->status, HEED_E_DATA);
    assert_int_equal(heed_reply_at(r, 3)->alternative_count, 1);
    heed_reply_free(r);
    heed_session_free(s);
    heed_model_free(m);
}

/* --- draws -------------------------------------------------------------------------------------------------------------------------------------- */

/* First symbols of many draws against what the model says of each by forcing. */
static void test_draws__come_as_often_as_the_model_says(void **state)
{
    (void)state;
    enum { DRAWS = 4000, SYMBOLS = 5 };
    static heed_item many[DRAWS];
    static const char *const symbols[SYMBOLS] = {"A", "B", "C", "D", "E"};
    heed_model *m = tiny_build(&(tiny){.max_length = "[0, 1]"});
    heed_session *s = open_session(m, 2, 64);
    for (int i = 0; i < DRAWS; i++) many[i].text = "abc";
    heed_reply *r = run(s, many, DRAWS, &(heed_decode){.sample = true, .seed = 11});
    for (int k = 0; k < SYMBOLS; k++) {
        heed_reply *f = run(s, &(heed_item){.text = "abc", .target = symbols[k]}, 1, NULL);
        const double p = exp(heed_reply_at(f, 0)->tokens[0].logp), bound = 5 * sqrt(DRAWS * p * (1 - p));
        int64_t seen = 0;
        for (int i = 0; i < DRAWS; i++) seen += strcmp(heed_reply_at(r, i)->text, symbols[k]) == 0;
        if (fabs((double)seen - DRAWS * p) > bound) fail_msg("%s: %lld draws, %g +- %g expected", symbols[k], (long long)seen, DRAWS * p, bound);
        heed_reply_free(f);
    }
    heed_reply_free(r);
    heed_session_free(s);
    heed_model_free(m);
}

/* --- what is refused ------------------------------------------------------------------------------------------------------------------------------ */

static void test_decode__refuses_what_makes_no_sense(void **state)
{
    (void)state;
    heed_model *m = tiny_build(&(tiny){0});   /* 8 target symbols */
    heed_session *s = open_session(m, 1, 0);
    const struct { heed_decode decode; const char *text; } wrong[] = {
        {{.beam = 9}, "a beam of 9 is wider than the target vocabulary, which has 8 symbols"},
        {{.beam = 65}, "beam: from 1 to 64, not 65"},
        {{.beam = -1}, "beam: from 1 to 64"},
        {{.nbest = -1}, "nbest: from 1 to 64"},
        {{.nbest = 65, .sample = true}, "nbest: from 1 to 64"},
        {{.beam = 2, .nbest = 3}, "the 3 best need a beam at least as wide, not 2"},
        {{.beam = 2, .sample = true}, "ask for one of them"},
        {{.sample = true, .temperature = -1}, "temperature: above 0"},
        {{.sample = true, .temperature = INFINITY}, "temperature: above 0"},
        {{.sample = true, .top_k = -1}, "top_k"},
        {{.sample = true, .top_p = 1.5}, "top_p: above 0, up to 1"},
        {{.sample = true, .top_p = NAN}, "top_p"},
    };
    heed_error err;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_null(heed_session_run(s, &(heed_request){.items = &(heed_item){.text = "a"}, .count = 1, .decode = &wrong[i].decode}, &err));
        assert_int_equal(err.status, HEED_E_USAGE);
        if (!strstr(err.text, wrong[i].text)) fail_msg("\"%s\" is not in: %s", wrong[i].text, err.text);
    }
    assert_null(heed_session_run(s, &(heed_request){.items = &(heed_item){.text = "a", .target = "A", .prefix = "A"}, .count = 1}, &err));
    assert_int_equal(err.status, HEED_E_USAGE);
    heed_reply_free(run(s, &(heed_item){.text = "a"}, 1, &(heed_decode){.beam = 8, .nbest = 8}));
    heed_session_free(s);
    heed_model_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_output__has_the_same_bits_alone_and_in_any_company),
        cmocka_unit_test(test_beam__of_one_is_greedy_search),
        cmocka_unit_test(test_alternatives__are_what_forcing_says_of_them_best_first),
        cmocka_unit_test(test_explain__lays_open_the_steps_of_the_best),
        cmocka_unit_test(test_json__lists_all_outputs),
        cmocka_unit_test(test_prefix__begins_every_output),
        cmocka_unit_test(test_prefix__of_the_own_output_changes_nothing),
        cmocka_unit_test(test_prefix__that_is_too_long_or_no_text_fails_alone),
        cmocka_unit_test(test_draws__come_as_often_as_the_model_says),
        cmocka_unit_test(test_decode__refuses_what_makes_no_sense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
