/* Products that are looked at and not kept: every number of every row comes once, in order, with the bits that the same pack gives when the product is kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "isa/product.h"
#include "kernels/top.h"

enum { K = 37 };

typedef struct kept { float *y; int64_t N, *seen; } kept;

static void keep(void *self, int64_t row, int64_t first, const float *y, int64_t n)
{
    kept *k = self;
    assert_int_equal(k->seen[row], first);
    assert_true(n == HEED_PIECE || first + n == k->N);
    memcpy(k->y + row * k->N + first, y, (size_t)n * sizeof *y);
    k->seen[row] += n;
}

static void same_looked_at(setting *s, const heed_pack *pack, int64_t M)
{
    kept k = {malloc((size_t)(M * s->N) * sizeof(float)), s->N, calloc((size_t)M, sizeof(int64_t))};
    float *y = malloc((size_t)(M * s->N) * sizeof *y);
    assert_true(k.y && k.seen && y);
    assert_int_equal(heed_gemm_forward(s->g, pack, M, s->x, K, s->bias, y, s->N, false, NULL), HEED_OK);
    assert_int_equal(heed_gemm_forward_look(s->g, pack, M, s->x, K, s->bias, keep, &k, NULL), HEED_OK);
    for (int64_t i = 0; i < M; i++) assert_int_equal(k.seen[i], s->N);
    assert_memory_equal(k.y, y, (size_t)(M * s->N) * sizeof *y);
    free(k.y);
    free(k.seen);
    free(y);
}

/* Weights of less than a piece, of one, of some and a rest; rows of one tile, of a padded one, of several. */
static void test_gemm_look__shows_what_a_product_keeps(void **state)
{
    (void)state;
    static const int64_t widths[] = {100, HEED_PIECE, 2 * HEED_PIECE + 900}, rows[] = {1, 7, 60, PRODUCT_ROWS};
    for (int number = HEED_F32; number <= HEED_INT8; number++)
        for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
            if (!heed_gemm_has((heed_number)number)) continue;
            setting s = setting_of((heed_number)number, widths[i], K);
            heed_pack *cut = heed_pack_new_cut((heed_number)number, s.N, K, HEED_PIECE, NULL);
            assert_int_equal(heed_gemm_forward_look(s.g, cut, 1, s.x, K, NULL, keep, NULL, NULL), HEED_E_USAGE);
            assert_int_equal(heed_pack_fill(s.g, cut, s.w, false, NULL), HEED_OK);
            for (size_t m = 0; m < sizeof rows / sizeof *rows; m++) {
                same_looked_at(&s, s.pack, rows[m]);
                same_looked_at(&s, cut, rows[m]);
            }
            heed_pack_free(cut);
            setting_done(&s);
        }
}

/* A pack in pieces is one of the same weight. */
static void test_gemm_look__a_cut_pack_multiplies_what_a_whole_one_does(void **state)
{
    (void)state;
    setting s = setting_of(HEED_F32, 2 * HEED_PIECE + 5, K);
    heed_pack *cut = heed_pack_new_cut(HEED_F32, s.N, K, HEED_PIECE, NULL);
    float *y = malloc((size_t)s.N * sizeof *y);
    assert_non_null(y);
    assert_int_equal(heed_pack_fill(s.g, cut, s.w, false, NULL), HEED_OK);
    assert_int_equal(heed_gemm_forward(s.g, cut, 1, s.x, K, s.bias, y, s.N, false, NULL), HEED_OK);
    for (int64_t n = 0; n < s.N; n++) {
        double sum = (double)s.bias[n], size = fabs(sum);
        for (int64_t i = 0; i < K; i++) {
            sum += (double)s.x[i] * (double)s.w[n * K + i];
            size += fabs((double)s.x[i] * (double)s.w[n * K + i]);
        }
        assert_near(y[n], sum, size, K + 1);
    }
    assert_int_equal(heed_gemm_data(s.g, cut, 1, y, s.N, s.x, K, false, NULL), HEED_E_USAGE);
    heed_pack_free(cut);
    free(y);
    setting_done(&s);
}

/* Every third row of a weight, packed narrowly: the columns of the product have the bits that they have among all rows. */
static void same_columns(setting *s, int64_t M)
{
    const int64_t N = s->N, n = (N / 3 + HEED_NARROW_STEP - 1) / HEED_NARROW_STEP * HEED_NARROW_STEP;
    float *w = calloc((size_t)(n * s->K), sizeof *w), *bias = calloc((size_t)n, sizeof *bias), *y = malloc((size_t)(M * (N + n)) * sizeof *y), *few = y + M * N;
    heed_pack *all = heed_pack_new_cut(s->number, N, s->K, HEED_NARROW, NULL), *third = heed_pack_new_cut(s->number, n, s->K, HEED_NARROW, NULL);
    assert_true(w && bias && y && all && third);
    for (int64_t i = 0; i < N / 3; i++) {
        memcpy(w + i * s->K, s->w + 3 * i * s->K, (size_t)s->K * sizeof *w);
        bias[i] = s->bias[3 * i];
    }
    assert_int_equal(heed_pack_fill(s->g, all, s->w, false, NULL), HEED_OK);
    assert_int_equal(heed_pack_fill(s->g, third, w, false, NULL), HEED_OK);
    assert_int_equal(heed_gemm_forward(s->g, all, M, s->x, s->K, s->bias, y, N, false, NULL), HEED_OK);
    assert_int_equal(heed_gemm_forward(s->g, third, M, s->x, s->K, bias, few, n, false, NULL), HEED_OK);
    for (int64_t r = 0; r < M; r++)
        for (int64_t i = 0; i < N / 3; i++) assert_memory_equal(few + r * n + i, y + r * N + 3 * i, sizeof *y);
    heed_pack_free(all);
    heed_pack_free(third);
    free(w);
    free(bias);
    free(y);
}

static void test_gemm_look__a_column_of_a_narrow_pack_knows_no_others(void **state)
{
    (void)state;
    static const int64_t widths[] = {HEED_NARROW_STEP, 3 * HEED_NARROW_STEP, 2 * HEED_NARROW + HEED_NARROW_STEP, 3 * HEED_NARROW + 2 * HEED_NARROW_STEP};
    static const int64_t depths[] = {K, 128, 512}, rows[] = {1, 5, 60, PRODUCT_ROWS};
    for (int number = HEED_F32; number <= HEED_INT8; number++)
        for (size_t i = 0; i < sizeof widths / sizeof *widths; i++)
            for (size_t d = 0; d < sizeof depths / sizeof *depths; d++) {
                if (!heed_gemm_has((heed_number)number)) continue;
                setting s = setting_of((heed_number)number, widths[i], depths[d]);
                for (size_t m = 0; m < sizeof rows / sizeof *rows; m++) same_columns(&s, rows[m]);
                setting_done(&s);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gemm_look__shows_what_a_product_keeps),
        cmocka_unit_test(test_gemm_look__a_cut_pack_multiplies_what_a_whole_one_does),
        cmocka_unit_test(test_gemm_look__a_column_of_a_narrow_pack_knows_no_others),
    };
    return cmocka_run_group_tests_name("products looked at", tests, NULL, NULL);
}
