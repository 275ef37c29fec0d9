/* The optimizer: norm of the gradient, clipping, one step over the slab of weights. Work is cut into pieces of fixed size and partial sums join in
 * order, so the bits do not depend on threads. */
#ifndef HEED_TRAIN_OPTIMIZER_H
#define HEED_TRAIN_OPTIMIZER_H

#include "model/recipe.h"
#include "tensor/tape.h"

enum { HEED_PIECE_FLOATS = 16384 };   /* a piece of the slab, at most */

typedef struct heed_optimizer {
    heed_params *params;               /* borrowed */
    int type;                          /* HEED_OPTIMIZER_... */
    double beta1, beta2, eps, decay, momentum;
    float *m, *v;                      /* slabs like the weights': means of gradient and square; sgd: momentum, and v is NULL */
    struct heed_stretch { int64_t at, floats; } *piece;      /* of the slab, without what is frozen */
    double *partial;                   /* [pieces] */
    int64_t size, pieces;
} heed_optimizer;

/* Weights that are frozen by then take no part. */
heed_status heed_optimizer_init(heed_optimizer *o, heed_params *p, const heed_recipe *r, heed_error *err);
void heed_optimizer_free(heed_optimizer *o);                                     /* leaves {0} */

/* The Euclidean norm of a gradient slab. */
double heed_optimizer_norm(heed_optimizer *o, const float *grads, int threads);
/* Update number `update` (from 1) with grads times `scale`; marks the weights as changed. */
void heed_optimizer_step(heed_optimizer *o, const float *grads, double scale, double rate, int64_t update, int threads);

/* The slabs by name of weight that is not frozen ("m.encoder.embed", "v.encoder.embed"), as safetensors. HEED_E_MODEL: names or shapes do not fit, not finite. */
heed_status heed_optimizer_save(const heed_optimizer *o, const char *path, heed_error *err);
heed_status heed_optimizer_load(heed_optimizer *o, const char *path, heed_error *err);

#endif
