/* attend by rows: every score, alignment and extra, one head of one query at a time. Where a softmax goes over many keys the forward pass walks over blocks of
 * them and joins what they brought (a running maximum). */
#include <math.h>
#include <string.h>

#include "ops/attend.h"

enum { BLOCK = 512 };   /* keys of a block */

/* Room for one head of one query. */
typedef struct desk { float *s, *w, *g, *ds, *part, *shifted, *dshifted, *unwanted; } desk;

static desk desk_of(heed_tape *t, const heed_attend_args *a, int64_t keys)
{
    desk k = {.s = heed_attend_room(t, keys), .w = heed_attend_room(t, keys), .part = heed_attend_room(t, heed_attend_value_width(a))};
    if (heed_align_has_centre(a->align)) k.g = heed_attend_room(t, keys);
    if (a->shift) k.shifted = heed_attend_room(t, keys * heed_attend_width(a));
    return k;
}

/* The scores of all keys seen, one run after the other. */
static void score_all(const heed_attend_row *r, const desk *k)
{
    float *s = k->s;
    for (int i = 0; i < r->sees.runs; s += r->sees.count[i++]) heed_attend_row_score(r, r->sees.first[i], r->sees.count[i], k->shifted, s);
}

/* Multiplies weights by local-p's Gaussian, which it leaves in g. */
static void focus(const heed_attend_row *r, const desk *k)
{
    if (!heed_align_has_centre(r->a->align)) return;
    heed_centre_factors(&r->sees, k->g, r->sees.first[0], r->sees.seen);
    for (int64_t j = 0; j < r->sees.seen; j++) k->w[j] *= k->g[j];
}

/* --- forward ------------------------------------------------------------------------------------------------------------------------------- */

static void mix(const heed_kernels *kernels, const heed_attend_row *r, float *out, const float *w, int64_t first, int64_t n)
{
    const heed_attend_args *a = r->a;
    const int64_t ld = a->v->cols;
    const float *v = a->v->x + r->key_head * r->dv;
    kernels->mix(out, w, a->key_row ? v : v + (r->g->key + first) * ld, n, ld, r->dv, a->key_row ? a->key_row + r->g->key + first : NULL);
}

float heed_attend_join(const heed_kernels *k, float *out, float a, const float *more, float b, int64_t d)
{
    if (b == -INFINITY) return a;
    const float high = a > b ? a : b, both = high + logf(expf(a - high) + expf(b - high));
    k->scale(out, expf(a - both), out, d);
    k->axpy(out, expf(b - both), more, d);
    return both;
}

static float look_by_blocks(const heed_kernels *kernels, const heed_attend_row *r, const desk *k, float *out)
{
    float lse = -INFINITY;
    bool begun = false;
    for (int i = 0; i < r->sees.runs; i++)
        for (int64_t at = 0; at < r->sees.count[i]; at += BLOCK, begun = true) {
            const int64_t left = r->sees.count[i] - at, n = left < BLOCK ? left : BLOCK, first = r->sees.first[i] + at;
            heed_attend_row_score(r, first, n, k->shifted, k->s);
            const float more = kernels->softmax(k->s, k->s, n);
            mix(kernels, r, begun ? k->part : out, k->s, first, n);
            lse = begun ? heed_attend_join(kernels, out, lse, k->part, more, r->dv) : more;
        }
    return lse;
}

static float look_at_once(const heed_kernels *kernels, const heed_attend_row *r, const desk *k, float *out, float *weights)
{
    score_all(r, k);
    const float saved = heed_align_weights(kernels, heed_align_weighing(r->a->align), k->w, k->s, r->sees.seen);
    focus(r, k);
    const float *w = k->w;
    for (int i = 0; i < r->sees.runs; w += r->sees.count[i++]) {
        mix(kernels, r, i ? k->part : out, w, r->sees.first[i], r->sees.count[i]);
        if (i) kernels->axpy(out, 1, k->part, r->dv);
        for (int64_t j = 0; weights && j < r->sees.count[i]; j++) weights[(r->sees.first[i] + j) * r->H] = w[j];
    }
    return saved;
}

static float look(const heed_kernels *kernels, const heed_attended *s, const heed_attend_row *r, const desk *k)
{
    const heed_attend_args *a = r->a;
    float *out = s->out->x + (r->row * r->H + r->head) * r->dv;
    if (!r->sees.seen) {
        memset(out, 0, (size_t)r->dv * sizeof *out);
        return -INFINITY;
    }
    const bool joins = heed_align_weighing(a->align) == HEED_WEIGHING_softmax && !heed_align_has_centre(a->align) && !s->weights;
    if (joins && r->sees.seen > BLOCK) return look_by_blocks(kernels, r, k, out);
    return look_at_once(kernels, r, k, out, s->weights ? s->weights->x + r->pair * r->H + r->head : NULL);
}

void heed_attend_rows(heed_tape *t, const heed_attended *s, const heed_attend_group *g)
{
    const heed_mark mark = heed_arena_mark(t->arena);
    const desk k = desk_of(t, &s->args, g->keys);
    heed_attend_row r = heed_attend_row_of(&s->args, g);
    for (int64_t i = g->row; i < g->row + g->rows && !heed_tape_failed(t); i++)
        for (int64_t h = 0; h < r.H; h++) {
            heed_attend_row_take(&r, i, h);
            s->saved[i * r.H + h] = look(t->k, s, &r, &k);
        }
    heed_arena_rewind(t->arena, mark);
}

/* --- backward ------------------------------------------------------------------------------------------------------------------------------ */

/* out = sum w v:  dv += w dout;  dw = v . dout, and what came to the weights themselves */
static void values_back(heed_tape *t, const heed_attend_row *r, const heed_attend_grads *to, const desk *k)
{
    const heed_attend_args *a = r->a;
    const int64_t dv = r->dv, ld = a->v->cols, H = r->H;
    const float *dout = to->out + (r->row * H + r->head) * dv;
    for (int64_t i = 0, at = 0; i < r->sees.runs; at += r->sees.count[i++]) {
        const int64_t first = (r->g->key + r->sees.first[i]) * ld + r->key_head * dv, n = r->sees.count[i];
        t->k->scores_dot(k->ds + at, dout, a->v->x + first, n, ld, dv, 1, NULL);
        if (to->v) t->k->product(to->v + first, ld, k->w + at, 1, 0, dout, dv, n, dv, 1, 1, true);
        for (int64_t j = 0; to->weights && j < n; j++) k->ds[at + j] += to->weights[(r->pair + r->sees.first[i] + j) * H + r->head];
    }
}

/* w = g softmax(s), g = exp(-(j-p)^2 / (2 c^2)), p = n sigmoid(u):  du = sum dw w (j-p)/c^2 p (1 - p/n);  dw becomes that of the softmax */
static void centre_back(const heed_attend_row *r, const heed_attend_grads *to, const desk *k)
{
    const heed_looking *l = &r->sees;
    float dp = 0;
    for (int64_t j = 0; j < l->seen; j++) {
        if (l->width > 0) dp += k->ds[j] * k->w[j] * ((float)(l->first[0] + j) - l->place) / (l->width * l->width);
        k->ds[j] *= k->g[j];
    }
    if (to->centre) to->centre[r->row * r->a->centre->cols + r->head] += dp * l->place * (1 - l->place / (float)r->g->keys);
}

static void scores_back(heed_tape *t, const heed_attend_row *r, const heed_attend_grads *to, const desk *k)
{
    const heed_attend_args *a = r->a;
    const int64_t d = r->d, ld = a->k->cols;
    float *dq = to->q ? to->q + r->row * a->q->cols + r->head * d : k->unwanted, *dextra = to->extra ? to->extra + r->head * (a->extra->cols / r->H) : NULL;
    for (int64_t i = 0, at = 0; i < r->sees.runs; at += r->sees.count[i++]) {
        const int64_t first = r->sees.first[i], n = r->sees.count[i], row = (r->g->key + first) * ld + (a->score->blind ? 0 : r->key_head * d);
        const heed_meeting m = heed_attend_row_meets(r, first, n, k->shifted);
        if (to->distance) heed_distance_back(&a->distance, k->ds + at, to->distance, r->position, first, n, r->head);
        if (!a->shift) {
            a->score->backward(&m, k->ds + at, dq, to->k ? to->k + row : k->unwanted + d, dextra);
            continue;
        }
        memset(k->dshifted, 0, (size_t)(n * d) * sizeof(float));
        a->score->backward(&m, k->ds + at, dq, k->dshifted, dextra);
        for (int64_t j = 0; j < n; j++) {
            if (to->k) t->k->axpy(to->k + row + j * ld, 1, k->dshifted + j * d, d);
            if (to->shift) t->k->axpy(to->shift + (r->pair + first + j) * ld + r->key_head * d, 1, k->dshifted + j * d, d);
        }
    }
}

static void row_back(heed_tape *t, const heed_attended *s, const heed_attend_row *r, const heed_attend_grads *to, const desk *k)
{
    const heed_weighing normal = heed_align_weighing(s->args.align);
    score_all(r, k);
    heed_align_again(t->k, normal, k->s, k->s, r->sees.seen, s->saved[r->row * r->H + r->head]);
    memcpy(k->w, k->s, (size_t)r->sees.seen * sizeof(float));   /* s: before local-p's factor, w: after it */
    focus(r, k);
    values_back(t, r, to, k);
    if (heed_align_has_centre(s->args.align)) centre_back(r, to, k);
    heed_align_back(t->k, normal, k->ds, k->s, k->ds, r->sees.seen);
    scores_back(t, r, to, k);
}

/* Gradients that nobody wants are added up nonetheless: of a query, and of a sequence of keys. */
static desk desk_back(heed_tape *t, const heed_attend_args *a, const heed_attend_grads *to, int64_t keys)
{
    const int64_t d = heed_attend_width(a), unwanted = d + (to->k ? 0 : keys * a->k->cols);
    desk k = desk_of(t, a, keys);
    k.ds = heed_attend_room(t, keys);
    k.unwanted = heed_attend_room(t, unwanted);
    if (a->shift) k.dshifted = heed_attend_room(t, keys * d);
    if (k.unwanted) memset(k.unwanted, 0, (size_t)unwanted * sizeof(float));
    return k;
}

void heed_attend_rows_back(heed_tape *t, const heed_attended *s, const heed_attend_group *g, const heed_attend_grads *to)
{
    const heed_mark mark = heed_arena_mark(t->arena);
    const desk k = desk_back(t, &s->args, to, g->keys);
    heed_attend_row r = heed_attend_row_of(&s->args, g);
    for (int64_t i = g->row; i < g->row + g->rows && !heed_tape_failed(t); i++)
        for (int64_t h = 0; h < r.H; h++) {
            heed_attend_row_take(&r, i, h);
            if (r.sees.seen) row_back(t, s, &r, to, &k);
        }
    heed_arena_rewind(t->arena, mark);
}
