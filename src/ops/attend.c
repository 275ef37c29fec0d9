/* attend: queries look at the visible keys of their sequence and bring back a weighted sum of values.
 *
 *   s_j = score(q, k_j),   p = softmax(s),   out = sum_j p_j v_j            (Bahdanau et al. 2015, eqs. 5 and 6)
 *
 * Forward keeps one float a query, the log-sum-exp; backward and heed_attend_weights() compute s and p anew from it. A sequence's keys belong
 * to the groups of queries that own it, taken in order. */
#include <math.h>
#include <string.h>

#include "heed/ops.h"
#include "tensor/tape.h"

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

void heed_align_interval(heed_align align, int64_t window, int64_t position, int64_t n, int64_t *first, int64_t *count)
{
    int64_t from = 0, to = n;
    if (align == HEED_ALIGN_causal) to = least(n, position + 1);
    if (align == HEED_ALIGN_window) {
        from = most(0, position - window);
        to = least(n, position + window + 1);
    }
    *first = least(from, n);
    *count = most(0, to - from);
}

/* The keys that one query sees: rows of k and v. */
typedef struct view { int64_t row, count, first; } view;

static view keys_of(const heed_attend_args *a, int64_t group, int64_t row)
{
    const int64_t owner = a->owner ? a->owner[group] : group, begin = a->keys.start[owner];
    view w;
    heed_align_interval(a->align, a->window, a->position + row - a->queries.start[group], a->keys.start[owner + 1] - begin, &w.first, &w.count);
    w.row = begin + w.first;
    return w;
}

static void scores_of(const heed_attend_args *a, int64_t row, view w, float *s)
{
    const int64_t d = a->q->cols;
    a->score->forward(s, a->q->x + row * d, a->k->x + w.row * a->k->cols, w.count, d, a->extra ? a->extra->x : NULL, a->scale);
}

static void weights_from_lse(float *p, const float *s, int64_t n, float lse)
{
    for (int64_t j = 0; j < n; j++) p[j] = expf(s[j] - lse);
}

int64_t heed_attend_weights(const heed_attended *a, int64_t group, int64_t row, float *weights, float *scores, int64_t *first)
{
    const view w = keys_of(&a->args, group, row);
    *first = w.first;
    scores_of(&a->args, row, w, weights);
    if (scores) memcpy(scores, weights, (size_t)w.count * sizeof *scores);
    weights_from_lse(weights, weights, w.count, a->lse[row]);
    return w.count;
}

/* --- backward ------------------------------------------------------------------------------------------------------------------------- */

typedef struct gradients { float *q, *k, *v, *extra, *p, *ds, *unwanted; } gradients;

/* out = p V, p = softmax(s):  dV += p dout;  dp = V dout;  ds = p (dp - dout . out);  then the score's own way back */
static void query_back(heed_tape *t, const heed_attended *s, const gradients *g, const float *dout, view w, int64_t row)
{
    const heed_attend_args *a = &s->args;
    const int64_t d = a->q->cols, dv = a->v->cols;
    const float *keys = a->k->x + w.row * d, *values = a->v->x + w.row * dv, *q = a->q->x + row * d;
    const float delta = t->k->dot(dout, s->out->x + row * dv, dv);
    scores_of(a, row, w, g->p);
    weights_from_lse(g->p, g->p, w.count, s->lse[row]);
    t->k->scores_dot(g->ds, dout, values, w.count, dv, dv, 1);
    for (int64_t j = 0; j < w.count; j++) {
        if (g->v) t->k->axpy(g->v + (w.row + j) * dv, g->p[j], dout, dv);
        g->ds[j] = g->p[j] * (g->ds[j] - delta);
    }
    float *dq = g->q ? g->q + row * d : g->unwanted, *dk = g->k ? g->k + w.row * d : g->unwanted + d;
    a->score->backward(g->ds, q, keys, w.count, d, a->extra ? a->extra->x : NULL, a->scale, dq, dk, g->extra);
}

static int64_t longest(heed_span span)
{
    int64_t n = 0;
    for (int64_t b = 0; b < span.B; b++) n = most(n, span.start[b + 1] - span.start[b]);
    return n;
}

static bool gradients_room(heed_tape *t, const heed_attend_args *a, gradients *g)
{
    const int64_t T = longest(a->keys), d = a->q->cols;
    g->q = heed_tape_grad(t, a->q);
    g->k = heed_tape_grad(t, a->k);
    g->v = heed_tape_grad(t, a->v);
    g->extra = a->extra ? heed_tape_alloc(t, (size_t)a->extra->cols * sizeof(float)) : NULL;
    if (g->extra) memset(g->extra, 0, (size_t)a->extra->cols * sizeof(float));
    g->p = heed_tape_alloc(t, (size_t)T * sizeof(float));
    g->ds = heed_tape_alloc(t, (size_t)T * sizeof(float));
    g->unwanted = heed_tape_alloc(t, (size_t)((T + 1) * d) * sizeof(float));
    return !heed_tape_failed(t);
}

static void attend_back(heed_tape *t, heed_node *n)
{
    const heed_attended *s = n->saved;
    const heed_attend_args *a = &s->args;
    gradients g;
    if (!gradients_room(t, a, &g)) return;
    for (int64_t b = 0; b < a->queries.B; b++)
        for (int64_t i = a->queries.start[b]; i < a->queries.start[b + 1]; i++) {
            const view w = keys_of(a, b, i);
            if (w.count) query_back(t, s, &g, n->out->g + i * n->out->cols, w, i);
        }
    float *dextra = a->extra ? heed_tape_grad(t, a->extra) : NULL;
    if (dextra) t->k->axpy(dextra, 1, g.extra, a->extra->cols);
}

/* --- builder -------------------------------------------------------------------------------------------------------------------------- */

static bool owners_fit(const heed_attend_args *a)
{
    if (!a->owner) return a->queries.B <= a->keys.B;
    for (int64_t b = 0; b < a->queries.B; b++)
        if (a->owner[b] < 0 || a->owner[b] >= a->keys.B) return false;
    return true;
}

static bool attend_fits(heed_tape *t, const heed_attend_args *a)
{
    const bool fits = a->q->cols == a->k->cols && a->k->rows == a->v->rows && a->queries.start[a->queries.B] == a->q->rows &&
                      a->keys.start[a->keys.B] == a->k->rows && owners_fit(a);
    if (!fits)
        heed_tape_fail(t, HEED_E_SHAPE, "attend: q [%lld,%lld], k [%lld,%lld], v [%lld,%lld], %lld and %lld sequences do not fit", (long long)a->q->rows,
                       (long long)a->q->cols, (long long)a->k->rows, (long long)a->k->cols, (long long)a->v->rows, (long long)a->v->cols,
                       (long long)a->queries.B, (long long)a->keys.B);
    return fits && !heed_tape_failed(t);
}

static void run_forward(heed_tape *t, const heed_attended *s, float *p)
{
    const heed_attend_args *a = &s->args;
    const int64_t dv = a->v->cols;
    for (int64_t b = 0; b < a->queries.B; b++)
        for (int64_t i = a->queries.start[b]; i < a->queries.start[b + 1]; i++) {
            const view w = keys_of(a, b, i);
            scores_of(a, i, w, p);
            s->lse[i] = t->k->softmax(p, p, w.count);
            t->k->mix(s->out->x + i * dv, p, a->v->x + w.row * dv, w.count, dv, dv);
        }
}

heed_attended heed_attend(heed_tape *t, const heed_attend_args *args)
{
    const heed_attended failed = {.out = &t->poison};
    heed_attended *s = heed_tape_alloc(t, sizeof *s);
    if (!s || !attend_fits(t, args)) return failed;
    *s = (heed_attended){.out = heed_tape_tensor(t, args->q->rows, args->v->cols), .args = *args};
    s->lse = heed_tape_alloc(t, (size_t)args->q->rows * sizeof *s->lse);
    const heed_mark mark = heed_arena_mark(t->arena);
    float *p = heed_tape_alloc(t, (size_t)longest(args->keys) * sizeof *p);
    if (heed_tape_failed(t)) return failed;
    run_forward(t, s, p);
    heed_arena_rewind(t->arena, mark);
    const bool wants = args->q->wants_grad || args->k->wants_grad || args->v->wants_grad || (args->extra && args->extra->wants_grad);
    if (heed_tape_wants(t, wants)) heed_tape_node(t, "attend", s->out, attend_back, s);
    return *s;
}
