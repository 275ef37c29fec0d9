/* The tables of kernels, one an instruction set; NULL where this program was not compiled for it. dispatch.c chooses among them. */
#ifndef HEED_KERNELS_ISA_H
#define HEED_KERNELS_ISA_H

#include "kernels/kernels.h"

const heed_kernels *heed_kernels_scalar(void);
const heed_kernels *heed_kernels_avx2(void);
const heed_kernels *heed_kernels_avx512(void);
const heed_kernels *heed_kernels_avx512bf16(void);
const heed_kernels *heed_kernels_neon(void);

#endif
