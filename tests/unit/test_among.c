/* Products of which each row wants its list of columns alone: what a whole product has there, -inf elsewhere, and bits that know nothing of other lists. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "heed/ops.h"
#include "kernels/kernels.h"
#include "ops/among.h"
#include "tensor/tape.h"

enum { V = 3000, K = 37, ROWS = 9, WORDS = (V + 63) / 64, LISTS = 4, TOP = 5 };

typedef struct setting {
    heed_params *p;
    heed_weight *w, *b;
    heed_tape *t;
    heed_tensor *x;
    uint64_t marks[LISTS][WORDS];
} setting;

/* Lists of 1, about 30, 700 and all columns. */
static void lay_lists(setting *s)
{
    static const int64_t shares[LISTS] = {0, 100, 4, 1};
    memset(s->marks, 0, sizeof s->marks);
    s->marks[0][17] = 1;
    for (int l = 1; l < LISTS; l++)
        for (uint64_t v = 0; v < V; v++)
            if (heed_below(heed_key(7, (uint64_t)l), v, (uint64_t)shares[l]) == 0) s->marks[l][v / 64] |= (uint64_t)1 << v % 64;
}

static setting setting_of(heed_number number)
{
    heed_error err;
    setting s = {.p = heed_params_new(&err)};
    s.w = heed_params_add(s.p, "w", 2, V, K, HEED_FILL_NORMAL, 1);
    s.b = heed_params_add(s.p, "b", 1, 1, V, HEED_FILL_NORMAL, 1);
    heed_weight_product(s.w);
    assert_int_equal(heed_params_multiply(s.p, number, &err), HEED_OK);
    assert_int_equal(heed_params_finish(s.p, &err), HEED_OK);
    heed_params_fill(s.p, 3);
    assert_int_equal(heed_params_pack(s.p, false, 1, &err), HEED_OK);
    s.t = heed_tape_new(&(heed_tape_options){.limit = 0}, &err);
    assert_non_null(s.t);
    heed_tape_reset(s.t, false, false, 0);
    s.x = heed_tape_tensor(s.t, ROWS, K);
    for (int64_t i = 0; i < ROWS * K; i++) s.x->x[i] = (float)heed_normal(5, (uint64_t)i);
    lay_lists(&s);
    return s;
}

static void setting_done(setting *s)
{
    heed_tape_free(s->t);
    heed_params_free(s->p);
}

static bool marked(const uint64_t *marks, int64_t v) { return marks[v / 64] >> v % 64 & 1; }

/* Row of y: that of the whole product where it is marked. int8: sums are exact; else of K products. */
static void same_where_marked(const float *y, const float *whole, const uint64_t *marks)
{
    for (int64_t v = 0; v < V; v++) {
        if (!marked(marks, v)) assert_true(y[v] == -INFINITY);
        else assert_true(fabs((double)y[v] - (double)whole[v]) <= 1e-4 * (1 + fabs((double)whole[v])));
    }
}

/* The ranking of a row is that of its logits, and so is the sum of its exponentials. */
static void ranked_alike(const heed_ranked *r, int64_t row, const float *y, float norm)
{
    int32_t best[TOP];
    int64_t n = heed_kernels_get()->top(best, y, V, TOP);
    while (n && y[best[n - 1]] == -INFINITY) n--;
    assert_int_equal(r->count[row], n);
    for (int64_t i = 0; i < n; i++) {
        assert_int_equal(r->ids[row * TOP + i], best[i]);
        assert_memory_equal(&r->best[row * TOP + i], &y[best[i]], sizeof *y);
    }
    assert_memory_equal(&r->norm[row], &norm, sizeof norm);
    double sum = 0;
    for (int64_t v = 0; v < V; v++) sum += exp((double)y[v]);
    assert_true(fabs(log(sum) - (double)norm) < 1e-5);
}

static const int64_t list[ROWS] = {0, 3, 2, 2, 1, 0, 3, 1, 2};

static void test_among__is_the_product_where_a_list_has_it(void **state)
{
    (void)state;
    for (int number = HEED_F32; number <= HEED_INT8; number++) {
        setting s = setting_of((heed_number)number);
        heed_among a;
        const float *norm;
        heed_among_init(&a, s.t, &s.w->tensor, &s.b->tensor, s.marks[0], LISTS, WORDS);
        const heed_tensor *whole = heed_linear(s.t, s.x, &s.w->tensor, &s.b->tensor), *y = heed_among_linear(s.t, &a, s.x, list, &norm);
        const heed_ranked r = heed_among_rank(s.t, &a, s.x, list, TOP);
        assert_int_equal(heed_tape_status(s.t, NULL), HEED_OK);
        for (int64_t i = 0; i < ROWS; i++) {
            same_where_marked(y->x + i * V, whole->x + i * V, s.marks[list[i]]);
            ranked_alike(&r, i, y->x + i * V, norm[i]);
        }
        heed_among_free(&a);
        setting_done(&s);
    }
}

/* One list and one row alone. */
static void test_among__bits_know_nothing_of_other_lists(void **state)
{
    (void)state;
    for (int number = HEED_F32; number <= HEED_INT8; number++) {
        setting s = setting_of((heed_number)number);
        heed_among all;
        const float *norms;
        heed_among_init(&all, s.t, &s.w->tensor, &s.b->tensor, s.marks[0], LISTS, WORDS);
        const heed_tensor *y = heed_among_linear(s.t, &all, s.x, list, &norms);
        for (int64_t i = 0; i < ROWS; i++) {
            heed_among own;
            const float *norm;
            heed_among_init(&own, s.t, &s.w->tensor, &s.b->tensor, s.marks[list[i]], 1, WORDS);
            const heed_tensor *alone = heed_among_linear(s.t, &own, heed_rows(s.t, s.x, i, 1), NULL, &norm);
            assert_int_equal(heed_tape_status(s.t, NULL), HEED_OK);
            assert_memory_equal(alone->x, y->x + i * V, V * sizeof *alone->x);
            assert_memory_equal(norm, norms + i, sizeof *norm);
            heed_among_free(&own);
        }
        heed_among_free(&all);
        setting_done(&s);
    }
}

static void test_among__refuses_rows_of_another_width(void **state)
{
    (void)state;
    setting s = setting_of(HEED_F32);
    heed_among a;
    const float *norm;
    heed_among_init(&a, s.t, &s.w->tensor, &s.b->tensor, s.marks[0], LISTS, WORDS);
    heed_among_linear(s.t, &a, heed_tape_tensor(s.t, 1, K + 1), NULL, &norm);
    assert_int_equal(heed_tape_status(s.t, NULL), HEED_E_SHAPE);
    heed_among_free(&a);
    setting_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_among__is_the_product_where_a_list_has_it),
        cmocka_unit_test(test_among__bits_know_nothing_of_other_lists),
        cmocka_unit_test(test_among__refuses_rows_of_another_width),
    };
    return cmocka_run_group_tests_name("products among columns", tests, NULL, NULL);
}
