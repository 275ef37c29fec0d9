/* isa/arrays.h */
#include "isa/arrays.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

enum { BEFORE = 1, BEHIND = 40 };   /* one float before puts the array off the alignment of malloc */
static const float guard = 12345.5f;

static float *array_room(int64_t n)
{
    float *base = malloc((size_t)(BEFORE + n + BEHIND) * sizeof *base);
    assert_non_null(base);
    base[0] = guard;
    for (int64_t i = 0; i < BEHIND; i++) base[BEFORE + n + i] = guard;
    return base + BEFORE;
}

float *array_of(uint64_t seed, int64_t n, float size)
{
    float *x = array_room(n);
    for (int64_t i = 0; i < n; i++) x[i] = size * (float)(2 * heed_uniform(seed, (uint64_t)i) - 1);
    return x;
}

float *array_copy(const float *x, int64_t n)
{
    float *y = array_room(n);
    memcpy(y, x, (size_t)n * sizeof *y);
    return y;
}

void array_done(float *x, int64_t n)
{
    assert_true(x[-1] == guard);
    for (int64_t i = 0; i < BEHIND; i++) assert_true(x[n + i] == guard);
    free(x - BEFORE);
}

float *numbers(uint64_t seed, int64_t n)
{
    float *guarded = array_of(seed, n, 1), *x = malloc((size_t)n * sizeof *x);
    assert_non_null(x);
    memcpy(x, guarded, (size_t)n * sizeof *x);
    array_done(guarded, n);
    return x;
}

float *zeros(int64_t n)
{
    float *x = calloc((size_t)n, sizeof *x);
    assert_non_null(x);
    return x;
}

void assert_near(float got, double want, double size, double roundings)
{
    if (isnan(want) && isnan(got)) return;
    if ((double)got == want) return;
    if (!(fabs((double)got - want) <= roundings * HEED_U * size))
        fail_msg("got %.9g, want %.9g within %.3g", (double)got, want, roundings * HEED_U * size);
}

void assert_same_bits(const float *a, const float *b, int64_t n) { assert_memory_equal(a, b, (size_t)n * sizeof *a); }
