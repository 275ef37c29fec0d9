/* What if: one thing changed in a pair or in the model, and what that does to ln p.
 *
 *   mask:I                    source symbol I, from 0, is read as <unk>
 *   edit:I=TEXT               TEXT stands in the place of source symbol I; nothing behind `=`: the symbol is left out
 *   head:SITE.LAYER.HEAD=off  a head of attention brings back nothing; =uniform: it looks everywhere alike. SITE: cross, encoder or decoder; * for layer or
 *   head: all
 *   row:T=S                   all cross attention of the step that writes symbol T lies on source symbol S; row:T=W,W,... in these proportions on all of them
 *   prefix=TEXT               the output must begin with TEXT
 *   vector=TEXT               the decoder begins with the vector of another source (recurrent decoders, and any without attention) */
#ifndef HEED_EXPLAIN_WHAT_IF_H
#define HEED_EXPLAIN_WHAT_IF_H

#include "base/arena.h"
#include "explain/lens.h"

typedef enum heed_change_kind { HEED_CHANGE_MASK, HEED_CHANGE_EDIT, HEED_CHANGE_HEAD, HEED_CHANGE_ROW, HEED_CHANGE_PREFIX,
                               HEED_CHANGE_VECTOR } heed_change_kind;

typedef struct heed_what_if {
    heed_change_kind kind;
    const char *what;                     /* in words: "mask source symbol 3 (cat)" */
    const char *source;                   /* EDIT: the whole text as it then is */
    const char *text;                     /* EDIT, PREFIX, VECTOR: TEXT */
    int64_t place;                        /* MASK, EDIT: source symbol; ROW: target symbol */
    heed_site site; int layer, head;      /* HEAD: -1: all */
    bool uniform;                         /* HEAD: else off */
    const float *weights;                 /* ROW: [S] their sum 1 */
    heed_meddler meddler;                 /* HEAD, ROW: itself, hung on a probe */
    int32_t *ids;                         /* MASK: [S] the source with <unk> in the symbol's place */
} heed_what_if;

/* Reads a change of this output, which `in` is of. Texts and arrays live in the arena, w itself must not move. HEED_E_USAGE: not one, or of a symbol, layer,
 * head or vector that there is not; HEED_E_NOMEM. */
heed_status heed_what_if_parse(const char *spec, const heed_output *o, const heed_lens_input *in, heed_arena *arena, heed_what_if *w, heed_error *err);
/* Hangs what w changes inside the model on the probe (HEAD and ROW, others: nothing), or with on false takes it off again. */
void heed_what_if_apply(const heed_what_if *w, heed_probe *p, bool on);
/* logp [T] of the pair's target with the change. source [S]: of the text that EDIT made, or the other one's of VECTOR. Not for PREFIX. */
heed_status heed_what_if_logp(const heed_what_if *w, const heed_lens_input *in, const int32_t *source, int64_t S, float *logp, heed_error *err);

#endif
