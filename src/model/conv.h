/* What the convolutional encoder and decoder share     (Gehring et al. 2017, Convolutional Sequence to Sequence Learning)
 *
 *   e = embedding + position;   x = in(e);   in each layer x = (x + glu(conv(x))) sqrt(0.5);   z = out(x), as wide as e
 *
 * First values keep the variance of what flows (section 3.5): deviation sqrt(4 q / n) before a gate and sqrt(q / n) elsewhere, n inputs of which dropout keeps
 * the share q. Unlike there, weights are not normalised and the encoder's gradient is not divided by the number of layers that look at it: Adam, which divides
 * by the gradient's own size, took the place of plain steps. */
#ifndef HEED_MODEL_CONV_H
#define HEED_MODEL_CONV_H

#include "model/model.h"

typedef struct heed_convs {
    heed_weight *embedding;                     /* [V,E], the model's */
    heed_position position;
    heed_dense in, out;                         /* [D,E], [E,D] */
    heed_dense conv[HEED_MAX_LAYERS];            /* [2D, kernel D] */
    char scope[HEED_MAX_LAYERS][16];             /* "encoder.0" */
    int64_t layers, embed, width, kernel;
    double dropout;
} heed_convs;

/* side: "encoder" or "decoder". HEED_E_USAGE: sinusoids for an odd width. */
heed_status heed_convs_init(heed_convs *c, heed_params *p, const char *side, const heed_recipe *r, heed_weight *embedding, heed_error *err);

/* A linear layer whose inputs dropout keeps with chance `kept`. */
void heed_convs_map(heed_dense *d, heed_params *p, const char *scope, int64_t in, int64_t out, double kept);

/* e [N,E] before dropout; position: of each sequence's first row. */
heed_tensor *heed_convs_embed(heed_tape *t, const heed_convs *c, const int32_t *ids, heed_span span, int64_t position);
/* glu(conv) of layer l over neighbourhoods [N, kernel D] (heed_unfold): [N,D] */
heed_tensor *heed_convs_gate(heed_tape *t, const heed_convs *c, int64_t l, heed_tensor *near);
/* (a + b) sqrt(0.5): the variance stays that of one of them (section 3.4) */
heed_tensor *heed_convs_join(heed_tape *t, heed_tensor *a, heed_tensor *b);

#endif
