/* The layer around a score: heads, projections, positions, and what was looked at before. */
#include "attn/layer.h"

#include <stdio.h>

#include "attn/score.h"
#include "tensor/tape.h"

enum { BUCKETS = 32 };   /* of relative positions, as T5 has them */

/* --- settings ------------------------------------------------------------------------------------------------------------------------------- */

static bool keys_are_memory(const heed_attn_settings *s) { return s->score && !s->score->keys && !s->score->pair.blind; }

/* There is nothing that queries as they are must fit. */
static bool width_is_theirs(const heed_attn_settings *s) { return s->score && !s->score->queries && s->score->pair.blind; }

heed_attn_settings heed_attn_settled(const heed_attn_settings *given)
{
    heed_attn_settings s = *given;
    if (!s.heads) s.heads = 1;
    if (!s.key_heads) s.key_heads = s.heads;
    if (!s.width || width_is_theirs(&s)) s.width = s.query_width;
    if (keys_are_memory(&s)) s.width = s.memory_width / s.key_heads * s.heads;
    return s;
}

heed_status heed_attn_check(const heed_attn_settings *given, const char *scope, heed_error *err)
{
    const heed_attn_settings settled = heed_attn_settled(given), *s = &settled;
    const long long H = s->heads, Hk = s->key_heads, width = s->width, Dm = s->memory_width;
    if (H % Hk) return heed_fail(err, HEED_E_USAGE, "%s: %lld heads do not divide into %lld heads of keys; key_heads must divide heads", scope, H, Hk);
    if (s->score && Dm % Hk && (!s->projected || !s->score->keys))
        return heed_fail(err, HEED_E_USAGE, "%s: %lld heads of keys do not divide the memory's width of %lld; make it a multiple of them", scope, Hk, Dm);
    if (width % H) return heed_fail(err, HEED_E_USAGE, "%s: %lld heads do not divide the width of %lld; make it a multiple of them", scope, H, width);
    const char *why = heed_attn_refusal(s);
    return why ? heed_fail(err, HEED_E_USAGE, "%s: %s", scope, why) : HEED_OK;
}

/* --- weights -------------------------------------------------------------------------------------------------------------------------------- */

static void add_values(heed_attn *a, heed_params *p, const char *scope)
{
    const heed_attn_settings *s = &a->is;
    a->value = heed_attn_projection(p, scope, "value", s->width / s->heads * s->key_heads, s->memory_width);
    a->out = heed_attn_projection(p, scope, "out", s->query_width, s->width);
    a->out_bias = heed_attn_vector(p, scope, "out.bias", s->query_width, HEED_FILL_ZERO);
}

static void add_buckets(heed_attn *a, heed_params *p, const char *scope)
{
    char name[sizeof a->buckets->name];
    snprintf(name, sizeof name, "%s.buckets", scope);
    a->buckets = heed_params_add(p, name, 2, a->is.heads, BUCKETS, HEED_FILL_NORMAL, 0.02);
}

heed_status heed_attn_init(heed_attn *a, heed_params *p, const char *scope, const heed_attn_settings *settings, heed_error *err)
{
    *a = (heed_attn){.is = heed_attn_settled(settings)};
    const heed_attn_settings *s = &a->is;
    heed_status status = heed_attn_check(s, scope, err);
    if (!status) status = s->score->init(a, p, scope, err);
    if (status) return status;
    const int64_t keys = s->width / s->heads * s->key_heads;
    if (s->projected) add_values(a, p, scope);
    if (s->align == HEED_ALIGN_local_p) {
        a->centre_hidden = heed_attn_projection(p, scope, "centre_hidden", s->width, s->query_width);
        a->centre = heed_attn_projection(p, scope, "centre", s->heads, s->width);
    }
    if (s->positions == HEED_POSITIONS_relative) add_buckets(a, p, scope);
    if (a->filter) a->history = heed_attn_projection(p, scope, "history", keys, s->filters);
    if (s->coverage) a->coverage = heed_attn_projection(p, scope, "coverage", keys, s->heads);
    return HEED_OK;
}

int64_t heed_attn_width(const heed_attn *a) { return a->is.projected ? a->is.query_width : a->is.memory_width / a->is.key_heads * a->is.heads; }

/* --- looking -------------------------------------------------------------------------------------------------------------------------------- */

heed_memory heed_attn_memory(heed_tape *t, const heed_attn *a, heed_tensor *values, heed_tensor *keyed, heed_span span, int64_t position)
{
    heed_tensor *keys = keyed ? keyed : values;
    if (a->is.score->keys) keys = a->is.score->keys(t, a, keys);
    if (a->is.positions == HEED_POSITIONS_rotary) keys = heed_rotate(t, keys, a->is.key_heads, span, position);
    return (heed_memory){a->value ? heed_linear(t, values, &a->value->tensor, NULL) : values, keys, span};
}

static heed_tensor *queries_of(heed_tape *t, const heed_attn *a, heed_tensor *q, const heed_gaze *g)
{
    if (a->is.score->queries) q = a->is.score->queries(t, a, q);
    return a->is.positions == HEED_POSITIONS_rotary ? heed_rotate(t, q, a->is.heads, g->queries, g->position) : q;
}

/* Where the pairs of each query begin: a span over them. start NULL: the tape failed. */
static heed_span pairs_of(heed_tape *t, const heed_memory *m, const heed_gaze *g)
{
    const int64_t queries = g->queries.start[g->queries.B];
    int64_t *start = heed_tape_alloc(t, (size_t)(queries + 1) * sizeof *start);
    if (!start) return (heed_span){NULL, 0};
    start[0] = 0;
    for (int64_t b = 0; b < g->queries.B; b++) {
        const int64_t owner = g->owner ? g->owner[b] : b;
        for (int64_t i = g->queries.start[b]; i < g->queries.start[b + 1]; i++) start[i + 1] = start[i] + m->span.start[owner + 1] - m->span.start[owner];
    }
    return (heed_span){start, queries};
}

/* U f, f = F * weights before, a convolution along the keys of each query. */
static heed_tensor *history_of(heed_tape *t, const heed_attn *a, const heed_memory *m, const heed_gaze *g)
{
    const int64_t width = a->is.filter_width;
    const heed_span pairs = pairs_of(t, m, g);
    if (!pairs.start) return &t->poison;
    heed_tensor *near = heed_unfold(t, g->before, pairs, width, width / 2);
    return heed_linear(t, heed_linear(t, near, &a->filter->tensor, NULL), &a->history->tensor, NULL);
}

/* What is added to the key of each pair: U f (Chorowski et al. 2015, eqs. 8 and 9), and C times the sum of the weights so far (Tu et al. 2016, section 3.1, in
 * its linear form). */
static heed_tensor *shift_of(heed_tape *t, const heed_attn *a, const heed_memory *m, const heed_gaze *g)
{
    heed_tensor *shift = a->filter && g->before ? history_of(t, a, m, g) : NULL;
    if (!a->coverage || !g->total) return shift;
    return shift ? heed_linear_add(t, shift, g->total, &a->coverage->tensor) : heed_linear(t, g->total, &a->coverage->tensor, NULL);
}

static heed_distance distance_of(const heed_attn *a)
{
    if (a->is.positions == HEED_POSITIONS_alibi) return (heed_distance){.kind = HEED_DISTANCE_LINEAR};
    if (a->is.positions != HEED_POSITIONS_relative) return (heed_distance){.kind = HEED_DISTANCE_NONE};
    return (heed_distance){.kind = HEED_DISTANCE_BUCKETS, .weight = &a->buckets->tensor, .both = a->is.both};
}

static heed_tensor *centre_of(heed_tape *t, const heed_attn *a, heed_tensor *q)
{
    return a->centre ? heed_linear(t, heed_tanh(t, heed_linear(t, q, &a->centre_hidden->tensor, NULL)), &a->centre->tensor, NULL) : NULL;
}

heed_attended heed_attn_forward(heed_tape *t, const heed_attn *a, heed_tensor *q, const heed_memory *m, const heed_gaze *g)
{
    const heed_attn_settings *s = &a->is;
    const heed_attend_args args = {.q = queries_of(t, a, q, g),
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
                                   .centre = centre_of(t, a, q),
                                   .weights = g->weights};
    heed_attended x = t->hooks && t->hooks->attend ? t->hooks->attend(t->hooks->self, t, a, &args) : heed_attend(t, &args);
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
