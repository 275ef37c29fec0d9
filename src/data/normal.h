/* Text to code points with the bytes they come from: UTF-8, then NFKC and lower case when asked.
 *
 * The code points stand in the `id` of the tokens, so encoding turns them into symbol numbers in place and needs no memory of its own.
 * A composed character covers the bytes of all it was made of; the parts of a decomposed one all cover its bytes. */
#ifndef HEED_DATA_NORMAL_H
#define HEED_DATA_NORMAL_H

#include "data/text.h"

bool heed_tokens_reserve(heed_tokens *t, int64_t capacity);   /* false when out of memory; what was held stays */
/* Replaces what out held. HEED_E_DATA: not UTF-8, with byte and column. HEED_E_LIMIT: 2 GiB or more. */
heed_status heed_normalize(const char *text, size_t size, bool lower, bool nfkc, heed_tokens *out, heed_error *err);

#endif
