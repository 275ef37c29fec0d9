/* Judges of lenses (explain/judge.h), each curve held against texts that are run without the symbols that are taken away; and heed faithful's figures. */
#include "task/probed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "explain/trust.h"
#include "support/scratch.h"

enum { MOST = PROBED_MOST, LAST = HEED_SHARES - 1 };

static const char *model_name;
static const char source_text[] = "ab q cead";      /* nine symbols: shares of 1, 1, 1, 2 and 5 of them */
static const int64_t taken[HEED_SHARES] = {0, 1, 1, 1, 2, 5, 9};

static void each_model(void (*visit)(probed *p))
{
    for (int i = 0; i < probed_count(); i++) {
        probed p;
        probed_open(&p, probed_at(i, &model_name), source_text, "A B C D");
        visit(&p);
        probed_close(&p);
    }
}

static void judge(const probed *p, const heed_order *orders, int count, int64_t n, heed_judged *judged)
{
    heed_error err;
    int64_t rows[MOST];
    for (int64_t t = 0; t < n; t++) rows[t] = t;
    if (heed_judge(&p->in, orders, count, rows, n, judged, &err) != HEED_OK) fail_msg("%s: %s", model_name, err.text);
}

static void expect(const char *what, int share, double found, double right)
{
    if (!probed_near(found, right, 2)) fail_msg("%s: %s, share %d: %.8g, not %.8g", model_name, what, share, found, right);
}

/* Symbol s goes at place (5 s + 2) mod 9, whatever the target symbol. */
static int64_t place_of(int64_t s) { return (5 * s + 2) % 9; }

static void fill(const probed *p, float *scores)
{
    for (int64_t t = 0; t < p->in.T; t++)
        for (int64_t s = 0; s < p->in.S; s++) scores[t * p->in.S + s] = s + 1 < p->in.S ? (float)(-place_of(s)) : 100;      /* </s> never goes */
}

/* The mean p of all target symbols of a text with the first k symbols left out, or with nothing but these. */
static double mean_p(const probed *p, int64_t k, bool kept)
{
    char text[MOST];
    int64_t n = 0;
    for (int64_t s = 0; s + 1 < p->in.S; s++)
        if ((place_of(s) < k) == kept) text[n++] = source_text[s];
    text[n] = 0;
    const heed_output *o = probed_forced(p, text);
    double sum = 0;
    for (int64_t t = 0; t < p->in.T; t++) sum += exp(o->tokens[t].logp);
    return sum / (double)p->in.T;
}

static void shortened(probed *p)
{
    float scores[MOST * MOST];
    heed_judged j;
    fill(p, scores);
    judge(p, &(heed_order){.scores = scores}, 1, p->in.T, &j);
    for (int i = 0; i < HEED_SHARES; i++) {
        expect("deleted", i, j.deleted[i], mean_p(p, taken[i], false));
        expect("kept", i, j.kept[i], mean_p(p, taken[i], true));
    }
}

static void test_judge__curves_are_those_of_texts_without_the_first_and_of_the_first_alone(void **state) { (void)state, each_model(shortened); }

/* The lowest first: what is deleted then are the last of the order, so what is left are its first. */
static void turned(probed *p)
{
    float scores[MOST * MOST];
    heed_judged j;
    fill(p, scores);
    judge(p, &(heed_order){.scores = scores, .reverse = true}, 1, p->in.T, &j);
    for (int i = 0; i < HEED_SHARES; i++) expect("reverse", i, j.deleted[i], mean_p(p, 9 - taken[i], true));
}

static void test_judge__a_reverse_order_takes_the_lowest_first(void **state) { (void)state, each_model(turned); }

static void blanked(probed *p)
{
    float scores[MOST * MOST], mean[64], logp[MOST], scale[MOST];
    heed_judged j;
    fill(p, scores);
    judge(p, &(heed_order){.scores = scores}, 1, p->in.T, &j);
    assert_null(heed_probe_get_baseline(p->probe));      /* as it was */
    heed_probe_mean(p->probe, mean);
    heed_probe_baseline(p->probe, mean);
    for (int i = 0; i < HEED_SHARES; i++) {
        double sum = 0;
        for (int64_t s = 0; s < p->in.S; s++) scale[s] = s + 1 < p->in.S && place_of(s) < taken[i] ? 0 : 1;
        probed_logp(p, &(heed_variant){.source = p->source, .S = p->in.S, .target = p->target, .T = p->in.T, .scale = scale}, logp);
        for (int64_t t = 0; t < p->in.T; t++) sum += exp((double)logp[t]);
        expect("blanked", i, j.blanked[i], sum / (double)p->in.T);
    }
    heed_probe_baseline(p->probe, NULL);
}

static void test_judge__blanks_have_the_mean_embedding(void **state) { (void)state, each_model(blanked); }

/* Bits do not depend on what else is judged in the same call, and a draw is a function of its seed. */
static void together(probed *p)
{
    float scores[MOST * MOST];
    heed_judged alone[3], all[3];
    fill(p, scores);
    const heed_order orders[3] = {{.seed = 5}, {.scores = scores}, {.seed = 6}};
    for (int i = 0; i < 3; i++) judge(p, &orders[i], 1, 3, &alone[i]);
    judge(p, orders, 3, 3, all);
    assert_memory_equal(alone, all, sizeof all);
    assert_memory_not_equal(&all[0], &all[2], sizeof all[0]);
}

static void test_judge__orders_do_not_disturb_each_other(void **state) { (void)state, each_model(together); }

static void last_alone(probed *p)
{
    float all[MOST], one;
    const heed_variant v = {.source = p->source, .S = p->in.S, .target = p->target, .T = p->in.T};
    heed_variant last = v;
    last.last = true;
    probed_logp(p, &v, all);
    probed_logp(p, &last, &one);
    assert_memory_equal(&one, &all[p->in.T - 1], sizeof one);
}

static void test_probe__the_last_symbol_alone_has_the_bits_that_it_has_among_all(void **state) { (void)state, each_model(last_alone); }

static void test_judge__figures_are_means_of_five_falls(void **state)
{
    (void)state;
    const heed_judged j = {.deleted = {0.9, 0.8, 0.7, 0.5, 0.3, 0.2, 0.1}, .kept = {0.1, 0.2, 0.4, 0.5, 0.6, 0.9, 0.9}};
    assert_true(fabs(heed_comprehensiveness(j.deleted) - (0.1 + 0.2 + 0.4 + 0.6 + 0.7) / 5) < 1e-12);
    assert_true(fabs(heed_sufficiency(&j) - (0.7 + 0.5 + 0.4 + 0.3 + 0) / 5) < 1e-12);
}

static void test_judge__a_source_of_nothing_is_refused(void **state)
{
    (void)state;
    probed p;
    heed_error err;
    heed_judged j;
    probed_open(&p, probed_at(0, &model_name), "", "A");
    assert_int_equal(heed_judge(&p.in, &(heed_order){.seed = 1}, 1, (int64_t[]){0}, 1, &j, &err), HEED_E_USAGE);
    assert_non_null(strstr(err.text, "none to take away"));
    probed_close(&p);
}

/* --- of one output, for the page ----------------------------------------------------------------------------------------------------------------- */

static double number_at(const json_t *list, size_t i) { return json_number_value(json_array_get(list, i)); }

static void believed(probed *p)
{
    float scores[2][MOST * MOST];
    heed_buf out = {0};
    heed_error err;
    heed_judged j;
    fill(p, scores[0]);
    for (int i = 0; i < MOST * MOST; i++) scores[1][i] = -scores[0][i];
    const heed_trust_lens lenses[2] = {{&heed_lens_find("rollout")->is, scores[0]}, {&heed_lens_find("weights")->is, scores[1]}};
    heed_buf_char(&out, '{');
    if (heed_trust_json(&p->in, lenses, 2, "[{\"lens\":\"norms\"},{\"lens\":\"weights\"}]", &out, &err) != HEED_OK) fail_msg("%s: %s", model_name, err.text);
    heed_buf_char(&out, '}');
    json_t *all = json_loadb(out.data, out.size, 0, NULL), *trust = json_object_get(all, "trust"), *curve = json_array_get(json_object_get(trust, "curves"), 0);
    assert_non_null(curve);
    judge(p, &(heed_order){.scores = scores[0]}, 1, p->in.T, &j);
    for (size_t i = 0; i < HEED_SHARES; i++) {
        expect("deletion", (int)i, number_at(json_object_get(curve, "deletion"), i), j.deleted[i]);
        expect("insertion", (int)i, number_at(json_object_get(curve, "insertion"), i), j.kept[i]);
        expect("x", (int)i, number_at(json_object_get(curve, "x"), i), heed_judge_share[i]);
        if (i && i < LAST) expect("fall", (int)i, number_at(json_object_get(curve, "comprehensiveness"), i - 1), j.deleted[0] - j.deleted[i]);
    }
    const json_t *tau = json_object_get(json_object_get(trust, "agreement"), "tau");
    assert_true(number_at(json_array_get(tau, 0), 0) == 1 && number_at(json_array_get(tau, 0), 1) == -1);      /* the one is the other's reverse */
    const json_t *recommended = json_object_get(trust, "recommended");      /* what attn.json names goes first */
    assert_string_equal(json_string_value(json_array_get(recommended, 0)), "weights");
    assert_string_equal(json_string_value(json_array_get(recommended, 1)), "rollout");
    assert_string_equal(json_string_value(json_object_get(json_array_get(json_object_get(trust, "faithful"), 0), "lens")), "norms");      /* as it stands there */
    const json_t *reverse = json_object_get(curve, "reverse_insertion");
    judge(p, &(heed_order){.scores = scores[0], .reverse = true}, 1, p->in.T, &j);
    for (size_t i = 0; i < HEED_SHARES; i++) expect("reverse", (int)i, number_at(reverse, i), j.kept[i]);
    json_decref(all);
    heed_buf_free(&out);
}

static void test_trust__tells_what_the_judges_found(void **state) { (void)state, each_model(believed); }

/* A lens whose order gains more goes first, and it and its reverse cannot both do better than every random order. */
static void ranked(probed *p)
{
    float scores[2][MOST * MOST];
    double worth[2];
    heed_lens_note note;
    heed_error err;
    heed_judged j;
    heed_buf out = {0};
    assert_int_equal(heed_lens_run(heed_lens_find("leave-one-out"), &p->in, scores[0], &note, &err), HEED_OK);
    for (int64_t i = 0; i < p->in.T * p->in.S; i++) scores[1][i] = -scores[0][i];
    for (int i = 0; i < 2; i++) {
        judge(p, &(heed_order){.scores = scores[i]}, 1, p->in.T, &j);
        worth[i] = (heed_comprehensiveness(j.deleted) + heed_comprehensiveness(j.blanked)) / 2 - heed_sufficiency(&j);
    }
    const heed_trust_lens lenses[2] = {{&heed_lens_find("rollout")->is, scores[0]}, {&heed_lens_find("weights")->is, scores[1]}};
    assert_int_equal(heed_trust_json(&p->in, lenses, 2, NULL, &out, &err), HEED_OK);
    const char *first = strstr(out.data, "\"passed\": "), *second = strstr(first + 1, "\"passed\": ");
    assert_false(!strncmp(first, "\"passed\": true", 14) && !strncmp(second, "\"passed\": true", 14));
    assert_non_null(strstr(out.data, worth[0] > worth[1] ? "\"recommended\": [\"rollout\"" : "\"recommended\": [\"weights\""));
    heed_buf_free(&out);
}

static void test_trust__what_gains_more_is_recommended_first(void **state) { (void)state, each_model(ranked); }

/* --- over a corpus ----------------------------------------------------------------------------------------------------------------------------- */

static const char pairs[] = "ab q\tA B\nce\tC\nabcde qq\tB A D\n\tA\ne d c\tE E\nbbb a\tD C B A\n";
static const char truth[] = "0-0 1-1\n0-0\n1-2\n\n2-0 0-1\n1-3\n";

static heed_faithful *measure(const heed_model *m, int threads, const heed_faithful_options *o)
{
    heed_error err;
    heed_session *s = heed_session_new(m, &(heed_session_options){.threads = threads}, &err);
    heed_faithful *f = s ? heed_faithful_measure(s, o, &err) : NULL;
    if (!f) fail_msg("%s", err.text);
    heed_session_free(s);
    return f;
}

static bool same(const heed_estimate *a, const heed_estimate *b) { return memcmp(a, b, sizeof *a) == 0; }

static void test_faithful__figures_do_not_depend_on_threads(void **state)
{
    (void)state;
    heed_model *m = tiny_build(&(tiny){0});
    const heed_faithful_options o = {.source = scratch_text("pairs.tsv", pairs), .truth = scratch_text("truth", truth), .symbols = 2};
    heed_faithful *one = measure(m, 1, &o), *three = measure(m, 3, &o);
    assert_int_equal(one->pairs, 5);
    assert_int_equal(one->left_out, 1);
    assert_int_equal(one->links, 7);
    assert_int_equal(one->symbols, 2 * 5);
    assert_int_equal(one->count, 8);
    for (int i = 0; i < one->count; i++) {
        assert_ptr_equal(one->lenses[i].lens, three->lenses[i].lens);
        assert_true(same(&one->lenses[i].gain, &three->lenses[i].gain) && same(&one->lenses[i].deleted, &three->lenses[i].deleted));
        assert_true(one->lenses[i].gain.low <= one->lenses[i].gain.value && one->lenses[i].gain.value <= one->lenses[i].gain.high);
        assert_true(!i || one->lenses[i - 1].gain.value >= one->lenses[i].gain.value);
    }
    const double chance = (1 / 2.0 + 1 / 2.0 + 1 + 1 / 2.0 + 1 / 3.0 + 1 / 3.0 + 1 / 2.0) / 7;      /* one of so many words */
    assert_true(fabs(one->random.first.value - chance) < 1e-12);
    heed_faithful_free(one);
    heed_faithful_free(three);
    heed_model_free(m);
}

static void test_faithful__the_order_is_kept_beside_the_model(void **state)
{
    (void)state;
    heed_error err;
    const char *dir = tiny_save(tiny_build(&(tiny){0}), "believed");
    heed_model *m = heed_model_open(dir, NULL, &err);
    assert_null(m->lenses);
    const char *const names[] = {"weights", "leave-one-out"};
    heed_faithful *f = measure(m, 1, &(heed_faithful_options){.source = scratch_text("pairs.tsv", pairs), .lenses = names, .lens_count = 2});
    assert_int_equal(heed_faithful_store(f, dir, &err), HEED_OK);
    heed_model_close(m);
    m = heed_model_open(dir, NULL, &err);
    assert_non_null(m->lenses);
    const char *best = strstr(m->lenses, f->lenses[0].lens->name), *second = strstr(m->lenses, f->lenses[1].lens->name);
    assert_true(best && second && best < second);
    heed_faithful_free(f);
    heed_model_close(m);
}

static void refused(const heed_model *m, const heed_faithful_options *o, heed_status status, const char *part)
{
    heed_error err;
    heed_session *s = heed_session_new(m, &(heed_session_options){.threads = 1}, &err);
    assert_null(heed_faithful_measure(s, o, &err));
    assert_int_equal(err.status, status);
    if (!strstr(err.text, part)) fail_msg("\"%s\" lacks \"%s\"", err.text, part);
    heed_session_free(s);
}

static void test_faithful__bad_input_is_told_with_its_line(void **state)
{
    (void)state;
    heed_model *m = tiny_build(&(tiny){0}), *blind = tiny_build(&(tiny){.attention = "{score: none, vector: start}"});
    const char *const unknown[] = {"x-ray"}, *const weights[] = {"weights"}, *good = scratch_text("pairs.tsv", pairs);
    refused(m, &(heed_faithful_options){.source = "nowhere.tsv"}, HEED_E_DATA, "nowhere.tsv");
    refused(m, &(heed_faithful_options){.source = scratch_text("none.tsv", "")}, HEED_E_DATA, "empty file");
    refused(m, &(heed_faithful_options){.source = scratch_text("one.tsv", "ab\tA\nce\n")}, HEED_E_DATA, "one.tsv: line 2: one column");
    refused(m, &(heed_faithful_options){.source = scratch_text("void.tsv", "\tA\n")}, HEED_E_DATA, "no pair could be judged");
    refused(m, &(heed_faithful_options){.source = good, .truth = scratch_text("short", "0-0\n")}, HEED_E_DATA, "short");
    refused(m, &(heed_faithful_options){.source = scratch_text("a.tsv", "ab\tA\n"), .truth = scratch_text("far", "7-0\n")}, HEED_E_DATA, "far: line 1");
    refused(m, &(heed_faithful_options){.source = good, .lenses = unknown, .lens_count = 1}, HEED_E_USAGE, "x-ray");
    refused(blind, &(heed_faithful_options){.source = good, .lenses = weights, .lens_count = 1}, HEED_E_USAGE, "has none");
    heed_model_free(m);
    heed_model_free(blind);
}

static bool no_further(void *user, int64_t done, int64_t of)
{
    (void)user, (void)done, (void)of;
    return false;
}

static void test_faithful__can_be_stopped_and_judges_what_the_model_writes(void **state)
{
    (void)state;
    heed_model *m = tiny_build(&(tiny){0});
    heed_faithful_options o = {.source = scratch_text("sources.txt", "ab q\nce\n"), .own = true};
    heed_faithful *f = measure(m, 2, &o);
    assert_int_equal(f->pairs, 2);
    heed_faithful_free(f);
    o.progress = no_further;
    refused(m, &o, HEED_E_STOPPED, "stopped");
    heed_model_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_judge__curves_are_those_of_texts_without_the_first_and_of_the_first_alone),
        cmocka_unit_test(test_judge__a_reverse_order_takes_the_lowest_first),
        cmocka_unit_test(test_judge__blanks_have_the_mean_embedding),
        cmocka_unit_test(test_judge__orders_do_not_disturb_each_other),
        cmocka_unit_test(test_probe__the_last_symbol_alone_has_the_bits_that_it_has_among_all),
        cmocka_unit_test(test_judge__figures_are_means_of_five_falls),
        cmocka_unit_test(test_judge__a_source_of_nothing_is_refused),
        cmocka_unit_test(test_trust__tells_what_the_judges_found),
        cmocka_unit_test(test_trust__what_gains_more_is_recommended_first),
        cmocka_unit_test(test_faithful__figures_do_not_depend_on_threads),
        cmocka_unit_test(test_faithful__the_order_is_kept_beside_the_model),
        cmocka_unit_test(test_faithful__bad_input_is_told_with_its_line),
        cmocka_unit_test(test_faithful__can_be_stopped_and_judges_what_the_model_writes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
