/* Text to the words of a bitext: code points, then runs of them. For the files of this folder. */
#ifndef HEED_ALIGN_SPLIT_H
#define HEED_ALIGN_SPLIT_H

#include "data/text.h"

/* Replaces codes with the code points of a text (item.id) and the bytes they come from, parted as the words are asked. HEED_E_DATA; HEED_E_NOMEM. */
heed_status heed_split_read(const char *text, size_t size, bool lower, bool parted, heed_tokens *codes, heed_error *err);
/* The next word of codes from *at on: its first code point, -1 where none is left; *at moves behind it, *size is how many it has. */
int64_t heed_split_next(const heed_tokens *codes, bool parted, int64_t *at, int64_t *size);

#endif
