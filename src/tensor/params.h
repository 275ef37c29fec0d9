/* The inside of heed_params, for params.c and collect.c. */
#ifndef HEED_TENSOR_PARAMS_H
#define HEED_TENSOR_PARAMS_H

#include "tensor/tape.h"

/* What one thread needs to pack weights and sum gradients; kept over updates. */
typedef struct heed_worker {
    heed_gemm *gemm;
    heed_gemm_rows *rows;
    int64_t capacity;
    heed_stopwatch *watch;
    heed_error error;
} heed_worker;

/* A block of a weight's rows whose gradient one thread sums. */
typedef struct heed_share { heed_weight *w; int64_t first, end; double cost; } heed_share;

struct heed_params {
    heed_number number;             /* of the weights' products */
    heed_weight **weight;
    int64_t count, capacity, size, version;
    void *slab;                     /* values lie in it, on a cache line */
    float *values, *grads;
    heed_worker *worker;
    int workers;
    heed_share *share;
    int64_t shares;
    int64_t *job, jobs;             /* [jobs+1] the first share of each */
    bool failed, finished;
};

/* At least `threads` workers, their errors cleared. */
heed_status heed_params_crew(heed_params *p, int threads, heed_error *err);

#endif
