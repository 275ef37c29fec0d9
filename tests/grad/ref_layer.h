/* Reference of the attention layer (attn/layer.h), in double and by hand: what queries, keys and values become before attend's reference joins them, and
 * what becomes of the result. Each tensor of it is a block, so gradients are sums of the same terms as in the layer. */
#ifndef HEED_TESTS_REF_LAYER_H
#define HEED_TESTS_REF_LAYER_H

#include "attention.h"

/* Rows on their way to a meeting: as they are, projected, of unit length, turned by their position. What does not happen is NULL. */
typedef struct ref_side {
    const block *x, *weight, *bias, *projected, *unit, *turned;
    heed_span span;
    int64_t heads, position;
} ref_side;

typedef struct ref_layer {
    const ref_score *score;
    ref_attend look;
    ref_side queries, keys;
    const block *part[PART_COUNT];         /* of the problem's inputs, NULL: it has none such */
    const block *values;                   /* projected, else the memory */
    const block *near, *filtered, *shift;  /* location_conv, coverage */
    const block *hidden, *flat, *centre;   /* local_p: a linear layer, its tanh, u */
    const block *looked, *out, *weights;   /* attend's result, the layer's (the same when bare), weights or NULL */
    int64_t filter_width;
} ref_layer;

/* Lays what is computed on the way; inputs, spans, the score and results are laid already. */
void ref_layer_lay(ref_layer *l, problem *p, const heed_attn_settings *s);
void ref_layer_forward(const ref_layer *l);
void ref_layer_backward(const ref_layer *l);

#endif
