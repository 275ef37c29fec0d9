/* The kernels for AVX-512 with products of bf16 pairs and of bytes (AVX512_BF16, VNNI): compiled with those flags and vectors of 512 bits. */
#include "kernels/isa.h"

#if defined(__AVX512BF16__) && defined(__AVX512VNNI__)
#define HEED_ISA_NAME "avx512bf16"
#include "kernels/vector.inc"
const heed_kernels *heed_kernels_avx512bf16(void) { return &table; }
#else
const heed_kernels *heed_kernels_avx512bf16(void) { return NULL; }
#endif
