/* rouge: every metric of the family against the figures of rouge-score (tests/golden/make_rouge.py), its stems against NLTK's, its longest common
 * subsequences against the whole table, and what those do not say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "data/lines.h"
#include "metric/lcs.h"
#include "metric/metric.h"
#include "metric/stem.h"

#define GOLDEN "tests/golden/rouge/"

static const char *const all_metrics[] = {
#define HEED_METRIC(id, name, help) name,
#include "metric/metrics.def"
#undef HEED_METRIC
};
enum { METRICS = sizeof all_metrics / sizeof all_metrics[0] };

static heed_metric *make(const char *name, const char *tokenize)
{
    heed_error err = {0};
    heed_metric *m = heed_metric_new(name, &(heed_metric_options){.tokenize = tokenize}, &err);
    if (!m) fail_msg("%s: %s", name, err.text);
    return m;
}

static double score(const char *name, const char *tokenize, const char *hypothesis, const char *reference)
{
    heed_error err = {0};
    heed_metric *m = make(name, tokenize);
    if (heed_metric_add(m, hypothesis, &reference, 1, &err)) fail_msg("%s: %s", name, err.text);
    const double value = heed_metric_value(m);
    heed_metric_free(m);
    return value;
}

static bool near(double a, double b) { return fabs(a - b) < 1e-9; }

/* --- golden figures --------------------------------------------------------------------------------------------------------------------------- */

static void score_file(heed_metric *m, const char *file, int references)
{
    char path[128], *text;
    size_t size;
    heed_error err = {0};
    snprintf(path, sizeof path, GOLDEN "%s.tsv.gz", file);
    heed_lines *lines = heed_lines_open(path, &err);
    if (!lines) fail_msg("%s; tests run in the source folder", err.text);
    for (bool end = false; heed_lines_next(lines, &text, &size, &end, &err) == HEED_OK && !end;) {
        char *field[3] = {text};
        for (int i = 1; i < 3; i++) {
            field[i] = strchr(field[i - 1], '\t');
            assert_non_null(field[i]);
            *field[i]++ = 0;
        }
        if (heed_metric_add(m, field[0], (const char *const *)&field[1], references, &err)) fail_msg("%s", err.text);
    }
    assert_int_equal(err.status, HEED_OK);
    assert_true(heed_lines_number(lines) >= 1000);
    heed_lines_close(lines);
}

static void test_rouge__agrees_with_rouge_score(void **state)
{
    (void)state;
    FILE *f = fopen(GOLDEN "expected.tsv", "r");
    assert_non_null(f);
    char file[16], name[16], tok[16];
    int references, rows = 0, seen[METRICS] = {0};
    double f1, precision, recall, own[2];
    while (fscanf(f, "%15s %15s %15s %d %lf %lf %lf", file, name, tok, &references, &f1, &precision, &recall) == 7) {
        heed_metric *m = make(name, tok);
        score_file(m, file, references);
        assert_true(heed_metric_sides(m, &own[0], &own[1]));
        if (!near(heed_metric_value(m), f1) || !near(own[0], precision) || !near(own[1], recall))
            fail_msg("%s %s %s, %d references: %.9f %.9f %.9f, expected %.9f %.9f %.9f", file, name, tok, references, heed_metric_value(m), own[0], own[1],
                     f1, precision, recall);
        heed_metric_free(m);
        for (int i = 0; i < METRICS; i++) seen[i] += strcmp(name, all_metrics[i]) == 0;
        rows++;
    }
    assert_true(feof(f));
    fclose(f);
    assert_int_equal(rows, 64);
    for (int i = 0; i < METRICS; i++) assert_true((strncmp(all_metrics[i], "rouge", 5) == 0) == (seen[i] > 0));
}

static void stem_is(const char *word, const char *stem)
{
    int32_t x[64];
    char own[64] = "";
    for (size_t i = 0; i < strlen(word); i++) x[i] = word[i];
    const int64_t n = heed_stem(x, (int64_t)strlen(word));
    for (int64_t i = 0; i < n; i++) own[i] = (char)x[i];
    own[n] = 0;
    assert_string_equal(own, stem);
}

static void test_stem__cuts_as_nltk_does(void **state)
{
    (void)state;
    stem_is("relational", "relat");
    stem_is("flies", "fli");
    stem_is("dies", "die");
    stem_is("enjoyed", "enjoy");
    stem_is("hopping", "hop");
    stem_is("hoping", "hope");
    stem_is("news", "news");
    stem_is("skies", "sky");
    stem_is("theology", "theolog");
    stem_is("additionally", "addit");
    stem_is("aging", "age");
    stem_is("by", "by");
    stem_is("syzygy", "syzygi");
    stem_is("yyyyyyyy", "yyyyyyyi");
}

static void test_stem__equals_nltk_on_the_words_of_the_dictionary(void **state)
{
    (void)state;
    FILE *f = fopen(GOLDEN "stems.tsv", "r");
    long expected;
    char digest[65] = "", own[65], before[64] = "", *text;
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%ld %64s", &expected, digest), 2);
    fclose(f);
    heed_lines *lines = heed_lines_open("data/cmudict/cmudict.tsv.gz", NULL);
    assert_non_null(lines);
    heed_buf stems = {0};
    size_t size;
    long words = 0;
    for (bool end = false; heed_lines_next(lines, &text, &size, &end, NULL) == HEED_OK && !end;) {
        int32_t x[64];
        const size_t n = strcspn(text, "\t");
        assert_true(n < 64);
        text[n] = 0;
        if (n < 4 || strspn(text, "abcdefghijklmnopqrstuvwxyz") < n || strcmp(text, before) == 0) continue;
        memcpy(before, text, n + 1);
        for (size_t i = 0; i < n; i++) x[i] = text[i];
        const int64_t left = heed_stem(x, (int64_t)n);
        for (int64_t i = 0; i < left; i++) heed_buf_char(&stems, (char)x[i]);
        heed_buf_char(&stems, '\n');
        words++;
    }
    heed_lines_close(lines);
    heed_sha256(own, stems.data, stems.size);
    heed_buf_free(&stems);
    assert_int_equal(words, expected);
    assert_string_equal(own, digest);
}

/* --- longest common subsequences -------------------------------------------------------------------------------------------------------------- */

enum { MOST = 700 };
typedef struct table { int32_t at[MOST + 1][MOST + 1]; } table;

static void fill(table *t, const int32_t *y, int n, const int32_t *x, int m)
{
    memset(t, 0, sizeof *t);
    for (int i = 1; i <= n; i++)
        for (int j = 1; j <= m; j++) {
            const int32_t up = t->at[i - 1][j], left = t->at[i][j - 1];
            t->at[i][j] = y[i - 1] == x[j - 1] ? t->at[i - 1][j - 1] + 1 : up > left ? up : left;
        }
}

static void walk(const table *t, const int32_t *y, int n, const int32_t *x, int m, bool *on)
{
    memset(on, 0, (size_t)n * sizeof *on);
    for (int i = n, j = m; i > 0 && j > 0;) {
        if (y[i - 1] == x[j - 1]) {
            on[--i] = true;
            j--;
        } else if (t->at[i][j - 1] > t->at[i - 1][j]) {
            j--;
        } else {
            i--;
        }
    }
}

static void test_lcs__finds_what_the_whole_table_finds(void **state)
{
    (void)state;
    static table t;
    static int32_t x[MOST], y[MOST];
    static bool on[MOST], expected[MOST];
    const int most[] = {1, 7, 40, 64, 65, 128, 129, 200, MOST};
    uint32_t seed = 1;
    heed_lcs lcs = {0};
    for (int round = 0; round < 900; round++) {
        const int longest = most[round % 9], symbols = 1 + (round / 9) % 25 * (1 + round % 7);
        const int n = 1 + (int)((seed = seed * 1664525u + 1013904223u) >> 8) % longest, m = 1 + (int)((seed = seed * 1664525u + 1013904223u) >> 8) % longest;
        for (int i = 0; i < n; i++) y[i] = (int32_t)((seed = seed * 1664525u + 1013904223u) >> 8) % symbols;
        for (int i = 0; i < m; i++) x[i] = (int32_t)((seed = seed * 1664525u + 1013904223u) >> 8) % symbols;
        fill(&t, y, n, x, m);
        walk(&t, y, n, x, m, expected);
        int64_t length = -1;
        assert_true(heed_lcs_index(&lcs, x, m, symbols) && heed_lcs_length(&lcs, y, n, &length));
        assert_int_equal(length, t.at[n][m]);
        memset(on, 0, sizeof on);
        assert_true(heed_lcs_path(&lcs, y, n, on));
        assert_memory_equal(on, expected, (size_t)n * sizeof *on);
    }
    heed_lcs_free(&lcs);
}

/* "3 1 4 1 ..." : digits in an order that does not repeat, as many as there is room for. */
static char *long_line(int64_t words, uint32_t seed)
{
    char *text = malloc((size_t)words * 2 + 1);
    for (int64_t i = 0; i < words; i++) {
        text[2 * i] = (char)('0' + ((seed = seed * 1664525u + 1013904223u) >> 24) % 10);
        text[2 * i + 1] = ' ';
    }
    text[words * 2] = 0;
    return text;
}

static void test_rouge__lines_of_many_words_are_quick_in_small_memory(void **state)
{
    (void)state;
    char *a = long_line(40000, 1), *b = long_line(40000, 2);   /* the whole table: 6.4 GB */
    assert_true(near(score("rougeL", NULL, a, b), score("rougeLsum", NULL, a, b)));   /* of one sentence against one, the two are the same */
    memcpy(b, a, strlen(a));
    b[0] = b[40000] = b[79998] = 'x';
    assert_true(near(score("rougeL", NULL, b, a), 100 * 39997.0 / 40000));
    assert_true(near(score("rougeLsum", NULL, b, a), 100 * 39997.0 / 40000));
    free(a);
    free(b);
}

static void test_rouge__lines_too_long_to_compare_are_refused(void **state)
{
    (void)state;
    char *a = long_line(2000000, 1);
    const char *const *reference = (const char *const *)&a;
    for (int i = 0; i < 2; i++) {
        heed_error err = {0};
        heed_metric *m = make(i ? "rougeLsum" : "rougeL", NULL);
        assert_int_equal(heed_metric_add(m, a, reference, 1, &err), HEED_E_LIMIT);
        assert_string_equal(err.text, "lines of 2000000 and 2000000 words are too long to compare");
        heed_metric_free(m);
    }
    assert_true(near(score("rouge2", NULL, a, a), 100));
    free(a);
}

/* --- what golden files do not say ------------------------------------------------------------------------------------------------------------- */

static void test_rougeLsum__a_backslash_and_n_end_a_sentence(void **state)
{
    (void)state;
    assert_true(near(score("rougeLsum", NULL, "b c\\na", "a\\nb c"), 100));
    assert_true(near(score("rougeLsum", NULL, "b c\na", "a\\nb c"), 100));   /* of a field that was read by other means */
    assert_true(near(score("rougeLsum", NULL, "b c a", "a b c"), 200.0 / 3));
    assert_true(near(score("rougeL", NULL, "b c\\na", "a\\nb c"), 200.0 / 3));
    assert_true(near(score("rouge1", NULL, "one\\nnine", "one nine"), 100));
    assert_true(near(score("rouge1", NULL, "one\\\\nine", "one nine"), 100));   /* a backslash itself */
}

static void test_rouge__the_default_sees_no_words_but_in_latin_letters(void **state)
{
    (void)state;
    assert_true(near(score("rouge1", NULL, "мир", "мир"), 0));
    assert_true(near(score("rouge1", "unicode", "мир", "Мир"), 100));
    assert_true(near(score("rouge1", NULL, "na ve", "naïve"), 100));
    assert_true(near(score("rouge1", "unicode", "na ve", "naïve"), 0));
    assert_true(near(score("rouge1", "unicode", "中文", "文"), 200.0 / 3));      /* a letter is a word */
    assert_true(near(score("rouge1", "unicode", "น้ำ", "น้"), 200.0 / 3));       /* with its marks */
    assert_true(near(score("rouge1", "unicode", "한국어", "한국"), 0));
}

static void test_rouge__a_line_without_words_counts_as_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < METRICS; i++)
        if (strncmp(all_metrics[i], "rouge", 5) == 0) {
            assert_true(near(score(all_metrics[i], NULL, "", ""), 0));
            assert_true(near(score(all_metrics[i], NULL, "...", "\\n\\n"), 0));
        }
    assert_true(near(score("rouge2", NULL, "one", "one"), 0));   /* no pair of words */
}

static void test_rouge__signs_its_settings(void **state)
{
    (void)state;
    const char *const signatures[][3] = {
        {"rouge1", NULL, "nrefs:1|case:lc|tok:rouge|stem:no|mean:f1|heed:1"},
        {"rougeLsum-stem", "unicode", "nrefs:1|case:lc|tok:unicode|stem:porter|split:newline|mean:f1|heed:1"},
    };
    for (int i = 0; i < 2; i++) {
        heed_buf out = {0};
        heed_metric *m = make(signatures[i][0], signatures[i][1]);
        const char *reference = "a";
        assert_int_equal(heed_metric_add(m, "a", &reference, 1, NULL), HEED_OK);
        heed_metric_signature(m, &out);
        assert_string_equal(out.data, signatures[i][2]);
        heed_buf_free(&out);
        heed_metric_free(m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rouge__agrees_with_rouge_score),
        cmocka_unit_test(test_stem__cuts_as_nltk_does),
        cmocka_unit_test(test_stem__equals_nltk_on_the_words_of_the_dictionary),
        cmocka_unit_test(test_lcs__finds_what_the_whole_table_finds),
        cmocka_unit_test(test_rouge__lines_of_many_words_are_quick_in_small_memory),
        cmocka_unit_test(test_rouge__lines_too_long_to_compare_are_refused),
        cmocka_unit_test(test_rougeLsum__a_backslash_and_n_end_a_sentence),
        cmocka_unit_test(test_rouge__the_default_sees_no_words_but_in_latin_letters),
        cmocka_unit_test(test_rouge__a_line_without_words_counts_as_nothing),
        cmocka_unit_test(test_rouge__signs_its_settings),
    };
    return cmocka_run_group_tests_name("rouge", tests, NULL, NULL);
}
