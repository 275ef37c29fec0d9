/* What gemm.c needs of oneDNN: products by shape, made once and kept. The only place that knows oneDNN 2 from oneDNN 3.
 *
 * A heed_dnnl belongs to one thread. It makes and runs every primitive on that thread alone: oneDNN cuts a primitive for as many threads as
 * OpenMP would give at that moment, which would change the sums, so the calls that reach it stand between heed_dnnl_alone() and
 * heed_dnnl_restore(). Layouts and packed weights may outlive it and are shared. */
#ifndef HEED_KERNELS_ONEDNN_H
#define HEED_KERNELS_ONEDNN_H

#include <oneapi/dnnl/dnnl.h>

#include "heed/base.h"

/* A shape of a product [m,k] x [k,n], and what is done around it. Only int64_t, so that shapes compare as bytes. */
typedef struct heed_shape {
    int64_t kind;
    int64_t number;                       /* heed_number of both sides; int8: src uint8_t. dst: int32_t of int8, else float */
    int64_t m, n, k;
    int64_t ld_src, ld_weights, ld_dst;   /* strides of rows, in numbers */
    int64_t bias, sum;                    /* + bias [n]; added to dst */
} heed_shape;

enum {
    HEED_PRODUCT_PACKED,     /* weights in oneDNN's own layout for [k,n] */
    HEED_REORDER,            /* [k,n] row-major (ld_weights), floats or bytes, to the packed layout */
    HEED_REORDER_TRANSPOSED  /* [n,k] row-major to the packed layout */
};

/* One primitive and its arguments. */
typedef struct heed_product {
    heed_shape shape;
    dnnl_primitive_t primitive;
    dnnl_memory_t src, dst, bias, scratch;   /* NULL where the primitive has none */
    size_t scratch_bytes;
} heed_product;

typedef struct heed_buffer {
    void *data;
    size_t bytes;
} heed_buffer;

typedef struct heed_dnnl {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    heed_product **table;      /* open addressing, `room` a power of two */
    int64_t count, room;
    heed_buffer scratch;
    int64_t grown;             /* allocations and primitives so far */
} heed_dnnl;

/* A weight [k,n] in oneDNN's layout. Read-only once filled: threads share it. */
typedef struct heed_packed {
    dnnl_engine_t engine;
    dnnl_memory_t memory;
    heed_buffer buffer;
    heed_number number;
    int64_t n, k;
    const float *floats;   /* in the place of memory and buffer: somebody else's, of which lines are laid at each product; [k,n] row-major, turned: [n,k] */
    bool turned;
    bool lines;            /* the buffer is laid out as kernels/lines.h has it */
} heed_packed;

int heed_dnnl_alone(void);             /* returns what heed_dnnl_restore() wants */
void heed_dnnl_restore(int threads);

/* Bounds oneDNN to the instruction set of heed_kernels_get() before its first use, once a process. */
void heed_dnnl_bound(void);
bool heed_dnnl_is_avx512(void);        /* what oneDNN really uses; asked after heed_dnnl_bound() */
bool heed_dnnl_has(heed_number number);   /* whether it multiplies such numbers by instructions made for them; likewise */

dnnl_status_t heed_dnnl_open(heed_dnnl *d);
void heed_dnnl_close(heed_dnnl *d);

/* At least `bytes`, zeroed when newly asked for, on a cache line; NULL when memory is out. */
void *heed_buffer_room(heed_buffer *b, size_t bytes, int64_t *grown);

/* Lays out room for a weight [k,n] that will be used by HEED_PRODUCT_PACKED. */
dnnl_status_t heed_packed_open(heed_packed *w, heed_number number, int64_t n, int64_t k);
/* In their place floats that stay where they are, again for others; for kernel lines alone. */
void heed_packed_lend(heed_packed *w, heed_number number, int64_t n, int64_t k, const float *floats, bool turned);
static inline bool heed_packed_is(const heed_packed *w) { return w->memory || w->floats; }
void heed_packed_close(heed_packed *w);
/* Whether heed_packed_lay() can fill it: from rows [k,n] of floats, or transposed from [n,k]. room: HEED_LAY_ROWS rows of k numbers. */
enum { HEED_LAY_ROWS = 64 };
bool heed_packed_lays(const heed_packed *w, bool transposed);
void heed_packed_lay(heed_packed *w, bool transposed, const float *from, uint16_t *room);
/* One panel of lines, columns first .. first+63 of such a weight or as many as there are. */
/* room: as above for bf16 that is turned, else NULL. */
void heed_packed_lay_panel(const heed_packed *w, bool transposed, int64_t first, const float *from, void *panel, uint16_t *room);

/* The product of this shape, made if it is new. `packed` gives the layout where the kind has one, else NULL. */
dnnl_status_t heed_product_get(heed_dnnl *d, const heed_shape *shape, const heed_packed *packed, heed_product **out);
/* Runs it; bias NULL where the shape has none. */
dnnl_status_t heed_product_run(heed_dnnl *d, heed_product *p, const heed_packed *packed, const void *src, const float *bias, void *dst);

#endif
