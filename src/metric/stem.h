/* The stems of English words. */
#ifndef HEED_METRIC_STEM_H
#define HEED_METRIC_STEM_H

#include "heed/base.h"

/* Cuts a word of lower-case letters a-z and digits down to its stem, in place; returns the stem's length, which is at most n. It is the algorithm of
 * Porter (1980) with the changes of NLTK's PorterStemmer in its usual mode, for that is what rouge-score stems with: "relational" -> "relat",
 * "flying" -> "fli", "enjoys" -> "enjoy". Cost: n. */
int64_t heed_stem(int32_t *word, int64_t n);

#endif
