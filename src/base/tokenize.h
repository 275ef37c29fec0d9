/* The tokenisers of sacreBLEU: they put spaces around what is a token of its own. */
#ifndef HEED_BASE_TOKENIZE_H
#define HEED_BASE_TOKENIZE_H

#include "base/codes.h"

extern const char *const heed_tokenizers[];   /* names, "13a" first, NULL at the end */
/* Rewrites text in place; spare is scratch. false: out of memory. name: one of heed_tokenizers; "words" is 13a but for the entities of
 * mark-up, which are left as they stand, so that spaces are all that is added and white space at the end all that is taken away. */
bool heed_tokenize(const char *name, heed_codes *text, heed_codes *spare);
/* Can 13a make the character a token of its own though no space parts it from its neighbours? ASCII punctuation but for the apostrophe. */
bool heed_tokenize_mark(int32_t code);

#endif
