/* The kernels in plain C, for every machine: the reference of tests/isa. */
#include "kernels/isa.h"

#define HEED_ISA_NAME "scalar"
#include "kernels/scalar.inc"
#include "kernels/table.inc"

const heed_kernels *heed_kernels_scalar(void) { return &table; }
