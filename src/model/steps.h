/* For decoders that compute all moments of a batch at once, and when they write one after the other past a history (attn/history.h). */
#ifndef HEED_MODEL_STEPS_H
#define HEED_MODEL_STEPS_H

#include "attn/layer.h"
#include "model/model.h"

/* [N] the symbol before each of the target: <s>, then all but its last. NULL here and below: the tape has failed. */
int32_t *heed_steps_before(heed_tape *t, const heed_side *target);
/* heed_dropout() of what nobody else reads, neither later nor on the way back: in a thrifty round its memory is used again. */
heed_tensor *heed_steps_drop(heed_tape *t, heed_tensor *x, const uint64_t *keys, uint64_t site, double p);
/* Each hypothesis as a sequence, of which a step is one row. */
heed_span heed_steps_span(heed_tape *t, int64_t n);
/* [N,D] of vector [B,D] the row of the sequence that owns each row of span; owner as in heed_gaze. */
heed_tensor *heed_steps_vectors(heed_tape *t, heed_tensor *vector, heed_span span, const int64_t *owner);
/* s->owner and s->n for the rows kept; of any decoder, once it has chosen among its own rows. */
bool heed_steps_select(heed_tape *t, heed_state *s, const int64_t *rows, int64_t n);

/* Whether anybody will ask where layer l looked; weighs: its weights are needed in any case. */
bool heed_steps_wants(const heed_state *s, int64_t l, bool weighs);
/* Where the rows of s will look through a: room for what later questions need, so that all else of a step can be forgotten (heed_arena_rewind). memory: of the
 * sequences looked at; weights: they are asked for. */
heed_attended heed_steps_room(heed_tape *t, const heed_attn *a, const heed_state *s, heed_span memory, bool weights);
void heed_steps_remember(heed_attended *kept, const heed_attended *x);
/* Values of an equal shape, kept likewise. */
void heed_steps_take(heed_tensor *to, const heed_tensor *from);

#endif
