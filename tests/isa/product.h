/* A weight [N,K] packed for products, for the tests of these: with the workspace, and PRODUCT_ROWS rows of what is multiplied with it. */
#ifndef HEED_TESTS_ISA_PRODUCT_H
#define HEED_TESTS_ISA_PRODUCT_H

#include "isa/arrays.h"
#include "kernels/gemm.h"

enum { PRODUCT_ROWS = 130 };

typedef struct setting {
    heed_number number;
    int64_t N, K;
    float *w, *x, *dy, *bias;
    heed_gemm *g;
    heed_pack *pack;
} setting;

/* Packed for the gradient's product too, where such numbers have one. */
setting setting_of(heed_number number, int64_t N, int64_t K);
void setting_done(setting *s);
void setting_forward(setting *s, int64_t M, const float *x, const float *bias, float *y, bool add);

#endif
