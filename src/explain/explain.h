/* Pictures and listings of what a model looked at. Renderers only: they are given numbers and give text. The types of heed.h are their currency.
 * Pictures draw heed_output.shown, and say whose it is where the model has several layers or heads. */
#ifndef HEED_EXPLAIN_H
#define HEED_EXPLAIN_H

#include "base/buf.h"
#include "heed.h"

/* One step of a decoder, laid open: three steps of attention as numbers. Arrays belong to the caller. */
typedef struct heed_step_view {
    const char *symbol;               /* what was written */
    double logp;
    const float *scores, *weights;    /* [Tk]; -inf and 0 where the alignment hides a key; NULL without attention; a mean of several heads has no scores */
    const float *context;             /* [Dv] the weighted sum; of a mean of heads, what the layer made of theirs; NULL without attention */
    const float *joined;              /* [F] context joined with the decoder's state, as the head reads it */
    int64_t Tk, Dv, F;
} heed_step_view;

/* Heat map for a terminal: rows are output symbols, columns source symbols (folded into several blocks when wider than `columns`). Without
 * colour: shades of blocks. Without weights: says that the model has no attention. */
heed_status heed_explain_terminal(const heed_output *o, bool colour, int columns, heed_buf *out);
/* A self-contained SVG with real text, numbered axes, a <title> a cell; black on white, readable at any length. */
heed_status heed_explain_svg(const heed_output *o, heed_buf *out);
/* A map of scores [T,S] that a lens gave, in its own colours: what speaks against a symbol is orange. Without attention too. HEED_E_LIMIT as above. */
heed_status heed_explain_svg_lens(const heed_output *o, const heed_lens *lens, const float *scores, const char *note, heed_buf *out);
/* The object of docs/contract.md, one line: id, source, source_tokens, outputs [{text, score, tokens, align, weights}]. */
heed_status heed_explain_json(const heed_output *o, int64_t id, bool weights, heed_buf *out);
/* Its members without the braces; one of its outputs, as an object. */
void heed_json_members(const heed_output *o, int64_t id, bool weights, heed_buf *out);
void heed_json_output(const heed_output *o, bool weights, heed_buf *out);
/* For each step: scores [Tk], weights [Tk] (with a bar), weighted sum [Dv], joined [F]; first numbers of the long vectors, and their norms. */
heed_status heed_explain_steps(const heed_output *o, const heed_step_view *steps, int64_t count, heed_buf *out);
enum { HEED_CHART_LINES = 30 };   /* as many as can be told apart */
/* A line chart of at most so many lines. Texts may be NULL. */
heed_status heed_explain_chart(const heed_chart *c, heed_buf *out);

#endif
