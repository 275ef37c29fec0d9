/* Arrays for tests of kernels: numbers that look random, off every alignment, with a guard that shows writes past the end. */
#ifndef HEED_TESTS_ISA_ARRAYS_H
#define HEED_TESTS_ISA_ARRAYS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kernels/kernels.h"

#define HEED_U 0x1p-24   /* the relative error of one rounding to float */

/* n floats between -size and size, the same for the same seed; owned by the caller, given back to array_done(). */
float *array_of(uint64_t seed, int64_t n, float size);
float *array_copy(const float *x, int64_t n);
void array_done(float *x, int64_t n);   /* fails when something was written before or behind the array */

/* The same numbers, and zeros, without a guard: for what must lie as it would in use; the caller's, free(). */
float *numbers(uint64_t seed, int64_t n);
float *zeros(int64_t n);

/* got lies within `roundings` relative errors of `size` around want; NaN only fits NaN. */
void assert_near(float got, double want, double size, double roundings);
void assert_same_bits(const float *a, const float *b, int64_t n);

#endif
