/* Models that write together, and what might have been written: the likeliest symbols of a step, other words at a place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "heed.h"
#include "task/same.h"
#include "task/variants.h"

enum { ITEMS = 7 };
static const heed_item items[ITEMS] = {{.text = "abc de"}, {.text = "a", .prefix = "B"}, {.text = ""}, {.text = "edcba"}, {.text = "cab", .target = "A C Z"}, {.text = "bbb"}, {.text = "dace"}};

static heed_session *together(const heed_model *m, const heed_model *const *others, int count, int threads, int64_t batch, bool geometric)
{
    heed_error err;
    heed_session *s = heed_session_new(m, &(heed_session_options){.threads = threads, .batch = batch, .ensemble = others, .ensemble_count = count, .geometric = geometric}, &err);
    if (!s) fail_msg("%s", err.text);
    return s;
}

static heed_reply *ask(heed_session *s, const heed_request *q)
{
    heed_error err;
    heed_reply *r = heed_session_run(s, q, &err);
    if (!r) fail_msg("%s", err.text);
    return r;
}

/* --- ensembles ------------------------------------------------------------------------------------------------------------------------------------ */

static void test_ensemble__of_a_model_with_itself_is_the_model(void **state)
{
    (void)state;
    static const heed_decode ways[] = {{0}, {.beam = 4, .nbest = 3}, {.sample = true, .nbest = 2, .seed = 3}};
    for (int i = 0; i < variant_count(); i += 4) {
        const char *name;
        heed_model *m = tiny_build(variant_at(i, &name));
        const heed_model *const same[] = {m, m};
        heed_session *alone = together(m, NULL, 0, 1, 0, false), *three = together(m, same, 2, 1, 0, false);
        const heed_request q = {.items = items, .count = ITEMS, .weights = true, .decode = &ways[i / 4 % 3], .choices = 3};
        heed_reply *a = ask(alone, &q), *b = ask(three, &q);
        for (int k = 0; k < ITEMS; k++) same_output(heed_reply_at(a, k), heed_reply_at(b, k), true);
        heed_reply_free(a);
        heed_reply_free(b);
        heed_session_free(alone);
        heed_session_free(three);
        heed_model_free(m);
    }
}

/* Three architectures that read different symbols. */
static const tiny mixed[3] = {{.train = "train: {seed: 1}"},
                              {.encoder = "type: transformer, heads: 2", .decoder = "type: transformer, heads: 3", .source_units = "symbols", .train = "train: {seed: 2}"},
                              {.encoder = "type: conv, embed: 6", .decoder = "type: conv, embed: 6", .attention = "{score: dot, copy: true}", .train = "train: {seed: 3}"}};

static void build_mixed(heed_model *m[3])
{
    for (int i = 0; i < 3; i++) m[i] = tiny_build(&mixed[i]);
}

/* ln p of a forced target under each model alone and under all: the mean, but for roundings of a few times FLT_EPSILON at the size of the logits. */
static void expect_mean(heed_model *m[3], bool geometric)
{
    heed_session *alone[3], *all = together(m[0], (const heed_model *const *)m + 1, 2, 1, 0, geometric);
    const heed_item forced = {.text = "ab cde", .target = "A C B B E D"};
    const heed_request q = {.items = &forced, .count = 1, .choices = 8};
    heed_reply *r[3], *mean = ask(all, &q);
    for (int i = 0; i < 3; i++) r[i] = ask(alone[i] = together(m[i], NULL, 0, 1, 0, false), &q);
    const heed_output *o = heed_reply_at(mean, 0);
    for (int64_t t = 0; t < o->count; t++) {
        double sum = 0, norm = 0;
        for (int64_t v = 0; v < 8; v++) norm += exp(o->choices[t * 8 + v].logp);
        assert_true(fabs(norm - 1) < 1e-5);
        for (int i = 0; i < 3; i++) {
            const double logp = heed_reply_at(r[i], 0)->tokens[t].logp;
            sum += geometric ? logp : exp(logp);
        }
        if (!geometric) assert_true(fabs(o->tokens[t].logp - log(sum / 3)) < 64 * FLT_EPSILON * 16);
        else if (t) assert_true(o->tokens[t].logp >= sum / 3 - 1e-4);   /* made a distribution again, it is divided by less than one */
    }
    for (int i = 0; i < 3; i++) {
        heed_reply_free(r[i]);
        heed_session_free(alone[i]);
    }
    heed_reply_free(mean);
    heed_session_free(all);
}

static void test_ensemble__writes_by_the_mean_of_probabilities(void **state)
{
    (void)state;
    heed_model *m[3];
    build_mixed(m);
    expect_mean(m, false);
    expect_mean(m, true);
    for (int i = 0; i < 3; i++) heed_model_free(m[i]);
}

static void test_ensemble__gives_the_same_bits_alone_and_in_any_company(void **state)
{
    (void)state;
    heed_model *m[3];
    build_mixed(m);
    const heed_decode how = {.beam = 3, .nbest = 2};
    heed_session *one = together(m[0], (const heed_model *const *)m + 1, 2, 1, 64, false), *few = together(m[0], (const heed_model *const *)m + 1, 2, 2, 7, false);
    heed_reply *a = ask(one, &(heed_request){.items = items, .count = ITEMS, .weights = true, .decode = &how});
    heed_reply *b = ask(few, &(heed_request){.items = items, .count = ITEMS, .weights = true, .decode = &how});
    for (int i = 0; i < ITEMS; i++) {
        heed_reply *alone = ask(few, &(heed_request){.items = &items[i], .count = 1, .weights = true, .decode = &how});
        same_output(heed_reply_at(a, i), heed_reply_at(b, i), true);
        same_output(heed_reply_at(a, i), heed_reply_at(alone, 0), true);
        heed_reply_free(alone);
    }
    heed_reply_free(a);
    heed_reply_free(b);
    heed_session_free(one);
    heed_session_free(few);
    for (int i = 0; i < 3; i++) heed_model_free(m[i]);
}

static void test_ensemble__needs_the_same_target_vocabulary(void **state)
{
    (void)state;
    heed_model *m = tiny_build(&(tiny){0});
    static const struct { tiny other; const char *says; } rows[] = {
        {{.target_units = "symbols, size: 6"}, "8 symbols and 6"},
        {{.target_units = "characters"}, "units: symbols and characters"},
        {{.target_units = "symbols, lower: true"}, "lower: false and true"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        heed_error err = {0};
        heed_model *other = tiny_build(&rows[i].other);
        assert_null(heed_session_new(m, &(heed_session_options){.ensemble = (const heed_model *const[]){m, other}, .ensemble_count = 2}, &err));
        assert_int_equal(err.status, HEED_E_USAGE);
        if (!strstr(err.text, rows[i].says) || !strstr(err.text, "models 1 and 3")) fail_msg("%s", err.text);
        heed_model_free(other);
    }
    assert_null(heed_session_new(m, &(heed_session_options){.ensemble_count = 1}, NULL));
    heed_model_free(m);
}

/* --- the likeliest symbols ------------------------------------------------------------------------------------------------------------------------- */

static void test_choices__fall_and_hold_what_was_written(void **state)
{
    (void)state;
    for (int i = 0; i < variant_count(); i += 9) {
        const char *name;
        heed_model *m = tiny_build(variant_at(i, &name));
        heed_session *s = together(m, NULL, 0, 1, 0, false);
        heed_reply *r = ask(s, &(heed_request){.items = items, .count = ITEMS, .decode = &(heed_decode){.beam = 3, .nbest = 2}, .choices = 100});
        for (int k = 0; k < ITEMS; k++) {
            const heed_output *o = heed_reply_at(r, k);
            assert_int_equal(o->choice_count, o->count ? 8 : 0);
            for (int64_t t = 0; t < o->count; t++) {
                const heed_choice *c = o->choices + t * 8;
                int64_t at = 0;
                for (int64_t v = 1; v < 8; v++) assert_true(c[v].logp <= c[v - 1].logp);
                if (items[k].target) continue;   /* spelt as given */
                while (strcmp(c[at].text, o->tokens[t].text) != 0) assert_true(++at < 8);
                assert_memory_equal(&c[at].logp, &o->tokens[t].logp, sizeof(double));
            }
        }
        heed_reply_free(r);
        heed_session_free(s);
        heed_model_free(m);
    }
}

/* --- other words at a place ------------------------------------------------------------------------------------------------------------------------ */

/* The first `words` words of a text. */
static char *beginning(const char *text, int64_t words, char out[80])
{
    const char *at = text;
    for (int64_t i = 0; i < words && at; i++) at = strchr(i ? at + 1 : at, ' ');
    snprintf(out, 80, "%.*s", at ? (int)(at - text) : (int)strlen(text), text);
    return out;
}

/* Each is what the search finds behind that beginning, and all are different there. */
static void expect_fork(heed_session *s, const heed_item *item, int64_t word, const heed_decode *how)
{
    heed_reply *r = ask(s, &(heed_request){.items = item, .count = 1, .decode = how, .fork = &(heed_fork){word, 3}, .weights = true});
    const heed_output *o = heed_reply_at(r, 0);
    char kept[80], other[80], before[80] = "";
    if (o->status == HEED_E_DATA) {
        assert_non_null(strstr(o->error, "there is no word"));
        heed_reply_free(r);
        return;
    }
    assert_int_equal(o->status, HEED_OK);
    beginning(o->text, word, kept);
    for (int64_t i = 0; i < o->alternative_count; i++) {
        const heed_output *a = &o->alternatives[i];
        beginning(a->text, word, other);
        assert_string_equal(kept, other);
        beginning(a->text, word + 1, other);
        assert_string_not_equal(beginning(o->text, word + 1, before), other);
        if (i) assert_true(a->score <= a[-1].score);
        heed_item from = *item;
        from.prefix = other;
        heed_reply *p = ask(s, &(heed_request){.items = &from, .count = 1, .decode = how});
        assert_string_equal(heed_reply_at(p, 0)->text, a->text);
        assert_true(heed_reply_at(p, 0)->score == a->score);
        heed_reply_free(p);
    }
    heed_reply_free(r);
}

static void test_fork__finds_what_a_prefix_would(void **state)
{
    (void)state;
    static const heed_decode ways[] = {{.beam = 1}, {.beam = 4}};
    static const heed_item texts[] = {{.text = "abc de"}, {.text = "edcba"}, {.text = "bbb"}, {.text = "dace", .prefix = "A B"}};
    for (int i = 0; i < variant_count(); i += 9) {
        const char *name;
        heed_model *m = tiny_build(variant_at(i, &name));
        if (m->head.copies) {
            heed_model_free(m);
            continue;   /* <unk> stands for texts that a prefix cannot give */
        }
        heed_session *s = together(m, NULL, 0, 1, 0, false);
        for (int k = 0; k < 4; k++)
            for (int64_t word = 0; word < 4; word++) expect_fork(s, &texts[k], word, &ways[(i + k) % 2]);
        heed_session_free(s);
        heed_model_free(m);
    }
}

static void test_fork__obeys_words_and_gives_the_same_in_company(void **state)
{
    (void)state;
    heed_model *m = tiny_build(&(tiny){.target_units = "characters"});
    heed_session *one = together(m, NULL, 0, 1, 64, false), *few = together(m, NULL, 0, 2, 5, false);
    const heed_item texts[] = {{.text = "abc de"}, {.text = "edcba"}, {.text = "bbb"}, {.text = ""}, {.text = "ca", .never = {(const char *const[]){"D", "CE"}, 2}}};
    const heed_request q = {.items = texts, .count = 5, .fork = &(heed_fork){0, 4}, .choices = 2};
    heed_reply *a = ask(one, &q), *b = ask(few, &q);
    for (int i = 0; i < 5; i++) {
        const heed_output *o = heed_reply_at(a, i);
        same_output(o, heed_reply_at(b, i), false);
        for (int64_t k = 0; i == 4 && k < o->alternative_count; k++) assert_string_not_equal(o->alternatives[k].text, "D");
    }
    heed_reply_free(a);
    heed_reply_free(b);
    heed_session_free(one);
    heed_session_free(few);
    heed_model_free(m);
}

static void test_request__refuses_what_makes_no_sense(void **state)
{
    (void)state;
    heed_model *m = tiny_build(&(tiny){0});
    heed_session *s = together(m, NULL, 0, 1, 0, false);
    static const heed_item plain = {.text = "a"}, forced = {.text = "a", .target = "A"};
    const heed_fork zero = {0, 0}, negative = {-1, 3}, good = {0, 3};
    const heed_decode best = {.nbest = 2}, draws = {.sample = true};
    const heed_request wrong[] = {{.items = &plain, .count = 1, .choices = -1}, {.items = &plain, .count = 1, .choices = 1001},
                                  {.items = &plain, .count = 1, .fork = &zero}, {.items = &plain, .count = 1, .fork = &negative},
                                  {.items = &plain, .count = 1, .fork = &good, .decode = &best}, {.items = &plain, .count = 1, .fork = &good, .decode = &draws},
                                  {.items = &forced, .count = 1, .fork = &good}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        heed_error err = {0};
        assert_null(heed_session_run(s, &wrong[i], &err));
        assert_int_equal(err.status, HEED_E_USAGE);
    }
    heed_session_free(s);
    heed_model_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ensemble__of_a_model_with_itself_is_the_model),
        cmocka_unit_test(test_ensemble__writes_by_the_mean_of_probabilities),
        cmocka_unit_test(test_ensemble__gives_the_same_bits_alone_and_in_any_company),
        cmocka_unit_test(test_ensemble__needs_the_same_target_vocabulary),
        cmocka_unit_test(test_choices__fall_and_hold_what_was_written),
        cmocka_unit_test(test_fork__finds_what_a_prefix_would),
        cmocka_unit_test(test_fork__obeys_words_and_gives_the_same_in_company),
        cmocka_unit_test(test_request__refuses_what_makes_no_sense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
