/* attend in the words of heed/attention.h: which settings, where everything lies, and which groups are for tiles. */
#include "ops/attend.h"

enum { FEWEST = 4 };   /* queries for which a tile pays */

static int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

heed_attend_group heed_attend_group_of(const heed_attend_args *a, int64_t number, int64_t pair)
{
    const int64_t owner = a->owner ? a->owner[number] : number;
    return (heed_attend_group){.number = number, .owner = owner, .row = a->queries.start[number], .rows = a->queries.start[number + 1] - a->queries.start[number],
                               .key = a->keys.start[owner], .keys = a->keys.start[owner + 1] - a->keys.start[owner], .pair = pair};
}

int64_t heed_attend_pairs(const heed_attend_args *a, int64_t groups)
{
    int64_t pairs = 0;
    for (int64_t b = 0; b < groups; b++) {
        const heed_attend_group g = heed_attend_group_of(a, b, pairs);
        pairs += g.rows * g.keys;
    }
    return pairs;
}

/* --- settings ------------------------------------------------------------------------------------------------------------------------------- */

static heed_attention settings_of(const heed_attended *s)
{
    const heed_attend_args *x = &s->args;
    const bool own = x->score->forward != NULL;
    const float *extra = x->extra ? x->extra->x : NULL;
    heed_attention a = {.type = HEED_F32, .align = x->align, .window = x->window, .heads = heed_attend_heads(x), .key_heads = heed_attend_key_heads(x),
                        .width = heed_attend_width(x), .value_width = heed_attend_value_width(x), .sequences = 1, .position = &x->position,
                        .centre = x->centre ? x->centre->x : NULL, .reach = s->reach, .threads = 1};
    if (own) a.pair = x->score, a.extra = extra, a.extras = extra ? x->extra->cols / a.heads : 0;
    else if ((a.score = x->score->known) == HEED_ATTENTION_ADDITIVE) a.additive = extra;
    else a.factor = extra;
    if (x->distance.kind == HEED_DISTANCE_LINEAR) a.slope = s->distances;
    if (x->distance.kind == HEED_DISTANCE_BUCKETS) a.relative = s->distances;
    return a;
}

static heed_attention_in lying(const heed_tensor *x, int64_t heads) { return (heed_attention_in){x->x, 0, x->cols, x->cols / heads}; }

/* All heads at once: softmax of dot products, nothing added to them, over one run of keys; weights are not asked for. */
static bool suits_single(const heed_attend_call *c)
{
    const heed_attend_args *x = &c->s->args;
    const bool dots = !c->a.pair && c->a.score == HEED_ATTENTION_DOT && !c->a.factor && x->distance.kind == HEED_DISTANCE_NONE && !x->shift && !c->s->weights;
    return dots && c->rows.weighing == HEED_WEIGHING_softmax && heed_align_sees_one_run(x->align) && !heed_align_has_centre(x->align) && c->rows.shared == 1;
}

void heed_attend_call_of(heed_attend_call *c, const heed_attended *s, const heed_kernels *kernels)
{
    const heed_attend_args *x = &s->args;
    *c = (heed_attend_call){.s = s, .a = settings_of(s)};
    c->data = (heed_attention_data){.q = lying(x->q, c->a.heads), .k = lying(x->k, c->a.key_heads), .v = lying(x->v, c->a.key_heads), .saved = s->saved};
    if (s->out) c->data.out = (heed_attention_out){s->out->x, 0, s->out->cols, c->a.value_width};      /* weights are asked for without it */
    heed_attention_job_settle(&c->tiles, kernels, &c->a, &c->data);
    c->tiles.scale = x->scale;
    c->tiles.keys = most(x->k->rows, x->keys.start[x->keys.B]);
    c->rows = c->tiles;
    heed_attention_job_by_rows(&c->rows);
    if (x->key_row || x->shift || s->weights) c->rows.pairwise = &c->pairs;
    c->pairs.shift = x->shift ? x->shift->x : NULL;      /* so that room is counted for it */
    c->alone = suits_single(c);
}

/* --- groups ---------------------------------------------------------------------------------------------------------------------------------- */

static bool suits_tiles(const heed_attend_call *c, const heed_attend_group *g)
{
    const bool narrow = c->a.width <= HEED_ATTENTION_WIDEST && c->a.value_width <= HEED_ATTENTION_WIDEST;
    return g->rows >= FEWEST && !c->tiles.rows && narrow && !c->s->args.shift && !c->s->weights;
}

void heed_attend_call_measure(heed_attend_call *c)
{
    const heed_attend_args *x = &c->s->args;
    for (int64_t b = 0; b < x->queries.B; b++) {
        const heed_attend_group g = heed_attend_group_of(x, b, 0);
        const bool tiles = suits_tiles(c, &g);
        heed_attention_job *job = tiles ? &c->tiles : &c->rows;
        job->most_queries = most(job->most_queries, g.rows);
        job->most_keys = most(job->most_keys, g.keys);
        c->any_tiles |= tiles, c->any_rows |= !tiles;
    }
}

bool heed_attend_call_single(heed_attend_call *c, const heed_attend_group *g) { return c->alone && !suits_tiles(c, g); }

void heed_attend_call_query(const heed_attend_call *c, const heed_attend_group *g, int64_t i, heed_single_query *to)
{
    const heed_attend_args *x = &c->s->args;
    const int64_t at = g->row + i, position = x->position + i, first = most(0, position - c->rows.back), ahead = position + c->rows.ahead + 1;
    const int64_t end = ahead < g->keys ? ahead : g->keys, row = x->key_row ? 0 : g->key + first;
    *to = (heed_single_query){.q = x->q->x + at * x->q->cols,
                              .k = x->k->x + row * x->k->cols,
                              .v = x->v->x + row * x->v->cols,
                              .row = x->key_row ? x->key_row + g->key + first : NULL,
                              .keys = most(0, end - first),
                              .out = c->s->out->x + at * c->s->out->cols,
                              .saved = c->s->saved + at * c->a.heads};
}

heed_attention_job *heed_attend_call_take(heed_attend_call *c, const heed_attend_group *g)
{
    const heed_attend_args *x = &c->s->args;
    const heed_tensor *shift = x->shift, *weights = c->s->weights;
    c->a.query_start = x->queries.start + g->number;
    c->a.key_start = x->keys.start + g->owner;
    c->pairs.key_row = x->key_row ? x->key_row + g->key : NULL;
    c->pairs.shift = shift ? shift->x + g->pair * shift->cols : NULL;
    c->pairs.weights = weights ? weights->x + g->pair * weights->cols : NULL;
    c->pairs.weights_gradient = weights && weights->g ? weights->g + g->pair * weights->cols : NULL;
    return suits_tiles(c, g) ? &c->tiles : &c->rows;
}

/* --- asked for afterwards -------------------------------------------------------------------------------------------------------------------- */

int64_t heed_attend_weights(const heed_attended *s, int64_t group, int64_t row, int64_t head, float *weights, float *scores)
{
    const heed_attend_group g = heed_attend_group_of(&s->args, group, s->args.shift ? heed_attend_pairs(&s->args, group) : 0);
    heed_attend_call c;
    heed_attend_call_of(&c, s, heed_kernels_get());
    heed_attend_call_take(&c, &g);
    heed_attention_weigh(&c.rows, head, row - g.row, weights, scores);
    return g.keys;
}
