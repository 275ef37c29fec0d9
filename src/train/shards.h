/* A batch cut into shards of sentences, each on a tape of its own, run side by side. The cut follows from the batch alone, and results join in the
 * order of the shards, so the bits are the same for any number of threads. Tapes keep their memory from batch to batch. */
#ifndef HEED_TRAIN_SHARDS_H
#define HEED_TRAIN_SHARDS_H

#include "base/stopwatch.h"
#include "model/model.h"

enum { HEED_MAX_SHARDS = 8, HEED_SHARD_SENTENCES = 12 };

/* B / 12, at least 1, at most 8. */
int heed_shard_count(int64_t B);
/* Sentences first[i] .. first[i+1]-1 are shard i: about the same number of symbols of `span` each, and never without a sentence. first [count+1]. */
void heed_shard_cut(heed_span span, int count, int64_t *first);

typedef struct heed_shards heed_shards;
heed_shards *heed_shards_new(const heed_model *m, int threads, uint64_t key, heed_error *err);   /* the model is borrowed; key of random choices */
void heed_shards_free(heed_shards *s);

/* Loss of the batch, and when `train` is set the way back: gradients are listed on the tapes for heed_shards_collect(). *finite: all losses are. */
heed_status heed_shards_run(heed_shards *s, const heed_batch *b, bool train, double weight, heed_loss_counts *counts, bool *finite, heed_error *err);
/* Sums the gradients of the last run into those of the weights. */
heed_status heed_shards_collect(heed_shards *s, heed_error *err);
/* Appends where the last run first met a value that is not finite: op, layer and the corpus lines of the shard's records. The batch of the last run
 * must still be there. false: nowhere on the tapes. */
bool heed_shards_blame(const heed_shards *s, heed_buf *out);
/* From now on the time of shard i goes to watch[i] [HEED_MAX_SHARDS]: nodes and products as heed_tape_watch() names them, and "rest". NULL: nowhere. */
void heed_shards_watch(heed_shards *s, heed_stopwatch *watch);
int64_t heed_shards_grown(const heed_shards *s);      /* how often memory was asked for: constant in a steady state */

#endif
