/* Matrix products: only onednn.c and the gemm files above it know oneDNN.
 *
 * A heed_gemm is the workspace of one thread (engine, stream, cache of primitives, padding buffers). A heed_pack holds a weight in the layouts
 * oneDNN likes; it is filled before use by heed_pack_fill() and only read by the products, so many threads share it.
 * Every product runs on the calling thread alone, whatever OpenMP's settings are, and a row's bits depend neither on its place, nor on
 * the number of rows, nor on threads. */
#ifndef HEED_GEMM_H
#define HEED_GEMM_H

#include "base/stopwatch.h"

typedef struct heed_gemm heed_gemm;
typedef struct heed_pack heed_pack;

heed_gemm *heed_gemm_new(heed_error *err);
void heed_gemm_free(heed_gemm *g);
int64_t heed_gemm_grown(const heed_gemm *g);   /* buffers allocated and primitives made so far: constant in a steady state */
/* From now on the products of g are laps of w, "product" "forward", "data" or "weight" of [N,K]; borrowed, NULL: of none. */
void heed_gemm_watch(heed_gemm *g, heed_stopwatch *w);

/* Whether products in such numbers are quicker here than those of floats; where they are not, take floats. HEED_F32: always. */
bool heed_gemm_has(heed_number number);

/* A weight w [N,K], row-major, and the numbers that its products multiply; sums and results are floats always.
 *   HEED_BF16: both sides are rounded to even before they are multiplied.
 *   HEED_INT8: a row of w and a row of x each become whole numbers of at most 127 times a scale of their own; forward alone. A row of x that holds NaN or an
 *   infinity gives NaN, as does a row of w. */
heed_pack *heed_pack_new(heed_number number, int64_t N, int64_t K, heed_error *err);
/* The same for a weight of many rows, which lies in pieces of `width` rows and one of what is left: heed_gemm_forward_look() then multiplies it without holding more
 * columns of the product. Bits of a column do not depend on its place, nor on the others, among pieces of HEED_NARROW_STEP to HEED_NARROW rows by such steps. */
enum { HEED_NARROW = 512, HEED_NARROW_STEP = 128 };
heed_pack *heed_pack_new_cut(heed_number number, int64_t N, int64_t K, int64_t width, heed_error *err);
/* From now on the product with the gradient reads the floats that the pack is filled from, where they stand, which saves their packed form: for products of many rows, as
 * they are laid out at each. forward: so does the forward product of floats, while the pack is filled for both; of bf16 only the product with the gradient, which is left
 * packed otherwise, as it is quicker. The bits are the same. With AVX-512, bf16 where it multiplies them itself; else it changes nothing. */
void heed_pack_lend(heed_pack *p, bool forward);
bool heed_pack_is_lent(const heed_pack *p);    /* its forward product is that of floats where they stand */
void heed_pack_free(heed_pack *p);
size_t heed_pack_bytes(const heed_pack *p);
/* Packs w for the forward product, and for the product with the gradient when `data` is set. Memory is asked for once. */
heed_status heed_pack_fill(heed_gemm *g, heed_pack *p, const float *w, bool data, heed_error *err);

/* y [M,N] = x [M,K] w^T, or y += when accumulate; then + bias [N] (NULL: none). Row strides ldx, ldy in floats. */
heed_status heed_gemm_forward(heed_gemm *g, const heed_pack *p, int64_t M, const float *x, int64_t ldx, const float *bias,
                              float *y, int64_t ldy, bool accumulate, heed_error *err);
/* Columns first .. first+n-1 of row `row` of a product; y is valid during the call. */
typedef void heed_gemm_look(void *self, int64_t row, int64_t first, const float *y, int64_t n);
/* x w^T + bias, whose rows are shown to `look` and not kept: of each row all columns in order, in pieces of HEED_PIECE (kernels/top.h) or the
 * pack's width where that is less, and what is left. */
heed_status heed_gemm_forward_look(heed_gemm *g, const heed_pack *p, int64_t M, const float *x, int64_t ldx, const float *bias, heed_gemm_look *look, void *self,
                                   heed_error *err);
/* The first row of the weight in a piece of the pack; N behind the last. */
int64_t heed_pack_first(const heed_pack *p, int64_t piece);
/* The columns of one piece alone, y [M, as many]: their bits in the whole product. x [M,K] and bias [N] as there. */
heed_status heed_gemm_forward_piece(heed_gemm *g, const heed_pack *p, int64_t piece, int64_t M, const float *x, const float *bias, float *y, heed_error *err);
/* dx [M,K] += dy [M,N] w  (= when !accumulate) */
heed_status heed_gemm_data(heed_gemm *g, const heed_pack *p, int64_t M, const float *dy, int64_t ldy, float *dx, int64_t ldx,
                           bool accumulate, heed_error *err);

/* Rows that belong together in a gradient: dy [rows,N] and x [rows,K], with row strides. */
typedef struct heed_gemm_rows {
    const float *dy, *x;
    int64_t rows, ldy, ldx;
} heed_gemm_rows;

/* dw [n0..n1, K] += dy^T x over all pieces in order, rows in chunks of a fixed size counted from the first row of the first piece. dw points at row 0 of the whole
 * gradient [N,K]. Rows n0..n1 are a caller's share of the work: the bits do not depend on the cut. number: what is multiplied, HEED_F32 or HEED_BF16. */
heed_status heed_gemm_weight(heed_gemm *g, heed_number number, int64_t N, int64_t K, int64_t n0, int64_t n1, const heed_gemm_rows *pieces, int64_t count,
                             float *dw, heed_error *err);

/* "oneDNN 2.6.3" */
void heed_gemm_library(char *out, size_t size);

#endif
