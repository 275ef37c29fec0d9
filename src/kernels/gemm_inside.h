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
    heed_buffer line;               /* HEED_INT8: a piece of a row of a product */
    heed_follower followers[HEED_FOLLOWERS];
    const void *last;               /* weight of lines that was multiplied */
};

heed_status heed_gemm_failed(heed_error *err, dnnl_status_t s, const char *what);

#endif
