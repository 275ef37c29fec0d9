/* Problems of the attention layer: laid, drawn, and solved by both. */
#include "attention.h"

#include <stdio.h>

#include "lay.h"
#include "ref_layer.h"

enum { SLOPES = 12 };

/* --- weights by their part ----------------------------------------------------------------------------------------------------------------------- */

static heed_weight *weight_of(const heed_attn *a, attention_part part)
{
    switch (part) {
    case PART_QUERY: return a->query;
    case PART_KEY: return a->key;
    case PART_BIAS: return a->bias;
    case PART_EXTRA: return a->extra;
    case PART_VALUE: return a->value;
    case PART_OUT: return a->out;
    case PART_OUT_BIAS: return a->out_bias;
    case PART_CENTRE_HIDDEN: return a->centre_hidden;
    case PART_CENTRE: return a->centre;
    case PART_BUCKETS: return a->buckets;
    case PART_FILTER: return a->filter;
    case PART_HISTORY: return a->history;
    case PART_COVERAGE: return a->coverage;
    default: return NULL;
    }
}

/* What should be declared, by the score's reference and the settings. */
static bool is_expected(const ref_score *score, const heed_attn_settings *s, attention_part part)
{
    switch (part) {
    case PART_QUERY: return score->has & REF_QUERY;
    case PART_KEY: return score->has & REF_KEY;
    case PART_BIAS: return score->has & REF_BIAS;
    case PART_EXTRA: return score->has & REF_EXTRA;
    case PART_VALUE: case PART_OUT: case PART_OUT_BIAS: return s->projected;
    case PART_CENTRE_HIDDEN: case PART_CENTRE: return ref_align_of(s->align)->centred;
    case PART_BUCKETS: return s->positions == HEED_POSITIONS_relative;
    case PART_FILTER: case PART_HISTORY: return score->has & REF_HISTORY;
    case PART_COVERAGE: return s->coverage;
    default: return false;
    }
}

bool attention_declares(const problem *p, char *text, size_t size)
{
    const attention *own = p->own;
    if (own->err.status) return snprintf(text, size, "%s", own->err.text), false;
    for (int part = PART_WEIGHTS; part < PART_COUNT; part++)
        if ((own->at[part] >= 0) != is_expected(own->c->score, &own->attn.is, (attention_part)part))
            return snprintf(text, size, "%s: weight %d is %s", own->c->name, part, own->at[part] >= 0 ? "declared" : "not declared"), false;
    return true;
}

/* --- laid ------------------------------------------------------------------------------------------------------------------------------------------ */

static void lay_in(problem *p, attention_part part, block_role role, int64_t rows, int64_t cols, double spread)
{
    attention *own = p->own;
    own->at[part] = p->inputs;
    own->layer->part[part] = grad_in(p, role, rows, cols, spread);
}

static void lay_weights(problem *p, const heed_attn_settings *s)
{
    attention *own = p->own;
    heed_params *params = heed_params_new(&own->err);
    own->is = *s;
    heed_attn_init(&own->attn, params, "attention", s, &own->err);
    for (int part = PART_WEIGHTS; part < PART_COUNT; part++) {
        const heed_weight *w = own->err.status ? NULL : weight_of(&own->attn, (attention_part)part);
        if (w) lay_in(p, (attention_part)part, w->product ? BLOCK_PRODUCT : BLOCK_WEIGHT, w->tensor.rows, w->tensor.cols, 0.7);
    }
    heed_params_free(params);
}

typedef struct wishes { heed_span queries, keys; int64_t position, memory_position; bool keyed, before, total, weights; } wishes;

static void lay(problem *p, const heed_attn_settings *s, const wishes *w)
{
    attention *own = p->own = grad_room(p, sizeof *own);
    ref_layer *l = own->layer = grad_room(p, sizeof *l);
    own->c = p->c->subject;
    own->memory_position = w->memory_position;
    for (int part = 0; part < PART_COUNT; part++) own->at[part] = -1;
    const int64_t Nq = w->queries.start[w->queries.B], Nk = w->keys.start[w->keys.B], H = s->heads ? s->heads : 1;
    l->score = own->c->score;
    l->look = (ref_attend){.p = p, .queries = w->queries, .keys = w->keys, .heads = H, .key_heads = s->key_heads ? s->key_heads : H, .position = w->position,
                           .window = s->window, .align = s->align, .both = s->both,
                           .distance = s->positions == HEED_POSITIONS_alibi ? HEED_DISTANCE_LINEAR
                                       : s->positions == HEED_POSITIONS_relative ? HEED_DISTANCE_BUCKETS : HEED_DISTANCE_NONE};
    const int64_t pairs = ref_attend_pairs(&l->look);
    lay_in(p, PART_QUERIES, BLOCK_INPUT, Nq, s->query_width, 1);
    lay_in(p, PART_MEMORY, BLOCK_INPUT, Nk, s->memory_width, 1);
    if (w->keyed) lay_in(p, PART_KEYED, BLOCK_INPUT, Nk, s->memory_width, 1);
    if (w->before) lay_in(p, PART_BEFORE, BLOCK_INPUT, pairs, H, 0.7);
    if (w->total) lay_in(p, PART_TOTAL, BLOCK_INPUT, pairs, H, 0.7);
    lay_weights(p, s);
    l->queries = (ref_side){.x = l->part[PART_QUERIES], .weight = l->part[PART_QUERY], .span = w->queries, .heads = H, .position = w->position};
    l->keys = (ref_side){.x = l->part[w->keyed ? PART_KEYED : PART_MEMORY], .weight = l->part[PART_KEY], .bias = l->part[PART_BIAS], .span = w->keys,
                         .heads = l->look.key_heads, .position = w->memory_position};
    l->out = grad_out(p, Nq, s->projected ? s->query_width : s->memory_width / l->look.key_heads * H);
    if (w->weights) l->weights = grad_out(p, pairs, H);
    if (!own->err.status) ref_layer_lay(l, p, s);
}

void grad_lay_attention(problem *p, heed_span queries, heed_span keys, int64_t window, int64_t Dq, int64_t Dm, int64_t D)
{
    heed_attn_settings s = ((const attention_case *)p->c->subject)->is;
    s.window = window;
    s.query_width = Dq;
    s.memory_width = Dm;
    s.width = D;
    lay(p, &s, &(wishes){.queries = queries, .keys = keys});
}

/* --- drawn ------------------------------------------------------------------------------------------------------------------------------------------ */

/* Queries outnumber keys in some sequences, so that windows leave some without a key; some sequences have no query, and the last has a query
 * and no key. */
static void draw_spans(problem *p, heed_span *queries, heed_span *keys)
{
    const int64_t B = grad_draw(p, 2, 4);
    *queries = grad_draw_span(p, B, 0, 6);
    *keys = grad_draw_span(p, B, 0, 6);
    ((int64_t *)queries->start)[B] = queries->start[B - 1] + 1;
    ((int64_t *)keys->start)[B] = keys->start[B - 1];
}

static void draw_widths(problem *p, const ref_score *score, heed_attn_settings *s)
{
    const int64_t H = s->heads ? s->heads : 1, Hk = s->key_heads ? s->key_heads : H;
    const int64_t least = score->has & REF_UNIT ? 2 : 1;   /* one value has no direction to turn */
    const int64_t d = s->positions == HEED_POSITIONS_rotary ? 2 * grad_draw(p, 1, 2) : grad_draw(p, least, 4);
    const bool as_they_are = !(score->has & (REF_KEY | REF_BLIND)), any = s->projected && score->has & REF_KEY;
    s->memory_width = as_they_are ? Hk * d : any ? grad_draw(p, 2, 6) : Hk * grad_draw(p, least, 4);
    s->width = H * d;
    s->query_width = score->has & REF_QUERY ? grad_draw(p, 2, 6) : score->has & REF_BLIND ? s->width : s->memory_width;
}

static void draw(problem *p)
{
    const attention_case *c = p->c->subject;
    const bool history = c->score->has & REF_HISTORY;
    heed_attn_settings s = c->is;
    wishes w = {.position = grad_draw(p, 0, 2), .memory_position = grad_draw(p, 0, 2), .weights = grad_draw(p, 0, 1)};
    draw_spans(p, &w.queries, &w.keys);
    if (s.key_heads) s.key_heads = grad_draw(p, 1, 2);
    if (s.heads > 1) s.heads = (s.key_heads ? s.key_heads : 1) * grad_draw(p, 2, 3);
    draw_widths(p, c->score, &s);
    s.window = grad_draw(p, ref_align_of(s.align)->centred, 2);
    s.both = grad_draw(p, 0, 1);
    s.longest = grad_draw(p, 3, 7);
    s.filters = grad_draw(p, 1, 3);
    s.filter_width = 1 + 2 * grad_draw(p, 0, 2);
    w.keyed = grad_draw(p, 0, 3) == 0;
    w.before = history && grad_draw(p, 0, 4) > 0;
    w.total = s.coverage && grad_draw(p, 0, 4) > 0;
    p->most_slopes = SLOPES;
    lay(p, &s, &w);
}

static void forward(problem *p)
{
    const attention *own = p->own;
    if (!own->err.status) ref_layer_forward(own->layer);
}

static void backward(problem *p)
{
    const attention *own = p->own;
    if (!own->err.status) ref_layer_backward(own->layer);
}

/* --- the same by the library ------------------------------------------------------------------------------------------------------------------------- */

static void declare(problem *p)
{
    attention *own = p->own;
    heed_error err;
    heed_attn_init(&own->attn, p->params, "attention", &own->is, &err);
    for (int part = PART_WEIGHTS; part < PART_COUNT; part++)
        if (own->at[part] >= 0) p->in[own->at[part]].weight = weight_of(&own->attn, (attention_part)part);
}

heed_tensor *attention_input(const problem *p, heed_tensor *const *in, attention_part part)
{
    const attention *own = p->own;
    return own->at[part] < 0 ? NULL : in[own->at[part]];
}

heed_attended attention_look(problem *p, heed_tape *t, heed_tensor *const *in, heed_memory *m)
{
    const attention *own = p->own;
    const ref_attend *look = &own->layer->look;
    *m = heed_attn_memory(t, &own->attn, attention_input(p, in, PART_MEMORY), attention_input(p, in, PART_KEYED), look->keys, own->memory_position);
    return heed_attn_forward(t, &own->attn, attention_input(p, in, PART_QUERIES), m,
                             &(heed_gaze){.queries = look->queries, .position = look->position, .before = attention_input(p, in, PART_BEFORE),
                                          .total = attention_input(p, in, PART_TOTAL), .weights = own->layer->weights != NULL});
}

static void run(problem *p, heed_tape *t, heed_tensor *const *in, heed_tensor **out)
{
    heed_memory m;
    const heed_attended a = attention_look(p, t, in, &m);
    out[0] = a.out;
    out[1] = a.weights;
}

const grad_case attention_functions = {.draw = draw, .forward = forward, .backward = backward, .run = run, .declare = declare};
