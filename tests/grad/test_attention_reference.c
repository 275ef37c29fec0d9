/* The double reference of heed/attention.h is right: its gradients are the slopes of its own forward, and the naive form in float is near it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>

#include "base/rng.h"
#include "support/attention_reference.h"

enum { PROBLEMS = 300, LENGTH = 7, WIDTH = 6, ELEMENTS = 4 };

/* One float array that the problem has, and what the reference says of its slope. */
typedef struct side { const char *name; float *x; const double *slope; int64_t n; } side;

static double value_of(const attention_problem *p, const double *dout)
{
    attention_results r = attention_reference(&p->is, &p->data, NULL);
    double sum = 0;
    for (int64_t i = 0; i < p->queries * attention_heads(&p->is) * attention_value_width(&p->is); i++) sum += r.out[i] * dout[i];
    attention_results_free(&r);
    return sum;
}

static double slope_at(const attention_problem *p, float *x, float step, const double *dout)
{
    const float was = *x, up = was + step, down = was - step;
    *x = up;
    const double high = value_of(p, dout);
    *x = down;
    const double low = value_of(p, dout);
    *x = was;
    return (high - low) / ((double)up - (double)down);
}

/* The narrower step errs by its square, 1e-10, and by the rounding of doubles over it, 1e-11. Two steps that disagree straddle a kink: an edge of sparsemax's support, another arg max, a key that comes into a window. */
static int64_t check_side(const attention_problem *p, const side *s, const double *dout, uint64_t key, const char *words)
{
    int64_t kinks = 0;
    for (uint64_t e = 0; e < ELEMENTS && s->n; e++) {
        const int64_t i = (int64_t)heed_below(key, e, (uint64_t)s->n);
        const double wide = slope_at(p, s->x + i, 0x1p-12f, dout), narrow = slope_at(p, s->x + i, 0x1p-17f, dout);
        const double size = 1 + fabs(s->slope[i]) + fabs(narrow);
        if (fabs(wide - narrow) > 1e-5 * size) kinks++;
        else if (!(fabs(narrow - s->slope[i]) < 1e-6 * size))
            fail_msg("%s: %s[%lld]: slope %.9g, gradient %.9g", words, s->name, (long long)i, narrow, s->slope[i]);
    }
    return kinks;
}

static int64_t check_slopes(attention_recipe r, uint64_t key)
{
    char words[400];
    r.is.type = HEED_F32;
    r.layout = ATTENTION_ROWS;
    attention_recipe_print(&r, words, sizeof words);
    attention_problem *p = attention_problem_new(&r, key);
    attention_results got = attention_reference(&p->is, &p->data, &p->to.out), dout = attention_reference(&p->is, &p->data, NULL);
    const int64_t H = attention_heads(&p->is), Hk = attention_key_heads(&p->is), d = p->is.width, dv = attention_value_width(&p->is);
    attention_gather(p, p->is.query_start, p->to.out, H, dv, dout.out);
    const side sides[] = {{"q", (float *)p->data.q.x, got.q, p->queries * H * d},      {"k", (float *)p->data.k.x, got.k, p->keys * Hk * d},
                          {"v", (float *)p->data.v.x, got.v, p->keys * Hk * dv},       {"factor", (float *)p->is.factor, got.factor, p->is.factor ? H : 0},
                          {"additive", (float *)p->is.additive, got.additive, p->is.additive ? H * d : 0},
                          {"centre", (float *)p->is.centre, got.centre, p->is.centre ? p->queries * H : 0},
                          {"relative", (float *)p->is.relative, got.relative, p->is.relative ? H * (2 * p->is.reach + 1) : 0}};
    int64_t kinks = 0;
    for (size_t s = 0; s < sizeof sides / sizeof *sides; s++) kinks += check_side(p, &sides[s], dout.out, heed_key(key, s), words);
    attention_results_free(&got);
    attention_results_free(&dout);
    attention_problem_free(p);
    return kinks;
}

static void test_attention_reference__gradients_are_the_slopes_of_its_forward(void **state)
{
    (void)state;
    int64_t kinks = 0;
    for (uint64_t key = 0; key < PROBLEMS; key++) kinks += check_slopes(attention_recipe_draw(key, LENGTH, WIDTH), key);
    assert_true(kinks < PROBLEMS * ELEMENTS / 10);
}

static void test_attention_reference__each_alignment_and_score_has_its_slopes(void **state)
{
    (void)state;
    for (int score = 0; score < 3; score++)
        for (int align = 0; align < HEED_ALIGN_COUNT; align++) {
            attention_recipe r = {.is = {.score = (heed_attention_score)score, .align = (heed_align)align, .window = 2, .heads = 4, .key_heads = 2, .width = 4,
                                         .value_width = 3, .sequences = 2, .cap = 2, .reach = 2, .rotary = 100, .dropout = 0.1F, .seed = 3},
                                  .queries = {5, 4}, .keys = {6, 5}, .position = {1, 0}, .has_factor = true, .has_slope = true, .has_relative = true,
                                  .has_position = true};
            check_slopes(r, (uint64_t)(score * 100 + align));
        }
}

/* A sum of n terms of size 1 errs by less than n U at worst, and far less in the mean; a form that computes anything else errs by about 1. */
static void test_attention_reference__the_naive_form_in_float_is_near(void **state)
{
    (void)state;
    for (uint64_t key = 0; key < PROBLEMS; key++) {
        attention_recipe r = attention_recipe_draw(key, 20, 20);
        r.is.type = HEED_F32;
        if (r.is.align == HEED_ALIGN_hard) continue;
        attention_problem *p = attention_problem_new(&r, key);
        attention_results exact = attention_reference(&p->is, &p->data, &p->to.out), naive = attention_naive(&p->is, &p->data, &p->to.out);
        const int64_t H = attention_heads(&p->is), n = p->queries * H * attention_value_width(&p->is);
        assert_true(attention_error_of(naive.out, exact.out, n).greatest < 1e-4);
        assert_true(attention_error_of(naive.saved, exact.saved, p->queries * H).greatest < 1e-4);
        assert_true(attention_error_of(naive.v, exact.v, p->keys * attention_key_heads(&p->is) * attention_value_width(&p->is)).greatest < 1e-3);
        attention_results_free(&exact);
        attention_results_free(&naive);
        attention_problem_free(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attention_reference__gradients_are_the_slopes_of_its_forward),
        cmocka_unit_test(test_attention_reference__each_alignment_and_score_has_its_slopes),
        cmocka_unit_test(test_attention_reference__the_naive_form_in_float_is_near),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
