/* The greatest of each row of a product x w^T + b, found without the product: a copy of w in bytes gives every number to within a bound, and what may be the greatest
 * is multiplied out.
 *
 * Whole numbers of a row of w, times its scale, are w' [K], those of a row of x are x'. By Cauchy and Schwarz
 *     |w x - w' x'| = |(w - w') x + w' (x - x')| <= max|w - w'| |x| + max|w'| |x - x'|,
 * and a sum of K products of floats is, in whatever order it is taken, within (K + 1) 2^-24 sum |w_i x_i| of the real one (Higham 2002, section 3.1), to the first order.
 * So the greatest is among the numbers that are, by whole numbers, near the greatest of these. Their sums in double decide among them, unless the two best are nearer
 * than the order of summing matters: then the pieces of the pack where they stand are multiplied and read, as they are where a row holds what is not finite or too many are
 * near. The answer is that of the pack, always. */
#ifndef HEED_KERNELS_SCREEN_H
#define HEED_KERNELS_SCREEN_H

#include "base/arena.h"
#include "kernels/gemm.h"

typedef struct heed_screen heed_screen;

/* Of w [N,K], row-major, which stays and keeps its values, for products of `number`, HEED_F32 or HEED_BF16. Holds nothing yet. */
heed_screen *heed_screen_new(heed_number number, const float *w, int64_t N, int64_t K, heed_error *err);
void heed_screen_free(heed_screen *s);
/* Makes the copy, a byte a number, at the first call; any number of threads may call it. False: there is none and will be none, because this machine multiplies no bytes,
 * memory is out, or w holds what is not finite. */
bool heed_screen_ready(heed_screen *s);
size_t heed_screen_bytes(heed_screen *s);      /* of the copy; 0 before it is made */

/* Rows in all; those that pieces of the pack had to decide, and those that the whole pack had to. */
typedef struct heed_screen_counts { int64_t rows, pieces, whole; } heed_screen_counts;

/* ids [M]: the column of the greatest number of each row of x w^T + bias as `pack` gives it, the first of equals; NaN is less than all, and column 0 stands for a row
 * of them. pack: of the same w, filled, of the screen's number. x [M,K], bias [N]. Takes from `room`, and gives it back. counts: added to, NULL: not wanted.
 * The screen is ready. */
heed_status heed_screen_arg_max(const heed_screen *s, heed_gemm *g, const heed_pack *pack, int64_t M, const float *x, const float *bias, heed_arena *room, int32_t *ids,
                                heed_screen_counts *counts, heed_error *err);

#endif
