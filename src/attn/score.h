/* What a score of attention is made of: one file score_NAME.c and one row of scores.def; docs/add-a-score.md walks through one. */
#ifndef HEED_ATTN_SCORE_H
#define HEED_ATTN_SCORE_H

#include "attn/layer.h"
#include "heed/ops.h"

struct heed_score {
    const char *name;
    /* Declares the score's own weights under scope, in the fields of a; a->is is settled. HEED_E_USAGE when the widths do not suit it. */
    heed_status (*init)(heed_attn *a, heed_params *p, const char *scope, heed_error *err);
    heed_tensor *(*keys)(heed_tape *t, const heed_attn *a, heed_tensor *memory);      /* [Nk,Dm] -> [Nk,Hk d]; NULL: the memory as it is */
    heed_tensor *(*queries)(heed_tape *t, const heed_attn *a, heed_tensor *q);        /* [Nq,Dq] -> [Nq,H d]; NULL: q as it is */
    double (*scale)(const heed_attn *a);                                              /* NULL: 1 */
    heed_pair_score pair;
};

/* Has a row of its own for each place that a key may have, so that keys have a limit. */
static inline bool heed_score_has_places(const heed_score *s) { return s->pair.blind && s->queries; }

/* Row number i of scores.def, NULL past the end. */
const heed_score *heed_score_at(int i);

/* Declares the projection scope.name.weight [rows,cols], for a product; the vector scope.name [1,cols]. */
heed_weight *heed_attn_projection(heed_params *p, const char *scope, const char *name, int64_t rows, int64_t cols);
heed_weight *heed_attn_vector(heed_params *p, const char *scope, const char *name, int64_t cols, heed_fill fill);

#endif
