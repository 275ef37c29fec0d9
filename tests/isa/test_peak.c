/* kernels/peak.h: what speeds are held to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "kernels/peak.h"

static void test_peak__arithmetic_is_measured_within_the_width_asked_for(void **state)
{
    (void)state;
    int widest = 512, none = 64;
    const double most = heed_peak_f32(1, &widest);
    assert_true(heed_peak_f32(1, &none) == 0);
    assert_int_equal(none, 64);
    if (most == 0) skip();   /* neither AVX2 nor NEON */
    assert_true(widest == 128 || widest == 256 || widest == 512);
    assert_true(most > 0.1 && most < 1e5);   /* GF/s of one core: less than a multiply-add in twenty cycles, or more than a hundred a cycle, is a wrong unit */
    const double bf16 = heed_peak_bf16(1);
    assert_true(bf16 == 0 || (bf16 > 0.1 && bf16 < 1e5));
}

static void test_peak__blocks_of_any_size_are_read(void **state)
{
    (void)state;
    const int64_t bytes[] = {1, 1000, 256 << 10};
    for (size_t i = 0; i < sizeof bytes / sizeof *bytes; i++) {
        const double rate = heed_peak_reads(bytes[i], 2);
        assert_true(rate > 0.01 && rate < 1e6);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_peak__arithmetic_is_measured_within_the_width_asked_for),
        cmocka_unit_test(test_peak__blocks_of_any_size_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
