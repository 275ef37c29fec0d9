/* Lays a batch out in one piece of memory: shared by heed_batch_new and the loader, which keeps the piece for its next batch. */
#ifndef HEED_DATA_LAY_H
#define HEED_DATA_LAY_H

#include "data/batch.h"

typedef struct heed_draft {
    const int32_t *source, *target;          /* symbols without </s>, `stride` numbers apart */
    const int32_t *source_word, *target_word;   /* [source_count], [target_count]; NULL: not known, of all drafts */
    int64_t source_count, target_count, stride;
    uint64_t record;
    int64_t line;
} heed_draft;

size_t heed_lay_bytes(const heed_draft *d, int64_t B, bool target);
/* memory: that many bytes, aligned for any type, to live as long as the batch. target: there is one. sort: longest target (source, when
 * there is none) first, ties by line, then by place. */
void heed_lay(heed_batch *b, const heed_draft *d, int64_t B, bool target, bool sort, void *memory);

#endif
