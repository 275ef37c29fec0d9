/* The additive score's functions, which location_conv shares: there the key of a pair is shifted by what was looked at before. */
#ifndef HEED_ATTN_ADDITIVE_H
#define HEED_ATTN_ADDITIVE_H

#include "attn/score.h"

heed_status heed_additive_init(heed_attn *a, heed_params *p, const char *scope, heed_error *err);
heed_tensor *heed_additive_keys(heed_tape *t, const heed_attn *a, heed_tensor *memory);
heed_tensor *heed_additive_queries(heed_tape *t, const heed_attn *a, heed_tensor *q);

#endif
