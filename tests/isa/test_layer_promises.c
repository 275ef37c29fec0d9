/* What kernels.def promises of activations and layer normalisation beyond their formulas, on every instruction set this machine has. */
#include <math.h>

#include "isa/arrays.h"

static void test_layer_promises__activations_end_at_zero_and_at_x_and_pass_nan_on(void **state)
{
    (void)state;
    const float x[] = {INFINITY, -INFINITY, 50, -50, 0, NAN}, ones[] = {1, 1, 1, 1, 1, 1};
    const heed_kernels *k;
    for (int i = 0; (k = heed_kernels_at(i)); i++)
        for (int gelu = 0; gelu < 2; gelu++) {
            float y[6], dx[6] = {0};
            (gelu ? k->gelu : k->relu)(y, x, 6);
            (gelu ? k->gelu_back : k->relu_back)(dx, ones, gelu ? x : y, 6);
            assert_true(y[0] == INFINITY && y[1] == 0 && y[2] == 50 && y[3] == 0 && y[4] == 0 && isnan(y[5]));
            assert_true(dx[0] == 1 && dx[1] == 0 && dx[2] == 1 && dx[3] == 0);
            assert_near(dx[4], gelu ? 0.5 : 0, gelu, 4);
        }
}

static void test_layer_promises__gelu_errs_by_less_than_two_ten_millionths(void **state)
{
    (void)state;
    const heed_kernels *k;
    for (int i = 0; (k = heed_kernels_at(i)); i++)
        for (float x = -12; x < 2; x += 0x1p-11f) {   /* beyond, half a unit of x's own last place is more */
            float y;
            k->gelu(&y, &x, 1);
            assert_true(fabs(y - x * 0.5 * erfc(-x * sqrt(0.5))) < 2e-7);
        }
}

/* The sums of x and of its square would cancel if they were taken in one pass. */
static void test_layer_promises__a_row_of_equals_far_from_zero_is_normalised_to_the_bias(void **state)
{
    (void)state;
    enum { D = 64 };   /* a power of two: the mean is exact */
    float *gain = array_of(1, D, 2), *bias = array_of(2, D, 2), x[D], y[D];
    const heed_kernels *k;
    for (int i = 0; i < D; i++) x[i] = 12345;
    for (int i = 0; (k = heed_kernels_at(i)); i++) {
        k->norm(y, NULL, x, gain, bias, 1e-5f, 1, D);
        assert_same_bits(y, bias, D);
    }
    array_done(gain, D), array_done(bias, D);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layer_promises__activations_end_at_zero_and_at_x_and_pass_nan_on),
        cmocka_unit_test(test_layer_promises__gelu_errs_by_less_than_two_ten_millionths),
        cmocka_unit_test(test_layer_promises__a_row_of_equals_far_from_zero_is_normalised_to_the_bias),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
