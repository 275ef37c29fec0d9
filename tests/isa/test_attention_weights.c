/* heed_attention_weights() against the double reference, for all settings; and heed_attention_join(): parts of the keys give what all of them give. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "isa/arrays.h"
#include "kernels/attention.h"
#include "support/attention_reference.h"
#include "support/emulator.h"

static void *forward(attention_problem *p, size_t *bytes)
{
    heed_attention_plan plan;
    heed_error err;
    if (heed_attention_plan_of(&p->is, &plan, &err)) fail_msg("%s", err.text);
    void *scratch = malloc(plan.forward);
    if (heed_attention_forward(&p->is, &p->data, scratch, plan.forward, &err)) fail_msg("%s", err.text);
    *bytes = plan.forward;
    return scratch;
}

/* A weight is e^(s - most) over a sum: it errs by what s errs, which is some roundings of each product, the distance's terms and the functions. */
static void check(uint64_t key)
{
    attention_recipe r = attention_recipe_draw(key, 40, 30);
    r.is.type = HEED_F32;
    if (r.is.align == HEED_ALIGN_hard) r.is.align = HEED_ALIGN_causal;   /* the best of scores that are rounded otherwise may be another one */
    attention_problem *p = attention_problem_new(&r, key);
    size_t bytes;
    void *scratch = forward(p, &bytes);
    char text[600];
    attention_recipe_print(&r, text, sizeof text);
    for (int64_t b = 0; b < p->is.sequences; b++) {
        const int64_t queries = p->is.query_start[b + 1] - p->is.query_start[b], keys = p->is.key_start[b + 1] - p->is.key_start[b], n = queries * keys;
        float *w = array_of(1, n, 1), *s = array_of(2, n, 1), *alone = array_of(3, n, 1);
        double *want = malloc((size_t)(n + 1) * sizeof *want), *want_s = malloc((size_t)(n + 1) * sizeof *want_s);
        for (int64_t h = 0; h < p->is.heads; h++) {
            assert_int_equal(heed_attention_weights(&p->is, &p->data, b, h, 0, queries, w, s, scratch, bytes, NULL), HEED_OK);
            assert_int_equal(heed_attention_weights(&p->is, &p->data, b, h, 0, queries, alone, NULL, scratch, bytes, NULL), HEED_OK);
            assert_same_bits(w, alone, n);
            attention_reference_weights(&p->is, &p->data, b, h, 0, queries, want, want_s);
            for (int64_t i = 0; i < n; i++) {
                if (isinf(want_s[i])) assert_true(s[i] == want_s[i] && w[i] == 0);
                else if (!(fabs(s[i] - want_s[i]) <= 2e-5 * (4 + fabs(want_s[i])) && fabs(w[i] - want[i]) <= 2e-4)) fail_msg("%s: %g %g", text, (double)w[i], want[i]);
            }
        }
        array_done(w, n), array_done(s, n), array_done(alone, n);
        free(want), free(want_s);
    }
    free(scratch);
    attention_problem_free(p);
}

static void test_attention_weights__are_those_of_the_forward(void **state)
{
    (void)state;
    for (uint64_t key = 0; key < emulated_share(200); key++) check(key);
}

static void test_attention_weights__refuse_what_is_not_there(void **state)
{
    (void)state;
    const attention_recipe r = {.is = {.heads = 2, .width = 4, .sequences = 1}, .queries = {3}, .keys = {3}};
    attention_problem *p = attention_problem_new(&r, 1);
    float w[9];
    char scratch[1 << 14];
    const int64_t asked[][4] = {{1, 0, 0, 1}, {-1, 0, 0, 1}, {0, 2, 0, 1}, {0, 0, 3, 1}, {0, 0, -1, 1}, {0, 0, 0, 4}};
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        const int64_t *x = asked[i];
        assert_int_equal(heed_attention_weights(&p->is, &p->data, x[0], x[1], x[2], x[3], w, NULL, scratch, sizeof scratch, NULL), HEED_E_SHAPE);
    }
    assert_int_equal(heed_attention_weights(&p->is, &p->data, 0, 0, 0, 3, w, NULL, scratch, 8, NULL), HEED_E_SHAPE);
    attention_problem_free(p);
}

static void test_attention_join__makes_one_of_two(void **state)
{
    (void)state;
    enum { KEYS = 30, CUT = 11, D = 8, Q = 5 };
    const attention_recipe r = {.is = {.heads = 1, .width = D, .sequences = 1, .threads = 1}, .queries = {Q}, .keys = {KEYS}};
    attention_problem *p = attention_problem_new(&r, 4);
    size_t bytes;
    void *scratch = forward(p, &bytes);
    float out[Q * D], saved[Q], more[Q * D], more_saved[Q];
    heed_attention_data first = p->data, second = p->data;
    heed_attention a = p->is;
    first.out.x = out, first.saved = saved, second.out.x = more, second.saved = more_saved;
    a.key_start = (const int64_t[]){0, CUT};
    assert_int_equal(heed_attention_forward(&a, &first, scratch, bytes, NULL), HEED_OK);
    a.key_start = (const int64_t[]){CUT, KEYS};
    assert_int_equal(heed_attention_forward(&a, &second, scratch, bytes, NULL), HEED_OK);
    heed_attention_join(out, saved, more, more_saved, Q, D);
    for (int i = 0; i < Q; i++) {
        assert_near(saved[i], p->data.saved[i], 8, 4);
        for (int l = 0; l < D; l++) assert_near(out[i * D + l], ((const float *)p->data.out.x)[i * D + l], 4, 16);
    }
    float none[Q * D] = {0}, nothing[Q];
    for (int i = 0; i < Q; i++) nothing[i] = -INFINITY;
    heed_attention_join(none, nothing, out, saved, Q, D);
    assert_same_bits(none, out, Q * D);
    for (int i = 0; i < Q; i++) nothing[i] = -INFINITY;
    heed_attention_join(none, saved, more, nothing, Q, D);
    assert_same_bits(none, out, Q * D);
    free(scratch);
    attention_problem_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attention_weights__are_those_of_the_forward),
        cmocka_unit_test(test_attention_weights__refuse_what_is_not_there),
        cmocka_unit_test(test_attention_join__makes_one_of_two),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
