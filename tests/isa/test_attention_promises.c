/* What heed/attention.h promises about bits, on every instruction set: results depend on a sequence's own numbers and settings alone. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "isa/attention_calls.h"
#include "support/emulator.h"

enum { DRAWN = 60 };

static bool has_gradient(const attention_recipe *r) { return attention_weighing(&r->is) != HEED_WEIGHING_hard; }

static void assert_same_block(const double *a, const double *b, int64_t n, const attention_recipe *r, const char *what)
{
    if (!n || !memcmp(a, b, (size_t)n * sizeof *a)) return;
    char words[1000];
    attention_recipe_print(r, words, sizeof words);
    int64_t at = 0;
    while (!memcmp(&a[at], &b[at], sizeof *a)) at++;
    fail_msg("%s: %s: number %lld of %lld: %.9g, %.9g: %s", heed_kernels_get()->isa, what, (long long)at, (long long)n, a[at], b[at], words);
}

/* --- threads --------------------------------------------------------------------------------------------------------------------------- */

static void hold_threads(const attention_recipe *r, uint64_t key)
{
    static const int threads[] = {2, 3, 8};
    attention_problem *p = attention_problem_new(r, key);
    attention_results one = attention_run(p, 1, has_gradient(r));
    for (int i = 0; i < 3; i++) {
        attention_results many = attention_run(p, threads[i], has_gradient(r));
        assert_same_block(many.owner, one.owner, attention_results_size(p), r, "threads");
        attention_results_free(&many);
    }
    attention_results_free(&one);
    attention_problem_free(p);
}

static void test_attention_promises__any_number_of_threads_gives_the_same_bits(void **state)
{
    (void)state;
    for (uint64_t key = 0; key < emulated_share(DRAWN); key++) {
        const attention_recipe r = attention_draw(key, 90, 40);
        hold_threads(&r, key);
    }
    for (uint64_t key = 0; key < 6; key++) {
        const attention_recipe r = attention_draw(key, 700, 20);
        hold_threads(&r, key);
    }
}

/* --- neighbours ------------------------------------------------------------------------------------------------------------------------- */

/* Every sequence alone, in place, after the whole batch. */
static void hold_neighbours(const attention_recipe *r, uint64_t key)
{
    attention_problem *p = attention_problem_new(r, key);
    const int64_t H = attention_heads(&p->is), Hk = attention_key_heads(&p->is), d = p->is.width, dv = attention_value_width(&p->is);
    const bool backward = has_gradient(r);
    attention_results all = attention_run(p, 0, backward);
    for (int64_t b = 0; b < p->is.sequences; b++) {
        const int64_t q = p->is.query_start[b], k = p->is.key_start[b];
        attention_alone one;
        attention_alone_of(&one, p, b);
        attention_results its = attention_run(&one.p, 0, backward);
        assert_same_block(its.out, all.out + q * H * dv, one.p.queries * H * dv, r, "out alone");
        assert_same_block(its.saved, all.saved + q * H, one.p.queries * H, r, "saved alone");
        if (backward) {
            assert_same_block(its.q, all.q + q * H * d, one.p.queries * H * d, r, "dq alone");
            assert_same_block(its.k, all.k + k * Hk * d, one.p.keys * Hk * d, r, "dk alone");
            assert_same_block(its.v, all.v + k * Hk * dv, one.p.keys * Hk * dv, r, "dv alone");
            if (one.p.to.centre) assert_same_block(its.centre, all.centre + q * H, one.p.queries * H, r, "dcentre alone");
        }
        attention_results_free(&its);
    }
    attention_results_free(&all);
    attention_problem_free(p);
}

static void test_attention_promises__a_sequence_has_the_same_bits_alone_and_in_company(void **state)
{
    (void)state;
    for (uint64_t key = 100; key < 100 + emulated_share(DRAWN); key++) {
        const attention_recipe r = attention_draw(key, 90, 40);
        hold_neighbours(&r, key);
    }
}

/* --- layouts ----------------------------------------------------------------------------------------------------------------------------- */

static void copy_rows(const attention_problem *to, heed_attention_in into, const attention_problem *from, heed_attention_in x, const int64_t *start, int64_t heads,
                      int64_t width)
{
    double *rows = calloc((size_t)(start[from->is.sequences] * heads * width) + 1, sizeof *rows);
    assert_non_null(rows);
    attention_gather(from, start, x, heads, width, rows);
    for (int64_t b = 0; b < to->is.sequences; b++)
        for (int64_t i = 0; i < start[b + 1] - start[b]; i++)
            for (int64_t h = 0; h < heads; h++)
                for (int64_t l = 0; l < width; l++)
                    attention_write(to->is.type, (void *)into.x, attention_place(start, b, i, h, into.sequence, into.row, into.head) + l,
                                    rows[((start[b] + i) * heads + h) * width + l]);
    free(rows);
}

static void test_attention_promises__the_layout_changes_no_bits(void **state)
{
    (void)state;
    for (uint64_t key = 200; key < 200 + emulated_share(DRAWN); key++) {
        attention_recipe r = attention_draw(key, 60, 40);
        r.layout = ATTENTION_ROWS;
        attention_problem *rows = attention_problem_new(&r, key);
        const heed_attention *a = &rows->is;
        const int64_t H = attention_heads(a), Hk = attention_key_heads(a), d = a->width, dv = attention_value_width(a);
        attention_results want = attention_run(rows, 0, has_gradient(&r));
        for (int layout = 0; layout < ATTENTION_LAYOUTS; layout++) {
            r.layout = (attention_layout)layout;
            attention_problem *p = attention_problem_new(&r, key);
            copy_rows(p, p->data.q, rows, rows->data.q, a->query_start, H, d);
            copy_rows(p, p->data.k, rows, rows->data.k, a->key_start, Hk, d);
            copy_rows(p, p->data.v, rows, rows->data.v, a->key_start, Hk, dv);
            copy_rows(p, p->to.out, rows, rows->to.out, a->query_start, H, dv);
            attention_results its = attention_run(p, 0, has_gradient(&r));
            assert_same_block(its.owner, want.owner, attention_results_size(p), &r, "layout");
            attention_results_free(&its);
            attention_problem_free(p);
        }
        attention_results_free(&want);
        attention_problem_free(rows);
    }
}

/* --- what is asked for ------------------------------------------------------------------------------------------------------------------- */

static void test_attention_promises__saving_changes_no_bits_of_the_result(void **state)
{
    (void)state;
    for (uint64_t key = 300; key < 300 + emulated_share(DRAWN); key++) {
        const attention_recipe r = attention_draw(key, 60, 40);
        attention_problem *p = attention_problem_new(&r, key);
        attention_results with = attention_run(p, 0, false);
        p->data.saved = NULL;
        attention_results without = attention_run(p, 0, false);
        assert_same_block(without.out, with.out, p->queries * attention_heads(&p->is) * attention_value_width(&p->is), &r, "out without saved");
        attention_results_free(&with), attention_results_free(&without);
        attention_problem_free(p);
    }
}

static void test_attention_promises__a_gradient_has_the_same_bits_when_others_are_not_wanted(void **state)
{
    (void)state;
    for (uint64_t key = 400; key < 400 + emulated_share(DRAWN); key++) {
        const attention_recipe r = attention_draw(key, 60, 40);
        if (!has_gradient(&r)) continue;
        attention_problem *p = attention_problem_new(&r, key);
        const int64_t Hk = attention_key_heads(&p->is), H = attention_heads(&p->is), d = p->is.width;
        attention_results all = attention_run(p, 0, true);
        const heed_attention_gradients to = p->to;
        const heed_attention_out none = {0};
        p->to = to, p->to.k = none, p->to.v = none;
        attention_results queries = attention_run(p, 0, true);
        assert_same_block(queries.q, all.q, p->queries * H * d, &r, "dq only");
        p->to = to, p->to.q = none, p->to.v = none;
        attention_results keys = attention_run(p, 0, true);
        assert_same_block(keys.k, all.k, p->keys * Hk * d, &r, "dk only");
        p->to = to, p->to.q = none, p->to.k = none;
        attention_results values = attention_run(p, 0, true);
        assert_same_block(values.v, all.v, p->keys * Hk * attention_value_width(&p->is), &r, "dv only");
        attention_results_free(&all), attention_results_free(&queries), attention_results_free(&keys), attention_results_free(&values);
        attention_problem_free(p);
    }
}

/* Twice what one backward gives, but for the rounding of a sum that begins elsewhere. */
static void test_attention_promises__gradients_are_added_when_asked(void **state)
{
    (void)state;
    for (uint64_t key = 500; key < 500 + emulated_share(DRAWN); key++) {
        const attention_recipe r = attention_draw(key, 60, 40);
        if (!has_gradient(&r)) continue;
        attention_problem *p = attention_problem_new(&r, key);
        const double slack = p->is.type == HEED_BF16 ? 0x1p-7 : 0x1p-20;
        const int64_t n = p->queries * attention_heads(&p->is) * p->is.width;
        attention_results once = attention_run(p, 0, true);
        p->to.add = true;
        attention_results twice = attention_run(p, 0, true);
        for (int64_t i = 0; i < n; i++)
            if (!(fabs(twice.q[i] - 2 * once.q[i]) <= slack * (2 * fabs(once.q[i]) + 1))) assert_same_block(&twice.q[i], &(double){2 * once.q[i]}, 1, &r, "dq added");
        attention_results_free(&once), attention_results_free(&twice);
        attention_problem_free(p);
    }
}

/* --- weights ----------------------------------------------------------------------------------------------------------------------------- */

typedef struct looked { float *weights, *scores; } looked;

static looked look(const attention_problem *p, int64_t sequence, int64_t head, int64_t first, int64_t n, bool scores)
{
    const int64_t keys = p->is.key_start[sequence + 1] - p->is.key_start[sequence];
    heed_attention_plan plan;
    heed_error err = {0};
    assert_int_equal(heed_attention_plan_of(&p->is, &plan, &err), HEED_OK);
    looked x = {array_of(1, n * keys, 1), array_of(2, n * keys, 1)};
    void *scratch = malloc(plan.forward + 1);
    assert_non_null(scratch);
    if (heed_attention_weights(&p->is, &p->data, sequence, head, first, n, x.weights, scores ? x.scores : NULL, scratch, plan.forward, &err)) fail_msg("%s", err.text);
    free(scratch);
    return x;
}

static void hold_weights(const attention_problem *p, const attention_recipe *r, int64_t b, int64_t head)
{
    const int64_t n = p->is.query_start[b + 1] - p->is.query_start[b], keys = p->is.key_start[b + 1] - p->is.key_start[b];
    looked all = look(p, b, head, 0, n, true), bare = look(p, b, head, 0, n, false);
    double *want = calloc((size_t)(2 * n * keys) + 1, sizeof *want);
    assert_non_null(want);
    attention_reference_weights(&p->is, &p->data, b, head, 0, n, want, want + n * keys);
    for (int64_t i = 0; has_gradient(r) && i < n * keys; i++) {   /* the best of keys that are nearly equal is another one in double */
        const double score = want[n * keys + i], slack = (p->is.type == HEED_BF16 ? 0x1p-7 : 0x1p-18) * (1 + (isfinite(score) ? fabs(score) : 0));
        if (!(fabs((double)all.weights[i] - want[i]) <= slack) || !((double)all.scores[i] == score || fabs((double)all.scores[i] - score) <= slack))
            assert_same_block(&(double){(double)all.weights[i]}, &want[i], 1, r, "weights");
    }
    assert_same_bits(bare.weights, all.weights, n * keys);
    for (int64_t i = 0; i < n; i += 1 + n / 3) {
        looked row = look(p, b, head, i, 1, true);
        assert_same_bits(row.weights, all.weights + i * keys, keys);
        assert_same_bits(row.scores, all.scores + i * keys, keys);
        array_done(row.weights, keys), array_done(row.scores, keys);
    }
    free(want);
    array_done(all.weights, n * keys), array_done(all.scores, n * keys), array_done(bare.weights, n * keys), array_done(bare.scores, n * keys);
}

static void test_attention_promises__weights_can_be_had_afterwards(void **state)
{
    (void)state;
    for (uint64_t key = 600; key < 600 + emulated_share(DRAWN); key++) {
        const attention_recipe r = attention_draw(key, 60, 40);
        attention_problem *p = attention_problem_new(&r, key);
        attention_results before = attention_run(p, 0, false);
        for (int64_t b = 0; b < p->is.sequences; b++) hold_weights(p, &r, b, (int64_t)key % attention_heads(&p->is));
        attention_results after = attention_run(p, 0, false);
        assert_same_block(after.owner, before.owner, attention_results_size(p), &r, "forward after weights");
        attention_results_free(&before), attention_results_free(&after);
        attention_problem_free(p);
    }
}

static int group(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attention_promises__any_number_of_threads_gives_the_same_bits),
        cmocka_unit_test(test_attention_promises__a_sequence_has_the_same_bits_alone_and_in_company),
        cmocka_unit_test(test_attention_promises__the_layout_changes_no_bits),
        cmocka_unit_test(test_attention_promises__saving_changes_no_bits_of_the_result),
        cmocka_unit_test(test_attention_promises__a_gradient_has_the_same_bits_when_others_are_not_wanted),
        cmocka_unit_test(test_attention_promises__gradients_are_added_when_asked),
        cmocka_unit_test(test_attention_promises__weights_can_be_had_afterwards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(int argc, char **argv) { return attention_each_isa(argc, argv, group); }
