/* Many explanations as one object, for a page that shows them all. */
#ifndef HEED_EXPLAIN_CORPUS_H
#define HEED_EXPLAIN_CORPUS_H

#include "base/buf.h"

typedef struct heed_corpus_text { const char *name, *text; size_t size; } heed_corpus_text;    /* name: for messages, and of the model where its explanations name none */

/* Appends {"heed": "corpus", "version", "items", "counts": [explanations of each text], "models": [their names]}: the objects of texts [count], one a line as
 * `heed explain --json` prints them, as they stand. Empty lines are left out. Memory: the texts again, and one line read.
 * HEED_E_DATA: a text without an explanation, a line that is none, with its number; HEED_E_LIMIT: more than 1 GiB; HEED_E_NOMEM. */
heed_status heed_corpus_join(const heed_corpus_text *texts, int count, heed_buf *out, heed_error *err);

#endif
