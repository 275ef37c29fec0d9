/* isa/product.h */
#include "isa/product.h"

#include <stdlib.h>

setting setting_of(heed_number number, int64_t N, int64_t K)
{
    setting s = {number, N, K, numbers(1, N * K), numbers(2, PRODUCT_ROWS * K), numbers(3, PRODUCT_ROWS * N), numbers(4, N), heed_gemm_new(NULL),
                 heed_pack_new(number, N, K, NULL)};
    assert_non_null(s.g);
    assert_non_null(s.pack);
    assert_int_equal(heed_pack_fill(s.g, s.pack, s.w, number != HEED_INT8, NULL), HEED_OK);
    return s;
}

void setting_done(setting *s)
{
    heed_gemm_free(s->g);
    heed_pack_free(s->pack);
    free(s->w);
    free(s->x);
    free(s->dy);
    free(s->bias);
}

void setting_forward(setting *s, int64_t M, const float *x, const float *bias, float *y, bool add)
{
    assert_int_equal(heed_gemm_forward(s->g, s->pack, M, x, s->K, bias, y, s->N, add, NULL), HEED_OK);
}
