/* metric: every metric against the figures of sacreBLEU and jiwer (tests/golden/make_metrics.py), and what those do not say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "metric/metric.h"
#include "metric/rate.h"
#include "base/tokenize.h"

static const char *const all_metrics[] = {
#define HEED_METRIC(id, name, help) name,
#include "metric/metrics.def"
#undef HEED_METRIC
};
enum { METRICS = sizeof all_metrics / sizeof all_metrics[0] };

static heed_metric *make(const char *name, bool lower, const char *tokenize)
{
    heed_error err = {0};
    heed_metric *m = heed_metric_new(name, &(heed_metric_options){.lower = lower, .tokenize = tokenize}, &err);
    if (!m)
        fail_msg("%s: %s", name, err.text);
    return m;
}

static double score_one(const char *name, const char *hypothesis, const char *const *references, int count)
{
    heed_error err = {0};
    heed_metric *m = make(name, false, NULL);
    assert_int_equal(heed_metric_add(m, hypothesis, references, count, &err), HEED_OK);
    double value = heed_metric_value(m);
    heed_metric_free(m);
    return value;
}

static double score_pair(const char *name, const char *hypothesis, const char *reference)
{
    return score_one(name, hypothesis, &reference, 1);
}

/* --- golden figures ------------------------------------------------------------------------------------------------------------- */
static FILE *open_golden(const char *file, const char *ending)
{
    char path[256];
    snprintf(path, sizeof path, "tests/golden/metrics/%s%s", file, ending);
    FILE *f = fopen(path, "r");
    if (!f)
        fail_msg("%s cannot be read; tests run in the source folder", path);
    return f;
}

static void score_file(heed_metric *m, const char *file, int references)
{
    FILE *f = open_golden(file, ".tsv");
    char line[4096];
    heed_error err = {0};
    while (fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = 0;
        char *field[3] = {line};
        for (int i = 1; i < 3; i++) {
            field[i] = strchr(field[i - 1], '\t');
            assert_non_null(field[i]);
            *field[i]++ = 0;
        }
        if (heed_metric_add(m, field[0], (const char *const *)&field[1], references, &err))
            fail_msg("%s", err.text);
    }
    fclose(f);
}

static void test_metric__agrees_with_sacrebleu_and_jiwer(void **state)
{
    (void)state;
    FILE *f = open_golden("expected", ".tsv");
    char file[16], name[16], letters[16], tok[16];
    int references, rows = 0, seen[METRICS] = {0};
    double expected;
    while (fscanf(f, "%15s %15s %15s %15s %d %lf", file, name, letters, tok, &references, &expected) == 6) {
        heed_metric *m = make(name, strcmp(letters, "lc") == 0, strcmp(tok, "-") == 0 ? NULL : tok);
        score_file(m, file, references);
        if (fabs(heed_metric_value(m) - expected) > 1e-6)
            fail_msg("%s %s %s %s, %d references: %.9f, expected %.9f", file, name, letters, tok, references, heed_metric_value(m), expected);
        heed_metric_free(m);
        for (int i = 0; i < METRICS; i++)
            seen[i] += strcmp(name, all_metrics[i]) == 0;
        rows++;
    }
    assert_true(feof(f));
    fclose(f);
    assert_true(rows >= 100);
    for (int i = 0; i < METRICS; i++)
        assert_true(seen[i] > 0 || strncmp(all_metrics[i], "rouge", 5) == 0);   /* those: test_rouge.c */
}

/* --- what golden files do not say ----------------------------------------------------------------------------------------------- */
static void test_metric__a_perfect_hypothesis_gets_the_best_figure(void **state)
{
    (void)state;
    const char *line = "five words stand in here";
    for (int i = 0; i < METRICS; i++) {
        heed_metric *m = make(all_metrics[i], false, NULL);
        double best = heed_metric_higher_is_better(m) ? 100 : 0;
        heed_metric_free(m);
        assert_true(fabs(score_pair(all_metrics[i], line, line) - best) < 1e-9);
        assert_true(fabs(score_pair(all_metrics[i], "", line) - (100 - best)) < 1e-9);
    }
}

static void test_metric__nothing_scored_is_a_number(void **state)
{
    (void)state;
    for (int i = 0; i < METRICS; i++) {
        heed_metric *m = make(all_metrics[i], false, NULL);
        assert_true(heed_metric_value(m) == 0);
        assert_true(isfinite(score_pair(all_metrics[i], "", "")));
        heed_metric_free(m);
    }
}

static void test_wer__counts_phones_between_any_white_space(void **state)
{
    (void)state;
    assert_true(fabs(score_pair("wer", "HH AH L  OW\t| W ER D", "HH AH L OW | W ER L D") - 100.0 / 9) < 1e-9);
    assert_true(score_pair("wer", "AB C", "A BC") == 100);
}

static void test_wer__takes_the_reference_with_the_fewest_edits(void **state)
{
    (void)state;
    const char *references[] = {"a b c d", "a b x", "a b"};
    assert_true(score_one("wer", "a b", references, 3) == 0);
    const char *equal[] = {"a b c", "a b c d"};
    assert_true(score_one("wer", "a b c x", equal, 2) == 25);
}

static void test_wer__references_without_words_make_any_word_all_wrong(void **state)
{
    (void)state;
    assert_true(score_pair("wer", "a b c", " ") == 100);
    assert_true(score_pair("cer", "abc", "") == 100);
}

static void test_accuracy__any_reference_may_match_and_spaces_count(void **state)
{
    (void)state;
    const char *references[] = {"T AH M EY T OW", "T AH M AA T OW"};
    assert_true(score_one("accuracy", "T AH M AA T OW", references, 2) == 100);
    assert_true(score_pair("accuracy", "a b ", "a b") == 0);
}

static int64_t slow_distance(const int32_t *a, int n, const int32_t *b, int m)
{
    int64_t d[41][41];
    for (int i = 0; i <= n; i++) {
        for (int j = 0; j <= m; j++) {
            if (i == 0 || j == 0) {
                d[i][j] = i + j;
                continue;
            }
            int64_t least = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            least = d[i - 1][j] + 1 < least ? d[i - 1][j] + 1 : least;
            d[i][j] = d[i][j - 1] + 1 < least ? d[i][j - 1] + 1 : least;
        }
    }
    return d[n][m];
}

static void test_rate__the_band_finds_the_distance_of_the_full_table(void **state)
{
    (void)state;
    heed_rate rate = {0};
    int32_t x[40], y[40];
    uint32_t seed = 1;
    for (int round = 0; round < 3000; round++) {
        heed_codes a = {.x = x}, b = {.x = y};
        a.n = (seed = seed * 1664525u + 1013904223u) >> 26 & 31;
        b.n = (seed = seed * 1664525u + 1013904223u) >> 26 & 31;
        int letters = 1 + round % 5;
        for (int i = 0; i < 40; i++) {
            x[i] = (int32_t)((seed = seed * 1664525u + 1013904223u) >> 24) % letters;
            y[i] = (int32_t)((seed = seed * 1664525u + 1013904223u) >> 24) % letters;
        }
        int64_t edits = -1;
        assert_int_equal(heed_rate_distance(&rate, &a, &b, &edits, NULL), HEED_OK);
        assert_int_equal(edits, slow_distance(x, (int)a.n, y, (int)b.n));
    }
    heed_codes_free(&rate.row);
}

static void test_cer__lines_of_a_million_characters_with_few_edits_are_quick(void **state)
{
    (void)state;
    const size_t size = 1000000;
    char *a = malloc(size + 1), *b = malloc(size + 1);
    for (size_t i = 0; i < size; i++)
        a[i] = b[i] = (char)('a' + i * i % 23);
    a[size] = b[size] = 0;
    b[10] = b[size / 2] = b[size - 10] = 'Z';
    assert_true(fabs(score_pair("cer", a, b) - 100 * 3e-6) < 1e-12);
    free(a);
    free(b);
}

static void test_cer__two_long_lines_without_likeness_are_refused(void **state)
{
    (void)state;
    heed_codes a = {0}, b = {0};
    heed_rate rate = {0};
    heed_error err = {0};
    int64_t edits;
    assert_true(heed_codes_zeros(&a, 1000000) && heed_codes_zeros(&b, 500000));
    a.x[0] = a.x[999999] = 1;
    assert_int_equal(heed_rate_distance(&rate, &a, &b, &edits, &err), HEED_E_LIMIT);
    heed_codes_free(&a);
    heed_codes_free(&b);
    heed_codes_free(&rate.row);
}

/* --- the door ------------------------------------------------------------------------------------------------------------------- */
static void signature_is(const char *name, bool lower, const char *tokenize, int references, const char *expected)
{
    const char *lines[] = {"a", "b", "c"};
    heed_buf out = {0};
    heed_metric *m = make(name, lower, tokenize);
    for (int i = 0; i < (references < 0 ? 2 : 1); i++)
        assert_int_equal(heed_metric_add(m, "a", lines, references < 0 ? i + 1 : references, NULL), HEED_OK);
    heed_metric_signature(m, &out);
    assert_string_equal(out.data, expected);
    heed_buf_free(&out);
    heed_metric_free(m);
}

static void test_metric__signs_its_settings(void **state)
{
    (void)state;
    signature_is("bleu", true, NULL, 1, "nrefs:1|case:lc|eff:no|tok:13a|smooth:exp|heed:1");
    signature_is("bleu", false, "char", 3, "nrefs:3|case:mixed|eff:no|tok:char|smooth:exp|heed:1");
    signature_is("bleu-words", false, NULL, 1, "nrefs:1|case:mixed|eff:no|tok:words|smooth:exp|heed:1");
    signature_is("chrf++", false, NULL, 1, "nrefs:1|case:mixed|eff:yes|nc:6|nw:2|space:no|heed:1");
    signature_is("ter", false, NULL, 1, "nrefs:1|case:lc|tok:tercom|norm:no|punct:yes|asian:no|heed:1");
    signature_is("chrf", false, NULL, -1, "nrefs:var|case:mixed|eff:yes|nc:6|nw:0|space:no|heed:1");
    signature_is("wer", false, NULL, 1, "nrefs:1|case:mixed|unit:word|heed:1");
    signature_is("cer", true, NULL, 1, "nrefs:1|case:lc|unit:character|heed:1");
    signature_is("accuracy", false, NULL, 2, "nrefs:2|case:mixed|unit:line|heed:1");
}

static void test_metric__refuses_what_it_does_not_know(void **state)
{
    (void)state;
    heed_error err = {0};
    assert_null(heed_metric_new("blue", NULL, &err));
    assert_int_equal(err.status, HEED_E_USAGE);
    assert_string_equal(err.text, "unknown metric \"blue\"; expected one of: bleu bleu-words chrf chrf++ ter wer cer accuracy rouge1 rouge2 rougeL rougeLsum "
                                  "rouge1-stem rouge2-stem rougeL-stem rougeLsum-stem");
    assert_null(heed_metric_new("bleu", &(heed_metric_options){.tokenize = "14a"}, &err));
    assert_string_equal(err.text, "unknown tokeniser \"14a\" for bleu; expected one of: 13a none char intl zh words");
    assert_null(heed_metric_new("wer", &(heed_metric_options){.tokenize = "13a"}, &err));
    assert_int_equal(err.status, HEED_E_USAGE);
    assert_null(heed_metric_new("bleu", &(heed_metric_options){.smooth = "flour"}, &err));
    assert_string_equal(err.text, "unknown smoothing \"flour\" for bleu; expected one of: exp floor add-k none");
    assert_null(heed_metric_new("chrf", &(heed_metric_options){.smooth = "exp"}, &err));
    assert_string_equal(err.text, "chrf takes no smoothing; bleu does");
    assert_false(heed_metric_known("blue"));
    assert_true(heed_metric_known("cer"));
}

static void test_metric__names_the_side_and_byte_that_is_not_text(void **state)
{
    (void)state;
    heed_error err = {0};
    heed_metric *m = make("bleu", false, NULL);
    const char *references[] = {"fine", "\xC3\xA9t\xC3"};
    assert_int_equal(heed_metric_add(m, "fine", references, 2, &err), HEED_E_DATA);
    assert_string_equal(err.text, "reference 2: byte 0xC3 at column 3 is not UTF-8");
    assert_int_equal(heed_metric_add(m, "fine", references, 0, &err), HEED_E_USAGE);
    heed_metric_free(m);
}

static void tokens_are(const char *name, const char *text, const char *expected)
{
    heed_codes codes = {0}, spare = {0}, wanted = {0}, words = {0}, wanted_words = {0};
    heed_intern intern = {0};
    assert_int_equal(heed_codes_read(&codes, text, false, NULL), HEED_OK);
    assert_int_equal(heed_codes_read(&wanted, expected, false, NULL), HEED_OK);
    assert_true(heed_tokenize(name, &codes, &spare));
    assert_true(heed_intern_words(&intern, &codes, &words));
    assert_true(heed_intern_words(&intern, &wanted, &wanted_words));
    assert_int_equal(words.n, wanted_words.n);
    assert_memory_equal(words.x, wanted_words.x, (size_t)words.n * sizeof(int32_t));
    heed_codes_free(&codes);
    heed_codes_free(&spare);
    heed_codes_free(&wanted);
    heed_codes_free(&words);
    heed_codes_free(&wanted_words);
    heed_intern_free(&intern);
}

static void test_tokenize__as_sacrebleu_does(void **state)
{
    (void)state;
    tokens_are("13a", "It's 1,234.5 (about 10%), e.g. a-b 3-4 &quot;x&quot;.", "It's 1,234.5 ( about 10 % ) , e . g . a-b 3 - 4 \" x \" .");
    tokens_are("13a", "end-\nless \n<skipped>..", "endless . .");
    tokens_are("none", "It's (so).", "It's (so).");
    tokens_are("char", "a b!", "a b !");
    tokens_are("intl", "1,5 a,b 2.", "1,5 a , b 2.");
    tokens_are("zh", "\xE2\x80\xA8.5 x", ".5 x");
    tokens_are("zh", "\xE4\xB8\xAD\xE6\x96\x87 ok.", "\xE4\xB8\xAD \xE6\x96\x87 ok .");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_metric__agrees_with_sacrebleu_and_jiwer),
        cmocka_unit_test(test_metric__a_perfect_hypothesis_gets_the_best_figure),
        cmocka_unit_test(test_metric__nothing_scored_is_a_number),
        cmocka_unit_test(test_wer__counts_phones_between_any_white_space),
        cmocka_unit_test(test_wer__takes_the_reference_with_the_fewest_edits),
        cmocka_unit_test(test_wer__references_without_words_make_any_word_all_wrong),
        cmocka_unit_test(test_accuracy__any_reference_may_match_and_spaces_count),
        cmocka_unit_test(test_rate__the_band_finds_the_distance_of_the_full_table),
        cmocka_unit_test(test_cer__lines_of_a_million_characters_with_few_edits_are_quick),
        cmocka_unit_test(test_cer__two_long_lines_without_likeness_are_refused),
        cmocka_unit_test(test_metric__signs_its_settings),
        cmocka_unit_test(test_metric__refuses_what_it_does_not_know),
        cmocka_unit_test(test_metric__names_the_side_and_byte_that_is_not_text),
        cmocka_unit_test(test_tokenize__as_sacrebleu_does),
    };
    return cmocka_run_group_tests_name("metric", tests, NULL, NULL);
}
