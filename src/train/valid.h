/* Judging a model on a corpus: the loss without smoothing or dropout and with the true symbols before. */
#ifndef HEED_TRAIN_VALID_H
#define HEED_TRAIN_VALID_H

#include "train/shards.h"
#include "train/train.h"

typedef struct heed_validator heed_validator;
/* Records longer than max_length symbols (0: no limit) are left out. The model is borrowed. HEED_E_DATA: as heed_corpus_open(). */
heed_validator *heed_validator_new(const heed_model *m, const char *const *paths, int files, int64_t max_length, heed_error *err);
void heed_validator_free(heed_validator *v);
/* stop (NULL: never) is asked between batches; HEED_E_STOPPED. A loss that is not finite ends the run and is given as it is; where it arose is appended
 * to `where` (NULL: not wanted). */
heed_status heed_validator_run(heed_validator *v, heed_shards *s, bool (*stop)(void *user), void *user, heed_valid *out, heed_buf *where, heed_error *err);
const heed_loader_counts *heed_validator_counts(const heed_validator *v);   /* of the last run */

#endif
