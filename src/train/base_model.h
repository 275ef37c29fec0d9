/* A trained model that runs beside the one that learns, over the same shard and with the same symbols before (Wiegreffe and Pinter 2019):
 *
 *   train.frozen_attention   what its cross attention weighs is what the other learns around               (section 3.4)
 *   train.adversary          what it says is what the other learns, and what it weighs is to be shunned    (section 4)
 *
 * Its weights come in the order in which layers ask for them, which is the same in both: decoders of one kind, with as many layers and heads. */
#ifndef HEED_TRAIN_BASE_MODEL_H
#define HEED_TRAIN_BASE_MODEL_H

#include "model/model.h"

/* What one thread runs, with a tape of its own. Both models are borrowed; limit: bytes of the tape. HEED_E_NOMEM. */
typedef struct heed_base_model heed_base_model;
heed_base_model *heed_base_model_new(const heed_model *learner, const heed_model *other, size_t limit, heed_error *err);
void heed_base_model_free(heed_base_model *b);        /* NULL is fine */
int64_t heed_base_model_grown(const heed_base_model *b);

/* In the place of heed_model_loss(), as the learner's recipe says; errors are t's.
 *
 *   frozen      heed_model_loss() of the learner, whose cross attention has the other's weights: constants, so nothing is learnt of where to look
 *   adversary   TVD(p, p') - L KL(a || a'), p' and a' the other's; the mean of layers and heads, the sum of symbols times `weight`. log_p of the counts is minus
 *               that sum, hits are symbols where both have the same likeliest; also where the tape does not train */
heed_tensor *heed_base_model_loss(heed_base_model *b, heed_tape *t, const heed_batch *batch, double weight, heed_loss_counts *counts);

#endif
