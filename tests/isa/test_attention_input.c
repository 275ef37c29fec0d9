/* heed/attention.h and numbers that nobody wants: what does not fit is refused in words before anything is written, and values are never an error. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "isa/attention_calls.h"

static attention_recipe small(void)
{
    return (attention_recipe){.is = {.align = HEED_ALIGN_everything, .heads = 4, .key_heads = 2, .width = 6, .value_width = 5, .sequences = 3, .window = 3, .reach = 4,
                                     .threads = 2},
                              .queries = {5, 3, 4}, .keys = {6, 4, 7}};
}

/* --- what does not fit -------------------------------------------------------------------------------------------------------------------- */

/* The call is refused, its words name the thing, and results are still the NaN that they were. */
static void assert_refused(const attention_problem *p, const char *word)
{
    for (int backward = 0; backward < 2; backward++) {
        heed_error err = {0};
        assert_int_equal(attention_call(p, backward, &err), HEED_E_SHAPE);
        assert_int_equal(err.status, HEED_E_SHAPE);
        if (!strstr(err.text, word)) fail_msg("\"%s\" does not name \"%s\"", err.text, word);
    }
    const float *const results[] = {p->data.out.x, p->data.saved, p->to.q.x, p->to.k.x, p->to.v.x};
    for (int i = 0; i < 5; i++) assert_true(!results[i] || isnan(results[i][0]));
}

#define REFUSED(name, word, change)                                     \
    static void test_attention_input__refuses_##name(void **state)      \
    {                                                                   \
        (void)state;                                                    \
        const attention_recipe r = small();                             \
        attention_problem *p = attention_problem_new(&r, 1);            \
        heed_attention *a = &p->is;                                     \
        (void)a;                                                        \
        change;                                                         \
        assert_refused(p, word);                                        \
        attention_problem_free(p);                                      \
    }

REFUSED(no_heads, "heads", a->heads = -1)
REFUSED(heads_that_key_heads_do_not_divide, "heads", a->key_heads = 3)
REFUSED(a_width_of_nothing, "0", a->width = 0)
REFUSED(a_width_beyond_1024, "1025", a->width = 1025)
REFUSED(a_value_width_beyond_1024, "1025", a->value_width = 1025)
REFUSED(a_negative_value_width, "-1", a->value_width = -1)
REFUSED(an_unknown_type, "7", a->type = (heed_number)7)
REFUSED(an_unknown_score, "7", a->score = (heed_attention_score)7)
REFUSED(an_unknown_alignment, "99", a->align = (heed_align)99)
REFUSED(a_negative_window, "window", (a->align = HEED_ALIGN_window, a->window = -1))
REFUSED(a_negative_reach, "reach", a->reach = -1)
REFUSED(turning_of_an_odd_width, "rotary", (a->width = 5, a->rotary = 10000))
REFUSED(a_negative_base_of_turning, "rotary", a->rotary = -1)
REFUSED(a_dropout_of_everything, "dropout", a->dropout = 1)
REFUSED(a_negative_dropout, "dropout", a->dropout = -0.5F)
REFUSED(a_dropout_that_is_no_number, "dropout", a->dropout = NAN)
REFUSED(dropout_without_records, "record", (a->dropout = 0.5F, a->record = NULL))
REFUSED(additive_scores_without_their_vector, "additive", a->score = HEED_ATTENTION_ADDITIVE)
REFUSED(a_centre_that_is_not_given, "centre", a->align = HEED_ALIGN_local_p)
REFUSED(a_cap_that_is_no_number, "cap", a->cap = NAN)
REFUSED(a_scale_that_is_no_number, "scale", a->scale = INFINITY)
REFUSED(negative_threads, "threads", a->threads = -2)
REFUSED(negative_sequences, "sequences", a->sequences = -1)
REFUSED(sequences_without_spans, "span", a->query_start = NULL)
REFUSED(queries_that_are_not_there, "q", p->data.q.x = NULL)
REFUSED(keys_that_are_not_there, "k", p->data.k.x = NULL)
REFUSED(values_that_are_not_there, "v", p->data.v.x = NULL)
REFUSED(a_result_whose_rows_overlap, "out", p->data.out.row = 4 * 5 - 1)
REFUSED(a_result_whose_heads_overlap, "out", p->data.out.head = 4)
REFUSED(a_result_whose_sequences_overlap, "out", p->data.out.sequence = 4 * 5)
REFUSED(a_result_without_strides, "out", p->data.out.row = p->data.out.head = 0)
REFUSED(strides_beyond_all_memory, "q", p->data.q.row = INT64_MAX)

static void refuse_spans(const int64_t *queries, const int64_t *keys)
{
    const attention_recipe r = small();
    attention_problem *p = attention_problem_new(&r, 1);
    if (queries) p->is.query_start = queries;
    if (keys) p->is.key_start = keys;
    assert_refused(p, "sequence");
    attention_problem_free(p);
}

static void test_attention_input__refuses_spans_that_go_backwards(void **state)
{
    (void)state;
    static const int64_t fall[] = {0, 5, 4, 12}, negative[] = {-3, 5, 8, 12}, far[] = {0, 5, 8, INT64_MAX};
    refuse_spans(fall, NULL), refuse_spans(NULL, fall);
    refuse_spans(negative, NULL), refuse_spans(NULL, negative);
    refuse_spans(far, NULL), refuse_spans(NULL, far);
}

static void test_attention_input__refuses_scratch_that_is_too_small(void **state)
{
    (void)state;
    const attention_recipe r = small();
    attention_problem *p = attention_problem_new(&r, 1);
    heed_attention_plan plan;
    heed_error err = {0};
    assert_int_equal(heed_attention_plan_of(&p->is, &plan, NULL), HEED_OK);
    void *scratch = malloc(plan.forward + plan.backward);
    assert_non_null(scratch);
    assert_int_equal(heed_attention_forward(&p->is, &p->data, scratch, plan.forward - 1, &err), HEED_E_SHAPE);
    assert_non_null(strstr(err.text, "scratch"));
    assert_int_equal(heed_attention_forward(&p->is, &p->data, NULL, 0, NULL), HEED_E_SHAPE);
    assert_int_equal(heed_attention_backward(&p->is, &p->data, &p->to, scratch, plan.backward - 1, &err), HEED_E_SHAPE);
    assert_non_null(strstr(err.text, "scratch"));
    assert_true(isnan(*(float *)p->data.out.x) && isnan(*(float *)p->to.q.x));
    free(scratch);
    attention_problem_free(p);
}

static void test_attention_input__refuses_gradients_that_overlap(void **state)
{
    (void)state;
    const attention_recipe r = small();
    for (int which = 0; which < 3; which++) {
        attention_problem *p = attention_problem_new(&r, 1);
        heed_attention_out *const to[] = {&p->to.q, &p->to.k, &p->to.v};
        heed_error err = {0};
        to[which]->row--;
        assert_int_equal(attention_call(p, false, &err), HEED_OK);
        assert_int_equal(attention_call(p, true, &err), HEED_E_SHAPE);
        assert_true(isnan(*(float *)p->to.q.x) && isnan(*(float *)p->to.k.x) && isnan(*(float *)p->to.v.x));
        attention_problem_free(p);
    }
}

static void test_attention_input__refuses_weights_of_queries_that_are_not_there(void **state)
{
    (void)state;
    const attention_recipe r = small();
    attention_problem *p = attention_problem_new(&r, 1);
    heed_attention_plan plan;
    float weights[64];
    assert_int_equal(heed_attention_plan_of(&p->is, &plan, NULL), HEED_OK);
    void *scratch = malloc(plan.forward);
    static const int64_t wrong[][4] = {{3, 0, 0, 1}, {-1, 0, 0, 1}, {0, 4, 0, 1}, {0, -1, 0, 1}, {0, 0, -1, 1}, {0, 0, 5, 1}, {0, 0, 4, 2}, {0, 0, 0, -1}, {0, 0, INT64_MAX, 1}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        heed_error err = {0};
        assert_int_equal(heed_attention_weights(&p->is, &p->data, wrong[i][0], wrong[i][1], wrong[i][2], wrong[i][3], weights, NULL, scratch, plan.forward, &err),
                         HEED_E_SHAPE);
        assert_true(strlen(err.text) > 0);
    }
    free(scratch);
    attention_problem_free(p);
}

/* --- nothing -------------------------------------------------------------------------------------------------------------------------------- */

static void test_attention_input__no_sequences_are_no_work(void **state)
{
    (void)state;
    attention_recipe r = small();
    r.is.sequences = 0;
    attention_problem *p = attention_problem_new(&r, 1);
    heed_error err = {0};
    assert_int_equal(attention_call(p, false, &err), HEED_OK);
    assert_int_equal(attention_call(p, true, &err), HEED_OK);
    attention_problem_free(p);
}

static void test_attention_input__a_query_without_keys_gives_zeros_and_minus_infinity(void **state)
{
    (void)state;
    for (int align = 0; align < HEED_ALIGN_COUNT; align++) {
        attention_recipe r = small();
        r.is.align = (heed_align)align, r.keys[1] = 0;
        attention_problem *p = attention_problem_new(&r, 2);
        attention_results x = attention_run(p, 0, align != HEED_ALIGN_hard);
        for (int64_t i = 5 * 4 * 5; i < 8 * 4 * 5; i++) assert_true(x.out[i] == 0);
        for (int64_t i = 5 * 4; i < 8 * 4; i++) assert_true(x.saved[i] == -INFINITY);
        for (int64_t i = 5 * 4 * 6; align != HEED_ALIGN_hard && i < 8 * 4 * 6; i++) assert_true(x.q[i] == 0);
        attention_results_free(&x);
        attention_problem_free(p);
    }
}

static void test_attention_input__keys_without_queries_have_no_gradient(void **state)
{
    (void)state;
    attention_recipe r = small();
    r.queries[1] = 0;
    attention_problem *p = attention_problem_new(&r, 2);
    attention_results x = attention_run(p, 0, true);
    for (int64_t i = 6 * 2 * 6; i < 10 * 2 * 6; i++) assert_true(x.k[i] == 0);
    for (int64_t i = 6 * 2 * 5; i < 10 * 2 * 5; i++) assert_true(x.v[i] == 0);
    attention_results_free(&x);
    attention_problem_free(p);
}

static void test_attention_input__a_window_that_misses_all_keys_gives_zeros(void **state)
{
    (void)state;
    attention_recipe r = small();
    r.is.align = HEED_ALIGN_window, r.is.window = 1, r.has_position = true, r.position[1] = 40;
    attention_problem *p = attention_problem_new(&r, 2);
    attention_results x = attention_run(p, 0, true);
    for (int64_t i = 5 * 4 * 5; i < 8 * 4 * 5; i++) assert_true(x.out[i] == 0);
    for (int64_t i = 6 * 2 * 6; i < 10 * 2 * 6; i++) assert_true(x.k[i] == 0);
    attention_results_free(&x);
    attention_problem_free(p);
}

/* --- values ---------------------------------------------------------------------------------------------------------------------------------- */

static void put(heed_attention_in x, int64_t row, int64_t head, float value) { ((float *)x.x)[row * x.row + head * x.head + 1] = value; }

static bool finite_all(const double *x, int64_t from, int64_t to)
{
    for (int64_t i = from; i < to; i++)
        if (!isfinite(x[i])) return false;
    return true;
}

/* Whatever stands in the second sequence's first key head, other sequences and that sequence's other heads know nothing of it. */
static void hold_poison(float value, heed_align align)
{
    attention_recipe r = small();
    r.is.align = align;
    attention_problem *clean = attention_problem_new(&r, 3), *p = attention_problem_new(&r, 3);
    put(p->data.q, 5, 0, value), put(p->data.k, 7, 0, value), put(p->data.v, 8, 0, value), put(p->to.out, 6, 1, value);
    attention_results want = attention_run(clean, 0, true), got = attention_run(p, 0, true);
    for (int64_t row = 0; row < 12; row++)
        for (int64_t h = 0; h < 4; h++) {
            if (row >= 5 && row < 8 && h < 2) continue;
            assert_memory_equal(got.out + (row * 4 + h) * 5, want.out + (row * 4 + h) * 5, 5 * sizeof(double));
            assert_memory_equal(got.q + (row * 4 + h) * 6, want.q + (row * 4 + h) * 6, 6 * sizeof(double));
        }
    for (int64_t row = 0; row < 17; row++)
        for (int64_t h = 0; h < 2; h++) {
            if (row >= 6 && row < 10 && h == 0) continue;
            assert_memory_equal(got.k + (row * 2 + h) * 6, want.k + (row * 2 + h) * 6, 6 * sizeof(double));
            assert_memory_equal(got.v + (row * 2 + h) * 5, want.v + (row * 2 + h) * 5, 5 * sizeof(double));
        }
    if (isnan(value)) assert_true(isnan(got.out[(5 * 4 + 0) * 5]));
    attention_results_free(&want), attention_results_free(&got);
    attention_problem_free(clean), attention_problem_free(p);
}

static void test_attention_input__nan_and_infinity_stay_in_their_sequence_and_head(void **state)
{
    (void)state;
    static const heed_align aligns[] = {HEED_ALIGN_everything, HEED_ALIGN_causal, HEED_ALIGN_window, HEED_ALIGN_block_sparse, HEED_ALIGN_sparsemax, HEED_ALIGN_entmax};
    for (size_t i = 0; i < sizeof aligns / sizeof *aligns; i++) {
        hold_poison(NAN, aligns[i]);
        hold_poison(INFINITY, aligns[i]);
        hold_poison(-INFINITY, aligns[i]);
        hold_poison(3e38F, aligns[i]);
    }
}

static void test_attention_input__scores_of_ten_thousand_do_not_overflow(void **state)
{
    (void)state;
    for (int align = 0; align < HEED_ALIGN_COUNT; align++) {
        attention_recipe r = small();
        r.is.align = (heed_align)align, r.is.scale = 100;
        r.spread = 10;
        attention_problem *p = attention_problem_new(&r, 4);
        attention_results x = attention_run(p, 0, align != HEED_ALIGN_hard);
        assert_true(finite_all(x.out, 0, 12 * 4 * 5) && finite_all(x.q, 0, 12 * 4 * 6) && finite_all(x.k, 0, 17 * 2 * 6) && finite_all(x.v, 0, 17 * 2 * 5));
        attention_results_free(&x);
        attention_problem_free(p);
    }
}

static void test_attention_input__a_cosine_of_nothing_is_zero(void **state)
{
    (void)state;
    attention_recipe r = small();
    r.is.score = HEED_ATTENTION_COSINE;
    attention_problem *p = attention_problem_new(&r, 5);
    memset((void *)p->data.k.x, 0, (size_t)(17 * 2 * 6) * sizeof(float));
    attention_hold(p, true, "keys of zeros");
    attention_problem_free(p);
}

static int group(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attention_input__refuses_no_heads),
        cmocka_unit_test(test_attention_input__refuses_heads_that_key_heads_do_not_divide),
        cmocka_unit_test(test_attention_input__refuses_a_width_of_nothing),
        cmocka_unit_test(test_attention_input__refuses_a_width_beyond_1024),
        cmocka_unit_test(test_attention_input__refuses_a_value_width_beyond_1024),
        cmocka_unit_test(test_attention_input__refuses_a_negative_value_width),
        cmocka_unit_test(test_attention_input__refuses_an_unknown_type),
        cmocka_unit_test(test_attention_input__refuses_an_unknown_score),
        cmocka_unit_test(test_attention_input__refuses_an_unknown_alignment),
        cmocka_unit_test(test_attention_input__refuses_a_negative_window),
        cmocka_unit_test(test_attention_input__refuses_a_negative_reach),
        cmocka_unit_test(test_attention_input__refuses_turning_of_an_odd_width),
        cmocka_unit_test(test_attention_input__refuses_a_negative_base_of_turning),
        cmocka_unit_test(test_attention_input__refuses_a_dropout_of_everything),
        cmocka_unit_test(test_attention_input__refuses_a_negative_dropout),
        cmocka_unit_test(test_attention_input__refuses_a_dropout_that_is_no_number),
        cmocka_unit_test(test_attention_input__refuses_dropout_without_records),
        cmocka_unit_test(test_attention_input__refuses_additive_scores_without_their_vector),
        cmocka_unit_test(test_attention_input__refuses_a_centre_that_is_not_given),
        cmocka_unit_test(test_attention_input__refuses_a_cap_that_is_no_number),
        cmocka_unit_test(test_attention_input__refuses_a_scale_that_is_no_number),
        cmocka_unit_test(test_attention_input__refuses_negative_threads),
        cmocka_unit_test(test_attention_input__refuses_negative_sequences),
        cmocka_unit_test(test_attention_input__refuses_sequences_without_spans),
        cmocka_unit_test(test_attention_input__refuses_queries_that_are_not_there),
        cmocka_unit_test(test_attention_input__refuses_keys_that_are_not_there),
        cmocka_unit_test(test_attention_input__refuses_values_that_are_not_there),
        cmocka_unit_test(test_attention_input__refuses_a_result_whose_rows_overlap),
        cmocka_unit_test(test_attention_input__refuses_a_result_whose_heads_overlap),
        cmocka_unit_test(test_attention_input__refuses_a_result_whose_sequences_overlap),
        cmocka_unit_test(test_attention_input__refuses_a_result_without_strides),
        cmocka_unit_test(test_attention_input__refuses_strides_beyond_all_memory),
        cmocka_unit_test(test_attention_input__refuses_spans_that_go_backwards),
        cmocka_unit_test(test_attention_input__refuses_scratch_that_is_too_small),
        cmocka_unit_test(test_attention_input__refuses_gradients_that_overlap),
        cmocka_unit_test(test_attention_input__refuses_weights_of_queries_that_are_not_there),
        cmocka_unit_test(test_attention_input__no_sequences_are_no_work),
        cmocka_unit_test(test_attention_input__a_query_without_keys_gives_zeros_and_minus_infinity),
        cmocka_unit_test(test_attention_input__keys_without_queries_have_no_gradient),
        cmocka_unit_test(test_attention_input__a_window_that_misses_all_keys_gives_zeros),
        cmocka_unit_test(test_attention_input__nan_and_infinity_stay_in_their_sequence_and_head),
        cmocka_unit_test(test_attention_input__scores_of_ten_thousand_do_not_overflow),
        cmocka_unit_test(test_attention_input__a_cosine_of_nothing_is_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(int argc, char **argv) { return attention_each_isa(argc, argv, group); }
