/* The kernels for NEON, which every AArch64 has. */
#include "kernels/isa.h"

#if defined(__aarch64__)
#define HEED_ISA_NAME "neon"
#include "kernels/vector.inc"
const heed_kernels *heed_kernels_neon(void) { return &table; }
#else
const heed_kernels *heed_kernels_neon(void) { return NULL; }
#endif
