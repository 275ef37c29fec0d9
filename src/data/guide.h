/* From links between words to what a batch's symbols are linked with: the guide of guided attention (heed_guidance). */
#ifndef HEED_DATA_GUIDE_H
#define HEED_DATA_GUIDE_H

#include "data/batch.h"

/* word[i] of token i: the first of words that has bytes of it, -1 where none has. Both rise. */
void heed_guide_words(const heed_tokens *tokens, const heed_tokens *words, int32_t *word);

/* Memory of a guide, {0} at first, kept from batch to batch. */
typedef struct heed_guide_room { int64_t *start; int32_t *key; int64_t start_room, key_room; } heed_guide_room;
void heed_guide_room_free(heed_guide_room *room);
/* Sets b->guide, which borrows the room; b knows words on both sides. A symbol of the target is linked with all symbols of the source words that its own word is
 * linked with, or with </s> as *how says; in a line without links with nothing. False: out of memory. */
bool heed_guide_batch(heed_guide_room *room, const heed_guide_settings *how, heed_batch *b);

#endif
