/* The kernels for AVX-512 (F, BW, DQ, VL): compiled with those flags and vectors of 512 bits. */
#include "kernels/isa.h"

#if defined(__AVX512F__) && defined(__AVX512DQ__) && defined(__AVX512VL__)
#define HEED_ISA_NAME "avx512"
#include "kernels/vector.inc"
const heed_kernels *heed_kernels_avx512(void) { return &table; }
#else
const heed_kernels *heed_kernels_avx512(void) { return NULL; }
#endif
