/* One symbol drawn: its frequencies are those of the distribution asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "base/rng.h"
#include "decode/draw.h"

enum { V = 7, DRAWS = 40000 };
static const float chances[V] = {0.05f, 0.3f, 0.15f, 0.02f, 0.3f, 0.08f, 0.1f};   /* sums to 1 */

/* Frequencies within five deviations of `want`, which need not sum to 1. */
static void expect_frequencies(const heed_draw_options *how, const double *want)
{
    float logits[V];
    heed_chance room[V];
    double seen[V] = {0}, sum = 0;
    for (int v = 0; v < V; v++) {
        logits[v] = logf(chances[v]) + 3;
        sum += want[v];
    }
    for (uint64_t i = 0; i < DRAWS; i++) seen[heed_draw(how, logits, V, heed_uniform(9, i), room)] += 1;
    for (int v = 0; v < V; v++) {
        const double p = want[v] / sum, bound = 5 * sqrt(DRAWS * p * (1 - p));
        if (fabs(seen[v] - DRAWS * p) > bound) fail_msg("symbol %d: %g draws, %g +- %g expected", v, seen[v], DRAWS * p, bound);
    }
}

static void test_draws__have_the_frequencies_of_the_model(void **state)
{
    (void)state;
    double p[V], sharp[V], flat[V];
    for (int v = 0; v < V; v++) {
        p[v] = (double)chances[v];
        sharp[v] = pow(p[v], 2);
        flat[v] = pow(p[v], 0.5);
    }
    expect_frequencies(&(heed_draw_options){.temperature = 1}, p);
    expect_frequencies(&(heed_draw_options){.temperature = 1, .top_k = V, .top_p = 1}, p);
    expect_frequencies(&(heed_draw_options){.temperature = 0.5}, sharp);
    expect_frequencies(&(heed_draw_options){.temperature = 2}, flat);
    expect_frequencies(&(heed_draw_options){.temperature = 1, .top_k = 3}, (double[V]){0, 0.3, 0.15, 0, 0.3});
    expect_frequencies(&(heed_draw_options){.temperature = 1, .top_k = 1}, (double[V]){0, 1});                  /* of equals the first */
    expect_frequencies(&(heed_draw_options){.temperature = 1, .top_p = 0.7}, (double[V]){0, 0.3, 0.15, 0, 0.3});
    expect_frequencies(&(heed_draw_options){.temperature = 1, .top_p = 0.01}, (double[V]){0, 1});
    expect_frequencies(&(heed_draw_options){.temperature = 1, .top_k = 3, .top_p = 0.5}, (double[V]){0, 0.3, 0, 0, 0.3});   /* half of the three's 0.75 */
    expect_frequencies(&(heed_draw_options){.temperature = 1e-6}, (double[V]){0, 0.3, 0, 0, 0.3});
}

static void test_draw__keeps_to_the_best_where_logits_are_not_finite(void **state)
{
    (void)state;
    heed_chance room[V];
    const heed_draw_options how = {.temperature = 1};
    assert_int_equal(heed_draw(&how, (float[V]){1, NAN, -INFINITY, 1, -INFINITY, NAN, -INFINITY}, V, 0.75, room), 3);
    assert_int_equal(heed_draw(&how, (float[V]){1, 2, INFINITY, 1, 0, 0, 0}, V, 0.9, room), 2);
    assert_int_equal(heed_draw(&how, (float[V]){-INFINITY, NAN, NAN, NAN, NAN, NAN, NAN}, V, 0.9, room), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_draws__have_the_frequencies_of_the_model),
        cmocka_unit_test(test_draw__keeps_to_the_best_where_logits_are_not_finite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
