/* What vec.h has no room for: sums of products of bf16 pairs and of four bytes, where the processor has both (AVX512_BF16, VNNI). */
#ifndef HEED_KERNELS_VEC_DOTS_H
#define HEED_KERNELS_VEC_DOTS_H

#include "kernels/vec.h"

#if defined(__AVX512BF16__) && defined(__AVX512VNNI__)

/* Lines of 64 bytes: 2 LANES pairs' halves, bf16 whose first of a pair is in the lower half of its lane; or LANES fours of bytes. */
VEC vu vraw_all(const void *p) { return (vu)_mm512_loadu_si512(p); }
VEC vu vraw_some(const void *p, int64_t n) { return (vu)_mm512_maskz_loadu_epi8(((__mmask64)1 << n) - 1, p); }      /* n < 64, zeros behind */
VEC vu vheld(vu x)                       /* x in a register: else GCC 12 loads it anew for each use */
{
    __asm__("" : "+v"(x));
    return x;
}
VEC void vraw_store(void *p, vu x) { _mm512_storeu_si512(p, (__m512i)x); }
/* sum + a_0 b_0 + a_1 b_1 of each pair; numbers below the normal ones count as 0. As vdots(), in words: GCC 12 takes operands of the intrinsic over the stack. */
VEC vf vadd_dots(vu a, vu b, vf sum)
{
    __asm__("vdpbf16ps %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b));
    return sum;
}
VEC vf vadd_dots_at(vu a, const void *b, vf sum)      /* b in memory */
{
    __asm__("vdpbf16ps %2, %1, %0" : "+v"(sum) : "v"(a), "m"(*(const char (*)[64])b));
    return sum;
}
/* sum + a_0 b_0 + .. + a_3 b_3 of each four: a unsigned, b signed. In words: GCC 12 copies what the intrinsic adds to. */
VEC vu vfours(vu a, vu b, vu sum)
{
    __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b));
    return sum;
}
VEC vu vlow_short_pairs(vu a, vu b) { return (vu)_mm512_unpacklo_epi16((__m512i)a, (__m512i)b); }      /* of each eight: a0 b0 .. a3 b3 */
VEC vu vhigh_short_pairs(vu a, vu b) { return (vu)_mm512_unpackhi_epi16((__m512i)a, (__m512i)b); }
VEC vu vlow_byte_pairs(vu a, vu b) { return (vu)_mm512_unpacklo_epi8((__m512i)a, (__m512i)b); }        /* of each sixteen: a0 b0 .. a7 b7 */
VEC vu vhigh_byte_pairs(vu a, vu b) { return (vu)_mm512_unpackhi_epi8((__m512i)a, (__m512i)b); }
VEC vf vquarters_even(vf a, vf b) { return _mm512_shuffle_f32x4(a, b, 0x88); }      /* quarters 0 and 2 of each */
VEC vf vquarters_odd(vf a, vf b) { return _mm512_shuffle_f32x4(a, b, 0xDD); }
VEC vu vbytes_by_place(vu x)             /* of each four lanes: their lowest bytes, then the next, .. */
{
    return (vu)_mm512_shuffle_epi8((__m512i)x, _mm512_set4_epi32(0x0F0B0703, 0x0E0A0602, 0x0D090501, 0x0C080400));
}
VEC int32_t vint_sum(vu x) { return _mm512_reduce_add_epi32((__m512i)x); }
VEC vu vint_sum_each(const vu *x)        /* of each four lanes of x[i] two are of number 2 i and two of 2 i + 1: lane n is number n's sum */
{
    vf a[4];
    for (int i = 0; i < 4; i++) {
        const vf low = (vf)x[2 * i], high = (vf)x[2 * i + 1];
        a[i] = (vf)((vu)_mm512_shuffle_ps(low, high, 0x88) + (vu)_mm512_shuffle_ps(low, high, 0xDD));
    }
    const vu c = (vu)_mm512_shuffle_f32x4(a[0], a[1], 0x88) + (vu)_mm512_shuffle_f32x4(a[0], a[1], 0xDD);
    const vu d = (vu)_mm512_shuffle_f32x4(a[2], a[3], 0x88) + (vu)_mm512_shuffle_f32x4(a[2], a[3], 0xDD);
    return (vu)_mm512_shuffle_f32x4((vf)c, (vf)d, 0x88) + (vu)_mm512_shuffle_f32x4((vf)c, (vf)d, 0xDD);
}

#endif
#endif
