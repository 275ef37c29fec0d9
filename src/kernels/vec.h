/* Vectors of floats, as wide as the file that includes this was compiled for: with vec_dots.h the only place in the kernels that names instructions.
 *
 * Arithmetic is written with the compiler's operators (+ - * / on vf, and ^ >> on vu). What they do not offer is below, under the same names for
 * every width. Loads and stores are told how many floats are left, so a kernel is one loop without a tail: lanes past the end read as zero
 * and are not written, and every element meets the same instructions wherever it stands. */
#ifndef HEED_KERNELS_VEC_H
#define HEED_KERNELS_VEC_H

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#if defined(__aarch64__)
#include <arm_neon.h>
#else
#include <immintrin.h>
#endif

#define VEC static inline __attribute__((always_inline, unused))

#if defined(__AVX512F__)

enum { LANES = 16, REGISTERS = 32 };
typedef __m512 vf;
typedef __m512d vd;                      /* half as many doubles */
typedef uint32_t vu __attribute__((vector_size(64)));
typedef __mmask16 vm;                    /* one truth value a lane */

VEC vf vset(float x) { return _mm512_set1_ps(x); }
VEC vu vuset(uint32_t x) { return (vu)_mm512_set1_epi32((int)x); }
VEC vf vwhole(vu x) { return _mm512_cvtepi32_ps((__m512i)x); }                    /* as signed whole numbers */
VEC vu vuiota(void) { return (vu)_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15); }
VEC vm vfirst(int64_t n) { return (vm)((1u << n) - 1); }                          /* lanes 0 .. n-1, n < LANES */
VEC vf vload_all(const float *p) { return _mm512_loadu_ps(p); }
VEC vf vload_some(const float *p, vm m) { return _mm512_maskz_loadu_ps(m, p); }
VEC void vstore_all(float *p, vf x) { _mm512_storeu_ps(p, x); }
VEC void vstore_some(float *p, vm m, vf x) { _mm512_mask_storeu_ps(p, m, x); }
VEC vf vpick(vm m, vf yes, vf no) { return _mm512_mask_blend_ps(m, no, yes); }
VEC bool vhas(vf a, float x) { return _mm512_cmp_ps_mask(a, vset(x), _CMP_EQ_OQ) != 0; }   /* some lane equals x */
VEC vm vabove(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ); }               /* a > b */
VEC vm vuleast(vu a, vu b) { return _mm512_cmpge_epu32_mask((__m512i)a, (__m512i)b); }   /* a >= b */
VEC bool vnone(vm m) { return m == 0; }                                          /* true in no lane */
VEC uint32_t vbits(vm m) { return m; }                                           /* bit i: lane i */
VEC vu vuload(const uint32_t *p) { return (vu)_mm512_loadu_si512(p); }
VEC vf vfma(vf a, vf b, vf c) { return _mm512_fmadd_ps(a, b, c); }                /* a b + c, rounded once */
VEC vf vmin(vf a, vf b) { return _mm512_min_ps(a, b); }                           /* b when either is NaN */
VEC vf vmax(vf a, vf b) { return _mm512_max_ps(a, b); }                           /* b when either is NaN */
VEC vf vsqrt(vf x) { return _mm512_sqrt_ps(x); }
VEC vf vround(vf x) { return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
VEC vf vtimes_power(vf x, vf n) { return _mm512_scalef_ps(x, n); }                /* x 2^n, n whole, -160 .. 160 */
VEC vd vdzero(void) { return _mm512_setzero_pd(); }
VEC vd vlow(vf x) { return _mm512_cvtps_pd(_mm512_castps512_ps256(x)); }
VEC vd vhigh(vf x) { return _mm512_cvtps_pd(_mm512_extractf32x8_ps(x, 1)); }
VEC vd vdfma(vd a, vd b, vd c) { return _mm512_fmadd_pd(a, b, c); }
VEC vf vquads(const float *const *p, int64_t i)                                   /* four floats at each of p[0][i], p[4][i] .. */
{
    const __m512 a = _mm512_insertf32x4(_mm512_castps128_ps512(_mm_loadu_ps(p[0] + i)), _mm_loadu_ps(p[4] + i), 1);
    return _mm512_insertf32x4(_mm512_insertf32x4(a, _mm_loadu_ps(p[8] + i), 2), _mm_loadu_ps(p[12] + i), 3);
}
VEC vf vlow_pairs(vf a, vf b) { return _mm512_unpacklo_ps(a, b); }                /* of each four: a0 b0 a1 b1 */
VEC vf vhigh_pairs(vf a, vf b) { return _mm512_unpackhi_ps(a, b); }               /* a2 b2 a3 b3 */
VEC vf vlow_halves(vf a, vf b) { return (vf)_mm512_unpacklo_pd((__m512d)a, (__m512d)b); }    /* a0 a1 b0 b1 */
VEC vf vhigh_halves(vf a, vf b) { return (vf)_mm512_unpackhi_pd((__m512d)a, (__m512d)b); }   /* a2 a3 b2 b3 */
VEC vf vsum_each(const vf *x)                                                     /* lane i: the sum over the lanes of x[i], i < LANES, in a fixed order */
{
    vf a[8], b[4];
    for (int i = 0; i < 8; i++) a[i] = vlow_pairs(x[2 * i], x[2 * i + 1]) + vhigh_pairs(x[2 * i], x[2 * i + 1]);
    for (int i = 0; i < 4; i++) b[i] = vlow_halves(a[2 * i], a[2 * i + 1]) + vhigh_halves(a[2 * i], a[2 * i + 1]);
    const vf c = _mm512_shuffle_f32x4(b[0], b[1], 0x88) + _mm512_shuffle_f32x4(b[0], b[1], 0xDD);
    const vf d = _mm512_shuffle_f32x4(b[2], b[3], 0x88) + _mm512_shuffle_f32x4(b[2], b[3], 0xDD);
    return _mm512_shuffle_f32x4(c, d, 0x88) + _mm512_shuffle_f32x4(c, d, 0xDD);
}
VEC vf vexchanged(vf x, const int step)                                           /* lane i: that of i ^ step, which is 1, 2, 4 .. */
{
    if (step >= 4) return step == 8 ? _mm512_shuffle_f32x4(x, x, 0x4E) : _mm512_shuffle_f32x4(x, x, 0xB1);
    return step == 2 ? _mm512_permute_ps(x, 0x4E) : _mm512_permute_ps(x, 0xB1);
}
VEC vu vshorts_all(const uint16_t *p) { __m512i x = _mm512_loadu_si512(p); __asm__("" : "+v"(x)); return (vu)x; }        /* 2 LANES of them, the even ones in the lower halves */
VEC vu vshorts_some(const uint16_t *p, int64_t n) { return (vu)_mm512_maskz_loadu_epi16((__mmask32)((1ull << n) - 1), p); }
VEC vf vevens(vf a, vf b)                                                         /* a0 a2 .. b0 b2 .. */
{
    return _mm512_permutex2var_ps(a, _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30), b);
}
VEC vf vodds(vf a, vf b) { return _mm512_permutex2var_ps(a, _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31), b); }
VEC vu vwidened_all(const int8_t *p) { return (vu)_mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)(const void *)p)); }         /* 2 LANES bytes as shorts */
VEC vu vwidened_some(const int8_t *p, int64_t n) { return (vu)_mm512_cvtepi8_epi16(_mm256_maskz_loadu_epi8((__mmask32)((1ull << n) - 1), p)); }
VEC vu vshort_dots(vu a, vu b) { return (vu)_mm512_madd_epi16((__m512i)a, (__m512i)b); }    /* lane i: a_2i b_2i + a_(2i+1) b_(2i+1), of shorts */
VEC vf vbytes_all(const int8_t *p) { return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)(const void *)p))); }   /* LANES of them */
VEC vf vbytes_some(const int8_t *p, int64_t n) { return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_maskz_loadu_epi8((__mmask16)((1u << n) - 1), p))); }
VEC void vstore_shorts_all(uint16_t *p, vu x) { _mm256_storeu_si256((__m256i *)(void *)p, _mm512_cvtepi32_epi16((__m512i)x)); }      /* the lower halves, side by side */
VEC void vstore_shorts_some(uint16_t *p, int64_t n, vu x) { _mm512_mask_cvtepi32_storeu_epi16(p, (__mmask16)((1u << n) - 1), (__m512i)x); }
VEC void vstore_bytes_all(uint8_t *p, vu x) { _mm_storeu_si128((__m128i *)(void *)p, _mm512_cvtepi32_epi8((__m512i)x)); }              /* the lowest bytes */
VEC void vstore_bytes_some(uint8_t *p, int64_t n, vu x) { _mm512_mask_cvtepi32_storeu_epi8(p, (__mmask16)((1u << n) - 1), (__m512i)x); }
VEC vu vnearest(vf x) { return (vu)_mm512_cvtps_epi32(x); }                     /* ties to even; of floats that fit */
VEC vf vwiden_all(const uint16_t *p) { return (vf)_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(const void *)p)), 16); }   /* bf16 */
VEC vf vwiden_some(const uint16_t *p, int64_t n) { return (vf)_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16((__mmask16)((1u << n) - 1), p)), 16); }
VEC __m256 vhalve_sum(vf x) { return _mm512_castps512_ps256(x) + _mm512_extractf32x8_ps(x, 1); }
VEC __m256 vhalve_max(vf x) { return _mm256_max_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1)); }
VEC __m256d vdhalve_sum(vd x) { return _mm512_castpd512_pd256(x) + _mm512_extractf64x4_pd(x, 1); }

#elif defined(__AVX2__)

enum { LANES = 8, REGISTERS = 16 };
typedef __m256 vf;
typedef __m256d vd;
typedef uint32_t vu __attribute__((vector_size(32)));
typedef __m256i vm;

VEC vf vset(float x) { return _mm256_set1_ps(x); }
VEC vu vuset(uint32_t x) { return (vu)_mm256_set1_epi32((int)x); }
VEC vf vwhole(vu x) { return _mm256_cvtepi32_ps((__m256i)x); }
VEC vu vuiota(void) { return (vu)_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7); }
VEC vm vfirst(int64_t n) { return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), (__m256i)vuiota()); }
VEC vf vload_all(const float *p) { return _mm256_loadu_ps(p); }
VEC vf vload_some(const float *p, vm m) { return _mm256_maskload_ps(p, m); }
VEC void vstore_all(float *p, vf x) { _mm256_storeu_ps(p, x); }
VEC void vstore_some(float *p, vm m, vf x) { _mm256_maskstore_ps(p, m, x); }
VEC vf vpick(vm m, vf yes, vf no) { return _mm256_blendv_ps(no, yes, _mm256_castsi256_ps(m)); }
VEC bool vhas(vf a, float x) { return _mm256_movemask_ps(_mm256_cmp_ps(a, vset(x), _CMP_EQ_OQ)) != 0; }
VEC vm vabove(vf a, vf b) { return _mm256_castps_si256(_mm256_cmp_ps(a, b, _CMP_GT_OQ)); }
VEC vm vuleast(vu a, vu b) { return _mm256_cmpeq_epi32(_mm256_max_epu32((__m256i)a, (__m256i)b), (__m256i)a); }
VEC bool vnone(vm m) { return _mm256_testz_si256(m, m) != 0; }
VEC uint32_t vbits(vm m) { return (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(m)); }
VEC vu vuload(const uint32_t *p) { return (vu)_mm256_loadu_si256((const __m256i *)p); }
VEC vf vfma(vf a, vf b, vf c) { return _mm256_fmadd_ps(a, b, c); }
VEC vf vmin(vf a, vf b) { return _mm256_min_ps(a, b); }
VEC vf vmax(vf a, vf b) { return _mm256_max_ps(a, b); }
VEC vf vsqrt(vf x) { return _mm256_sqrt_ps(x); }
VEC vf vround(vf x) { return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
VEC vf vpower(__m256i n) { return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(n, _mm256_set1_epi32(127)), 23)); }
VEC vf vtimes_power(vf x, vf n)          /* in two steps: 2^n itself may not be a float though x 2^n is */
{
    const __m256i all = _mm256_cvtps_epi32(n), half = _mm256_srai_epi32(all, 1);
    return x * vpower(half) * vpower(_mm256_sub_epi32(all, half));
}
VEC vd vdzero(void) { return _mm256_setzero_pd(); }
VEC vd vlow(vf x) { return _mm256_cvtps_pd(_mm256_castps256_ps128(x)); }
VEC vd vhigh(vf x) { return _mm256_cvtps_pd(_mm256_extractf128_ps(x, 1)); }
VEC vd vdfma(vd a, vd b, vd c) { return _mm256_fmadd_pd(a, b, c); }
VEC vf vquads(const float *const *p, int64_t i) { return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(p[0] + i)), _mm_loadu_ps(p[4] + i), 1); }
VEC vf vlow_pairs(vf a, vf b) { return _mm256_unpacklo_ps(a, b); }
VEC vf vhigh_pairs(vf a, vf b) { return _mm256_unpackhi_ps(a, b); }
VEC vf vlow_halves(vf a, vf b) { return (vf)_mm256_unpacklo_pd((__m256d)a, (__m256d)b); }
VEC vf vhigh_halves(vf a, vf b) { return (vf)_mm256_unpackhi_pd((__m256d)a, (__m256d)b); }
VEC vf vsum_each(const vf *x)
{
    vf a[4], b[2];
    for (int i = 0; i < 4; i++) a[i] = vlow_pairs(x[2 * i], x[2 * i + 1]) + vhigh_pairs(x[2 * i], x[2 * i + 1]);
    for (int i = 0; i < 2; i++) b[i] = vlow_halves(a[2 * i], a[2 * i + 1]) + vhigh_halves(a[2 * i], a[2 * i + 1]);
    return _mm256_permute2f128_ps(b[0], b[1], 0x20) + _mm256_permute2f128_ps(b[0], b[1], 0x31);
}
VEC vf vexchanged(vf x, const int step)
{
    return step == 4 ? _mm256_permute2f128_ps(x, x, 1) : step == 2 ? _mm256_permute_ps(x, 0x4E) : _mm256_permute_ps(x, 0xB1);
}
VEC vu vshorts_all(const uint16_t *p) { return (vu)_mm256_loadu_si256((const __m256i *)(const void *)p); }
VEC vu vshorts_some(const uint16_t *p, int64_t n)
{
    uint16_t x[16] = {0};
    for (int64_t i = 0; i < n; i++) x[i] = p[i];
    return vshorts_all(x);
}
VEC vf vevens(vf a, vf b) { return (vf)_mm256_permute4x64_pd((__m256d)_mm256_shuffle_ps(a, b, 0x88), 0xD8); }
VEC vf vodds(vf a, vf b) { return (vf)_mm256_permute4x64_pd((__m256d)_mm256_shuffle_ps(a, b, 0xDD), 0xD8); }
VEC vu vwidened_all(const int8_t *p) { return (vu)_mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)p)); }
VEC vu vwidened_some(const int8_t *p, int64_t n)
{
    int8_t x[16] = {0};
    for (int64_t i = 0; i < n; i++) x[i] = p[i];
    return vwidened_all(x);
}
VEC vu vshort_dots(vu a, vu b) { return (vu)_mm256_madd_epi16((__m256i)a, (__m256i)b); }
VEC vf vbytes_all(const int8_t *p) { return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)p))); }
VEC vf vbytes_some(const int8_t *p, int64_t n)
{
    int8_t x[8] = {0};
    for (int64_t i = 0; i < n; i++) x[i] = p[i];
    return vbytes_all(x);
}
VEC void vstore_shorts_all(uint16_t *p, vu x)
{
    const __m256i low = _mm256_and_si256((__m256i)x, _mm256_set1_epi32(0xFFFF));
    _mm_storeu_si128((__m128i *)(void *)p, _mm256_castsi256_si128(_mm256_permute4x64_epi64(_mm256_packus_epi32(low, low), 0x08)));
}
VEC void vstore_shorts_some(uint16_t *p, int64_t n, vu x) { for (int64_t i = 0; i < n; i++) p[i] = (uint16_t)x[i]; }
VEC void vstore_bytes_all(uint8_t *p, vu x)
{
    const __m256i low = _mm256_shuffle_epi8((__m256i)x, _mm256_set1_epi32(0x0C080400));   /* in every half, the four bytes again and again */
    const uint32_t four[2] = {(uint32_t)_mm256_extract_epi32(low, 0), (uint32_t)_mm256_extract_epi32(low, 4)};
    memcpy(p, four, sizeof four);
}
VEC void vstore_bytes_some(uint8_t *p, int64_t n, vu x) { for (int64_t i = 0; i < n; i++) p[i] = (uint8_t)x[i]; }
VEC vu vnearest(vf x) { return (vu)_mm256_cvtps_epi32(x); }
VEC vf vwiden_all(const uint16_t *p) { return (vf)_mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(const void *)p)), 16); }
VEC vf vwiden_some(const uint16_t *p, int64_t n)
{
    uint16_t x[8] = {0};
    for (int64_t i = 0; i < n; i++) x[i] = p[i];
    return vwiden_all(x);
}
VEC __m256 vhalve_sum(vf x) { return x; }
VEC __m256 vhalve_max(vf x) { return x; }
VEC __m256d vdhalve_sum(vd x) { return x; }

#else

enum { LANES = 4, REGISTERS = 32 };
typedef float32x4_t vf;
typedef float64x2_t vd;
typedef uint32_t vu __attribute__((vector_size(16)));
typedef uint32x4_t vm;                   /* all bits of a lane or none */

VEC vf vset(float x) { return vdupq_n_f32(x); }
VEC vu vuset(uint32_t x) { return (vu)vdupq_n_u32(x); }
VEC vf vwhole(vu x) { return vcvtq_f32_s32((int32x4_t)x); }
VEC vu vuiota(void) { return (vu){0, 1, 2, 3}; }
VEC vm vfirst(int64_t n) { return vcgtq_u32(vdupq_n_u32((uint32_t)n), (uint32x4_t)vuiota()); }
VEC vf vload_all(const float *p) { return vld1q_f32(p); }
VEC vf vload_some(const float *p, vm m)  /* there is no load that leaves lanes out: one by one */
{
    vf x = vset(0);
    for (int i = 0; i < LANES; i++)
        if (m[i]) x[i] = p[i];
    return x;
}
VEC void vstore_all(float *p, vf x) { vst1q_f32(p, x); }
VEC void vstore_some(float *p, vm m, vf x)
{
    for (int i = 0; i < LANES; i++)
        if (m[i]) p[i] = x[i];
}
VEC vf vpick(vm m, vf yes, vf no) { return vbslq_f32(m, yes, no); }
VEC bool vnone(vm m) { return vmaxvq_u32(m) == 0; }
VEC uint32_t vbits(vm m) { return vaddvq_u32(vandq_u32(m, (uint32x4_t){1, 2, 4, 8})); }
VEC bool vhas(vf a, float x) { return !vnone(vceqq_f32(a, vset(x))); }
VEC vm vabove(vf a, vf b) { return vcgtq_f32(a, b); }
VEC vm vuleast(vu a, vu b) { return vcgeq_u32((uint32x4_t)a, (uint32x4_t)b); }
VEC vu vuload(const uint32_t *p) { return (vu)vld1q_u32(p); }
VEC vf vfma(vf a, vf b, vf c) { return vfmaq_f32(c, a, b); }
VEC vf vmin(vf a, vf b) { return vpick(vabove(b, a), a, b); }                     /* fmin would keep a NaN of either side */
VEC vf vmax(vf a, vf b) { return vpick(vabove(a, b), a, b); }
VEC vf vsqrt(vf x) { return vsqrtq_f32(x); }
VEC vf vround(vf x) { return vrndnq_f32(x); }
VEC vf vpower(int32x4_t n) { return vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(n, vdupq_n_s32(127)), 23)); }
VEC vf vtimes_power(vf x, vf n)          /* in two steps: 2^n itself may not be a float though x 2^n is */
{
    const int32x4_t all = vcvtq_s32_f32(n), half = vshrq_n_s32(all, 1);
    return x * vpower(half) * vpower(vsubq_s32(all, half));
}
VEC vd vdzero(void) { return vdupq_n_f64(0); }
VEC vd vlow(vf x) { return vcvt_f64_f32(vget_low_f32(x)); }
VEC vd vhigh(vf x) { return vcvt_high_f64_f32(x); }
VEC vd vdfma(vd a, vd b, vd c) { return vfmaq_f64(c, a, b); }
VEC vf vquads(const float *const *p, int64_t i) { return vld1q_f32(p[0] + i); }
VEC vf vlow_pairs(vf a, vf b) { return vzip1q_f32(a, b); }
VEC vf vhigh_pairs(vf a, vf b) { return vzip2q_f32(a, b); }
VEC vf vlow_halves(vf a, vf b) { return (vf)vzip1q_f64((vd)a, (vd)b); }
VEC vf vhigh_halves(vf a, vf b) { return (vf)vzip2q_f64((vd)a, (vd)b); }
VEC vf vsum_each(const vf *x) { return vpaddq_f32(vpaddq_f32(x[0], x[1]), vpaddq_f32(x[2], x[3])); }
VEC vf vexchanged(vf x, const int step) { return step == 2 ? vextq_f32(x, x, 2) : vrev64q_f32(x); }
VEC vu vshorts_all(const uint16_t *p) { return (vu)vld1q_u16(p); }
VEC vu vshorts_some(const uint16_t *p, int64_t n)
{
    uint16_t x[8] = {0};
    for (int64_t i = 0; i < n; i++) x[i] = p[i];
    return vshorts_all(x);
}
VEC vf vevens(vf a, vf b) { return vuzp1q_f32(a, b); }
VEC vf vodds(vf a, vf b) { return vuzp2q_f32(a, b); }
VEC vu vwidened_all(const int8_t *p) { return (vu)vmovl_s8(vld1_s8(p)); }
VEC vu vwidened_some(const int8_t *p, int64_t n)
{
    int8_t x[8] = {0};
    for (int64_t i = 0; i < n; i++) x[i] = p[i];
    return vwidened_all(x);
}
VEC vu vshort_dots(vu a, vu b)
{
    const int16x8_t x = (int16x8_t)a, y = (int16x8_t)b;
    return (vu)vpaddq_s32(vmull_s16(vget_low_s16(x), vget_low_s16(y)), vmull_high_s16(x, y));
}
VEC vf vbytes_some(const int8_t *p, int64_t n)
{
    int8_t x[8] = {0};
    memcpy(x, p, (size_t)n);
    return vcvtq_f32_s32(vmovl_s16(vget_low_s16(vmovl_s8(vld1_s8(x)))));
}
VEC vf vbytes_all(const int8_t *p) { return vbytes_some(p, LANES); }
VEC void vstore_shorts_all(uint16_t *p, vu x) { vst1_u16(p, vmovn_u32((uint32x4_t)x)); }
VEC void vstore_shorts_some(uint16_t *p, int64_t n, vu x) { for (int64_t i = 0; i < n; i++) p[i] = (uint16_t)x[i]; }
VEC void vstore_bytes_some(uint8_t *p, int64_t n, vu x) { for (int64_t i = 0; i < n; i++) p[i] = (uint8_t)x[i]; }
VEC void vstore_bytes_all(uint8_t *p, vu x)
{
    const uint16x4_t shorts = vmovn_u32((uint32x4_t)x);
    const uint8x8_t twice = vmovn_u16(vcombine_u16(shorts, shorts));
    memcpy(p, &twice, LANES);
}
VEC vu vnearest(vf x) { return (vu)vcvtnq_s32_f32(x); }
VEC vf vwiden_all(const uint16_t *p) { return (vf)vshlq_n_u32(vmovl_u16(vld1_u16(p)), 16); }
VEC vf vwiden_some(const uint16_t *p, int64_t n)
{
    uint16_t x[4] = {0};
    for (int64_t i = 0; i < n; i++) x[i] = p[i];
    return vwiden_all(x);
}

#endif

#if defined(__AVX512BF16__)

/* Products of bf16: a vector has LANES pairs, the first of a pair in the lower half of its lane. Numbers below the normal ones count as 0. */
VEC vu vpair(const uint16_t *p)          /* the same pair in every lane */
{
    int32_t x;
    memcpy(&x, p, sizeof x);
    return (vu)_mm512_set1_epi32(x);
}
VEC vf vdots(vu a, vu b, vf sum) { return _mm512_dpbf16_ps(sum, (__m512bh)a, (__m512bh)b); }      /* sum + a_0 b_0 + a_1 b_1 of each pair */
VEC vu vnarrows(vf a, vf b) { return (vu)_mm512_cvtne2ps_pbh(b, a); }            /* the LANES of a, then those of b */
VEC void vnarrow_all(uint16_t *p, vf x) { _mm256_storeu_si256((__m256i *)(void *)p, (__m256i)_mm512_cvtneps_pbh(x)); }
VEC vu vnarrow_pairs(vf a, vf b)         /* lane i: a_i, b_i */
{
    const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    return (vu)_mm512_permutexvar_epi16(order, (__m512i)vnarrows(a, b));
}
VEC vu vlow_shorts(vu a, vu b)           /* the first LANES of each, by turns */
{
    const __m512i order = _mm512_set_epi16(47, 15, 46, 14, 45, 13, 44, 12, 43, 11, 42, 10, 41, 9, 40, 8, 39, 7, 38, 6, 37, 5, 36, 4, 35, 3, 34, 2, 33, 1, 32, 0);
    return (vu)_mm512_permutex2var_epi16((__m512i)a, order, (__m512i)b);
}
VEC vu vhigh_shorts(vu a, vu b)          /* the last */
{
    const __m512i order = _mm512_set_epi16(63, 31, 62, 30, 61, 29, 60, 28, 59, 27, 58, 26, 57, 25, 56, 24, 55, 23, 54, 22, 53, 21, 52, 20, 51, 19, 50, 18, 49, 17, 48, 16);
    return (vu)_mm512_permutex2var_epi16((__m512i)a, order, (__m512i)b);
}
VEC void vustore_all(uint32_t *p, vu x) { _mm512_storeu_si512(p, (__m512i)x); }
VEC vf vpast_floor(vf x) { return _mm512_reduce_ps(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC); }      /* x - floor(x); of -inf 0 */
VEC vf vtimes_floor(vf x, vf n) { return _mm512_scalef_ps(x, n); }               /* x 2^floor(n) */

#endif

/* --- of any width -------------------------------------------------------------------------------------------------------------------------- */

/* Up to LANES of the `left` floats at p. */
VEC vf vload(const float *p, int64_t left) { return __builtin_expect(left >= LANES, 1) ? vload_all(p) : vload_some(p, vfirst(left)); }

VEC void vstore(float *p, int64_t left, vf x)
{
    if (__builtin_expect(left >= LANES, 1)) vstore_all(p, x);
    else vstore_some(p, vfirst(left), x);
}

/* The same with a value for the lanes past the end. */
VEC vf vload_or(const float *p, int64_t left, float past)
{
    if (__builtin_expect(left >= LANES, 1)) return vload_all(p);
    const vm m = vfirst(left);
    return vpick(m, vload_some(p, m), vset(past));
}

/* Nothing where none is left. */
VEC vf vload_rest(const float *p, int64_t left) { return left > 0 ? vload(p, left) : vset(0); }

/* Floats of up to LANES numbers of bf16. */
VEC vf vwiden(const uint16_t *p, int64_t left) { return __builtin_expect(left >= LANES, 1) ? vwiden_all(p) : vwiden_some(p, left); }

VEC vf vabs(vf x) { return (vf)((vu)x & vuset(0x7FFFFFFF)); }

/* The upper halves of floats, rounded to even, a NaN stays one: in the lower halves of the lanes. */
VEC vu vbf16(vf x)
{
    const vu bits = (vu)x, even = bits + vuset(0x7FFF) + (bits >> 16 & vuset(1)), nan = bits | vuset(0x400000);
    return (vu)vpick(vuleast((vu)vabs(x), vuset(0x7F800001)), (vf)nan, (vf)even) >> 16;
}

#if !defined(__AVX512BF16__)
VEC void vnarrow_all(uint16_t *p, vf x) { vstore_shorts_all(p, vbf16(x)); }
VEC vu vnarrow_pairs(vf a, vf b) { return vbf16(a) | vbf16(b) << 16; }
#endif

/* Over the lanes, in a fixed order. */
#if defined(__aarch64__)
VEC float vsum(vf x) { return vaddvq_f32(x); }
VEC float vgreatest(vf x) { return vmaxvq_f32(x); }
VEC double vdsum(vd x) { return vaddvq_f64(x); }
#else
VEC float vsum(vf x)
{
    const __m256 a = vhalve_sum(x);
    __m128 b = _mm256_castps256_ps128(a) + _mm256_extractf128_ps(a, 1);
    b += _mm_movehl_ps(b, b);
    return b[0] + b[1];
}

VEC float vgreatest(vf x)
{
    const __m256 a = vhalve_max(x);
    __m128 b = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    b = _mm_max_ps(b, _mm_movehl_ps(b, b));
    return b[0] > b[1] ? b[0] : b[1];
}

VEC double vdsum(vd x)
{
    const __m256d a = vdhalve_sum(x);
    const __m128d b = _mm256_castpd256_pd128(a) + _mm256_extractf128_pd(a, 1);
    return b[0] + b[1];
}
#endif

/* --- functions: greatest errors, in units of the last place, over every 29th float; tests/isa holds them to it ----------------------------- */

/* e^x, error below 1.1; 0 and inf past the ends. x = n ln 2 + r, |r| <= ln(2) / 2, and a polynomial of least greatest error in r. */
VEC vf vexp(vf x)
{
    x = vmin(vset(89.0f), vmax(vset(-105.0f), x));
    const vf n = vround(x * vset(1.44269504f));
    const vf r = vfma(n, vset(-0x1.62e4p-1f), x), low = vset(-0x1.7f7d1cp-20f);   /* ln 2 in two parts: n times the first is exact */
    const vf s = vfma(n, low, r);
    vf p = vfma(vset(1.3814466e-3f), s, vset(8.3687805e-3f));
    p = vfma(p, s, vset(4.1668394e-2f));
    p = vfma(p, s, vset(1.6666520e-1f));
    p = vfma(p, s, vset(4.9999993e-1f));
    p = vfma(p * s, s, s) + vset(1);
    return vtimes_power(p, n);
}

/* ln x of normal positive x, error below 1; NaN stays. x = 2^n (1 + f), 1 + f from sqrt(1/2) to sqrt(2), s = f / (2 + f):
 * ln (1 + f) = f - (f^2/2 - s (f^2/2 + 2/3 s^2 + 2/5 s^4 + ..)), written so that the first term is exact. */
VEC vf vlog(vf x)
{
    const vu bits = (vu)x + vuset(0x3F800000 - 0x3F3504F3), one = (bits & vuset(0x7FFFFF)) + vuset(0x3F3504F3);
    const vf n = vwhole((bits >> 23) - vuset(127)), f = (vf)one - vset(1), half = vset(0.5f) * f * f, s = f / (f + vset(2)), z = s * s;
    vf r = vfma(vset(2 / 9.0f), z, vset(2 / 7.0f));
    r = vfma(r, z, vset(2 / 5.0f));
    r = vfma(r, z, vset(2 / 3.0f)) * z;
    const vf low = vfma(s, half + r, n * vset(0x1.7f7d1cp-20f));   /* ln 2 in two parts, the first exact times n */
    return vfma(n, vset(0x1.62e4p-1f), f - (half - low) + x * vset(0));
}

/* Error below 5.3, which is 3.2e-7; exactly odd, +-1 from |x| = 9.02 on. A rational function of x^2 with the least greatest relative error up
 * to there, its coefficients then moved by a few units until the rounding errors of this very order of operations were least. */
VEC vf vtanh(vf x)
{
    x = vmin(vset(9.02f), vmax(vset(-9.02f), x));
    const vf u = x * x;
    vf p = vfma(vset(0x1.cbd794p-27f), u, vset(0x1.5a3286p-16f));
    p = vfma(p, u, vset(0x1.ca697ep-9f));
    p = vfma(p, u, vset(0x1.121398p-3f));
    p = vfma(p, u, vset(1));
    vf q = vfma(vset(0x1.a235c8p-21f), u, vset(0x1.58d136p-12f));
    q = vfma(q, u, vset(0x1.a8160ep-6f));
    q = vfma(q, u, vset(0x1.de5f1ap-2f));
    q = vfma(q, u, vset(1));
    return vmin(vset(1), vmax(vset(-1), x * p / q));
}

/* 1 / (1 + e^-x), error below 2.5 down to x = -86; 0 past -89. */
VEC vf vsigmoid(vf x) { return vset(1) / (vset(1) + vexp(-x)); }

VEC vf vbell(vf a) { return vexp(vset(-0.5f) * a * a); }   /* e^(-a^2/2) */

/* The normal distribution above a >= 0, given the bell of a. A polynomial in 1 / (1 + 0.41 a) times the bell, of least greatest relative error up to
 * a = 6, where 1e-9 is left: 1.1e-7, to which the rounding of a^2 adds up to a^2/2 units of the last place. */
VEC vf vtail(vf a, vf bell)
{
    const vf t = vset(1) / vfma(vset(0.41f), a, vset(1));
    vf p = vfma(vset(-0x1.4f6894p-5f), t, vset(0x1.932e36p-3f));
    p = vfma(p, t, vset(-0x1.5bf526p-2f));
    p = vfma(p, t, vset(0x1.83c2f2p-3f));
    p = vfma(p, t, vset(0x1.50d19ap-6f));
    p = vfma(p, t, vset(0x1.2f3840p-3f));
    p = vfma(p, t, vset(0x1.4c6992p-3f));
    p = vfma(p, t, vset(0x1.4f173cp-3f));
    return p * t * bell;
}

#endif
