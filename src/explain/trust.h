/* Whether the lenses of one explanation can be believed here: each is judged on this very output (explain/judge.h), beside random orders and beside its own reverse. */
#ifndef HEED_EXPLAIN_TRUST_H
#define HEED_EXPLAIN_TRUST_H

#include "base/buf.h"
#include "explain/judge.h"

/* Symbols of the source up to which a page judges unasked: its cost grows with their square. */
enum { HEED_TRUST_SYMBOLS = 400 };

typedef struct heed_trust_lens { const heed_lens *is; const float *scores; } heed_trust_lens;   /* scores [T,S] */

/* The object "trust" of docs/contract.md, "An explanation". known: the model's "lenses" of attn.json (heed_model.lenses), whose order is recommended then and which is its member
 * "faithful"; NULL: the order found here is recommended. A lens passes when it does better than each of ten random orders. Up to 8 target symbols are judged, evenly picked. Cost: (2 lenses + 10)
 * times 15 passes a symbol, at most. Errors: those of heed_judge(). */
heed_status heed_trust_json(const heed_lens_input *in, const heed_trust_lens *lenses, int count, const char *known, heed_buf *out, heed_error *err);

#endif
