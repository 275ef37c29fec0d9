/* Attention as a layer: what it learns, how keys and values are prepared once a memory and queries once a step. A score is one file and one row of
 * scores.def; docs/add-a-score.md walks through one.
 *
 *   bare        context = sum_j p_j m_j over the memory's own rows                              (Bahdanau et al. 2015)
 *   projected   heads side by side, out = Wo [head_1; ..; head_H], head_h over Wv m              (Vaswani et al. 2017, section 3.2.2)
 */
#ifndef HEED_ATTN_SCORE_H
#define HEED_ATTN_SCORE_H

#include "heed/ops.h"

typedef struct heed_score heed_score;

typedef enum heed_positions {        /* rows of positions.def */
#define HEED_POSITION(name, help) HEED_POSITIONS_##name,
#include "attn/positions.def"
#undef HEED_POSITION
    HEED_POSITIONS_COUNT
} heed_positions;

typedef struct heed_attn_settings {
    const heed_score *score;
    heed_align align;
    int64_t window;
    int64_t heads, key_heads;                     /* H, 0: 1; Hk, 0: H */
    int64_t query_width, memory_width;            /* Dq, Dm */
    int64_t width;                                /* of all heads' queries side by side, 0: Dq */
    bool projected;
    heed_positions positions;                     /* those that enter scores (rotary, relative, alibi); others leave it alone */
    bool both;                                    /* relative: keys ahead are seen as well */
    int64_t longest;                              /* location: keys of a sequence at most */
    bool coverage;                                /* keys are shifted by the attention they had so far */
    int64_t filters, filter_width;                /* location_conv */
} heed_attn_settings;

/* The weights a layer may declare; those it does not use stay NULL. */
typedef struct heed_attn {
    heed_attn_settings is;                        /* settled: no 0 stands for a default */
    heed_weight *query, *key, *bias;              /* [H d,Dq], [Hk d,Dm], [1,Hk d] */
    heed_weight *extra;                           /* [1,H e] for the row functions */
    heed_weight *value, *out, *out_bias;          /* projected: [Hk dv,Dm], [Dq,H dv], [1,Dq] */
    heed_weight *centre_hidden, *centre;          /* local_p: u = centre tanh(centre_hidden q), [W,Dq], [H,W] */
    heed_weight *buckets;                         /* relative: [H,32] */
    heed_weight *filter, *history;                /* location_conv: [filters, filter_width H], [Hk d, filters] */
    heed_weight *coverage;                        /* [Hk d, H] */
} heed_attn;

struct heed_score {
    const char *name;
    /* Declares the score's own weights under scope; HEED_E_USAGE when the widths do not suit it. */
    heed_status (*init)(heed_attn *a, heed_params *p, const char *scope, heed_error *err);
    heed_tensor *(*keys)(heed_tape *t, const heed_attn *a, heed_tensor *memory);      /* [Nk,Dm] -> [Nk,Hk d] */
    heed_tensor *(*queries)(heed_tape *t, const heed_attn *a, heed_tensor *q);        /* [Nq,Dq] -> [Nq,H d], the same d */
    double (*scale)(const heed_attn *a);                                              /* NULL: 1 */
    heed_pair_score pair;
};

/* Row number i of scores.def, NULL past the end. */
const heed_score *heed_score_at(int i);

/* Why these settings have no meaning together, or NULL: the one table of refusals.def. */
const char *heed_attn_refusal(const heed_attn_settings *s);
/* HEED_E_USAGE: a pair of refusals.def; heads that do not divide a width; widths that the score cannot compare. */
heed_status heed_attn_init(heed_attn *a, heed_params *p, const char *scope, const heed_attn_settings *s, heed_error *err);
int64_t heed_attn_width(const heed_attn *a);      /* of the result: Dm when bare, Dq when projected */

/* What is looked at: sequence by sequence. */
typedef struct heed_memory {
    heed_tensor *values;        /* [Nk,Dm] bare, [Nk,Hk dv] projected */
    heed_tensor *keys;          /* [Nk,Hk d] */
    heed_span span;
} heed_memory;
/* values [Nk,Dm]; keyed: what keys are made of, NULL: values. position: of each sequence's first row, for rotary. */
heed_memory heed_attn_memory(heed_tape *t, const heed_attn *a, heed_tensor *values, heed_tensor *keyed, heed_span span, int64_t position);

/* Who looks, and from where; zero: group b of the queries looks at sequence b, from position 0. */
typedef struct heed_gaze {
    heed_span queries;          /* groups of rows of q */
    const int64_t *owner;       /* as in heed_attend_args */
    const int64_t *key_row;
    int64_t position;
    heed_tensor *before;        /* [P,H] weights of the moment before (location_conv), NULL: zeros */
    heed_tensor *total;         /* [P,H] sum of the weights so far (coverage), NULL: zeros */
    bool weights;               /* wanted as a result that passes gradients */
} heed_gaze;
/* q [Nq,Dq]; the result's out is [Nq, heed_attn_width]. */
heed_attended heed_attn_forward(heed_tape *t, const heed_attn *a, heed_tensor *q, const heed_memory *m, const heed_gaze *g);
/* One query a row of q: row i is a group of its own. */
heed_attended heed_attn_step(heed_tape *t, const heed_attn *a, heed_tensor *q, const heed_memory *m, const heed_gaze *g);

/* For scores whose rows meet in a dot product: the row functions, shared by dot, scaled, general and cosine. */
void heed_pair_dot(const heed_meeting *m, float *s);
void heed_pair_dot_back(const heed_meeting *m, const float *ds, float *dq, float *dk, float *dextra);
/* A projection [rows,cols] named scope.name, for a product. */
heed_weight *heed_attn_projection(heed_params *p, const char *scope, const char *name, int64_t rows, int64_t cols);

#endif
