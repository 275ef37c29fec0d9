/* The kernels for AVX2 with FMA: compiled with -mavx2 -mfma. */
#include "kernels/isa.h"

#if defined(__AVX2__) && defined(__FMA__)
#define HEED_ISA_NAME "avx2"
#include "kernels/vector.inc"
const heed_kernels *heed_kernels_avx2(void) { return &table; }
#else
const heed_kernels *heed_kernels_avx2(void) { return NULL; }
#endif
