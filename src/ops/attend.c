/* attend: queries look at the visible keys of their sequence and bring back a weighted sum of values, head by head.
 *
 *   s_j = score(q, k_j + shift_j) + distance(i, j),   w = align(s),   out = sum_j w_j v_j            (Bahdanau et al. 2015, eqs. 5 and 6)
 *
 * This file checks what is asked, allocates the results, records, and gives the groups of queries in order to the kernels of heed/attention.h, one sequence at a
 * time and on the thread that it is called by. Forward keeps one float a query and head; backward and heed_attend_weights() compute s and w anew. A sequence's
 * keys belong to the groups of queries that own it. */
#include "ops/attend.h"

#include <string.h>

#include "kernels/attention_backward.h"
#include "ops/distance.h"
#include "tensor/tape.h"

/* --- what fits ------------------------------------------------------------------------------------------------------------------------------ */

static bool owners_fit(const heed_attend_args *a)
{
    if (!a->owner) return a->queries.B <= a->keys.B;
    for (int64_t b = 0; b < a->queries.B; b++)
        if (a->owner[b] < 0 || a->owner[b] >= a->keys.B) return false;
    return true;
}

static bool spans_fit(const heed_attend_args *a)
{
    return a->k->rows == a->v->rows && a->queries.start[a->queries.B] == a->q->rows && (a->key_row || a->keys.start[a->keys.B] == a->k->rows);
}

static bool heads_fit(const heed_attend_args *a)
{
    const int64_t H = heed_attend_heads(a), Hk = heed_attend_key_heads(a);
    if (H < 1 || Hk < 1 || H % Hk || a->q->cols % H || a->k->cols % Hk || a->v->cols % Hk) return false;
    return a->score->blind || a->q->cols / H == a->k->cols / Hk;
}

/* The score's own weights: of a dot product a factor a head, of an additive score a vector. */
static bool score_fits(const heed_attend_args *a)
{
    const int64_t H = heed_attend_heads(a);
    if (a->score->forward) return !a->extra || a->extra->cols % H == 0;
    if (a->score->known == HEED_ATTENTION_ADDITIVE) return a->extra && a->extra->cols == a->q->cols;
    return a->score->known == HEED_ATTENTION_DOT && (!a->extra || a->extra->cols == H);
}

static bool extras_fit(const heed_attend_args *a)
{
    const bool shift = !a->shift || (!a->score->blind && a->shift->cols == a->k->cols && a->shift->rows == heed_attend_pairs(a, a->queries.B) &&
                                     heed_attend_width(a) <= HEED_ATTENTION_WIDEST);
    const bool centre = a->centre ? a->centre->rows == a->q->rows && a->centre->cols == heed_attend_heads(a) : !heed_align_has_centre(a->align);
    return shift && centre && heed_distance_fits(&a->distance, heed_attend_heads(a));
}

static bool attend_fits(heed_tape *t, const heed_attend_args *a)
{
    if (heed_tape_failed(t)) return false;
    if (spans_fit(a) && heads_fit(a) && score_fits(a) && owners_fit(a) && extras_fit(a)) return true;
    heed_tape_fail(t, HEED_E_SHAPE, "attend: q [%lld,%lld], k [%lld,%lld], v [%lld,%lld], %lld and %lld sequences, %lld and %lld heads do not fit",
                   (long long)a->q->rows, (long long)a->q->cols, (long long)a->k->rows, (long long)a->k->cols, (long long)a->v->rows, (long long)a->v->cols,
                   (long long)a->queries.B, (long long)a->keys.B, (long long)heed_attend_heads(a), (long long)heed_attend_key_heads(a));
    return false;
}

/* Multiply-adds of a value with a weight, of a query with a key, as many as pairs are seen: what is computed anew, and how a score is made beyond its products, counts
 * nothing. */
static void count_work(heed_tape *t, const heed_attend_args *a, double ways)
{
    double pairs = 0;
    if (!t->watch) return;
    for (int64_t b = 0; b < a->queries.B; b++) {
        const heed_attend_group g = heed_attend_group_of(a, b, 0);
        for (int64_t i = 0; i < g.rows; i++) pairs += (double)heed_looking_of(a->align, a->window, a->position + i, g.keys, 0).seen;
    }
    const int64_t each = (a->score->blind ? 0 : heed_attend_width(a)) + heed_attend_value_width(a);
    heed_stopwatch_count(t->watch, 2 * ways * pairs * (double)(heed_attend_heads(a) * each), 0);
}

/* --- backward ------------------------------------------------------------------------------------------------------------------------------- */

static float *room_for(heed_tape *t, int64_t n) { return heed_tape_alloc(t, (size_t)(n + 1) * sizeof(float)); }

static float *cleared(heed_tape *t, int64_t n)
{
    float *x = room_for(t, n);
    if (x) memset(x, 0, (size_t)n * sizeof *x);
    return x;
}

static float *gradient_of(heed_tape *t, heed_tensor *x) { return x ? heed_tape_grad(t, x) : NULL; }

static void share_room(heed_tape *t, heed_attend_call *c)
{
    c->shared = c->any_tiles ? heed_tape_alloc(t, heed_attention_shared_bytes(&c->tiles) + HEED_ATTENTION_ALIGNED) : NULL;
    if (c->shared) c->shared = heed_attention_aligned(c->shared);
}

/* What tiles share: the distance's terms, once for all groups, and what an additive score makes of the keys of each. */
static void share(heed_attend_call *c, bool first)
{
    if (c->shared && (first || c->a.additive)) heed_attention_share(&c->tiles, c->shared);
}

static heed_attention_out gradient_rows(heed_tape *t, heed_tensor *x, int64_t heads)
{
    return (heed_attention_out){gradient_of(t, x), 0, x->cols, x->cols / heads};
}

static heed_attention_gradients gradients_of(heed_tape *t, const heed_attend_call *c)
{
    const heed_attended *s = c->s;
    const heed_attend_args *a = &s->args;
    float *extra = gradient_of(t, a->extra);
    heed_attention_gradients to = {.q = gradient_rows(t, a->q, c->a.heads), .k = gradient_rows(t, a->k, c->a.key_heads), .v = gradient_rows(t, a->v, c->a.key_heads),
                                   .centre = gradient_of(t, a->centre), .add = true};
    to.out = (heed_attention_in){s->out->g ? s->out->g : cleared(t, s->out->rows * s->out->cols), 0, s->out->cols, c->a.value_width};
    *(c->a.pair ? &to.extra : c->a.additive ? &to.additive : &to.factor) = extra;
    if (a->distance.weight && a->distance.weight->wants_grad) to.relative = cleared(t, c->a.heads * (2 * s->reach + 1));
    return to;
}

/* Of either way that a group may go. */
typedef struct back_work { heed_attention_back tiles, rows; void *room; } back_work;

static back_work back_of(heed_tape *t, const heed_attend_call *c, const heed_attention_gradients *to)
{
    back_work w = {.tiles = heed_attention_back_of(&c->tiles, to), .rows = heed_attention_back_of(&c->rows, to)};
    const size_t tiles = c->any_tiles ? heed_attention_back_room(&w.tiles) : 0, rows = c->any_rows ? heed_attention_back_room(&w.rows) : 0;
    w.tiles.extra = w.rows.extra = cleared(t, c->a.heads * w.rows.extras);
    w.room = heed_tape_alloc(t, (tiles > rows ? tiles : rows) + 1);
    return w;
}

static void attend_back(heed_tape *t, heed_node *node)
{
    const heed_attended *s = node->saved;
    const heed_attend_args *a = &s->args;
    heed_attend_call c;
    heed_attend_call_of(&c, s, t->k);
    heed_attend_call_measure(&c);
    const heed_attention_gradients to = gradients_of(t, &c);
    float *shift = gradient_of(t, a->shift), *weight = gradient_of(t, a->distance.weight);
    const heed_mark mark = heed_arena_mark(t->arena);
    count_work(t, a, 2);
    share_room(t, &c);
    const back_work w = back_of(t, &c, &to);
    bool shared = false;
    for (int64_t b = 0, pair = 0; b < a->queries.B && !heed_tape_failed(t); b++) {
        const heed_attend_group g = heed_attend_group_of(a, b, pair);
        const bool tiles = heed_attend_call_take(&c, &g) == &c.tiles;
        if (tiles) share(&c, !shared), shared = true;
        c.pairs.shift_gradient = shift ? shift + pair * a->shift->cols : NULL;
        heed_attention_sequence_back(tiles ? &w.tiles : &w.rows, 0, w.room);
        pair += g.rows * g.keys;
    }
    for (int64_t h = 0; h < c.a.key_heads && !heed_tape_failed(t); h++) heed_attention_join_extra(&w.rows, h, w.rows.extra + h * c.rows.shared * w.rows.extras);
    if (weight && !heed_tape_failed(t)) heed_distance_terms_back(&a->distance, to.relative, weight, c.a.heads, s->reach);
    heed_arena_rewind(t->arena, mark);
}

/* --- builder --------------------------------------------------------------------------------------------------------------------------------- */

static bool wants(const heed_attend_args *a)
{
    const heed_tensor *const all[] = {a->q, a->k, a->v, a->extra, a->shift, a->centre, a->distance.weight};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i] && all[i]->wants_grad) return true;
    return false;
}

static heed_attended *record(heed_tape *t, heed_attended *s)
{
    if (!heed_tape_wants(t, wants(&s->args))) return s;
    heed_tape_node(t, "attend", s->out, attend_back, s);
    if (s->weights && !heed_tape_failed(t)) {
        t->last->other = s->weights;
        s->weights->wants_grad = true;
    }
    return s;
}

/* The distance's terms as the kernels take them: up to the furthest distance that there is, or beyond which all are alike. */
static void distances_of(heed_tape *t, heed_attended *s)
{
    const heed_attend_args *a = &s->args;
    const int64_t H = heed_attend_heads(a);
    float *x = NULL;
    if (a->distance.kind == HEED_DISTANCE_LINEAR && (x = room_for(t, H))) heed_distance_slopes(x, H);
    if (a->distance.kind == HEED_DISTANCE_BUCKETS) {
        for (int64_t b = 0; b < a->queries.B; b++) {
            const heed_attend_group g = heed_attend_group_of(a, b, 0);
            const int64_t far = a->position + g.rows > g.keys ? a->position + g.rows : g.keys;
            s->reach = far > s->reach ? far : s->reach;
        }
        if (s->reach > HEED_DISTANCE_FURTHEST) s->reach = HEED_DISTANCE_FURTHEST;
        if ((x = room_for(t, H * (2 * s->reach + 1)))) heed_distance_terms(&a->distance, x, H, s->reach);
    }
    s->distances = x;
}

/* The rows of x that keys of the group are, copied together. */
static heed_attention_in gathered(heed_tape *t, const heed_tensor *x, const heed_attend_call *c, const heed_attend_group *g)
{
    float *copy = room_for(t, g->keys * x->cols);
    for (int64_t j = 0; copy && j < g->keys; j++) memcpy(copy + j * x->cols, x->x + c->s->args.key_row[g->key + j] * x->cols, (size_t)x->cols * sizeof *copy);
    return (heed_attention_in){copy, 0, x->cols, x->cols / c->a.key_heads};
}

/* Tiles want keys that lie one after the other. */
static void gather(heed_tape *t, heed_attend_call *c, const heed_attend_group *g)
{
    const heed_attend_args *a = &c->s->args;
    c->data.k = gathered(t, a->k, c, g);
    c->data.v = a->v == a->k ? c->data.k : gathered(t, a->v, c, g);
    c->gathered[0] = 0, c->gathered[1] = g->keys;
    c->a.key_start = c->gathered;
}

/* Single queries wait here for company. */
enum { COMPANY = 64 };
typedef struct company { heed_single_attention is; int64_t n; heed_single_query query[COMPANY]; } company;

static void company_of(heed_tape *t, company *x, const heed_attend_call *c)
{
    const heed_attend_args *a = &c->s->args;
    x->n = 0;
    x->is = (heed_single_attention){.heads = c->a.heads, .d = c->a.width, .dv = c->a.value_width, .ldk = a->k->cols, .ldv = a->v->cols, .scale = c->rows.scale,
                                    .most_queries = COMPANY, .most_keys = c->rows.most_keys};
    if (c->alone && c->any_rows) x->is.room = room_for(t, heed_single_room(&x->is));
}

static void look_singly(company *x, const heed_kernels *k)
{
    k->attend_single(&x->is, x->query, x->n);
    x->n = 0;
}

static void look_all(company *x, const heed_attend_call *c, const heed_attend_group *g, const heed_kernels *k)
{
    for (int64_t i = 0; i < g->rows; i++) {
        heed_attend_call_query(c, g, i, &x->query[x->n++]);
        if (x->n == COMPANY) look_singly(x, k);
    }
}

static void look(heed_tape *t, const heed_attended *s)
{
    const heed_attend_args *a = &s->args;
    const heed_mark mark = heed_arena_mark(t->arena);
    heed_attend_call c;
    heed_attend_call_of(&c, s, t->k);
    heed_attend_call_measure(&c);
    bool shared = false;
    share_room(t, &c);
    const size_t tiles = c.any_tiles ? heed_attention_room(&c.tiles) : 0, rows = c.any_rows ? heed_attention_room(&c.rows) : 0;
    void *room = heed_tape_alloc(t, (tiles > rows ? tiles : rows) + 1);
    company singles;
    company_of(t, &singles, &c);
    for (int64_t b = 0, pair = 0; b < a->queries.B && !heed_tape_failed(t); b++) {
        const heed_attend_group g = heed_attend_group_of(a, b, pair);
        pair += g.rows * g.keys;
        if (heed_attend_call_single(&c, &g)) {
            look_all(&singles, &c, &g, t->k);
            continue;
        }
        const heed_attention_job *job = heed_attend_call_take(&c, &g);
        const heed_mark group = heed_arena_mark(t->arena);
        const heed_attention_data lying = c.data;
        if (job == &c.tiles && a->key_row) gather(t, &c, &g);
        if (!heed_tape_failed(t) && job == &c.tiles) share(&c, !shared), shared = true;
        if (!heed_tape_failed(t)) heed_attention_sequence(job, 0, room);
        c.data = lying;
        heed_arena_rewind(t->arena, group);
    }
    if (singles.n) look_singly(&singles, t->k);
    heed_arena_rewind(t->arena, mark);
}

heed_attended heed_attend(heed_tape *t, const heed_attend_args *a)
{
    const heed_attended failed = {.out = &t->poison};
    heed_attended *s = heed_tape_alloc(t, sizeof *s);
    if (!s || !attend_fits(t, a)) return failed;
    if (a->key_row && heed_tape_wants(t, wants(a))) return heed_tape_fail(t, HEED_E_USAGE, "attend: keys by number cannot be recorded"), failed;
    const int64_t H = heed_attend_heads(a);
    *s = (heed_attended){.out = heed_tape_tensor(t, a->q->rows, H * heed_attend_value_width(a)), .saved = room_for(t, a->q->rows * H), .args = *a};
    count_work(t, a, 1);
    if (a->weights) s->weights = heed_input(t, heed_attend_pairs(a, a->queries.B), H, NULL, false);
    distances_of(t, s);
    if (heed_tape_failed(t)) return failed;
    look(t, s);
    return heed_tape_failed(t) ? failed : *record(t, s);
}
