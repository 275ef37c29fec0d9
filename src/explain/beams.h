/* The hypotheses of a search, for pictures. */
#ifndef HEED_EXPLAIN_BEAMS_H
#define HEED_EXPLAIN_BEAMS_H

#include "base/buf.h"

/* A symbol that was kept for a step at least. */
typedef struct heed_beam { int64_t before; const char *text; double logp; bool end; } heed_beam;   /* before: place of the one it follows, -1: none; end: it ends the output */
typedef struct heed_beams {
    const heed_beam *nodes;      /* [count] those before a symbol ahead of it */
    int64_t count, best;         /* best: the last symbol of the output */
} heed_beams;

/* Appends {"nodes": [{"id", "parent", "text", "logp", "score", "step", "state"}]}, docs/contract.md; the first is the beginning. Nothing where the search never had a choice to keep: greedy, or forced.
 * False: nothing was appended. */
bool heed_beams_json(const heed_beams *b, heed_buf *out);

#endif
