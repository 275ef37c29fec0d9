/* Intervals of a model's figures: the bootstrap of heed_eval against that of the same outputs, counted by hand. */
#include "unit/evaluations.h"

static double loss_of(const void *of, const double *sums)
{
    (void)of;
    return sums[0] / sums[1];
}

/* The interval over records whose length is in [from, to], by what was counted of each. */
static heed_interval expected_interval(const corpus *c, bool loss, int64_t from, int64_t to, const heed_draws *draws)
{
    heed_counts counts = {0};
    heed_interval around;
    heed_metric *m = heed_metric_new("wer", NULL, NULL);
    for (int i = 0; i < RECORDS; i++) {
        const int64_t n = (int64_t)strlen(c->source[i]);
        const char *reference = c->reference[i];
        int width;
        if (n < from || n > to) continue;
        assert_int_equal(heed_metric_add(m, c->written[i], &reference, 1, NULL), HEED_OK);
        const double surprise[] = {-c->logp[i], (double)c->symbols[i]}, *sums = heed_metric_sums(m, &width);
        assert_int_equal(heed_counts_add(&counts, loss ? surprise : sums, loss ? 2 : width, NULL), HEED_OK);
    }
    const heed_sample s = {&counts, loss ? loss_of : heed_figure_of_metric, m};
    assert_int_equal(heed_bootstrap_interval(&s, draws, &around, NULL), HEED_OK);
    heed_counts_free(&counts);
    heed_metric_free(m);
    return around;
}

static void expect_interval(const figures *x, const char *name, heed_interval around)
{
    const heed_figure *f = figure(x, name);
    if (f->low != around.low || f->high != around.high)
        fail_msg("%s: %.17g to %.17g, expected %.17g to %.17g", name, f->low, f->high, around.low, around.high);
    assert_true(f->interval && f->low < f->high && f->low <= f->value && f->value <= f->high);
}

static void test_intervals__are_those_of_the_records_of_each_bin(void **state)
{
    (void)state;
    figures x;
    const corpus *c = make();
    heed_eval_options o = two_files(c);
    o.metrics = "wer loss perplexity";
    o.edges = (const int64_t[]){6};
    o.edge_count = 1;
    o.intervals = true;
    o.samples = 200;
    o.seed = 7;
    const heed_draws draws = {200, 7};
    assert_int_equal(evaluate(&x, &o), HEED_OK);
    static const struct { const char *bin; int64_t from, to; } bins[] = {{"", 0, 99}, {" 1-6", 1, 6}, {" 7-", 7, 99}};
    for (int i = 0; i < 3; i++) {
        char name[40];
        snprintf(name, sizeof name, "wer%s", bins[i].bin);
        expect_interval(&x, name, expected_interval(c, false, bins[i].from, bins[i].to, &draws));
        snprintf(name, sizeof name, "loss%s", bins[i].bin);
        const heed_interval loss = expected_interval(c, true, bins[i].from, bins[i].to, &draws);
        expect_interval(&x, name, loss);
        snprintf(name, sizeof name, "perplexity%s", bins[i].bin);
        expect_interval(&x, name, (heed_interval){0, exp(loss.low), exp(loss.high)});
    }
    assert_non_null(strstr(figure(&x, "wer 7-")->signature, "|bs:200|seed:7"));
    heed_free(x.f);
}

static void test_intervals__follow_from_the_seed_and_are_none_when_not_asked(void **state)
{
    (void)state;
    figures x, y, z;
    heed_eval_options o = two_files(make());
    o.metrics = "wer";
    assert_int_equal(evaluate(&x, &o), HEED_OK);
    assert_false(x.f[0].interval);
    assert_null(strstr(x.f[0].signature, "bs:"));
    heed_free(x.f);
    o.intervals = true;
    assert_int_equal(evaluate(&x, &o), HEED_OK);
    assert_non_null(strstr(x.f[0].signature, "|bs:1000|seed:12345"));
    assert_int_equal(evaluate(&y, &o), HEED_OK);
    o.seed = 2;
    assert_int_equal(evaluate(&z, &o), HEED_OK);
    assert_true(x.f[0].low == y.f[0].low && x.f[0].high == y.f[0].high && x.f[0].value == y.f[0].value);
    assert_true(x.f[0].low != z.f[0].low || x.f[0].high != z.f[0].high);
    heed_free(x.f);
    heed_free(y.f);
    heed_free(z.f);
    o.samples = 1000001;
    refused(&o, HEED_E_USAGE, "1000001 draws");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_intervals__are_those_of_the_records_of_each_bin),
        cmocka_unit_test(test_intervals__follow_from_the_seed_and_are_none_when_not_asked),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
