/* One output explained by several lenses, and the forms in which that is written. Every form goes through a sink, lens by lens and head by head: what is held
 * at a time is one matrix of source times target. */
#ifndef HEED_EXPLAIN_EXPLANATION_H
#define HEED_EXPLAIN_EXPLANATION_H

#include "explain/beams.h"
#include "explain/explain.h"
#include "explain/sink.h"
#include "explain/what_if.h"

enum { HEED_MOST_LENSES = 32 };

/* What became of one change. */
typedef struct heed_changed {
    const heed_what_if *is;
    const heed_output *output;            /* what is written then */
    const float *logp;                    /* [T] of the symbols that were first written; NULL: that has no meaning */
} heed_changed;

typedef struct heed_explanation {
    const char *name;                     /* of the model, "" */
    const heed_output *output;            /* with words, whatever the model */
    heed_lens_input in;                   /* logp and all */
    const heed_lens_kind *lens[HEED_MOST_LENSES];
    int lenses;
    bool forced;                          /* the output is a target that was given */
    bool heads;                           /* JSON: all layers and heads too */
    bool trust;                           /* JSON: every lens judged; all their scores are held at a time then */
    const heed_changed *changes; int change_count;
    const heed_beams *beams;              /* JSON: the search that wrote the output; NULL: not known */
} heed_explanation;

/* Each begins what it writes, ends it, and leaves the rest of the sink to heed_sink_end(). Errors: those of the lenses, which may come when much was written.
 * */
typedef heed_status heed_explanation_form(const heed_explanation *x, heed_sink *s, heed_error *err);
/* docs/contract.md, "An explanation". */
heed_explanation_form heed_explanation_json;
/* A row of titles (lens, symbol written, ln p, then every symbol read), and for each lens a row for each symbol written. RFC 4180. */
heed_explanation_form heed_explanation_csv;
/* A document for pdflatex, lualatex or xelatex: a table of coloured cells for each lens. HEED_E_LIMIT: more than 300 symbols on a side. */
heed_explanation_form heed_explanation_tex;
/* A NumPy array of float32 [lenses, T, S], version 1.0. */
heed_explanation_form heed_explanation_npy;
/* Of each lens, for each symbol written the source symbols with the largest scores; then what was changed. */
heed_explanation_form heed_explanation_terminal;
/* HEED_E_USAGE: of other than one lens. */
heed_explanation_form heed_explanation_svg;

/* Room for scores [lenses,T,S], the caller's to free(); NULL: out of memory, and err says so. */
float *heed_explanation_room(const heed_explanation *x, int lenses, heed_error *err);

#endif
