/* Which of a model's attentions a call is, told by what it is asked: for what hangs on a tape (tensor/tape.h), so that models need know nothing of it. */
#ifndef HEED_ATTN_SITE_H
#define HEED_ATTN_SITE_H

#include "heed/ops.h"

/* Encoder and decoder: self-attention of Transformers; recurrent and convolutional models have cross attention alone, if any. */
typedef enum heed_site { HEED_SITE_ENCODER, HEED_SITE_DECODER, HEED_SITE_CROSS, HEED_SITES } heed_site;

heed_site heed_site_of(const heed_tape *t, const heed_attend_args *args);
int heed_site_layer(const heed_tape *t);      /* from 0, of the layer that asks */

#endif
