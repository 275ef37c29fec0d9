/* The backward of heed/attention.h on every instruction set this machine has, over random settings: against the double reference, and what its header promises. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "isa/arrays.h"
#include "kernels/attention_backward.h"
#include "support/attention_reference.h"
#include "support/emulator.h"

enum { PROBLEMS = 40, LENGTH = 70, WIDTH = 40 };

static const heed_kernels *k;      /* under test */

/* --- help ---------------------------------------------------------------------------------------------------------------------------------- */

static void run(attention_problem *p, bool forward)
{
    heed_attention_job job;
    assert_int_equal(heed_attention_job_of(&job, k, &p->is, &p->data, NULL), HEED_OK);
    const size_t bytes = forward ? heed_attention_forward_bytes(&job) : heed_attention_backward_bytes(&job);
    char *scratch = malloc(bytes);
    assert_non_null(scratch);
    memset(scratch, 0xFF, bytes);                  /* NaN: what is read before it is written shows */
    if (forward) assert_int_equal(heed_attention_forward_by(k, &p->is, &p->data, scratch, bytes, NULL), HEED_OK);
    else assert_int_equal(heed_attention_backward_by(k, &p->is, &p->data, &p->to, scratch, bytes, NULL), HEED_OK);
    free(scratch);
}

static void widen(const float *x, int64_t n, double *to)
{
    for (int64_t i = 0; x && i < n; i++) to[i] = (double)x[i];
}

/* Gradients as they stand, side by side. */
static attention_results gather(const attention_problem *p)
{
    const int64_t H = attention_heads(&p->is), Hk = attention_key_heads(&p->is), d = p->is.width, dv = attention_value_width(&p->is);
    const heed_attention_out q = p->to.q, key = p->to.k, v = p->to.v;
    attention_results r = attention_reference(&p->is, &p->data, NULL);
    attention_gather(p, p->is.query_start, (heed_attention_in){q.x, q.sequence, q.row, q.head}, H, d, r.q);
    attention_gather(p, p->is.key_start, (heed_attention_in){key.x, key.sequence, key.row, key.head}, Hk, d, r.k);
    attention_gather(p, p->is.key_start, (heed_attention_in){v.x, v.sequence, v.row, v.head}, Hk, dv, r.v);
    widen(p->to.factor, H, r.factor), widen(p->to.additive, H * d, r.additive), widen(p->to.centre, p->queries * H, r.centre);
    widen(p->to.relative, H * (2 * p->is.reach + 1), r.relative);
    return r;
}

static attention_recipe recipe_of(uint64_t key)
{
    attention_recipe r = attention_recipe_draw(key, LENGTH, WIDTH);
    r.is.type = HEED_F32;
    return r;
}

/* Twice the naive form's error (the mean over the array), and where that cancels to nothing by luck, of a single key say, what floats of that size lose: a
 * weight's gradient is a sum of dv products of size 1 less another, each off by dv^1/2 u; it meets keys and queries of size 1 and the score's factor. */
static void assert_within(const char *name, const double *got, const double *want, const double *naive, int64_t n, double size, const char *words)
{
    const attention_error ours = attention_error_of(got, want, n), theirs = attention_error_of(naive, want, n);
    double square = 0;
    for (int64_t i = 0; i < n; i++) square += want[i] * want[i];
    const double bound = 2 * theirs.mean + 4 * HEED_U * (size + (n ? sqrt(square / (double)n) : 0));
    if (!(ours.mean <= bound)) fail_msg("%s %s: error %.3g, bound %.3g; %s", k->isa, name, ours.mean, bound, words);
}

static double size_of(const attention_problem *p)
{
    double factor = 1;
    for (int64_t h = 0; p->is.factor && h < attention_heads(&p->is); h++) factor = fmax(factor, fabs((double)p->is.factor[h]));
    return factor * sqrt((double)attention_value_width(&p->is)) * (p->is.score == HEED_ATTENTION_DOT ? fmax(0.3, 1 / sqrt((double)p->is.width)) : 1);
}

static void check(const attention_problem *p, const attention_results *got, const char *words)
{
    const int64_t H = attention_heads(&p->is), Hk = attention_key_heads(&p->is), d = p->is.width, dv = attention_value_width(&p->is);
    attention_results want = attention_reference(&p->is, &p->data, &p->to.out), naive = attention_naive(&p->is, &p->data, &p->to.out);
    const double size = size_of(p), all = size * sqrt((double)d) * sqrt((double)p->queries + 1);
    assert_within("q", got->q, want.q, naive.q, p->queries * H * d, size, words);
    assert_within("k", got->k, want.k, naive.k, p->keys * Hk * d, size, words);
    assert_within("v", got->v, want.v, naive.v, p->keys * Hk * dv, 1, words);
    assert_within("factor", got->factor, want.factor, naive.factor, p->to.factor ? H : 0, all, words);
    assert_within("relative", got->relative, want.relative, naive.relative, p->to.relative ? H * (2 * p->is.reach + 1) : 0, all, words);
    assert_within("centre", got->centre, want.centre, naive.centre, p->to.centre ? p->queries * H : 0, all, words);
    assert_within("additive", got->additive, want.additive, naive.additive, p->to.additive ? H * d : 0, all, words);
    attention_results_free(&want);
    attention_results_free(&naive);
}

/* --- tests ---------------------------------------------------------------------------------------------------------------------------------- */

static void test_attention_backward__gradients_of_random_settings_are_near_the_reference(void **state)
{
    (void)state;
    for (int isa = 0; (k = heed_kernels_at(isa)); isa++)
        for (uint64_t key = 0; key < emulated_share(PROBLEMS); key++) {
            char words[600];
            const attention_recipe r = recipe_of(key);
            attention_recipe_print(&r, words, sizeof words);
            attention_problem *p = attention_problem_new(&r, key);
            run(p, true);
            run(p, false);
            attention_results got = gather(p);
            check(p, &got, words);
            attention_results_free(&got);
            attention_problem_free(p);
        }
}

/* Long enough for several ranges of keys, chunks and pieces. */
static attention_recipe long_recipe(heed_align align)
{
    return (attention_recipe){.is = {.align = align, .window = 150, .heads = 2, .key_heads = 1, .width = 9, .value_width = 17, .sequences = 2, .dropout = 0.1F},
                              .queries = {400, 70}, .keys = {1250, 600}, .position = {600, 500}, .has_position = true, .has_factor = true};
}

static void test_attention_backward__ranges_of_keys_join(void **state)
{
    (void)state;
    static const heed_align aligns[] = {HEED_ALIGN_everything, HEED_ALIGN_causal, HEED_ALIGN_window, HEED_ALIGN_local_p, HEED_ALIGN_block_sparse};
    for (int isa = 1; (k = heed_kernels_at(isa)); isa++)
        for (size_t i = 0; i < sizeof aligns / sizeof *aligns; i++) {
            const attention_recipe r = long_recipe(aligns[i]);
            attention_problem *p = attention_problem_new(&r, i);
            run(p, true);
            run(p, false);
            attention_results got = gather(p);
            check(p, &got, "long");
            attention_results_free(&got);
            attention_problem_free(p);
        }
}

static void assert_same(const attention_results *a, const attention_results *b, const attention_problem *p)
{
    const int64_t H = attention_heads(&p->is), Hk = attention_key_heads(&p->is), d = p->is.width, dv = attention_value_width(&p->is);
    assert_memory_equal(a->q, b->q, (size_t)(p->queries * H * d) * sizeof *a->q);
    assert_memory_equal(a->k, b->k, (size_t)(p->keys * Hk * d) * sizeof *a->k);
    assert_memory_equal(a->v, b->v, (size_t)(p->keys * Hk * dv) * sizeof *a->v);
    assert_memory_equal(a->factor, b->factor, (size_t)H * sizeof *a->factor);
}

static void test_attention_backward__any_number_of_threads_gives_the_same_bits(void **state)
{
    (void)state;
    static const int threads[] = {2, 3, 8};
    for (int isa = 1; (k = heed_kernels_at(isa)); isa++) {
        const attention_recipe r = long_recipe(HEED_ALIGN_causal);
        attention_problem *p = attention_problem_new(&r, 7);
        p->is.threads = 1;
        run(p, true);
        run(p, false);
        attention_results first = gather(p);
        for (int i = 0; i < 3; i++) {
            p->is.threads = threads[i];
            memset(p->to.factor, 0, 2 * sizeof *p->to.factor);
            run(p, false);
            attention_results again = gather(p);
            assert_same(&again, &first, p);
            attention_results_free(&again);
        }
        attention_results_free(&first);
        attention_problem_free(p);
    }
}

static void halve(double *x, int64_t n)
{
    for (int64_t i = 0; x && i < n; i++) x[i] /= 2;
}

/* With `add`, twice the same is twice as much: half of it, which is exact, is as near the reference as the first. */
static void test_attention_backward__adds_to_what_stands_there(void **state)
{
    (void)state;
    for (int isa = 0; (k = heed_kernels_at(isa)); isa++)
        for (uint64_t key = 0; key < 10; key++) {
            char words[600];
            const attention_recipe r = recipe_of(key);
            attention_recipe_print(&r, words, sizeof words);
            attention_problem *p = attention_problem_new(&r, key);
            const int64_t H = attention_heads(&p->is), Hk = attention_key_heads(&p->is), d = p->is.width, dv = attention_value_width(&p->is);
            run(p, true);
            run(p, false);
            p->to.add = true;
            run(p, false);
            attention_results twice = gather(p);
            halve(twice.q, p->queries * H * d), halve(twice.k, p->keys * Hk * d), halve(twice.v, p->keys * Hk * dv);
            halve(twice.factor, p->to.factor ? H : 0), halve(twice.additive, p->to.additive ? H * d : 0), halve(twice.centre, p->to.centre ? p->queries * H : 0);
            halve(twice.relative, p->to.relative ? H * (2 * p->is.reach + 1) : 0);
            check(p, &twice, words);
            attention_results_free(&twice);
            attention_problem_free(p);
        }
}

static void test_attention_backward__what_does_not_fit_is_told_before_anything_is_written(void **state)
{
    (void)state;
    k = heed_kernels_get();
    const attention_recipe r = long_recipe(HEED_ALIGN_causal);
    attention_problem *p = attention_problem_new(&r, 1);
    heed_error err;
    char scratch[64];
    assert_int_equal(heed_attention_backward(&p->is, &p->data, &p->to, scratch, sizeof scratch, &err), HEED_E_SHAPE);
    assert_non_null(strstr(err.text, "scratch"));
    p->to.centre = p->to.factor;
    assert_int_equal(heed_attention_backward(&p->is, &p->data, &p->to, scratch, sizeof scratch, &err), HEED_E_SHAPE);
    p->to.centre = NULL;
    p->data.saved = NULL;
    assert_int_equal(heed_attention_backward(&p->is, &p->data, &p->to, scratch, sizeof scratch, &err), HEED_E_SHAPE);
    assert_true(isnan(((float *)p->to.q.x)[0]));
    attention_problem_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attention_backward__gradients_of_random_settings_are_near_the_reference),
        cmocka_unit_test(test_attention_backward__ranges_of_keys_join),
        cmocka_unit_test(test_attention_backward__any_number_of_threads_gives_the_same_bits),
        cmocka_unit_test(test_attention_backward__adds_to_what_stands_there),
        cmocka_unit_test(test_attention_backward__what_does_not_fit_is_told_before_anything_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
