/* What all scores share: the table, the dot product of rows, projections, one step of looking. */
#include "attn/score.h"

#include <stdio.h>
#include <string.h>

#include "kernels/kernels.h"
#include "tensor/tape.h"

#define HEED_SCORE(name, formula, paper) extern const heed_score heed_score_##name;
#include "attn/scores.def"
#undef HEED_SCORE

const heed_score *heed_score_at(int i)
{
    static const heed_score *const table[] = {
#define HEED_SCORE(name, formula, paper) &heed_score_##name,
#include "attn/scores.def"
#undef HEED_SCORE
    };
    return i >= 0 && i < (int)(sizeof table / sizeof table[0]) ? table[i] : NULL;
}

/* extra, where a score has one, is a learned factor (cosine). */
void heed_pair_dot(float *s, const float *q, const float *keys, int64_t n, int64_t d, const float *extra, float scale)
{
    heed_kernels_get()->scores_dot(s, q, keys, n, d, d, extra ? scale * extra[0] : scale);
}

void heed_pair_dot_back(const float *ds, const float *q, const float *keys, int64_t n, int64_t d, const float *extra, float scale, float *dq, float *dkeys,
                        float *dextra)
{
    const heed_kernels *k = heed_kernels_get();
    const float factor = extra ? scale * extra[0] : scale;
    for (int64_t j = 0; j < n; j++) {
        k->axpy(dq, factor * ds[j], keys + j * d, d);
        k->axpy(dkeys + j * d, factor * ds[j], q, d);
        if (dextra) dextra[0] += scale * ds[j] * k->dot(q, keys + j * d, d);
    }
}

heed_weight *heed_attn_projection(heed_params *p, const char *scope, const char *name, int64_t rows, int64_t cols)
{
    char full[sizeof((heed_weight *)0)->name];
    snprintf(full, sizeof full, "%s.%s.weight", scope, name);
    heed_weight *w = heed_params_add(p, full, 2, rows, cols, HEED_FILL_GLOROT, 1);
    heed_weight_product(w);
    return w;
}

heed_status heed_attn_init(heed_attn *a, heed_params *p, const char *scope, const heed_score *score, heed_align align, int64_t window, int64_t query_width,
                           int64_t memory_width, int64_t width, heed_error *err)
{
    *a = (heed_attn){.score = score, .align = align, .window = window, .query_width = query_width, .memory_width = memory_width};
    a->width = width ? width : query_width;
    return score->init(a, p, scope, err);
}

heed_tensor *heed_attn_keys(heed_tape *t, const heed_attn *a, heed_tensor *values) { return a->score->keys(t, a, values); }

heed_attended heed_attn_step(heed_tape *t, const heed_attn *a, heed_tensor *q, const heed_memory *m, const int64_t *owner, int64_t position)
{
    heed_tensor *queries = a->score->queries(t, a, q);
    int64_t *start = heed_tape_alloc(t, (size_t)(q->rows + 1) * sizeof *start);
    if (!start) return (heed_attended){.out = &t->poison};
    for (int64_t i = 0; i <= q->rows; i++) start[i] = i;
    return heed_attend(t, &(heed_attend_args){
                              .q = queries,
                              .k = m->keys,
                              .v = m->values,
                              .extra = a->extra ? &a->extra->tensor : NULL,
                              .queries = {start, q->rows},
                              .keys = m->span,
                              .owner = owner,
                              .position = position,
                              .align = a->align,
                              .window = a->window,
                              .score = &a->score->pair,
                              .scale = a->score->scale ? (float)a->score->scale(a) : 1,
                          });
}
