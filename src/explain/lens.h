/* Lenses: how much each source symbol mattered to each symbol written, by one method each. One file lens_NAME.c and one row of lenses.def; all stand on the
 * probe (explain/probe.h) and change nothing in the model. What every score is about is ln p of a symbol written, those before it given. */
#ifndef HEED_EXPLAIN_LENS_H
#define HEED_EXPLAIN_LENS_H

#include "explain/probe.h"
#include "heed.h"

/* What is looked into. Arrays are the caller's. */
typedef struct heed_lens_input {
    heed_probe *probe;                    /* what it meddles with stays so: a lens then explains the changed model */
    const int32_t *source; int64_t S;     /* symbols, </s> the last */
    const int32_t *target; int64_t T;     /* likewise, or as it was cut */
    heed_look look;                       /* weights, norms, alignment: settled, as in heed_output */
    const bool *wanted;                   /* [T] lenses of gradients fill the rows of these alone, others stay 0; NULL: all */
    const float *logp;                    /* [T] ln p of the pair as the probe has it; NULL: lenses that want it ask */
    const int32_t *source_word, *target_word;   /* [S], [T] alignment: the word that each symbol is part of, -1: none; NULL: each is a word */
} heed_lens_input;

typedef struct heed_lens_note { char text[240]; double gap; } heed_lens_note;   /* text: "" or one remark; gap: of completeness, a share, else NAN */

typedef struct heed_lens_kind {
    heed_lens is;
    /* Fills scores [T,S]. Errors: those of the probe. */
    heed_status (*run)(const heed_lens_input *in, float *scores, heed_lens_note *note, heed_error *err);
} heed_lens_kind;

/* The row's function, heed_lens_weights() and so on. */
#define HEED_LENS(file, ...) heed_status heed_lens_##file(const heed_lens_input *in, float *scores, heed_lens_note *note, heed_error *err);
#include "explain/lenses.def"
#undef HEED_LENS

const heed_lens_kind *heed_lens_kind_at(int i);               /* row of lenses.def, NULL past the end */
const heed_lens_kind *heed_lens_find(const char *name);       /* NULL: none */
/* Whether a model has what the lens needs; HEED_E_USAGE says what can be shown instead. */
heed_status heed_lens_suits(const heed_lens_kind *lens, const heed_model *m, heed_error *err);
/* heed_lens_suits(), then run. */
heed_status heed_lens_run(const heed_lens_kind *lens, const heed_lens_input *in, float *scores, heed_lens_note *note, heed_error *err);

/* What lenses of gradients measure from: embeddings of "zero" (NULL too), the "mean" of the vocabulary's, or that of "unk". Sets the probe's baseline; room
 * [heed_probe_width()] is in use until the next call. HEED_E_USAGE: another name. */
heed_status heed_lens_baseline(heed_probe *p, const char *name, float *room, heed_error *err);

/* --- for lenses ------------------------------------------------------------------------------------------------------------------------------- */

/* scores[t,s] = ln p(t) - ln p(t) with source symbol s changed as `change` says; v comes as the pair itself, ids and flags have room for S and may be filled.
 * Variants run a few dozen at a time. */
typedef void heed_lens_change(const heed_lens_input *in, int64_t s, heed_variant *v, int32_t *ids, bool *flags);
heed_status heed_lens_deletion(const heed_lens_input *in, heed_lens_change *change, float *scores, heed_error *err);
/* scores[t,s] += weight (e_s - b) . d ln p(t) / d e_s where all source embeddings lie at `scale` (above 0) between the baseline b, the probe's, and themselves.
 * */
heed_status heed_lens_gradients(const heed_lens_input *in, double scale, double weight, float *scores, heed_error *err);
/* Integrated gradients in so many steps; gap: of completeness, as a share of what ln p differs by. */
heed_status heed_lens_integrate(const heed_lens_input *in, int steps, float *scores, double *gap, heed_error *err);
/* ln p [T] of the pair with all source embeddings at `scale`. */
heed_status heed_lens_logp(const heed_lens_input *in, double scale, float *logp, heed_error *err);
/* The pair once, watched by `see`. */
heed_status heed_lens_watch(const heed_lens_input *in, void (*see)(void *self, const heed_sighting *s), void *self, heed_error *err);
/* scores [T,S]: weights of in->look, shift included. */
heed_status heed_lens_look(const heed_lens_input *in, float *scores, heed_error *err);

#endif
