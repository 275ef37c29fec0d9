/* attend: queries look at the visible keys of their sequence and bring back a weighted sum of values, head by head.
 *
 *   s_j = score(q, k_j + shift_j) + distance(i, j),   w = align(s),   out = sum_j w_j v_j            (Bahdanau et al. 2015, eqs. 5 and 6)
 *
 * This file checks what is asked, allocates the results, records, and takes the groups of queries in order; ops/attend.h names those who do the work. Forward
 * keeps one float a query and head; backward and heed_attend_weights() compute s and w anew. A sequence's keys belong to the groups of queries that own it,
 * taken in order. Which keys, and scores to weights: ops/align.h. */
#include "ops/attend.h"

#include <string.h>

heed_attend_group heed_attend_group_of(const heed_attend_args *a, int64_t number, int64_t pair)
{
    const int64_t owner = a->owner ? a->owner[number] : number;
    return (heed_attend_group){.row = a->queries.start[number], .rows = a->queries.start[number + 1] - a->queries.start[number], .key = a->keys.start[owner],
                               .keys = a->keys.start[owner + 1] - a->keys.start[owner], .position = a->position, .pair = pair};
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

float *heed_attend_room(heed_tape *t, int64_t n) { return heed_tape_alloc(t, (size_t)(n + 1) * sizeof(float)); }

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
    return (a->score->blind || a->q->cols / H == a->k->cols / Hk) && (!a->extra || a->extra->cols % H == 0);
}

static bool extras_fit(const heed_attend_args *a)
{
    const bool shift = !a->shift || (!a->score->blind && a->shift->cols == a->k->cols && a->shift->rows == heed_attend_pairs(a, a->queries.B) &&
                                     heed_attend_width(a) <= HEED_ATTEND_WIDEST);
    const bool centre = a->centre ? a->centre->rows == a->q->rows && a->centre->cols == heed_attend_heads(a) : !heed_align_has_centre(a->align);
    return shift && centre && heed_distance_fits(&a->distance, heed_attend_heads(a));
}

static bool attend_fits(heed_tape *t, const heed_attend_args *a)
{
    if (heed_tape_failed(t)) return false;
    if (spans_fit(a) && heads_fit(a) && owners_fit(a) && extras_fit(a)) return true;
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
        for (int64_t i = 0; i < g.rows; i++) pairs += (double)heed_looking_of(a->align, a->window, g.position + i, g.keys, 0).seen;
    }
    const int64_t each = (a->score->blind ? 0 : heed_attend_width(a)) + heed_attend_value_width(a);
    heed_stopwatch_count(t->watch, 2 * ways * pairs * (double)(heed_attend_heads(a) * each), 0);
}

/* --- backward ------------------------------------------------------------------------------------------------------------------------------- */

static float *cleared(heed_tape *t, const heed_tensor *x)
{
    const int64_t n = x->rows * x->cols;
    float *g = heed_attend_room(t, n);
    if (g) memset(g, 0, (size_t)n * sizeof *g);
    return g;
}

static float *gradient_of(heed_tape *t, heed_tensor *x) { return x ? heed_tape_grad(t, x) : NULL; }

static void attend_back(heed_tape *t, heed_node *node)
{
    const heed_attended *s = node->saved;
    const heed_attend_args *a = &s->args;
    heed_attend_grads to = {.out = s->out->g, .weights = s->weights ? s->weights->g : NULL, .q = gradient_of(t, a->q), .k = gradient_of(t, a->k),
                            .v = gradient_of(t, a->v), .shift = gradient_of(t, a->shift), .centre = gradient_of(t, a->centre),
                            .distance = gradient_of(t, a->distance.weight), .extra = gradient_of(t, a->extra)};
    if (!to.out) to.out = cleared(t, s->out);
    if (a->extra && !to.extra) to.extra = cleared(t, a->extra);
    count_work(t, a, 2);
    for (int64_t b = 0, pair = 0; b < a->queries.B && !heed_tape_failed(t); b++) {
        const heed_attend_group g = heed_attend_group_of(a, b, pair);
        if (heed_attend_suits_lanes(s, &g)) heed_attend_lanes_back(t, s, &g, &to);
        else heed_attend_rows_back(t, s, &g, &to);
        pair += g.rows * g.keys;
    }
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

heed_attended heed_attend(heed_tape *t, const heed_attend_args *a)
{
    const heed_attended failed = {.out = &t->poison};
    heed_attended *s = heed_tape_alloc(t, sizeof *s);
    if (!s || !attend_fits(t, a)) return failed;
    if (a->key_row && heed_tape_wants(t, wants(a))) return heed_tape_fail(t, HEED_E_USAGE, "attend: keys by number cannot be recorded"), failed;
    const int64_t H = heed_attend_heads(a);
    *s = (heed_attended){.out = heed_tape_tensor(t, a->q->rows, H * heed_attend_value_width(a)), .saved = heed_attend_room(t, a->q->rows * H), .args = *a};
    count_work(t, a, 1);
    if (a->weights) s->weights = heed_input(t, heed_attend_pairs(a, a->queries.B), H, NULL, false);
    for (int64_t b = 0, pair = 0; b < a->queries.B && !heed_tape_failed(t); b++) {
        const heed_attend_group g = heed_attend_group_of(a, b, pair);
        if (heed_attend_suits_lanes(s, &g)) heed_attend_lanes(t, s, &g);
        else heed_attend_rows(t, s, &g);
        pair += g.rows * g.keys;
    }
    return heed_tape_failed(t) ? failed : *record(t, s);
}
