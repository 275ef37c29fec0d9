/* Attention as a layer: what it learns, how keys and values are prepared once a memory and queries once a step. docs/attention.md has the formulas.
 *
 *   bare        context = sum_j p_j m_j over the memory's own rows                              (Bahdanau et al. 2015)
 *   projected   heads side by side, out = Wo [head_1; ..; head_H] + b, head_h over Wv m          (Vaswani et al. 2017, section 3.2.2)
 *
 * Letters: Dq, Dm widths of queries and memory; H heads, Hk heads of keys and values; d width of one head's query. */
#ifndef HEED_ATTN_LAYER_H
#define HEED_ATTN_LAYER_H

#include "heed/ops.h"

typedef struct heed_score heed_score;   /* attn/score.h */

typedef enum heed_positions {        /* rows of positions.def */
#define HEED_POSITION(name, help) HEED_POSITIONS_##name,
#include "attn/positions.def"
#undef HEED_POSITION
    HEED_POSITIONS_COUNT
} heed_positions;

typedef struct heed_attn_settings {
    const heed_score *score;                      /* NULL: no attention, which heed_attn_refusal() alone understands */
    heed_align align;
    int64_t window;
    int64_t heads, key_heads;                     /* H, 0: 1; Hk, 0: H */
    int64_t query_width, memory_width;            /* Dq, Dm */
    int64_t width;                                /* H d, 0: Dq. Scores that take the memory's rows as keys (dot, general) set it: H Dm / Hk; uniform: Dq */
    bool projected;
    heed_positions positions;                     /* those that enter scores (rotary, relative, alibi); others leave it alone */
    bool both;                                    /* relative: keys ahead are seen as well */
    int64_t longest;                              /* location: keys of a sequence at most; those beyond score 0 */
    bool coverage;                                /* keys are shifted by the attention they had so far */
    int64_t filters, filter_width;                /* location_conv; the width is odd */
    /* What the model around it does, for heed_attn_refusal(); the layer itself is the same. */
    bool parallel;                                /* all queries are seen at once: transformer, conv. No weights of the step before are known */
    bool training;
    bool copy;
} heed_attn_settings;

/* The weights a layer may declare, below its scope; those it does not use stay NULL. */
typedef struct heed_attn {
    heed_attn_settings is;                        /* settled: no 0 stands for a default */
    heed_weight *query, *key, *bias;              /* query.weight [H d,Dq], key.weight [Hk d,Dm], key.bias [1,Hk d] */
    heed_weight *extra;                           /* [1,H e] for the row functions, named by the score: v, temperature */
    heed_weight *value, *out, *out_bias;          /* projected: value.weight [Hk dv,Dm], out.weight [Dq,H dv], out.bias [1,Dq]; dv = d */
    heed_weight *centre_hidden, *centre;          /* local_p: u = centre tanh(centre_hidden q), [W,Dq], [H,W] */
    heed_weight *buckets;                         /* relative: [H,32] */
    heed_weight *filter, *history;                /* location_conv: [filters, filter_width H], [Hk d, filters] */
    heed_weight *coverage;                        /* [Hk d, H] */
} heed_attn;

/* --- pairs without meaning ------------------------------------------------------------------------------------------------------------------ */

/* Row number i of refusals.def: the pair, and why it has no meaning; false past the end. */
typedef struct heed_refusal { const char *pair, *why; } heed_refusal;
bool heed_refusal_at(int i, heed_refusal *r);
/* Why these settings have no meaning together, or NULL: the first row of refusals.def that holds. Widths may be 0, not known yet. */
const char *heed_attn_refusal(const heed_attn_settings *s);

/* --- building ------------------------------------------------------------------------------------------------------------------------------- */

/* The settings with defaults in the place of zeros. */
heed_attn_settings heed_attn_settled(const heed_attn_settings *s);
/* HEED_E_USAGE, with scope at the front of the text: a row of refusals.def; heads that do not divide a width. Widths may be 0, not known yet. */
heed_status heed_attn_check(const heed_attn_settings *s, const char *scope, heed_error *err);
/* Declares the weights below scope ("attention"). HEED_E_USAGE: a row of refusals.def; heads that do not divide a width; widths that the score cannot
 * compare. A weight that could not be declared is told by heed_params_status(). */
heed_status heed_attn_init(heed_attn *a, heed_params *p, const char *scope, const heed_attn_settings *s, heed_error *err);
int64_t heed_attn_width(const heed_attn *a);      /* of the result: H Dm / Hk when bare, Dq when projected */

/* --- looking -------------------------------------------------------------------------------------------------------------------------------- */

/* What is looked at: sequence by sequence. */
typedef struct heed_memory {
    heed_tensor *values;        /* [Nk,Dm] bare, [Nk,Hk dv] projected */
    heed_tensor *keys;          /* [Nk,Hk d]; location, uniform: [Nk,Dm], not looked at */
    heed_span span;
} heed_memory;
/* values [Nk,Dm]; keyed: what keys are made of, NULL: values. position: of each sequence's first row, for rotary. */
heed_memory heed_attn_memory(heed_tape *t, const heed_attn *a, heed_tensor *values, heed_tensor *keyed, heed_span span, int64_t position);

/* Who looks, and from where; zero: group b of the queries looks at sequence b, from position 0. Pairs: as heed_attended counts them. */
typedef struct heed_gaze {
    heed_span queries;          /* groups of rows of q */
    const int64_t *owner;       /* as in heed_attend_args */
    const int64_t *key_row;
    int64_t position;
    heed_tensor *before;        /* [P,H] weights of the step before (location_conv), NULL: zeros */
    heed_tensor *total;         /* [P,H] sum of the weights so far (coverage), NULL: zeros */
    bool weights;               /* wanted as a result that passes gradients */
} heed_gaze;
/* q [Nq,Dq]; the result's out is [Nq, heed_attn_width]. Cost beyond heed_attend's: the products of the score's queries, of `centre` and of `out`. */
heed_attended heed_attn_forward(heed_tape *t, const heed_attn *a, heed_tensor *q, const heed_memory *m, const heed_gaze *g);
/* One query a row of q: row i is a group of its own, and g->queries is not read. */
heed_attended heed_attn_step(heed_tape *t, const heed_attn *a, heed_tensor *q, const heed_memory *m, const heed_gaze *g);

#endif
