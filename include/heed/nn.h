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

/* A recurrent cell but for its input products, which its owner sums into `gates` (their width: heed_cell_gates). */
typedef struct heed_cell {
    heed_cell_kind kind;
    int64_t width;
    heed_weight *hidden, *bias;                                                         /* [G H,H], [1,G H] */
} heed_cell;
HEED_API void heed_cell_init(heed_cell *c, heed_params *p, const char *scope, heed_cell_kind kind, int64_t width);
HEED_API int64_t heed_cell_gates(const heed_cell *c);
/* gates: read by nothing else; x (NULL: none) joins them through `joined`, without its bias. The state's c stays NULL for GRU. */
HEED_API heed_lstm_state heed_cell_step(heed_tape *t, const heed_cell *c, heed_tensor *gates, heed_tensor *x, const heed_dense *joined, heed_lstm_state before);
HEED_API heed_lstm_state heed_cell_sequence(heed_tape *t, const heed_cell *c, heed_tensor *gates, heed_span span, bool reverse);

/* Layer normalisation, its gain and bias learned. */
typedef struct heed_layer_norm { heed_weight *gain, *bias; } heed_layer_norm;           /* [1,D], [1,D] */
HEED_API void heed_layer_norm_init(heed_layer_norm *n, heed_params *p, const char *scope, int64_t width);
HEED_API heed_tensor *heed_layer_norm_forward(heed_tape *t, const heed_layer_norm *n, heed_tensor *x);

/* outer(activation(inner(x))), position by position     (Vaswani et al. 2017, section 3.3) */
typedef struct heed_ffn { heed_dense inner, outer; heed_activation activation; } heed_ffn;
HEED_API void heed_ffn_init(heed_ffn *f, heed_params *p, const char *scope, int64_t width, int64_t inner, heed_activation activation);
HEED_API heed_tensor *heed_ffn_forward(heed_tape *t, const heed_ffn *f, heed_tensor *x);                            /* [N,D] -> [N,D] */

/* What embeddings become before the first layer: scale x + what tells a row's place in its sequence: nothing, sinusoids, or a row of a learned table. */
typedef struct heed_position {
    float scale;
    bool sinusoid;
    heed_weight *table;                                                                 /* [longest,D] or NULL */
} heed_position;
/* longest: rows of a learned table, its first values of deviation `spread`; 0: none. HEED_E_USAGE: sinusoids for an odd width. */
HEED_API heed_status heed_position_init(heed_position *x, heed_params *p, const char *scope, int64_t width, float scale, bool sinusoid, int64_t longest,
                                        double spread, heed_error *err);
/* position: of each sequence's first row. HEED_E_LIMIT: a row stands beyond the table. */
HEED_API heed_tensor *heed_position_forward(heed_tape *t, const heed_position *x, heed_tensor *embedded, heed_span span, int64_t position);

#ifdef __cplusplus
}
#endif
#endif
