/* The probe: a model read along given pairs, with something changed on the way, and what became of the probability of every symbol written.
 *
 * One pair, or many variants of it, run forced through encoder and decoder as batches: ln p of each target symbol, the attention of every layer and head, and
 * the gradients of ln p towards the embeddings of the source. The model itself is not touched, and no layer of it knows: the probe hangs on the tape
 * (tensor/tape.h) while it runs and is gone afterwards. A run without meddler whose variants ask for nothing has the bits of a run without a probe, watched or
 * not.
 *
 *   heed_probe *p = heed_probe_new(model, tape, &err);
 *   float full[T], less[T];
 *   heed_variant v[] = {{.source = x, .S = S, .target = y, .T = T, .logp = full},             the pair itself
 *                       {.source = short_x, .S = S - 1, .target = y, .T = T, .logp = less}};  one symbol of its source left out
 *   heed_probe_run(p, v, 2, &err);                                                            full[t] - less[t]: what the symbol was worth
 *   heed_probe_free(p);
 *
 * Symbols are numbers of the model's vocabularies. A source ends with </s> in training; a probe takes it as it is given, so </s> can be left out as any other
 * symbol can. A target is what was written, its </s> (if it was written) included. A symbol left out closes the gap: those behind it move up, as in a shorter
 * text.
 *
 * Variants are cut into batches by their number of rows, and a variant's numbers do not depend on its neighbours. Threads: a probe belongs to one at a time, as
 * its tapes do, and works with one, or as many as heed_probe_spread() says; several probes may share a model. Its callbacks come one at a time.
 * Errors of every call: HEED_E_USAGE: a variant without symbols, or that asks for a vector the decoder does not begin with; HEED_E_MODEL: ln p is not a number;
 * HEED_E_NOMEM; HEED_E_SHAPE. */
#ifndef HEED_EXPLAIN_PROBE_H
#define HEED_EXPLAIN_PROBE_H

#include "attn/site.h"
#include "model/model.h"

typedef struct heed_probe heed_probe;

/* tape: borrowed, reset with every batch. HEED_E_NOMEM. */
heed_probe *heed_probe_new(const heed_model *m, heed_tape *tape, heed_error *err);
/* From now on works with `threads` threads, on these tapes [threads]; borrowed likewise. HEED_E_NOMEM: then as before. */
heed_status heed_probe_spread(heed_probe *p, heed_tape *const *tapes, int threads, heed_error *err);
void heed_probe_free(heed_probe *p);                       /* NULL is fine */
const heed_model *heed_probe_model(const heed_probe *p);

/* --- a pair, changed ---------------------------------------------------------------------------------------------------------------------------- */

/* Arrays are the caller's; NULL: nothing of the kind. */
typedef struct heed_variant {
    const int32_t *source; int64_t S;     /* at least one symbol */
    const int32_t *target; int64_t T;     /* likewise */
    const float *scale;                   /* [S] each source embedding e becomes scale e + (1 - scale) b, b: heed_probe_baseline() */
    const bool *muted;                    /* [S] the values of these symbols are zeros wherever they are keys: the source's own layers and cross attention */
    const int32_t *other; int64_t others; /* [others] a source whose vector the decoder begins with, in the place of its own. Recurrent decoders, and any without attention */
    float *logp;                          /* result [T]: ln p of each target symbol, those before it given; NULL: not wanted */
    bool last;                            /* logp is of the last symbol alone, [1]; cheaper where all of a call ask for no more */
} heed_variant;

/* The embedding [E] that `scale` leads to; NULL: zeros, as at first. Kept, not copied. */
void heed_probe_baseline(heed_probe *p, const float *embedding);
const float *heed_probe_get_baseline(const heed_probe *p);
const float *heed_probe_embedding(const heed_probe *p, int32_t symbol);      /* [E] of a source symbol, the model's own */
/* The mean of all source embeddings of the vocabulary but those of <unk> and <s>, [E] in *mean, room for heed_probe_width(). */
int64_t heed_probe_width(const heed_probe *p);
void heed_probe_mean(const heed_probe *p, float *mean);

/* Asks `stop` (NULL: nobody is asked) from now on before each batch, on the thread that called; true: the call leaves with HEED_E_STOPPED. */
void heed_probe_ask(heed_probe *p, bool (*stop)(void *user), void *user);

/* Fills logp of every variant that wants it; where none does and nobody listens, the output layer is left out. */
heed_status heed_probe_run(heed_probe *p, const heed_variant *v, int64_t count, heed_error *err);

/* Hands ln p [V] of the whole vocabulary of the target for each symbol of a variant's target, those before it given; once each, in any order; valid until `hear`
 * returns. What stands at the target itself is what logp has, to the bit. */
typedef struct heed_listener { void *self; void (*hear)(void *self, int64_t variant, int64_t symbol, const float *logp, int64_t V); } heed_listener;
/* Listens to every heed_probe_run() from now on, NULL: nobody does; returns who did before. Borrowed. */
const heed_listener *heed_probe_listen(heed_probe *p, const heed_listener *l);

/* Gradients of ln p of each variant's last target symbol, towards its source embeddings as they went in (after `scale`). take: called once a variant, in any
 * order, with embeddings and gradients [S,E]. Products are those of floats whatever the model multiplies, so gradients exist; logp is not filled.
 * Cost: a forward pass and one back for every variant, whose rows join in one batch: for all T symbols of one pair, give T variants of 1, 2, .. T target
 * symbols. */
typedef void heed_gradient_take(void *self, int64_t variant, const float *embeddings, const float *gradients, int64_t E);
heed_status heed_probe_gradients(heed_probe *p, const heed_variant *v, int64_t count, heed_gradient_take *take, void *self, heed_error *err);
/* From now on heed_probe_run() multiplies floats too: for numbers that are held against gradients. Packs the weights once, as gradients do. */
heed_status heed_probe_floats(heed_probe *p, bool on, heed_error *err);

/* Hangs a probe with its meddler, and what v says of `scale` and `muted`, for whatever its first tape does next, until it is taken down: a search over one
 * source of S symbols, whose hypotheses all are variant 0. `other` means nothing there. v stays the caller's. */
void heed_probe_hang(heed_probe *p, const heed_variant *v);
void heed_probe_take_down(heed_probe *p);

/* --- attention at work ---------------------------------------------------------------------------------------------------------------------------- */

const char *heed_site_name(heed_site site);                /* "encoder", "decoder", "cross" */
/* Layers of a site, and heads of each; 0: the model has none there. */
void heed_probe_heads(const heed_probe *p, heed_site site, int *layers, int *heads);

/* Some rows of one layer's queries, of one variant: all of them at once, or, of a recurrent decoder, one row after the other. Valid until `see` returns. */
typedef struct heed_sighting {
    heed_site site;
    int layer;
    int64_t variant;                      /* as numbered in the call */
    int64_t first, rows, keys;            /* rows: of the target (the source in the encoder), from `first` on */
    const heed_attn *attn;
    const heed_attended *attended;        /* of the whole batch, before the layer's projection `out` */
    int64_t group, row, pair;             /* where these rows lie in it: group and first row of the queries, first pair */
} heed_sighting;
/* Weights [keys] of one head in the row first + i; changed ones as they were changed. */
void heed_sighting_weights(const heed_sighting *s, int64_t i, int64_t head, float *weights);

typedef struct heed_observer { void *self; void (*see)(void *self, const heed_sighting *s); } heed_observer;
/* Watches from now on, NULL: nobody does; returns who did before. Borrowed. In the order in which a batch passes: the encoder's layers from the lowest, then
 * the decoder's, self before cross; of a recurrent decoder moment by moment. Costs what `see` does: weights are computed when asked for, one row at a time. */
const heed_observer *heed_probe_observe(heed_probe *p, const heed_observer *o);

/* One head in one row of a layer's queries, asked before its weights are used. */
typedef struct heed_aim { heed_site site; int layer, head; int64_t variant, row, keys; } heed_aim;

/* Puts other weights in the place of attention's. wants: whether any of this layer is changed; a layer where none is runs as always. change: weights [keys] as
 * the model has them, 0 where a key cannot be seen; true: they were changed. What was changed passes no gradient to the scores, all else does, and weights that
 * are needed again (coverage, location_conv, copying) are the changed ones. */
typedef struct heed_meddler {
    void *self;
    bool (*wants)(void *self, heed_site site, int layer);
    bool (*change)(void *self, const heed_aim *w, float *weights);
} heed_meddler;
/* Changes every run from now on, NULL: none does; returns the one before. Borrowed. */
const heed_meddler *heed_probe_meddle(heed_probe *p, const heed_meddler *m);

#endif
