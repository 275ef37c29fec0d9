/* The tokenisers of sacreBLEU: they put spaces around what is a token of its own. */
#ifndef HEED_METRIC_TOKENIZE_H
#define HEED_METRIC_TOKENIZE_H

#include "metric/codes.h"

extern const char *const heed_tokenizers[];   /* names, "13a" first, NULL at the end */
/* Rewrites text in place; spare is scratch. false: out of memory. name: one of heed_tokenizers. */
bool heed_tokenize(const char *name, heed_codes *text, heed_codes *spare);

#endif
