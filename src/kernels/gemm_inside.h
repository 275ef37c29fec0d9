/* The workspace of matrix products, for the files that make them. */
#ifndef HEED_GEMM_INSIDE_H
#define HEED_GEMM_INSIDE_H

#include "kernels/gemm.h"
#include "kernels/onednn.h"

/* Weights that follow one another, by what they begin with: the work of a step comes again and again in the same order. */
enum { HEED_FOLLOWERS = 256 };
typedef struct heed_follower { const void *w, *next; } heed_follower;

struct heed_gemm {
    heed_dnnl dnnl;
    const int64_t *heights;
    int64_t height_count, pad_below;
    bool dots;                      /* our kernels multiply bf16 and bytes too */
    heed_stopwatch *watch;          /* NULL: nobody wants to know */
    heed_buffer x, y;               /* a padded tile, or the panels of a gradient */
    heed_buffer whole, row_scale;   /* a weight in bytes, or rows of one in bf16, while it is packed; scales of a tile's rows */
    heed_buffer panel;              /* of floats that a pack lends */
    heed_buffer line;               /* HEED_INT8: a piece of a row of a product */
    heed_follower followers[HEED_FOLLOWERS];
    const void *last;               /* weight of lines that was multiplied */
};

struct heed_pack {
    heed_number number;
    int64_t N, K;
    heed_packed *forward;           /* [pieces] of [K,width], the last one of what is left; memory NULL until filled */
    int64_t pieces, width;
    heed_packed data;               /* [N,K] */
    bool lends, lends_forward;      /* data, and with it the forward product, are the floats that it was filled from */
    float *scale;                   /* [N] HEED_INT8: a row of w is this times its whole numbers */
    int32_t *shift;                 /* [N] HEED_INT8: what the 128 that is added to x adds to the sums */
};

/* Whether our kernels multiply bf16 and bytes too. */
bool heed_gemm_has_dots(void);
/* Kernel lines with w, whose floats stand where they are: panel by panel, each laid before its product. l: all else of the product. */
struct heed_lines;
dnnl_status_t heed_gemm_lent(heed_gemm *g, const struct heed_lines *l, const heed_packed *w);
heed_status heed_gemm_failed(heed_error *err, dnnl_status_t s, const char *what);

#endif
