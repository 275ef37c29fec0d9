/* heed/explain.h: the part of heed.h that looks into one item. heed.h includes it where it belongs; it is not to be included by itself. */
#ifndef HEED_EXPLAIN_ONE_H
#define HEED_EXPLAIN_ONE_H

#include "heed/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum heed_picture { HEED_PICTURE_TERMINAL, HEED_PICTURE_SVG, HEED_PICTURE_JSON, HEED_PICTURE_STEPS } heed_picture;

typedef struct heed_explain_options {
    heed_picture picture;
    bool colour;              /* TERMINAL: 24-bit colour escapes; else shades of blocks */
    int columns;              /* TERMINAL: width at hand, 0: 80 */
    const heed_look *look;    /* NULL: heed_model_look() */
} heed_explain_options;

/* Runs one item and draws or lists what was looked at; STEPS: for every output symbol scores, weights, weighted sum and joined context of
 * the step that wrote it, with shapes.
 * The text is the caller's, heed_free(). HEED_E_DATA: the text; HEED_E_USAGE: no such layer or head. A model without attention is said so in the text. */
HEED_API char *heed_explain(heed_session *s, const heed_item *item, const heed_explain_options *options, heed_error *err);

/* Lenses: how much each source symbol mattered to each symbol written, by one method each; docs/explain.md tells when each fails. */
typedef struct heed_lens {
    const char *name, *title;          /* "leave-one-out", "Leave one out" */
    const char *sentence;              /* what it can and cannot say */
    const char *target, *method, *baseline;   /* what its scores are about, how they are found, and against what: "none" */
    const char *cost;                  /* for S source and T target symbols: "S + 1 passes" */
    bool is_signed;                    /* scores below 0 speak against a symbol; else they are shares or sizes */
    bool attention, gradient;          /* what it needs */
} heed_lens;
HEED_API const heed_lens *heed_lens_at(int i);                /* NULL past the end */

#ifdef __cplusplus
}
#endif
#endif
