/* bf16: the upper half of a float. */
#ifndef HEED_KERNELS_BF16_H
#define HEED_KERNELS_BF16_H

#include <stdint.h>

static inline float heed_bf16_float(uint16_t x)
{
    const union { uint32_t bits; float x; } up = {.bits = (uint32_t)x << 16};
    return up.x;
}

/* Rounded to even; a NaN stays one. */
static inline uint16_t heed_bf16_of(float x)
{
    const union { float x; uint32_t bits; } up = {.x = x};
    if (x != x) return (uint16_t)(up.bits >> 16 | 0x40);
    return (uint16_t)((up.bits + 0x7FFF + (up.bits >> 16 & 1)) >> 16);
}

#endif
