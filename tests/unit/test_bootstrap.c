/* bootstrap: intervals and probabilities against what can be reckoned exactly, where a figure is the share of lines that are right. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "heed.h"
#include "metric/bootstrap.h"
#include "support/scratch.h"

enum { LINES = 200, DRAWS = 20000 };
enum { RIGHT, COUNTED, SUMS };

static double share(const void *of, const double *sums)
{
    (void)of;
    return sums[COUNTED] > 0 ? 100 * sums[RIGHT] / sums[COUNTED] : 0;
}

/* Lines [from, to) are right. */
static heed_sample sample_of(heed_counts *c, int lines, int from, int to)
{
    for (int i = 0; i < lines; i++)
        assert_int_equal(heed_counts_add(c, (double[]){i >= from && i < to, 1}, SUMS, NULL), HEED_OK);
    return (heed_sample){c, share, NULL};
}

/* P(X = k) of a sum of n steps, each +1 with probability up, -1 with down, else 0; k from -n at [0]. */
static void walk(int n, double up, double down, double *p)
{
    memset(p, 0, (size_t)(2 * n + 1) * sizeof *p);
    p[n] = 1;
    for (int step = 0; step < n; step++) {
        double before = 0;
        for (int k = n - step - 1; k <= n + step + 1; k++) {
            const double here = p[k], after = k < 2 * n ? p[k + 1] : 0;
            p[k] = before * up + here * (1 - up - down) + after * down;
            before = here;
        }
    }
}

/* P(|X| - centre >= gap), or the mean of |X| without a gap. */
static double beyond(const double *p, int n, double centre, double gap)
{
    double sum = 0;
    for (int k = 0; k <= 2 * n; k++)
        sum += gap < 0 ? p[k] * abs(k - n) : abs(k - n) - centre >= gap - 1e-9 ? p[k] : 0;
    return sum;
}

/* Five deviations of a share that was counted in DRAWS draws, and the one that is added to its count. */
static double error_of(double p) { return 5 * sqrt(p * (1 - p) / DRAWS) + 1.0 / DRAWS; }

static void p_is(double is, double expected, const char *which, int one, int other)
{
    if (fabs(is - expected) > error_of(expected))
        fail_msg("%s, %d against %d lines: p = %.5f, exactly %.5f", which, one, other, is, expected);
}

/* `better` lines that only the first system has right, `worse` that only the other has. */
static void compare_exactly(int better, int worse)
{
    static double p[2 * LINES + 1], a[DRAWS], b[DRAWS], drawn[2 * DRAWS];
    heed_counts one = {0}, other = {0};
    heed_sample samples[2];
    const heed_draws draws = {DRAWS, 7};
    const int gap = better > worse ? better - worse : worse - better;
    samples[0] = sample_of(&one, LINES, 0, 100 + better);
    for (int i = 0; i < LINES; i++)
        assert_int_equal(heed_counts_add(&other, (double[]){i < 100 || (i >= 100 + better && i < 100 + better + worse), 1}, SUMS, NULL), HEED_OK);
    samples[1] = (heed_sample){&other, share, NULL};

    assert_int_equal(heed_bootstrap_figures(samples, 2, &draws, drawn, NULL), HEED_OK);
    memcpy(a, drawn, sizeof a);
    memcpy(b, drawn + DRAWS, sizeof b);
    walk(LINES, (double)better / LINES, (double)worse / LINES, p);
    const double centre = beyond(p, LINES, 0, -1), beside_step = fabs(centre - floor(centre) - 0.5);
    assert_true(beside_step < 0.3);   /* what is centred is a mean of draws, within 5 sqrt(32 / DRAWS) of it: it must not leap over a step of |X| */
    p_is(heed_bootstrap_p(a, b, DRAWS, 100.0 * gap / LINES), beyond(p, LINES, centre, gap), "bootstrap", better, worse);

    double swapped;
    assert_int_equal(heed_randomisation_p(&samples[0], &samples[1], &draws, &swapped, NULL), HEED_OK);
    walk(better + worse, 0.5, 0.5, p);
    p_is(swapped, beyond(p, better + worse, 0, gap), "randomisation", better, worse);
    heed_counts_free(&one);
    heed_counts_free(&other);
}

static void test_p__is_what_can_be_reckoned_exactly(void **state)
{
    (void)state;
    compare_exactly(9, 17);
    compare_exactly(14, 12);
    compare_exactly(3, 1);
    compare_exactly(25, 16);
}

static void test_p__of_two_systems_that_write_the_same_is_one(void **state)
{
    (void)state;
    heed_counts c = {0};
    double x[2 * 100], p;
    const heed_sample two[2] = {sample_of(&c, 30, 0, 10), {&c, share, NULL}};
    assert_int_equal(heed_bootstrap_figures(two, 2, &(heed_draws){100, 1}, x, NULL), HEED_OK);
    assert_memory_equal(x, x + 100, 100 * sizeof *x);   /* drawn alike */
    assert_true(heed_bootstrap_p(x, x + 100, 100, 0) == 1);
    assert_int_equal(heed_randomisation_p(&two[0], &two[1], &(heed_draws){100, 1}, &p, NULL), HEED_OK);
    assert_true(p == 1);
    heed_counts_free(&c);
}

/* The share of n lines of which a quarter is right has the deviation sqrt(3 / 16 n); its quantiles are drawn with that of an order statistic, and lie on
 * steps of 100 / n. */
static void test_interval__is_that_of_the_binomial(void **state)
{
    (void)state;
    heed_counts c = {0};
    heed_interval is;
    const heed_sample s = sample_of(&c, 400, 0, 100);
    assert_int_equal(heed_bootstrap_interval(&s, &(heed_draws){DRAWS, 3}, &is, NULL), HEED_OK);
    const double deviation = 100 * sqrt(3.0 / 16 / 400), step = 100.0 / 400;
    const double quantile_error = 5 * sqrt(0.025 * 0.975 / DRAWS) / (0.05845 / deviation) + 2 * step;
    assert_true(fabs(is.mean - 25) < 5 * deviation / sqrt(DRAWS));
    assert_true(fabs(is.low - (25 - 1.95996 * deviation)) < quantile_error);
    assert_true(fabs(is.high - (25 + 1.95996 * deviation)) < quantile_error);
    heed_counts_free(&c);
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Against medians of the numbers of all drawn lines, written out; two numbers in each odd line. */
static void test_median__is_that_of_what_was_drawn(void **state)
{
    (void)state;
    enum { N = 11, LINES_OF = 7, MEDIANS = 200 };
    heed_of_line x[N];
    heed_interval is;
    double median, drawn[MEDIANS], all[2 * LINES_OF];
    int n = 0;
    for (int line = 0; line < LINES_OF; line++)
        for (int k = 0; k <= line % 2; k++) x[n++] = (heed_of_line){(line * 5 + 3 * k) % 11, line};
    for (int draw = 0; draw < MEDIANS; draw++) {
        int count = 0;
        for (uint64_t i = 0; i < LINES_OF; i++)
            for (int k = 0, line = (int)heed_below(heed_key(9, (uint64_t)draw), i, LINES_OF); k <= line % 2; k++) all[count++] = (line * 5 + 3 * k) % 11;
        qsort(all, (size_t)count, sizeof *all, by_size);
        drawn[draw] = (all[(count - 1) / 2] + all[count / 2]) / 2;
    }
    const heed_interval right = heed_interval_of(drawn, MEDIANS);
    assert_int_equal(heed_bootstrap_median(x, n, LINES_OF, &(heed_draws){MEDIANS, 9}, &median, &is, NULL), HEED_OK);
    assert_true(is.low == right.low && is.high == right.high && is.mean == right.mean);
    for (int i = 1; i < n; i++) assert_true(x[i - 1].x <= x[i].x);
    assert_true(n == 10 && median == (x[4].x + x[5].x) / 2);
    median = 0;
    assert_int_equal(heed_bootstrap_median(&(heed_of_line){7, 0}, 1, 1, &(heed_draws){MEDIANS, 9}, &median, &is, NULL), HEED_OK);
    assert_true(median == 7 && is.low == 7 && is.high == 7);
}

static void test_interval__is_a_function_of_the_seed(void **state)
{
    (void)state;
    heed_counts c = {0};
    heed_interval one, again, other;
    const heed_sample s = sample_of(&c, 77, 5, 40);
    assert_int_equal(heed_bootstrap_interval(&s, &(heed_draws){0, 3}, &one, NULL), HEED_OK);
    assert_int_equal(heed_bootstrap_interval(&s, &(heed_draws){1000, 3}, &again, NULL), HEED_OK);
    assert_int_equal(heed_bootstrap_interval(&s, &(heed_draws){1000, 4}, &other, NULL), HEED_OK);
    assert_memory_equal(&one, &again, sizeof one);
    assert_true(one.mean != other.mean);
    heed_counts_free(&c);
}

static void test_interval__without_lines_and_of_one_line_is_a_point(void **state)
{
    (void)state;
    heed_counts c = {0};
    heed_interval is;
    heed_sample s = {&c, share, NULL};
    assert_int_equal(heed_bootstrap_interval(&s, &(heed_draws){0, 3}, &is, NULL), HEED_OK);
    assert_true(is.mean == 0 && is.low == 0 && is.high == 0);
    s = sample_of(&c, 1, 0, 1);
    assert_int_equal(heed_bootstrap_interval(&s, &(heed_draws){10, 3}, &is, NULL), HEED_OK);
    assert_true(is.mean == 100 && is.low == 100 && is.high == 100);
    heed_counts_free(&c);
}

/* --- files ------------------------------------------------------------------------------------------------------------------------------ */

static const char *write_lines(const char *name, const char *even, const char *odd, int lines)
{
    heed_buf out = {0};
    for (int i = 0; i < lines; i++)
        heed_buf_printf(&out, "%d %s\n", i, i % 2 ? odd : even);
    const char *path = scratch_text(name, out.data);
    heed_buf_free(&out);
    return path;
}

static const char *const four_words = "b c d e";

static void test_compare__scores_each_system_as_score_does(void **state)
{
    (void)state;
    const char *reference = write_lines("r", four_words, four_words, 50);
    const char *systems[] = {write_lines("a", four_words, "b c e d", 50), write_lines("b", four_words, four_words, 50), write_lines("c", "b", "d e b c", 50)};
    heed_comparison *c;
    int count;
    heed_error err = {0};
    const heed_compare_options o = {.metrics = "chrf++ ter bleu", .samples = 200, .tokenize = "none"};
    if (heed_files_compare(&reference, 1, systems, 3, &o, &c, &count, &err)) fail_msg("%s", err.text);
    assert_int_equal(count, 9);
    for (int i = 0; i < count; i++) {
        heed_figure f;
        const heed_score_options how = {.tokenize = strcmp(c[i].metric, "bleu") ? NULL : "none"};
        assert_int_equal(c[i].system, i % 3);
        assert_int_equal(heed_files_score(c[i].metric, &reference, 1, systems[i % 3], &how, &f, NULL), HEED_OK);
        assert_true(c[i].value == f.value && c[i].low <= c[i].mean + 1e-9 && c[i].mean <= c[i].high + 1e-9);
        assert_true(c[i].difference == f.value - c[i - i % 3].value);
        assert_memory_equal(c[i].signature, f.signature, strlen(f.signature));
        assert_string_equal(c[i].signature + strlen(f.signature), "|bs:200|seed:12345");
    }
    assert_true(c[0].p == 1 && c[1].p < 0.01 && c[2].p < 0.01 && c[1].difference > 0 && c[2].difference < 0);
    heed_free(c);
}

static void refused(const char *const *systems, int count, const heed_compare_options *o, heed_status status, const char *text)
{
    const char *reference = scratch_path("r");
    heed_error err = {0};
    heed_comparison *c;
    int found;
    assert_int_equal(heed_files_compare(&reference, 1, systems, count, o, &c, &found, &err), status);
    if (!strstr(err.text, text)) fail_msg("no \"%s\" in: %s", text, err.text);
    assert_true(c == NULL && found == 0);
}

static void test_compare__refuses_what_cannot_be_compared(void **state)
{
    (void)state;
    write_lines("r", four_words, four_words, 20);
    const char *equal = write_lines("a", "b", "c", 20), *longer = write_lines("longer", "b", "c", 21), *bad = scratch_text("bad", "a\nb \xFF\n");
    const char *empty = scratch_text("none", "");
    refused((const char *[]){equal, longer}, 2, NULL, HEED_E_DATA, "ends after line 20, but ");
    refused((const char *[]){equal, longer}, 2, NULL, HEED_E_DATA, "longer goes on");
    refused((const char *[]){equal, bad}, 2, NULL, HEED_E_DATA, "bad: line 2: byte 0xFF at column 3");
    refused((const char *[]){equal, "nowhere"}, 2, NULL, HEED_E_DATA, "nowhere");
    refused((const char *[]){equal, empty}, 2, NULL, HEED_E_DATA, "none ends after line 0");
    refused((const char *[]){equal}, 1, NULL, HEED_E_USAGE, "1 systems; from 2");
    refused((const char *[]){"-", "-"}, 2, NULL, HEED_E_USAGE, "standard input can be read once only");
    refused((const char *[]){equal, equal}, 2, &(heed_compare_options){.metrics = "blue"}, HEED_E_USAGE, "unknown metric \"blue\"");
    refused((const char *[]){equal, equal}, 2, &(heed_compare_options){.metrics = " "}, HEED_E_USAGE, "no metric");
    refused((const char *[]){equal, equal}, 2, &(heed_compare_options){.metrics = "ter wer", .tokenize = "13a"}, HEED_E_USAGE, "ter takes no tokeniser");
    refused((const char *[]){equal, equal}, 2, &(heed_compare_options){.metrics = "wer", .smooth = "exp"}, HEED_E_USAGE, "wer takes no smoothing");
    refused((const char *[]){equal, equal}, 2, &(heed_compare_options){.samples = -1}, HEED_E_USAGE, "samples");
}

/* 400,000 words beside as many others: the beam alone would hold 21 million numbers. */
static void test_score__names_the_line_that_is_too_long_to_compare(void **state)
{
    (void)state;
    enum { LONG = 400000 };
    heed_buf one = {0}, other = {0};
    heed_buf_text(&one, "short\n");
    heed_buf_text(&other, "short\n");
    for (int i = 0; i < LONG; i++) {
        heed_buf_text(&one, "a ");
        heed_buf_text(&other, "b ");
    }
    const char *reference = scratch_text("r", other.data);
    heed_figure f;
    heed_error err = {0};
    assert_int_equal(heed_files_score("ter", &reference, 1, scratch_text("h", one.data), NULL, &f, &err), HEED_E_LIMIT);
    assert_non_null(strstr(err.text, "h: line 2: lines of 400000 and 400000 words are too long"));
    heed_buf_free(&one);
    heed_buf_free(&other);
}

typedef struct seen { double value[8]; int count; } seen;

static void see(void *user, double value)
{
    seen *s = user;
    s->value[s->count++] = value;
}

static void test_score__gives_the_figure_of_each_line(void **state)
{
    (void)state;
    seen s = {0};
    heed_figure f;
    const char *reference = scratch_text("r", "a b c d\na b c d\na b c d\n");
    assert_int_equal(heed_files_score("ter", &reference, 1, scratch_text("h", "a b c d\nc d a b\n\n"), &(heed_score_options){.line = see, .user = &s}, &f, NULL),
                     HEED_OK);
    assert_int_equal(s.count, 3);
    assert_true(s.value[0] == 0 && s.value[1] == 25 && s.value[2] == 100 && fabs(f.value - 125.0 / 3) < 1e-12);   /* a run moved is one edit */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_p__is_what_can_be_reckoned_exactly),
        cmocka_unit_test(test_p__of_two_systems_that_write_the_same_is_one),
        cmocka_unit_test(test_interval__is_that_of_the_binomial),
        cmocka_unit_test(test_median__is_that_of_what_was_drawn),
        cmocka_unit_test(test_interval__is_a_function_of_the_seed),
        cmocka_unit_test(test_interval__without_lines_and_of_one_line_is_a_point),
        cmocka_unit_test(test_compare__scores_each_system_as_score_does),
        cmocka_unit_test(test_compare__refuses_what_cannot_be_compared),
        cmocka_unit_test(test_score__names_the_line_that_is_too_long_to_compare),
        cmocka_unit_test(test_score__gives_the_figure_of_each_line),
    };
    return cmocka_run_group_tests_name("bootstrap", tests, NULL, NULL);
}
