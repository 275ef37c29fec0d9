/* heed/explain.h: the part of heed.h that looks into one item. heed.h includes it where it belongs; it is not to be included by itself. */
#ifndef HEED_EXPLAIN_ONE_H
#define HEED_EXPLAIN_ONE_H

#include "heed/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum heed_picture { HEED_PICTURE_TERMINAL, HEED_PICTURE_SVG, HEED_PICTURE_JSON, HEED_PICTURE_STEPS, HEED_PICTURE_PAGE } heed_picture;

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
    bool deletes;                      /* works by taking symbols out of the text: not judged by that alone */
} heed_lens;
HEED_API const heed_lens *heed_lens_at(int i);                /* NULL past the end */

/* Those that are meant by names, in their order, into chosen [HEED_LENSES]: NULL and 0: all that the model has what it takes for but integrated-gradients,
 * which takes 20 times as long as the others; the one name "all": that one too. Returns their number; 0: HEED_E_USAGE, no such lens (the text names the
 * nearest), one twice, or one that needs attention the model has not. */
enum { HEED_LENSES = 16 };
HEED_API int heed_lens_choose(const heed_model *m, const char *const *names, int count, const heed_lens *chosen[HEED_LENSES], heed_error *err);

typedef enum heed_form { HEED_FORM_TERMINAL, HEED_FORM_SVG, HEED_FORM_JSON, HEED_FORM_PAGE, HEED_FORM_CSV, HEED_FORM_TEX, HEED_FORM_NPY } heed_form;

typedef struct heed_explanation_options {
    heed_form form;                    /* PAGE: one HTML file that needs nothing else; the others: docs/contract.md */
    const char *const *lenses; int lens_count;       /* as for heed_lens_choose(); SVG: exactly one; TERMINAL with changes, or bare: none is none */
    const char *const *what_if; int what_if_count;   /* TERMINAL, JSON, PAGE: changes, and what becomes of ln p: "mask:I", "edit:I=TEXT", "head:SITE.LAYER.HEAD=off",
                                          "row:T=S", "prefix=TEXT", "vector=TEXT"; docs/contract.md */
    bool trust;                        /* JSON: each lens judged on this output; PAGE: always, up to 400 symbols a side */
    bool heads;                        /* JSON: the weights of every layer and head; PAGE: always, unless they are more than 24 million numbers */
    const heed_look *look;             /* whose attention weights, norms and alignment are of; NULL: heed_model_look() */
    bool bare;                         /* JSON with changes: no lens but those that are named; TERMINAL: always so */
    const char *name;                  /* of the model, for people; NULL: none */
    const char *nonce;                 /* PAGE: 16 to 64 letters and digits that a server drew for it and names in the policy of its header, as what lets the page's
                                          script run; the page then asks "what-if", beside its own address, what becomes of a change. NULL: a file, which asks nobody */
    bool (*stop)(void *user);          /* asked between passes through the model, of which a lens takes many; true: leave with HEED_E_STOPPED. NULL: never */
    bool (*write)(void *user, const char *bytes, size_t size);   /* takes what is written, part by part; false: no more, HEED_E_IO */
    void *user;
} heed_explanation_options;

/* Runs one item and explains what it wrote, or the target that was given. Parts are passed on as they come: of weights and scores one matrix of source times
 * target is held at a time (PAGE: all of the page). Nothing is passed on before the item was run and found good, but a lens may still fail later.
 * HEED_E_DATA: the text has no symbols or is not UTF-8, or a symbol of the target is none that the model can write; HEED_E_LIMIT: above 5,000 symbols (TEX:
 * 300); HEED_E_USAGE: a lens, change, layer or head that there is not, a session of several models; HEED_E_MODEL: ln p is not a number; HEED_E_IO;
 * HEED_E_STOPPED; HEED_E_NOMEM. */
HEED_API heed_status heed_explanation_write(heed_session *s, const heed_item *item, const heed_explanation_options *options, heed_error *err);

/* What is asked for over a wire: a text, and how it is to be explained. */
typedef struct heed_question {
    heed_item item;                    /* text and target */
    const char *const *lenses; int lens_count;
    const char *const *what_if; int what_if_count;
    const char *form;                  /* "page", "json", or what its reader knows; NULL: not said */
    bool trust, heads;
} heed_question;
/* Reads one JSON object of `size` bytes: {"text": "...", "target": "...", "lenses": ["...", ...], "what_if": ["mask:0", ...], "form": "...", "trust": true, "heads": true},
 * where "source" is another name of the text, and all but the text may be missing or null. The question lives in *memory, which is the caller's, heed_free().
 * HEED_E_DATA: not JSON, not an object, another key (the text names the nearest) or one twice, no text, a value of another kind or that holds a zero character;
 * HEED_E_LIMIT: more than 64 lenses or changes; HEED_E_NOMEM. */
HEED_API heed_status heed_question_parse(const char *json, size_t size, heed_question *question, char **memory, heed_error *err);

/* A page of many explanations, the worst first: paths [count] are files with one a line, as HEED_FORM_JSON writes them; two files are two models beside each other.
 * The text is the caller's, heed_free(). HEED_E_DATA: a file that is missing or empty, a line that is no explanation, with its number; HEED_E_LIMIT: more than 1 GiB;
 * HEED_E_USAGE: none, or more than two files; HEED_E_NOMEM. */
HEED_API char *heed_explanation_corpus(const char *const *paths, int count, heed_error *err);

#ifdef __cplusplus
}
#endif
#endif
