/* heed/nn.h: layers as plain structs by value that declare named weights. `init` declares under a scope ("encoder.0.forward"), `forward` is
 * differentiable, `step` is one moment of a recurrence. Errors of declaration surface in heed_params_finish(), those of forward on the tape. */
#ifndef HEED_NN_H
#define HEED_NN_H

#include "heed/ops.h"

#ifdef __cplusplus
extern "C" {
#endif

/* y = x W^T + b */
typedef struct heed_dense { heed_weight *weight, *bias; } heed_dense;                   /* [out,in], [1,out] or NULL */
HEED_API void heed_dense_init(heed_dense *d, heed_params *p, const char *scope, int64_t in, int64_t out, bool bias);
HEED_API heed_tensor *heed_dense_forward(heed_tape *t, const heed_dense *d, heed_tensor *x);                       /* [N,in] -> [N,out] */
HEED_API heed_tensor *heed_dense_add(heed_tape *t, const heed_dense *d, heed_tensor *base, heed_tensor *x);        /* base + x W^T, without the bias */

/* A recurrent cell but for its input products, which its owner sums into `gates` (their width: heed_cell_gates). */
typedef struct heed_cell {
    heed_cell_kind kind;
    int64_t width;
    heed_weight *hidden, *bias;                                                         /* [G H,H], [1,G H] */
} heed_cell;
HEED_API void heed_cell_init(heed_cell *c, heed_params *p, const char *scope, heed_cell_kind kind, int64_t width);
HEED_API int64_t heed_cell_gates(const heed_cell *c);
HEED_API heed_lstm_state heed_cell_step(heed_tape *t, const heed_cell *c, heed_tensor *gates, heed_lstm_state before);          /* c stays NULL for GRU */
HEED_API heed_lstm_state heed_cell_sequence(heed_tape *t, const heed_cell *c, heed_tensor *gates, heed_span span, bool reverse);

#ifdef __cplusplus
}
#endif
#endif
