/* heed/tensor.h: tensors, the tape, named weights. The whole autodiff.
 *
 * A tape is eager: an op computes at once and, while the tape records, leaves a node that knows how to go back. heed_backward() walks the
 * nodes from last to first. Everything a tape hands out lives in its arena until heed_tape_reset(); weights live as long as their
 * heed_params. With recording off the same ops serve inference.
 *
 * Errors are sticky: an op never returns NULL. The first failure is kept, later ops return the tape's poison tensor and do nothing, and
 * heed_backward() and heed_tape_status() report it.
 *
 * Threads: one tape is driven by one thread and its ops run on that thread. Work is spread by giving each shard of a batch a tape of its own
 * (shards are cut by shape, never by the number of threads); the gradients of weights are listed on the tapes and summed in index order
 * afterwards, so the bits are the same for any number of threads. */
#ifndef HEED_TENSOR_H
#define HEED_TENSOR_H

#include "heed/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct heed_tape heed_tape;
typedef struct heed_weight heed_weight;
typedef struct heed_params heed_params;

/* A contiguous row-major array of float32, rank 1 or 2: [rows, cols]; rank 1 has rows = 1. */
typedef struct heed_tensor {
    float *x;                  /* values [rows, cols] */
    float *g;                  /* gradient, same shape; NULL until somebody adds to it */
    int64_t rows, cols;
    bool wants_grad;           /* a weight or an input lies upstream */
    struct heed_tensor *base;  /* set for a view of rows: the gradient lives in the base */
    int64_t first;             /* a view's first row in its base */
    heed_weight *weight;       /* set for a weight */
    bool lists_x, lists_g;     /* the tape's list of weights' gradients points at x, at g */
} heed_tensor;

/* Where each of B sequences begins in N rows laid end to end: start[0] = 0, start[B] = N. */
typedef struct heed_span {
    const int64_t *start;      /* [B+1] */
    int64_t B;
} heed_span;

/* Of the rows of a tensor that is not held. */
typedef struct heed_ranked {
    int64_t n, k;
    const int32_t *ids;        /* [n,k] columns in falling order, the first of equals first; NaN never among them */
    const float *best;         /* [n,k] what stands there */
    const int64_t *count;      /* [n] how many of the k there are; NULL: failed */
    const float *norm;         /* [n] ln of the sum of e^x over the row */
} heed_ranked;

typedef struct heed_tape_options {
    bool record;               /* keep what a backward pass needs */
    bool train;                /* dropout is active */
    uint64_t seed;             /* key of every random choice on this tape */
    size_t limit;              /* bytes the arena may hold, 0: no limit */
} heed_tape_options;

HEED_API heed_tape *heed_tape_new(const heed_tape_options *options, heed_error *err);
HEED_API void heed_tape_free(heed_tape *t);
/* Voids all tensors of the tape and keeps the memory; record and train as given for the next round, key for its random choices. */
HEED_API void heed_tape_reset(heed_tape *t, bool record, bool train, uint64_t key);
HEED_API heed_status heed_tape_status(const heed_tape *t, heed_error *err);
/* Names the part of the model whose ops follow ("decoder.0"); errors and the search for non-finite values use it. NULL leaves it. */
HEED_API void heed_tape_scope(heed_tape *t, const char *scope);
/* Runs back from a scalar loss [1,1]: adds d loss / d w to the gradient of every weight and tensor that wants one. */
HEED_API heed_status heed_backward(heed_tape *t, heed_tensor *loss, heed_error *err);
/* The first op on the tape whose result (or gradient, after heed_backward) holds a NaN or infinity: its op and scope, false if none. */
HEED_API bool heed_tape_find_nonfinite(const heed_tape *t, const char **op, const char **scope);
HEED_API size_t heed_tape_bytes(const heed_tape *t);     /* held from the system */
HEED_API int64_t heed_tape_grown(const heed_tape *t);    /* how often memory was asked of the system: constant in a steady state */

/* A tensor over a copy of the caller's values (NULL: zeros); grad: collect its gradient, as for a weight. */
HEED_API heed_tensor *heed_input(heed_tape *t, int64_t rows, int64_t cols, const float *values, bool grad);

/* FORGET: 1 in the second quarter, else 0: an LSTM's gates that begin by keeping what they know (Jozefowicz et al. 2015, section 4.2). */
typedef enum heed_fill { HEED_FILL_ZERO, HEED_FILL_ONE, HEED_FILL_FORGET, HEED_FILL_GLOROT, HEED_FILL_NORMAL, HEED_FILL_ORTHOGONAL } heed_fill;

/* Named weights in one slab: values and gradients are each contiguous over all weights, so an optimizer is one loop. */
struct heed_weight {
    heed_tensor tensor;        /* rank 1: rows = 1 */
    char name[96];             /* "decoder.0.cell.hidden.weight" */
    int rank;
    heed_fill fill;
    double scale;
    bool product;              /* the weight of a matrix product: kept packed as well */
    bool table;                /* its floats are read by others than products */
    bool ranked;               /* of its product's rows only the greatest are wanted, mostly */
    bool many;                 /* rows of gradients that meet its product come many at a time: its floats serve the way back, no second packed form does */
    bool lent;                 /* ... and forward too while it learns; in bf16 on the way back alone */
    bool frozen;               /* keeps its values: wants no gradient, and is packed but once */
    struct heed_pack *pack;
    struct heed_screen *screen;    /* by which the greatest of its product's rows are found; NULL: none */
    int64_t packed, packed_data;   /* versions of the values that pack holds, for the product and for the way back */
    heed_params *params;
    int64_t offset;            /* in floats, from the start of the slab */
    int64_t id;                /* place in the order of declaration */
};


/* 1. new, 2. heed_params_add() for every weight, 3. heed_params_finish() lays the slab out; then values are filled or loaded.
 * The pointer heed_params_add returns is valid until heed_params_free. scale: deviation of NORMAL, gain of GLOROT (0: 1). */
HEED_API heed_params *heed_params_new(heed_error *err);
HEED_API void heed_params_free(heed_params *p);
HEED_API heed_weight *heed_params_add(heed_params *p, const char *name, int rank, int64_t rows, int64_t cols, heed_fill fill, double scale);
HEED_API heed_status heed_params_status(const heed_params *p, heed_error *err);   /* HEED_E_NOMEM: a weight could not be declared; finish says so too */
HEED_API heed_status heed_params_finish(heed_params *p, heed_error *err);
HEED_API void heed_params_fill(heed_params *p, uint64_t seed);          /* initial values, each keyed by the weight's name */
HEED_API int64_t heed_params_count(const heed_params *p);               /* weights */
HEED_API int64_t heed_params_size(const heed_params *p);                /* floats in the slab, padding included */
HEED_API heed_weight *heed_params_at(const heed_params *p, int64_t i);
HEED_API heed_weight *heed_params_find(const heed_params *p, const char *name);
HEED_API float *heed_params_values(const heed_params *p);               /* the slab */
HEED_API float *heed_params_grads(const heed_params *p);                /* its gradients; allocated on the first call */
/* Call after changing values: packed copies of the weights are stale. */
HEED_API void heed_params_touch(heed_params *p);
/* The numbers that products with these weights multiply, HEED_F32 at first; sums and the weights themselves stay floats, and HEED_INT8 has no gradients. In the
 * place of numbers that this machine has no instructions for, HEED_F32: heed_params_number() tells what became of it. Before finish or after; packed weights are stale then. */
HEED_API heed_status heed_params_multiply(heed_params *p, heed_number number, heed_error *err);
HEED_API heed_number heed_params_number(const heed_params *p);

#ifdef __cplusplus
}
#endif
#endif
