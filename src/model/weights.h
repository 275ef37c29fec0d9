/* model.safetensors: the weights of a model. As floats, or with matrices in fewer bits:
 *   bf16   BF16, rounded to even
 *   int8   I8, and beside each NAME a NAME.scale, F32 [rows]: w = scale[row] * whole number of -127 to 127, the greatest of a row being 127
 * Vectors are floats always. Both come back as the floats that they stand for, and a product that multiplies such numbers packs just those again. */
#ifndef HEED_MODEL_WEIGHTS_H
#define HEED_MODEL_WEIGHTS_H

#include "heed/tensor.h"

/* HEED_E_LIMIT: a weight is too large for such numbers, or not finite, which is told of the first by name; HEED_E_IO, HEED_E_NOMEM; HEED_E_USAGE: it keeps no floats. */
heed_status heed_weights_save(const heed_params *p, heed_number number, const char *path, heed_error *err);

/* Lays the slab out (heed_params_finish) and fills it; memory is asked for only when every shape fits, since settings that were altered can ask for any amount.
 * set: config.json's settings were replaced in part, which is then to blame (HEED_E_USAGE). *number: what matrices are kept in, the narrowest of them.
 * serve: weights of products are packed as well, and keep no floats (heed_weight_serve).
 * HEED_E_MODEL: the file is damaged, of other weights, holds what is not finite, or scales that are none; HEED_E_NOMEM. */
heed_status heed_weights_load(heed_params *p, const char *path, bool set, bool serve, heed_number *number, heed_error *err);

#endif
