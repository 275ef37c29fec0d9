/* What all scores share: the table, the dot product of rows, projections, and the layer around them. */
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

/* --- rows that meet in a dot product; extra, where a score has one, is a learned factor (cosine) ------------------------------------------------ */

void heed_pair_dot(const heed_meeting *m, float *s)
{
    heed_kernels_get()->scores_dot(s, m->q, m->k, m->n, m->ld, m->d, m->extra ? m->scale * m->extra[0] : m->scale, m->row);
}

void heed_pair_dot_back(const heed_meeting *m, const float *ds, float *dq, float *dk, float *dextra)
{
    const heed_kernels *k = heed_kernels_get();
    const float factor = m->extra ? m->scale * m->extra[0] : m->scale;
    for (int64_t j = 0; j < m->n; j++) {
        const float *key = m->k + j * m->ld;
        k->axpy(dq, factor * ds[j], key, m->d);
        k->axpy(dk + j * m->ld, factor * ds[j], m->q, m->d);
        if (dextra) dextra[0] += m->scale * ds[j] * k->dot(m->q, key, m->d);
    }
}

/* --- weights ------------------------------------------------------------------------------------------------------------------------------------ */

static heed_weight *add(heed_params *p, const char *scope, const char *name, int rank, int64_t rows, int64_t cols, heed_fill fill, double scale)
{
    char full[sizeof((heed_weight *)0)->name];
    snprintf(full, sizeof full, "%s.%s", scope, name);
    return heed_params_add(p, full, rank, rows, cols, fill, scale);
}

heed_weight *heed_attn_projection(heed_params *p, const char *scope, const char *name, int64_t rows, int64_t cols)
{
    char part[32];
    snprintf(part, sizeof part, "%s.weight", name);
    heed_weight *w = add(p, scope, part, 2, rows, cols, HEED_FILL_GLOROT, 1);
    heed_weight_product(w);
    return w;
}

static heed_status settle(heed_attn_settings *s, const char *scope, heed_error *err)
{
    if (!s->heads) s->heads = 1;
    if (!s->key_heads) s->key_heads = s->heads;
    if (!s->width) s->width = s->query_width;
    const char *why = heed_attn_refusal(s);
    if (why) return heed_fail(err, HEED_E_USAGE, "%s: %s", scope, why);
    if (s->heads % s->key_heads)
        return heed_fail(err, HEED_E_USAGE, "%s: %lld heads do not divide into %lld heads of keys; key_heads must divide heads", scope, (long long)s->heads,
                         (long long)s->key_heads);
    if (s->width % s->heads || (!s->projected && s->memory_width % s->key_heads))
        return heed_fail(err, HEED_E_USAGE, "%s: %lld heads do not divide a width of %lld (memory: %lld); choose a width that is a multiple of heads", scope,
                         (long long)s->heads, (long long)s->width, (long long)s->memory_width);
    return HEED_OK;
}

static void add_history(heed_attn *a, heed_params *p, const char *scope)
{
    const int64_t H = a->is.heads, keys = a->is.key_heads * (a->is.width / H);
    if (a->is.coverage) a->coverage = heed_attn_projection(p, scope, "coverage", keys, H);
    if (!a->filter) return;
    a->history = heed_attn_projection(p, scope, "history", keys, a->is.filters);
}

heed_status heed_attn_init(heed_attn *a, heed_params *p, const char *scope, const heed_attn_settings *settings, heed_error *err)
{
    *a = (heed_attn){.is = *settings};
    heed_status status = settle(&a->is, scope, err);
    if (!status) status = a->is.score->init(a, p, scope, err);
    if (status) return status;
    const heed_attn_settings *s = &a->is;
    const int64_t dv = s->width / s->heads;
    if (s->projected) {
        a->value = heed_attn_projection(p, scope, "value", s->key_heads * dv, s->memory_width);
        a->out = heed_attn_projection(p, scope, "out", s->query_width, s->heads * dv);
        a->out_bias = add(p, scope, "out.bias", 1, 1, s->query_width, HEED_FILL_ZERO, 0);
    }
    if (s->align == HEED_ALIGN_local_p) {
        a->centre_hidden = heed_attn_projection(p, scope, "centre_hidden", s->width, s->query_width);
        a->centre = heed_attn_projection(p, scope, "centre", s->heads, s->width);
    }
    if (s->positions == HEED_POSITIONS_relative) a->buckets = add(p, scope, "buckets", 2, s->heads, 32, HEED_FILL_NORMAL, 0.02);
    add_history(a, p, scope);
    return HEED_OK;
}

int64_t heed_attn_width(const heed_attn *a) { return a->is.projected ? a->is.query_width : a->is.memory_width / a->is.key_heads * a->is.heads; }

/* --- looking --------------------------------------------------------------------------------------------------------------------------------------- */

heed_memory heed_attn_memory(heed_tape *t, const heed_attn *a, heed_tensor *values, heed_tensor *keyed, heed_span span, int64_t position)
{
    heed_tensor *keys = a->is.score->keys(t, a, keyed ? keyed : values);
    if (a->is.positions == HEED_POSITIONS_rotary) keys = heed_rotate(t, keys, a->is.key_heads, span, position);
    return (heed_memory){a->value ? heed_linear(t, values, &a->value->tensor, NULL) : values, keys, span};
}

/* Keys shifted by what was looked at before: U f(weights before) (Chorowski et al. 2015, eq. 9), and C times their sum (Tu et al. 2016, eq. 6 in its linear form). */
static heed_tensor *shift_of(heed_tape *t, const heed_attn *a, const heed_memory *m, const heed_gaze *g)
{
    heed_tensor *shift = NULL;
    if (a->filter && g->before) {
        const int64_t width = a->is.filter_width, B = g->queries.start[g->queries.B];
        int64_t *start = heed_tape_alloc(t, (size_t)(B + 1) * sizeof *start);
        if (!start) return &t->poison;
        start[0] = 0;
        for (int64_t b = 0, i = 0; b < g->queries.B; b++) {
            const int64_t owner = g->owner ? g->owner[b] : b;
            for (; i < g->queries.start[b + 1]; i++) start[i + 1] = start[i] + m->span.start[owner + 1] - m->span.start[owner];
        }
        heed_tensor *near = heed_unfold(t, g->before, (heed_span){start, B}, width, width / 2);
        shift = heed_linear(t, heed_linear(t, near, &a->filter->tensor, NULL), &a->history->tensor, NULL);
    }
    if (a->coverage && g->total) shift = shift ? heed_linear_add(t, shift, g->total, &a->coverage->tensor) : heed_linear(t, g->total, &a->coverage->tensor, NULL);
    return shift;
}

static heed_distance distance_of(const heed_attn *a)
{
    if (a->is.positions == HEED_POSITIONS_alibi) return (heed_distance){.kind = HEED_DISTANCE_LINEAR};
    if (a->is.positions != HEED_POSITIONS_relative) return (heed_distance){.kind = HEED_DISTANCE_NONE};
    return (heed_distance){.kind = HEED_DISTANCE_BUCKETS, .weight = &a->buckets->tensor, .both = a->is.both};
}

heed_attended heed_attn_forward(heed_tape *t, const heed_attn *a, heed_tensor *q, const heed_memory *m, const heed_gaze *g)
{
    const heed_attn_settings *s = &a->is;
    heed_tensor *queries = s->score->queries(t, a, q);
    if (s->positions == HEED_POSITIONS_rotary) queries = heed_rotate(t, queries, s->heads, g->queries, g->position);
    heed_attended x = heed_attend(t, &(heed_attend_args){
                                         .q = queries,
                                         .k = m->keys,
                                         .v = m->values,
                                         .heads = s->heads,
                                         .key_heads = s->key_heads,
                                         .extra = a->extra ? &a->extra->tensor : NULL,
                                         .queries = g->queries,
                                         .keys = m->span,
                                         .owner = g->owner,
                                         .key_row = g->key_row,
                                         .position = g->position,
                                         .align = s->align,
                                         .window = s->window,
                                         .score = &s->score->pair,
                                         .scale = s->score->scale ? (float)s->score->scale(a) : 1,
                                         .distance = distance_of(a),
                                         .shift = shift_of(t, a, m, g),
                                         .centre = a->centre ? heed_linear(t, heed_tanh(t, heed_linear(t, q, &a->centre_hidden->tensor, NULL)), &a->centre->tensor, NULL)
                                                             : NULL,
                                         .weights = g->weights,
                                     });
    if (a->out) x.out = heed_linear(t, x.out, &a->out->tensor, &a->out_bias->tensor);
    return x;
}

heed_attended heed_attn_step(heed_tape *t, const heed_attn *a, heed_tensor *q, const heed_memory *m, const heed_gaze *g)
{
    heed_gaze each = *g;
    int64_t *start = heed_tape_alloc(t, (size_t)(q->rows + 1) * sizeof *start);
    if (!start) return (heed_attended){.out = &t->poison};
    for (int64_t i = 0; i <= q->rows; i++) start[i] = i;
    each.queries = (heed_span){start, q->rows};
    return heed_attn_forward(t, a, q, m, &each);
}
