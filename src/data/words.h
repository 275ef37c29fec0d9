/* Words: what white space parts, and 13a (mteval-v13a's rule of punctuation) parts further. */
#ifndef HEED_DATA_WORDS_H
#define HEED_DATA_WORDS_H

#include "data/text.h"

enum { HEED_CUT = 0 };   /* stands among code points where two words meet without white space; text holds no such character */

/* Puts a cut wherever 13a parts what no white space does. Takes memory for the time of the call. false: out of memory. */
bool heed_words_part(heed_tokens *text);

#endif
