/* attend: queries look at the visible keys of their sequence and bring back a weighted sum of values, head by head.
 *
 *   s_j = score(q, k_j + shift_j) + distance(i, j),   w = align(s),   out = sum_j w_j v_j            (Bahdanau et al. 2015, eqs. 5 and 6)
 *
 * Forward keeps one float a query and head; backward and heed_attend_weights() compute s and w anew from it. Where the softmax runs over many keys it walks over
 * blocks of them and joins what they brought (a running maximum), so no more than a block of scores is held. A sequence's keys belong to the groups of queries
 * that own it, taken in order. Which keys, and scores to weights: ops/align.h. */
#include <math.h>
#include <string.h>

#include "ops/align.h"
#include "tensor/tape.h"

enum { BLOCK = 512 };   /* keys whose scores are held at once */

static int64_t heads_of(const heed_attend_args *a) { return a->heads ? a->heads : 1; }
static int64_t key_heads_of(const heed_attend_args *a) { return a->key_heads ? a->key_heads : heads_of(a); }

/* One head of one query: where it stands, and what it sees. */
typedef struct eye {
    const heed_attend_args *a;
    int64_t row, head, key_head;
    int64_t begin, n, position;     /* its sequence of keys, and its own place */
    int64_t pair;                   /* number of its first pair */
    heed_looking sees;
} eye;

static eye eye_of(const heed_attend_args *a, int64_t group, int64_t row, int64_t pair)
{
    const int64_t owner = a->owner ? a->owner[group] : group, begin = a->keys.start[owner];
    return (eye){.a = a, .row = row, .begin = begin, .n = a->keys.start[owner + 1] - begin, .position = a->position + row - a->queries.start[group], .pair = pair};
}

static void turn(eye *e, int64_t head)
{
    const heed_attend_args *a = e->a;
    e->head = head;
    e->key_head = head / (heads_of(a) / key_heads_of(a));
    e->sees = heed_looking_of(a->align, a->window, e->position, e->n, a->centre ? a->centre->x[e->row * a->centre->cols + head] : 0);
}

/* Room for what one head of one query needs. */
typedef struct desk { float *s, *w, *g, *ds, *shifted, *dshifted, *unwanted; } desk;

/* --- scores ------------------------------------------------------------------------------------------------------------------------------- */

/* Against keys first .. first+n-1 of its sequence. */
static heed_meeting meet(const eye *e, int64_t first, int64_t n, const desk *k)
{
    const heed_attend_args *a = e->a;
    const int64_t H = heads_of(a), d = a->q->cols / H, ld = a->k->cols;
    heed_meeting m = {.q = a->q->x + e->row * a->q->cols + e->head * d, .n = n, .d = d, .ld = ld, .first = first, .scale = a->scale};
    if (a->extra) m.extra = a->extra->x + e->head * (a->extra->cols / H);
    m.k = a->k->x + e->key_head * d;
    if (a->key_row) m.row = a->key_row + e->begin + first;
    else m.k += (e->begin + first) * ld;
    if (!a->shift) return m;
    const float *shift = a->shift->x + (e->pair + first) * ld + e->key_head * d;
    for (int64_t j = 0; j < n; j++)
        for (int64_t c = 0; c < d; c++) k->shifted[j * d + c] = m.k[(m.row ? m.row[j] : j) * ld + c] + shift[j * ld + c];
    m.k = k->shifted;
    m.row = NULL;
    m.ld = d;
    return m;
}

static void score(const eye *e, int64_t first, int64_t n, const desk *k, float *s)
{
    const heed_meeting m = meet(e, first, n, k);
    e->a->score->forward(&m, s);
    heed_distance_add(&e->a->distance, s, e->position, first, n, e->head, heads_of(e->a));
}

/* The scores of all keys seen, one run after the other. */
static void score_all(const eye *e, const desk *k, float *s)
{
    for (int r = 0; r < e->sees.runs; s += e->sees.count[r++]) score(e, e->sees.first[r], e->sees.count[r], k, s);
}

/* Multiplies weights by local-p's Gaussian, which it leaves in g. */
static void focus(const eye *e, const desk *k, float *w)
{
    if (!heed_align_has_centre(e->a->align)) return;
    heed_centre_factors(&e->sees, k->g, e->sees.first[0], e->sees.seen);
    for (int64_t j = 0; j < e->sees.seen; j++) w[j] *= k->g[j];
}

/* --- values ------------------------------------------------------------------------------------------------------------------------------- */

static int64_t value_width(const heed_attend_args *a) { return a->v->cols / key_heads_of(a); }

static void mix(const heed_kernels *kernels, const eye *e, float *out, const float *w, int64_t first, int64_t n)
{
    const heed_attend_args *a = e->a;
    const int64_t dv = value_width(a), ld = a->v->cols;
    const float *v = a->v->x + e->key_head * dv;
    kernels->mix(out, w, a->key_row ? v : v + (e->begin + first) * ld, n, ld, dv, a->key_row ? a->key_row + e->begin + first : NULL);
}

/* out, whose scores had the log-sum-exp a, takes in more, whose scores have b; returns that of both. */
static float join(const heed_kernels *kernels, float *out, float a, const float *more, float b, int64_t d)
{
    if (b == -INFINITY) return a;
    const float high = a > b ? a : b, both = high + logf(expf(a - high) + expf(b - high));
    kernels->scale(out, expf(a - both), out, d);
    kernels->axpy(out, expf(b - both), more, d);
    return both;
}

static float look_by_blocks(const heed_kernels *kernels, const eye *e, const desk *k, float *out)
{
    float lse = -INFINITY;
    bool begun = false;
    for (int r = 0; r < e->sees.runs; r++)
        for (int64_t at = 0; at < e->sees.count[r]; at += BLOCK) {
            const int64_t left = e->sees.count[r] - at, n = left < BLOCK ? left : BLOCK, first = e->sees.first[r] + at;
            score(e, first, n, k, k->s);
            const float more = kernels->softmax(k->s, k->s, n);
            mix(kernels, e, begun ? k->g : out, k->s, first, n);
            lse = begun ? join(kernels, out, lse, k->g, more, value_width(e->a)) : more;
            begun = true;
        }
    if (!begun) memset(out, 0, (size_t)value_width(e->a) * sizeof *out);
    return lse;
}

static float look_at_once(const heed_kernels *kernels, const eye *e, const desk *k, float *out, float *weights)
{
    const int64_t dv = value_width(e->a), H = heads_of(e->a);
    memset(out, 0, (size_t)dv * sizeof *out);
    if (!e->sees.seen) return -INFINITY;
    score_all(e, k, k->s);
    const float saved = heed_align_weights(kernels, heed_align_weighing(e->a->align), k->w, k->s, e->sees.seen);
    focus(e, k, k->w);
    const float *w = k->w;
    for (int r = 0; r < e->sees.runs; w += e->sees.count[r++]) {
        mix(kernels, e, r ? k->ds : out, w, e->sees.first[r], e->sees.count[r]);
        if (r) kernels->axpy(out, 1, k->ds, dv);
        for (int64_t j = 0; weights && j < e->sees.count[r]; j++) weights[(e->sees.first[r] + j) * H] = w[j];
    }
    return saved;
}

/* --- asked for afterwards ------------------------------------------------------------------------------------------------------------------ */

/* Spreads what is packed for the keys seen over all n, from the last so that it may happen in place. */
static void spread(const heed_looking *l, float *x, int64_t n, float unseen)
{
    int64_t from = l->seen, to = n;
    for (int r = l->runs - 1; r >= 0; r--) {
        while (to > l->first[r] + l->count[r]) x[--to] = unseen;
        from -= l->count[r];
        memmove(x + l->first[r], x + from, (size_t)l->count[r] * sizeof *x);
        to = l->first[r];
    }
    while (to > 0) x[--to] = unseen;
}

/* A score that is shifted meets one key at a time, in a row that the stack holds. */
enum { WIDEST = 1024 };

static void score_again(const eye *e, float *s)
{
    float row[WIDEST];
    const desk k = {.shifted = row};
    for (int r = 0, at = 0; r < e->sees.runs; at += (int)e->sees.count[r++]) {
        if (!e->a->shift) score(e, e->sees.first[r], e->sees.count[r], &k, s + at);
        for (int64_t j = 0; e->a->shift && j < e->sees.count[r]; j++) score(e, e->sees.first[r] + j, 1, &k, s + at + j);
    }
}

static int64_t pairs_before(const heed_attend_args *a, int64_t group, int64_t row)
{
    int64_t pairs = 0;
    for (int64_t b = 0; b <= group; b++) {
        const int64_t owner = a->owner ? a->owner[b] : b, end = b < group ? a->queries.start[b + 1] : row;
        pairs += (end - a->queries.start[b]) * (a->keys.start[owner + 1] - a->keys.start[owner]);
    }
    return pairs;
}

int64_t heed_attend_weights(const heed_attended *x, int64_t group, int64_t row, int64_t head, float *weights, float *scores)
{
    eye e = eye_of(&x->args, group, row, x->args.shift ? pairs_before(&x->args, group, row) : 0);
    turn(&e, head);
    score_again(&e, weights);
    if (scores) {
        memcpy(scores, weights, (size_t)e.sees.seen * sizeof *scores);
        spread(&e.sees, scores, e.n, -INFINITY);
    }
    heed_align_again(heed_align_weighing(x->args.align), weights, weights, e.sees.seen, x->saved[row * heads_of(&x->args) + head]);
    for (int64_t j = 0; heed_align_has_centre(x->args.align) && j < e.sees.seen; j++) {
        float g;
        heed_centre_factors(&e.sees, &g, e.sees.first[0] + j, 1);
        weights[j] *= g;
    }
    spread(&e.sees, weights, e.n, 0);
    return e.n;
}

/* --- backward ------------------------------------------------------------------------------------------------------------------------------ */

typedef struct gradients { float *q, *k, *v, *extra, *shift, *centre, *distance; const float *weights; } gradients;

/* out = sum w v:  dv += w dout;  dw = v . dout, and what came to the weights themselves */
static void values_back(heed_tape *t, const eye *e, const gradients *g, const float *dout, const desk *k)
{
    const heed_attend_args *a = e->a;
    const int64_t dv = value_width(a), ld = a->v->cols, H = heads_of(a);
    for (int64_t r = 0, at = 0; r < e->sees.runs; at += e->sees.count[r++]) {
        const int64_t first = (e->begin + e->sees.first[r]) * ld + e->key_head * dv, n = e->sees.count[r];
        t->k->scores_dot(k->ds + at, dout, a->v->x + first, n, ld, dv, 1, NULL);
        for (int64_t j = 0; g->v && j < n; j++) t->k->axpy(g->v + first + j * ld, k->w[at + j], dout, dv);
        for (int64_t j = 0; g->weights && j < n; j++) k->ds[at + j] += g->weights[(e->pair + e->sees.first[r] + j) * H + e->head];
    }
}

/* w = g softmax(s), g = exp(-(j-p)^2 / (2 c^2)), p = n sigmoid(u):  du = sum dw w (j-p)/c^2 p (1 - p/n);  dw becomes that of the softmax, and so does w */
static void centre_back(const eye *e, const gradients *g, const desk *k)
{
    const heed_looking *l = &e->sees;
    float dp = 0;
    for (int64_t j = 0; j < l->seen; j++) {
        const float w = k->w[j] * k->g[j];
        if (l->width > 0) dp += k->ds[j] * w * ((float)(l->first[0] + j) - l->place) / (l->width * l->width);
        k->ds[j] *= k->g[j];
    }
    if (g->centre) g->centre[e->row * e->a->centre->cols + e->head] += dp * l->place * (1 - l->place / (float)e->n);
}

static void scores_back(heed_tape *t, const eye *e, const gradients *g, const desk *k)
{
    const heed_attend_args *a = e->a;
    const int64_t H = heads_of(a), d = a->q->cols / H, ld = a->k->cols;
    float *dq = g->q ? g->q + e->row * a->q->cols + e->head * d : k->unwanted, *dextra = g->extra ? g->extra + e->head * (a->extra->cols / H) : NULL;
    for (int64_t r = 0, at = 0; r < e->sees.runs; at += e->sees.count[r++]) {
        const int64_t first = e->sees.first[r], n = e->sees.count[r], row = (e->begin + first) * ld + e->key_head * d;
        const heed_meeting m = meet(e, first, n, k);
        if (g->distance) heed_distance_back(&a->distance, k->ds + at, g->distance, e->position, first, n, e->head);
        if (!a->shift) {
            a->score->backward(&m, k->ds + at, dq, g->k ? g->k + row : k->unwanted + d, dextra);
            continue;
        }
        memset(k->dshifted, 0, (size_t)(n * d) * sizeof(float));
        a->score->backward(&m, k->ds + at, dq, k->dshifted, dextra);
        for (int64_t j = 0; j < n; j++) {
            if (g->k) t->k->axpy(g->k + row + j * ld, 1, k->dshifted + j * d, d);
            if (g->shift) t->k->axpy(g->shift + (e->pair + first + j) * ld + e->key_head * d, 1, k->dshifted + j * d, d);
        }
    }
}

static void eye_back(heed_tape *t, const heed_attended *s, const eye *e, const gradients *g, const float *dout, const desk *k)
{
    const heed_weighing normal = heed_align_weighing(s->args.align);
    score_all(e, k, k->s);
    heed_align_again(normal, k->w, k->s, e->sees.seen, s->saved[e->row * heads_of(&s->args) + e->head]);
    if (heed_align_has_centre(s->args.align)) {
        memcpy(k->s, k->w, (size_t)e->sees.seen * sizeof(float));
        focus(e, k, k->w);
        values_back(t, e, g, dout, k);
        memcpy(k->w, k->s, (size_t)e->sees.seen * sizeof(float));
        centre_back(e, g, k);
    } else {
        values_back(t, e, g, dout, k);
    }
    heed_align_back(normal, k->ds, k->w, k->ds, e->sees.seen);
    scores_back(t, e, g, k);
}

static int64_t longest(heed_span span)
{
    int64_t n = 0;
    for (int64_t b = 0; b < span.B; b++) n = span.start[b + 1] - span.start[b] > n ? span.start[b + 1] - span.start[b] : n;
    return n;
}

static float *room(heed_tape *t, int64_t n)
{
    float *x = heed_tape_alloc(t, (size_t)(n + 1) * sizeof *x);
    return x;
}

static desk desk_of(heed_tape *t, const heed_attend_args *a)
{
    const int64_t T = longest(a->keys), d = a->q->cols / heads_of(a), dv = value_width(a);
    desk k = {.s = room(t, T), .w = room(t, T), .g = room(t, T > dv ? T : dv), .ds = room(t, T > dv ? T : dv)};
    if (a->shift) k.shifted = room(t, T * d);
    return k;
}

static float *cleared(heed_tape *t, const heed_tensor *x)
{
    const size_t bytes = x ? (size_t)(x->rows * x->cols) * sizeof(float) : 0;
    float *g = bytes ? heed_tape_alloc(t, bytes) : NULL;
    if (g) memset(g, 0, bytes);
    return g;
}

static gradients gradients_of(heed_tape *t, const heed_attended *s, desk *k)
{
    const heed_attend_args *a = &s->args;
    const int64_t T = longest(a->keys), d = a->q->cols / heads_of(a);
    *k = desk_of(t, a);
    k->unwanted = room(t, (T + 1) * a->k->cols + d);
    if (a->shift) k->dshifted = room(t, T * d);
    return (gradients){.q = heed_tape_grad(t, a->q), .k = heed_tape_grad(t, a->k), .v = heed_tape_grad(t, a->v),
                       .extra = cleared(t, a->extra), .distance = cleared(t, a->distance.weight),
                       .shift = a->shift ? heed_tape_grad(t, a->shift) : NULL, .centre = a->centre ? heed_tape_grad(t, a->centre) : NULL,
                       .weights = s->weights ? s->weights->g : NULL};
}

static void give(heed_tape *t, heed_tensor *x, const float *g)
{
    float *to = x ? heed_tape_grad(t, x) : NULL;
    if (to && g) t->k->axpy(to, 1, g, x->rows * x->cols);
}

static void attend_back(heed_tape *t, heed_node *node)
{
    const heed_attended *s = node->saved;
    const heed_attend_args *a = &s->args;
    const int64_t H = heads_of(a), dv = value_width(a);
    const float *dout = node->out->g ? node->out->g : cleared(t, node->out);
    desk k;
    const gradients g = gradients_of(t, s, &k);
    int64_t pair = 0;
    for (int64_t b = 0; b < a->queries.B && !heed_tape_failed(t); b++)
        for (int64_t i = a->queries.start[b]; i < a->queries.start[b + 1]; i++) {
            eye e = eye_of(a, b, i, pair);
            for (int64_t h = 0; h < H; h++) {
                turn(&e, h);
                if (e.sees.seen) eye_back(t, s, &e, &g, dout + (i * H + h) * dv, &k);
            }
            pair += e.n;
        }
    give(t, a->extra, g.extra);
    give(t, a->distance.weight, g.distance);
}

/* --- builder ------------------------------------------------------------------------------------------------------------------------------- */

static bool owners_fit(const heed_attend_args *a)
{
    if (!a->owner) return a->queries.B <= a->keys.B;
    for (int64_t b = 0; b < a->queries.B; b++)
        if (a->owner[b] < 0 || a->owner[b] >= a->keys.B) return false;
    return true;
}

static int64_t pairs_of(const heed_attend_args *a) { return a->queries.B ? pairs_before(a, a->queries.B - 1, a->queries.start[a->queries.B]) : 0; }

static bool heads_fit(const heed_attend_args *a)
{
    const int64_t H = heads_of(a), Hk = key_heads_of(a);
    return H > 0 && Hk > 0 && H % Hk == 0 && a->q->cols % H == 0 && a->k->cols % Hk == 0 && a->v->cols % Hk == 0 && (a->score->blind || a->q->cols / H == a->k->cols / Hk) &&
           (!a->extra || a->extra->cols % H == 0) && (!a->distance.weight || a->distance.weight->rows == H);
}

static bool extras_fit(const heed_attend_args *a)
{
    return (!a->shift || (a->shift->cols == a->k->cols && a->shift->rows == pairs_of(a) && a->q->cols / heads_of(a) <= WIDEST)) &&
           heed_align_has_centre(a->align) == (a->centre != NULL) && (!a->centre || (a->centre->rows == a->q->rows && a->centre->cols == heads_of(a)));
}

static bool attend_fits(heed_tape *t, const heed_attend_args *a)
{
    const bool spans = a->k->rows == a->v->rows && a->queries.start[a->queries.B] == a->q->rows && (a->key_row || a->keys.start[a->keys.B] == a->k->rows);
    const bool fits = spans && heads_fit(a) && owners_fit(a) && extras_fit(a);
    if (!fits)
        heed_tape_fail(t, HEED_E_SHAPE, "attend: q [%lld,%lld], k [%lld,%lld], v [%lld,%lld], %lld and %lld sequences, %lld and %lld heads do not fit",
                       (long long)a->q->rows, (long long)a->q->cols, (long long)a->k->rows, (long long)a->k->cols, (long long)a->v->rows, (long long)a->v->cols,
                       (long long)a->queries.B, (long long)a->keys.B, (long long)heads_of(a), (long long)key_heads_of(a));
    return fits && !heed_tape_failed(t);
}

static void run_forward(heed_tape *t, const heed_attended *s, const desk *k)
{
    const heed_attend_args *a = &s->args;
    const int64_t H = heads_of(a), dv = value_width(a);
    const bool plain = heed_align_weighing(a->align) == HEED_WEIGHING_softmax && !heed_align_has_centre(a->align) && !s->weights;
    int64_t pair = 0;
    for (int64_t b = 0; b < a->queries.B; b++)
        for (int64_t i = a->queries.start[b]; i < a->queries.start[b + 1]; i++) {
            eye e = eye_of(a, b, i, pair);
            for (int64_t h = 0; h < H; h++) {
                float *out = s->out->x + (i * H + h) * dv;
                turn(&e, h);
                s->saved[i * H + h] = plain ? look_by_blocks(t->k, &e, k, out)
                                            : look_at_once(t->k, &e, k, out, s->weights ? s->weights->x + pair * H + h : NULL);
            }
            pair += e.n;
        }
}

static bool wants(const heed_attend_args *a)
{
    const heed_tensor *const all[] = {a->q, a->k, a->v, a->extra, a->shift, a->centre, a->distance.weight};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i] && all[i]->wants_grad) return true;
    return false;
}

heed_attended heed_attend(heed_tape *t, const heed_attend_args *args)
{
    const heed_attended failed = {.out = &t->poison};
    heed_attended *s = heed_tape_alloc(t, sizeof *s);
    if (!s || !attend_fits(t, args)) return failed;
    const int64_t H = heads_of(args);
    if (args->key_row && heed_tape_wants(t, wants(args))) return heed_tape_fail(t, HEED_E_USAGE, "attend: keys by number cannot be recorded"), failed;
    *s = (heed_attended){.out = heed_tape_tensor(t, args->q->rows, H * value_width(args)), .args = *args};
    s->saved = heed_tape_alloc(t, (size_t)(args->q->rows * H + 1) * sizeof *s->saved);
    if (args->weights) s->weights = heed_input(t, pairs_of(args), H, NULL, false);
    const heed_mark mark = heed_arena_mark(t->arena);
    const desk k = heed_tape_failed(t) ? (desk){NULL} : desk_of(t, args);
    if (heed_tape_failed(t)) return failed;
    run_forward(t, s, &k);
    heed_arena_rewind(t->arena, mark);
    if (heed_tape_wants(t, wants(args))) {
        heed_tape_node(t, "attend", s->out, attend_back, s);
        if (s->weights && !heed_tape_failed(t)) {
            t->last->other = s->weights;
            s->weights->wants_grad = true;
        }
    }
    return *s;
}
