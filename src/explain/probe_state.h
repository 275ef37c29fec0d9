/* The inside of a probe: probe.c (variants to batches, batches to probabilities), probe_lasts.c (last symbols alone, and the way back), probe_hooks.c (what
 * hangs on the tape). */
#ifndef HEED_EXPLAIN_PROBE_STATE_H
#define HEED_EXPLAIN_PROBE_STATE_H

#include "explain/probe.h"
#include "tensor/tape.h"

/* What one thread does for a probe. */
typedef struct heed_probing {
    heed_probe *probe;
    heed_tape *tape;
    heed_tape_hooks hooks;                  /* self: this */
    /* of the batch under way; arrays on the tape */
    const heed_variant **variant;           /* [B] longest target first */
    int64_t *number;                        /* [B] of each in the call */
    int64_t B;
    bool hung;                              /* a search runs, of the one variant */
    const heed_variant *hung_variant;
    int64_t hung_number, hung_start[2];
    heed_span source;                       /* the variants' and then the others' */
    int64_t *twins[2], rows[2];             /* of the rows of sources and of targets, NULL: of one variant; how many there are */
    heed_tensor *embedded;                  /* [N,E] as it went into the encoder */
    heed_tensor *loud, *quiet;              /* values, and the same with the muted ones zeros: a recurrent decoder meets them at every moment */
} heed_probing;

struct heed_probe {
    const heed_model *model;
    heed_probing *each;                     /* [threads] */
    int threads;
    heed_pack **packs;                      /* [weights] NULL until floats are needed */
    bool floats;
    const float *baseline;                  /* [E] NULL: zeros */
    const heed_observer *observer;
    const heed_meddler *meddler;
    const heed_listener *listener;
    bool (*stop)(void *user); void *user;   /* NULL: nobody is asked */
};

/* Through encoder and decoder, forced. */
heed_forced heed_probing_pass(heed_probing *p, const heed_batch *b);
/* The row of the features for symbol i of the batch's variant: a recurrent decoder's rows lie moment by moment, and have targets of their own order. */
int64_t heed_probing_row(const heed_forced *f, const heed_batch *b, int64_t variant, int64_t i);
/* The symbol of a target that a row of the features is for. */
typedef struct heed_place { int64_t variant, symbol; } heed_place;
/* ln p [N] of every row's target; place [N] of each for who listens, NULL: nobody does. */
void heed_probing_judge(heed_probing *p, const heed_batch *b, const heed_forced *f, int64_t N, const heed_place *place, float *logp);
heed_status heed_probing_not_finite(heed_error *err);
/* Of variants that all want no more than their last symbol's ln p. */
heed_status heed_probing_lasts(heed_probing *p, const heed_batch *b, heed_error *err);

/* Who takes gradients. */
typedef struct heed_taking { heed_gradient_take *take; void *self; } heed_taking;
/* Of a batch that is laid, on a tape that records. */
heed_status heed_probing_gradients(heed_probing *p, const heed_batch *b, const heed_taking *to, heed_error *err);

/* The hooks; self is what one thread does. */
heed_tensor *heed_probe_embed(void *self, heed_tape *t, heed_tensor *rows);
const int64_t *heed_probe_twins(void *self, const heed_tape *t, int64_t rows);
heed_attended heed_probe_attend(void *self, heed_tape *t, const heed_attn *a, const heed_attend_args *args);

#endif
