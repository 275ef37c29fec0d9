/* A trained model that runs beside the one that learns, over the same shard and with the same symbols before: what its cross attention weighs is what the other
 * learns around (train.frozen_attention; Wiegreffe and Pinter 2019, section 3.4). Its weights come in the order in which layers ask for them, which is the
 * same in both: decoders of one kind, with as many layers and heads. */
#ifndef HEED_TRAIN_BASE_MODEL_H
#define HEED_TRAIN_BASE_MODEL_H

#include "model/model.h"

/* What one thread runs, with a tape of its own. Both models are borrowed; limit: bytes of the tape. HEED_E_NOMEM. */
typedef struct heed_base_model heed_base_model;
heed_base_model *heed_base_model_new(const heed_model *learner, const heed_model *other, size_t limit, heed_error *err);
void heed_base_model_free(heed_base_model *b);        /* NULL is fine */
int64_t heed_base_model_grown(const heed_base_model *b);

/* heed_model_loss() of the learner, whose cross attention has the other's weights: constants, so nothing is learnt of where to look. Errors are t's. */
heed_tensor *heed_base_model_loss(heed_base_model *b, heed_tape *t, const heed_batch *batch, double weight, heed_loss_counts *counts);

#endif
