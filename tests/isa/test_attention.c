/* heed/attention.h computes what its formulas say, on every instruction set: against references in double, with errors at most twice those of the naive form. */
#include <math.h>
#include <stdio.h>

#include "isa/attention_calls.h"
#include "support/emulator.h"

enum { DRAWN = 160, LONG_DRAWN = 24 };

/* The best key alone has no gradient but that of values, and jumps between scores that are nearly equal: forward only. */
static void hold_recipe(const attention_recipe *r, uint64_t key, bool backward)
{
    char words[1000];
    attention_recipe_print(r, words, sizeof words);
    attention_hold_tables(r, key, backward && attention_weighing(&r->is) != HEED_WEIGHING_hard, words);
}

/* Backward too, in every type. */
static void hold_types(attention_recipe r, uint64_t key)
{
    for (int type = 0; type < ATTENTION_TYPES; type++) {
        r.is.type = (heed_number)type;
        hold_recipe(&r, key, true);
    }
}

static attention_recipe plain(int64_t queries, int64_t keys, int64_t heads, int64_t width, heed_align align)
{
    return (attention_recipe){.is = {.align = align, .heads = heads, .width = width, .sequences = 1, .window = 5, .threads = 1}, .queries = {queries}, .keys = {keys}};
}

/* --- lengths and widths --------------------------------------------------------------------------------------------------------------- */

static const int64_t lengths[] = {1, 2, 15, 16, 17, 47, 48, 49, 63, 64, 65, 100, 191, 192, 193, 257};
enum { LENGTHS = sizeof lengths / sizeof *lengths };

static void hold_lengths(heed_align align, heed_number type, bool backward)
{
    for (int i = 0; i < LENGTHS; i++) {
        attention_recipe r = plain(lengths[i], lengths[LENGTHS - 1 - i], 2, 24, align);
        r.is.type = type;
        hold_recipe(&r, (uint64_t)i, backward);
        r.keys[0] = r.queries[0];
        hold_recipe(&r, (uint64_t)i, backward);
    }
}

static void test_attention__forward_at_odd_lengths(void **state)
{
    (void)state;
    for (int type = 0; type < ATTENTION_TYPES; type++) {
        hold_lengths(HEED_ALIGN_everything, (heed_number)type, false);
        hold_lengths(HEED_ALIGN_causal, (heed_number)type, false);
        hold_lengths(HEED_ALIGN_window, (heed_number)type, false);
    }
}

static void test_attention__backward_at_odd_lengths(void **state)
{
    (void)state;
    for (int type = 0; type < ATTENTION_TYPES; type++) {
        hold_lengths(HEED_ALIGN_everything, (heed_number)type, true);
        hold_lengths(HEED_ALIGN_causal, (heed_number)type, true);
        hold_lengths(HEED_ALIGN_causal_window, (heed_number)type, true);
    }
}

static void hold_widths(bool backward)
{
    static const int64_t widths[] = {1, 3, 8, 16, 31, 64, 100, 128, 257}, value_widths[] = {0, 1, 65, 257};
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++)
        for (size_t j = 0; j < sizeof value_widths / sizeof *value_widths; j++)
            for (int type = 0; type < ATTENTION_TYPES; type++) {
                attention_recipe r = plain(37, 50, 2, widths[i], HEED_ALIGN_everything);
                r.is.value_width = value_widths[j], r.is.type = (heed_number)type;
                hold_recipe(&r, i, backward);
            }
}

static void test_attention__forward_at_odd_widths(void **state)
{
    (void)state;
    hold_widths(false);
}

static void test_attention__backward_at_odd_widths(void **state)
{
    (void)state;
    hold_widths(true);
}

static void test_attention__the_widest_head(void **state)
{
    (void)state;
    hold_types(plain(19, 35, 1, 1024, HEED_ALIGN_everything), 1);
}

static void test_attention__sequences_of_several_tiles(void **state)
{
    (void)state;
    static const heed_align aligns[] = {HEED_ALIGN_everything, HEED_ALIGN_causal, HEED_ALIGN_window, HEED_ALIGN_causal_window, HEED_ALIGN_block_sparse};
    for (size_t i = 0; i < sizeof aligns / sizeof *aligns; i++)
        for (int type = 0; type < ATTENTION_TYPES; type++) {
            attention_recipe r = plain(300, 700, 4, 64, aligns[i]);
            r.is.key_heads = 2, r.is.window = 70, r.is.type = (heed_number)type, r.has_position = true, r.position[0] = 333;
            hold_recipe(&r, i, true);
        }
}

/* --- one setting after the other ------------------------------------------------------------------------------------------------------- */

static void test_attention__query_heads_in_groups(void **state)
{
    (void)state;
    for (int64_t group = 1; group <= 12; group++) {
        attention_recipe r = plain(21, 40, 2 * group, 16, HEED_ALIGN_causal);
        r.is.key_heads = 2;
        hold_types(r, (uint64_t)group);
    }
}

static void test_attention__every_alignment_under_every_score(void **state)
{
    (void)state;
    for (int align = 0; align < HEED_ALIGN_COUNT; align++)
        for (int score = 0; score < 3; score++)
            for (int64_t window = 0; window < 60; window += 19) {
                attention_recipe r = plain(70, 90, 2, 12, (heed_align)align);
                r.is.score = (heed_attention_score)score, r.is.window = window, r.has_factor = score == HEED_ATTENTION_COSINE;
                hold_types(r, (uint64_t)align);
            }
}

static void test_attention__scales_below_zero(void **state)
{
    (void)state;
    for (int score = 0; score < 3; score++) {
        attention_recipe r = plain(70, 90, 3, 12, HEED_ALIGN_causal);
        r.is.score = (heed_attention_score)score, r.is.scale = -0.7F, r.has_factor = true;
        hold_types(r, (uint64_t)score);
        r.is.cap = 1.5F;
        hold_types(r, (uint64_t)score);
    }
}

static void test_attention__terms_of_distance_and_of_turning(void **state)
{
    (void)state;
    for (int which = 0; which < 32; which++) {
        attention_recipe r = plain(75, 110, 3, 32, which & 16 ? HEED_ALIGN_causal : HEED_ALIGN_everything);
        r.has_slope = which & 1, r.has_relative = which & 2, r.is.reach = 20, r.is.cap = which & 4 ? 2.0F : 0, r.is.rotary = which & 8 ? 10000 : 0;
        r.has_position = true, r.position[0] = 17;
        hold_types(r, (uint64_t)which);
    }
}

static void test_attention__dropped_weights(void **state)
{
    (void)state;
    for (int align = 0; align < HEED_ALIGN_COUNT; align++) {
        attention_recipe r = plain(66, 66, 2, 20, (heed_align)align);
        r.is.dropout = 0.4F, r.is.seed = 9;
        hold_types(r, (uint64_t)align);
    }
}

/* --- anything ---------------------------------------------------------------------------------------------------------------------------- */

static void test_attention__forward_under_drawn_settings(void **state)
{
    (void)state;
    for (uint64_t key = 0; key < emulated_share(DRAWN); key++) {
        const attention_recipe r = attention_draw(key, 80, 70);
        hold_recipe(&r, key, false);
    }
}

static void test_attention__backward_under_drawn_settings(void **state)
{
    (void)state;
    for (uint64_t key = 0; key < emulated_share(DRAWN); key++) {
        const attention_recipe r = attention_draw(key, 80, 70);
        hold_recipe(&r, key, true);
    }
}

static void test_attention__long_sequences_under_drawn_settings(void **state)
{
    (void)state;
    for (uint64_t key = 1000; key < 1000 + emulated_share(LONG_DRAWN); key++) {
        const attention_recipe r = attention_draw(key, 500, 40);
        hold_recipe(&r, key, true);
    }
}

/* --- the bound without an allowance ----------------------------------------------------------------------------------------------------- */

static void hold_norms(const attention_recipe *r, int which)
{
    static const char *const names[] = {"out", "q", "k", "v"};
    attention_problem *first = attention_problem_new(r, (uint64_t)which);
    attention_results want = attention_reference(&first->is, &first->data, &first->to.out), naive = attention_naive(&first->is, &first->data, &first->to.out);
    const double *const exact[] = {want.out, want.q, want.k, want.v}, *const plainly[] = {naive.out, naive.q, naive.k, naive.v};
    const int64_t n = first->queries * 2 * r->is.width;
    for (int table = 0; attention_table(table); table++) {
        attention_problem *p = attention_problem_new(r, (uint64_t)which);
        attention_results got = attention_run_by(attention_table(table), p, 1, true);
        const double *const ours[] = {got.out, got.q, got.k, got.v};
        for (int i = 0; i < 4; i++) {
            const attention_error error = attention_error_of(ours[i], exact[i], n), bound = attention_error_of(plainly[i], exact[i], n);
            if (!(error.mean <= 2 * bound.mean)) fail_msg("%s, case %d: error of %s %.3g, the naive form's %.3g", attention_table(table)->isa, which, names[i], error.mean, bound.mean);
        }
        attention_results_free(&got);
        attention_problem_free(p);
    }
    attention_results_free(&want), attention_results_free(&naive);
    attention_problem_free(first);
}

/* Root mean squares over a whole tensor, for scores up to about 100. */
static void test_attention__norms_of_errors_are_near_those_of_the_naive_form(void **state)
{
    (void)state;
    static const float scales[] = {0, 0.5F, 2};
    for (int which = 0; which < 24; which++) {
        attention_recipe r = plain(which & 1 ? 300 : 64, which & 1 ? 300 : 64, 2, which & 2 ? 128 : 64, which & 4 ? HEED_ALIGN_causal : HEED_ALIGN_everything);
        r.is.scale = scales[which / 8];
        hold_norms(&r, which);
    }
}

/* Of two scores, 0 and s <= 0, is ln (1 + e^s): e^s errs by 2 and by 1/2 of its greatest value for its exponent, the sum by 1, its logarithm by 1. */
static void test_attention__the_logarithm_of_a_sum_is_exact_to_a_few_roundings(void **state)
{
    (void)state;
    enum { QUERIES = 4000 };
    static float q[QUERIES], out[QUERIES], saved[QUERIES];
    static const float k[] = {0, 1};
    static const int64_t queries[] = {0, QUERIES}, keys[] = {0, 2};
    for (int i = 0; i < QUERIES; i++) q[i] = -(float)i * 0.004F;
    const heed_attention a = {.heads = 1, .width = 1, .sequences = 1, .query_start = queries, .key_start = keys, .scale = 1, .threads = 1};
    const attention_problem p = {.is = a, .data = {{q, 0, 1, 1}, {k, 0, 1, 1}, {k, 0, 1, 1}, {out, 0, 1, 1}, saved}, .queries = QUERIES, .keys = 2};
    for (int table = 0; attention_table(table); table++) {
        for (int i = 0; i < QUERIES; i++) saved[i] = NAN;
        assert_int_equal(attention_call_by(attention_table(table), &p, false, NULL), HEED_OK);
        for (int i = 0; i < QUERIES; i++) assert_near(saved[i], log1p(exp((double)q[i])), 1, 4.5);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attention__forward_at_odd_lengths),
        cmocka_unit_test(test_attention__backward_at_odd_lengths),
        cmocka_unit_test(test_attention__forward_at_odd_widths),
        cmocka_unit_test(test_attention__backward_at_odd_widths),
        cmocka_unit_test(test_attention__the_widest_head),
        cmocka_unit_test(test_attention__sequences_of_several_tiles),
        cmocka_unit_test(test_attention__query_heads_in_groups),
        cmocka_unit_test(test_attention__every_alignment_under_every_score),
        cmocka_unit_test(test_attention__scales_below_zero),
        cmocka_unit_test(test_attention__terms_of_distance_and_of_turning),
        cmocka_unit_test(test_attention__dropped_weights),
        cmocka_unit_test(test_attention__forward_under_drawn_settings),
        cmocka_unit_test(test_attention__backward_under_drawn_settings),
        cmocka_unit_test(test_attention__long_sequences_under_drawn_settings),
        cmocka_unit_test(test_attention__the_logarithm_of_a_sum_is_exact_to_a_few_roundings),
        cmocka_unit_test(test_attention__norms_of_errors_are_near_those_of_the_naive_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
