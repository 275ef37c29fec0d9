/* A batch cut into shards of sentences, each run on a tape. The cut follows from the batch alone, and results join in the order of the shards, so the bits are
 * the same for any number of threads. There are as many tapes as threads: what a shard has listed is summed while others run, and its tape is the next one's. So
 * memory grows with threads, not with shards. Tapes keep their memory from batch to batch. */
#ifndef HEED_TRAIN_SHARDS_H
#define HEED_TRAIN_SHARDS_H

#include "base/stopwatch.h"
#include "model/model.h"

enum { HEED_MAX_SHARDS = 10, HEED_SHARD_SENTENCES = 16, HEED_FEW_SHARDS = 4, HEED_FEW_SENTENCES = 12 };

/* One for every 16 sentences, for every 12 as far as the fourth; at least 1, at most 10. A step of a recurrent layer multiplies as many rows as its shard has sentences:
 * with fewer it waits for the weights. */
int heed_shard_count(int64_t B);
/* Sentences first[i] .. first[i+1]-1 are shard i: about the same number of symbols of `span` each, and never without a sentence. first [count+1]. */
void heed_shard_cut(heed_span span, int count, int64_t *first);

typedef struct heed_shards heed_shards;
/* base: runs along with m (train/base_model.h), NULL: none does. Models are borrowed; key of random choices. */
heed_shards *heed_shards_new(const heed_model *m, const heed_model *base, int threads, uint64_t key, heed_error *err);
void heed_shards_free(heed_shards *s);

/* The loss of the batch alone. *finite: those of all shards are. */
heed_status heed_shards_run(heed_shards *s, const heed_batch *b, heed_loss_counts *counts, bool *finite, heed_error *err);
/* The loss, weighted, and its gradients, which are added to those of the weights; first: those so far are forgotten. Ends early when a loss is not finite. */
heed_status heed_shards_learn(heed_shards *s, const heed_batch *b, bool first, double weight, heed_loss_counts *counts, bool *finite, heed_error *err);
/* Appends where the last batch first met a value that is not finite: op, layer and the corpus lines of the shard's records. Its shards are run once more, one
 * after the other, so the batch must still be there, and the weights be those of then. false: nowhere. */
bool heed_shards_blame(heed_shards *s, heed_buf *out);
/* From now on the time of tape i goes to watch[i] [HEED_MAX_SHARDS]: nodes and products as heed_tape_watch() names them, and "rest". NULL: nowhere. */
void heed_shards_watch(heed_shards *s, heed_stopwatch *watch);
int64_t heed_shards_grown(const heed_shards *s);      /* how often memory was asked for: constant in a steady state */

#endif
