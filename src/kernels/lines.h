/* Products with a weight that lies in lines, as oneDNN packs it for AVX-512: what the row `lines` of kernels.def is given. */
#ifndef HEED_KERNELS_LINES_H
#define HEED_KERNELS_LINES_H

#include "heed/base.h"

/* Panels of HEED_LINE columns, one after the other, the last filled up. A panel has a line of 32 bits a column for each term, each two of bf16 or each four of bytes,
 * and as many lines as make a multiple of HEED_LINES; those past the last are zeros, and so is what is missing in the last. */
enum { HEED_LINE = 64, HEED_LINES = 16, HEED_LINE_BYTES = HEED_LINE * 4 };

/* y [m,n] = (add: y +) x [m,k] w + bias (NULL: nothing), sums of `chunk` terms (a multiple of four) that are then added one after the other. HEED_INT8: x as kernel
 * quantize makes it, w of signed bytes, and y = (add: y +) row_scale scale (sum - shift) + bias as kernel dequantize has it. */
typedef struct heed_lines {
    heed_number number;
    int64_t m, n, k, chunk;
    const void *x;            /* rows of floats, of bf16 or of bytes, ldx of them apart; a row may be read up to the end of its last line's terms (bf16: zeros there) */
    int64_t ldx;
    const void *w;
    const void *next;         /* what is likely to be read next, a panel of it, NULL: unknown. It need not be memory of anyone's any more */
    float *y;
    int64_t ldy;
    bool add;
    const float *bias;        /* [n] */
    const float *row_scale;   /* [m] HEED_INT8, and the next two */
    const float *scale;       /* [n] */
    const int32_t *shift;     /* [n] */
} heed_lines;

/* Numbers a line has of a column. */
static inline int64_t heed_lines_each(heed_number number) { return number == HEED_INT8 ? 4 : number == HEED_BF16 ? 2 : 1; }

/* Bytes of a panel of k terms. */
static inline int64_t heed_lines_panel(heed_number number, int64_t k)
{
    const int64_t each = heed_lines_each(number), lines = (k + each - 1) / each;
    return (lines + HEED_LINES - 1) / HEED_LINES * HEED_LINES * HEED_LINE_BYTES;
}

#endif
