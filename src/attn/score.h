/* A score: what it learns, how keys are prepared once a memory and queries once a step, and the two row functions that meet in heed_attend().
 * One file and one row of scores.def each; docs/add-a-score.md walks through one. */
#ifndef HEED_ATTN_SCORE_H
#define HEED_ATTN_SCORE_H

#include "heed/ops.h"

typedef struct heed_score heed_score;

/* The weights a score may declare; those it does not use stay NULL. */
typedef struct heed_attn {
    const heed_score *score;
    heed_align align;
    int64_t window;
    int64_t query_width, memory_width, width;     /* Dq, Dm, D of the projections */
    heed_weight *query, *key, *bias;              /* [D,Dq], [D,Dm], [1,D] */
    heed_weight *extra;                           /* one row, for the row functions */
} heed_attn;

struct heed_score {
    const char *name;
    /* Declares the score's weights under scope; HEED_E_USAGE when the widths do not suit it. */
    heed_status (*init)(heed_attn *a, heed_params *p, const char *scope, heed_error *err);
    heed_tensor *(*keys)(heed_tape *t, const heed_attn *a, heed_tensor *memory);      /* [Nk,Dm] -> [Nk,d] */
    heed_tensor *(*queries)(heed_tape *t, const heed_attn *a, heed_tensor *q);        /* [Nq,Dq] -> [Nq,d], the same d */
    double (*scale)(const heed_attn *a);                                              /* NULL: 1 */
    heed_pair_score pair;
};

/* Row number i of scores.def, NULL past the end. */
const heed_score *heed_score_at(int i);

/* width 0: the query's. */
heed_status heed_attn_init(heed_attn *a, heed_params *p, const char *scope, const heed_score *score, heed_align align, int64_t window, int64_t query_width,
                           int64_t memory_width, int64_t width, heed_error *err);

/* What a decoder looks at: states of the encoder, sequence by sequence, and their keys. */
typedef struct heed_memory {
    heed_tensor *values;        /* [Nk,Dm] */
    heed_tensor *keys;          /* [Nk,d] from heed_attn_keys */
    heed_span span;
} heed_memory;
heed_tensor *heed_attn_keys(heed_tape *t, const heed_attn *a, heed_tensor *values);

/* One query a row of q: row i looks at sequence owner[i] (NULL: i) of the memory; position: of all queries in their own sequences. */
heed_attended heed_attn_step(heed_tape *t, const heed_attn *a, heed_tensor *q, const heed_memory *m, const int64_t *owner, int64_t position);

/* For scores whose rows meet in a dot product: the row functions, shared by dot, scaled, general and cosine. */
void heed_pair_dot(float *s, const float *q, const float *keys, int64_t n, int64_t d, const float *extra, float scale);
void heed_pair_dot_back(const float *ds, const float *q, const float *keys, int64_t n, int64_t d, const float *extra, float scale, float *dq, float *dkeys,
                        float *dextra);
/* A projection [rows,cols] named scope.name, for a product. */
heed_weight *heed_attn_projection(heed_params *p, const char *scope, const char *name, int64_t rows, int64_t cols);

#endif
