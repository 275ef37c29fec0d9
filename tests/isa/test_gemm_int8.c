/* Products of whole numbers: what they round, and that the bits of a row depend on the row alone. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "isa/product.h"

static const int64_t shapes[][2] = {{100, 37}, {40, 448}, {1, 64}, {64, 1}, {3, 1000}, {1000, 128}};   /* N, K */
enum { SHAPES = sizeof shapes / sizeof *shapes };

static double most_of(const float *x, int64_t n)
{
    double most = 0;
    for (int64_t i = 0; i < n; i++) most = fmax(most, fabs((double)x[i]));
    return most;
}

/* Each factor is off by half a step at most, and a step is the greatest of its row / 127. */
static double rounded_away(const float *x, const float *w, int64_t n)
{
    const double dx = most_of(x, n) / 254, dw = most_of(w, n) / 254;
    double off = 0;
    for (int64_t i = 0; i < n; i++) off += dx * fabs((double)w[i]) + dw * fabs((double)x[i]) + dx * dw;
    return off * 1.001 + 1e-5;
}

static void test_gemm_int8__a_product_is_within_half_a_step_of_every_factor(void **state)
{
    (void)state;
    for (int i = 0; i < SHAPES; i++) {
        setting s = setting_of(HEED_INT8, shapes[i][0], shapes[i][1]);
        float *y = numbers(5, PRODUCT_ROWS * s.N), *before = numbers(5, PRODUCT_ROWS * s.N);
        setting_forward(&s, PRODUCT_ROWS, s.x, s.bias, y, true);
        for (int64_t r = 0; r < PRODUCT_ROWS; r++)
            for (int64_t n = 0; n < s.N; n++) {
                const float *x = s.x + r * s.K, *w = s.w + n * s.K;
                double want = before[r * s.N + n] + (double)s.bias[n];
                for (int64_t k = 0; k < s.K; k++) want += (double)x[k] * w[k];
                assert_true(fabs(y[r * s.N + n] - want) <= rounded_away(x, w, s.K));
            }
        free(y);
        free(before);
        setting_done(&s);
    }
}

/* Whole numbers up to 127 are their own rounding: nothing may be lost. */
static void test_gemm_int8__whole_numbers_are_multiplied_exactly(void **state)
{
    (void)state;
    setting s = setting_of(HEED_INT8, 40, 448);
    float *y = zeros(PRODUCT_ROWS * s.N);
    for (int64_t i = 0; i < s.N * s.K; i++) s.w[i] = i % s.K ? (float)((i * 37) % 255 - 127) : 127;
    for (int64_t i = 0; i < PRODUCT_ROWS * s.K; i++) s.x[i] = i % s.K ? (float)((i * 91) % 255 - 127) : -127;
    assert_int_equal(heed_pack_fill(s.g, s.pack, s.w, false, NULL), HEED_OK);
    setting_forward(&s, PRODUCT_ROWS, s.x, NULL, y, false);
    for (int64_t r = 0; r < PRODUCT_ROWS; r++)
        for (int64_t n = 0; n < s.N; n++) {
            double want = 0;
            for (int64_t k = 0; k < s.K; k++) want += (double)s.x[r * s.K + k] * s.w[n * s.K + k];
            assert_near(y[r * s.N + n], want, fabs(want), 3);
        }
    free(y);
    setting_done(&s);
}

static void test_gemm_int8__a_row_has_the_same_bits_alone_and_in_a_batch(void **state)
{
    (void)state;
    for (int i = 0; i < SHAPES; i++) {
        setting s = setting_of(HEED_INT8, shapes[i][0], shapes[i][1]);
        float *all = zeros(PRODUCT_ROWS * s.N), *some = zeros(PRODUCT_ROWS * s.N);
        setting_forward(&s, PRODUCT_ROWS, s.x, s.bias, all, false);
        for (int64_t M = 1; M < PRODUCT_ROWS; M = M * 2 + 1) {
            setting_forward(&s, M, s.x + (PRODUCT_ROWS - M) * s.K, s.bias, some, false);
            assert_same_bits(some, all + (PRODUCT_ROWS - M) * s.N, M * s.N);
        }
        free(all);
        free(some);
        setting_done(&s);
    }
}

static void test_gemm_int8__what_is_not_finite_stays_in_its_row_and_shows(void **state)
{
    (void)state;
    setting s = setting_of(HEED_INT8, 100, 37);
    float *clean = zeros(PRODUCT_ROWS * s.N), *y = zeros(PRODUCT_ROWS * s.N);
    s.w[5 * s.K + 3] = NAN;
    s.w[6 * s.K] = 3e38f;
    assert_int_equal(heed_pack_fill(s.g, s.pack, s.w, false, NULL), HEED_OK);
    setting_forward(&s, PRODUCT_ROWS, s.x, NULL, clean, false);
    s.x[7 * s.K + 1] = INFINITY;
    memset(s.x + 9 * s.K, 0, (size_t)s.K * sizeof *s.x);
    setting_forward(&s, PRODUCT_ROWS, s.x, NULL, y, false);
    for (int64_t r = 0; r < PRODUCT_ROWS; r++)
        for (int64_t n = 0; n < s.N; n++) {
            const float got = y[r * s.N + n];
            if (n == 5 || r == 7) assert_true(isnan(got));
            else if (r == 9) assert_true(got == 0);
            else assert_same_bits(&got, clean + r * s.N + n, 1);
        }
    free(clean);
    free(y);
    setting_done(&s);
}

static void test_gemm_int8__there_is_no_way_back(void **state)
{
    (void)state;
    setting s = setting_of(HEED_INT8, 100, 37);
    heed_error err;
    assert_int_equal(heed_pack_fill(s.g, s.pack, s.w, true, &err), HEED_E_USAGE);
    assert_int_equal(heed_gemm_data(s.g, s.pack, 1, s.bias, s.N, s.x, s.K, false, &err), HEED_E_USAGE);
    setting_done(&s);
}

int main(void)
{
    if (!heed_gemm_has(HEED_INT8)) return 77;   /* skipped: oneDNN may lose carries on this processor, so models are not read as whole numbers there */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gemm_int8__a_product_is_within_half_a_step_of_every_factor),
        cmocka_unit_test(test_gemm_int8__whole_numbers_are_multiplied_exactly),
        cmocka_unit_test(test_gemm_int8__a_row_has_the_same_bits_alone_and_in_a_batch),
        cmocka_unit_test(test_gemm_int8__what_is_not_finite_stays_in_its_row_and_shows),
        cmocka_unit_test(test_gemm_int8__there_is_no_way_back),
    };
    return cmocka_run_group_tests_name("products of whole numbers", tests, NULL, NULL);
}
