/* The backward of attention row by row, as attention_rows.c goes forward: a unit is all keys of a sequence under one key head. */
#include <math.h>
#include <string.h>

#include "kernels/attention_backward.h"
#include "kernels/attention_row.h"

typedef struct work {
    const heed_attention_back *x;
    const heed_attention_range *u;
    heed_attention_row r;
    bool changes;                    /* weights, after they were normalised */
    float *products, *share, *ds;    /* of the keys that are seen, run after run; products NULL: nobody asks */
    float *dq, *dq_room;             /* [d] of the query as it is multiplied: where the gradient belongs, or room */
    float *dk;                       /* of the sequence's first key: where the gradient belongs, or room for that of the keys as they are multiplied; NULL: not wanted */
    float *dv;                       /* likewise of its first value */
    int64_t ldk, ldv;
    float *dout;                     /* [dv] what came to the result, as floats */
    float *unit;                     /* [d] a key of length 1 */
    float *dcopies;                  /* [HELD, d] of keys that were copied */
    float *unwanted;                 /* [d] */
} work;

/* --- where rows are -------------------------------------------------------------------------------------------------------------------------- */

static const float *gradient_in(const work *w)
{
    const heed_attention_in in = w->x->to->out;
    const int64_t at = HEED_ATTENTION_AT(in, w->x->job->a->query_start, w->r.sequence, w->r.head) + w->r.i * in.row;
    return heed_attention_floats(w->x->job, in.x, at, w->x->job->dv, w->dout);
}

static int64_t key_at(const work *w, heed_attention_out to, int64_t key)
{
    return HEED_ATTENTION_AT(to, w->x->job->a->key_start, w->u->sequence, w->u->key_head) + key * to.row;
}

static float *extra(const work *w) { return w->u->extra + w->r.head % w->x->job->shared * w->x->extras; }

static void clear(float *to, int64_t n)
{
    if (to) memset(to, 0, (size_t)n * sizeof *to);
}

/* --- one query under one head ------------------------------------------------------------------------------------------------------------ */

/* From what came to the result: ds as the gradient of weights as they were normalised; values get theirs. */
static void values_back(work *w)
{
    const heed_attention_job *job = w->x->job;
    const heed_kernels *k = job->kernels;
    const heed_attention_pairwise *pairs = job->pairwise;
    int64_t ld;
    const float *rows = heed_attention_value_rows(job, w->r.sequence, w->r.key_head, &ld), *dout = gradient_in(w);
    float *ds = w->ds, *final = w->r.weights;
    if (w->changes) {
        heed_attention_row part = w->r;
        for (int64_t j = 0; j < w->r.sees.seen; j++) w->share[j] = 1;
        part.weights = w->share;
        heed_attention_row_change(&part);
        final = w->r.scores;
        for (int64_t j = 0; j < w->r.sees.seen; j++) final[j] = w->r.weights[j] * w->share[j];
    }
    for (int run = 0; run < w->r.sees.runs; run++) {
        const int64_t first = w->r.sees.first[run], n = w->r.sees.count[run];
        k->scores_dot(ds, dout, rows + first * ld, n, ld, job->dv, 1, NULL);
        if (w->dv) k->product(w->dv + first * w->ldv, w->ldv, final, 1, 0, dout, job->dv, n, job->dv, 1, 1, true);
        for (int64_t j = 0; pairs && pairs->weights_gradient && j < n; j++) ds[j] += pairs->weights_gradient[heed_attention_pair(&w->r, first + j)];
        ds += n, final += n;
    }
    for (int64_t j = 0; w->changes && j < w->r.sees.seen; j++) w->ds[j] *= w->share[j];
}

/* ds is still the gradient of weights. p = n sigmoid(u) moves the Gaussian, whose slope at j is g (j - p) / width^2. */
static float centre_back(const work *w)
{
    const heed_looking *l = &w->r.sees;
    const float n = (float)heed_attention_keys(w->x->job, w->r.sequence);
    double sum = 0;
    if (!(l->width > 0)) return 0;
    for (int64_t j = 0; j < l->seen; j++) sum += (double)(w->r.weights[j] * w->ds[j] * ((float)(l->first[0] + j) - l->place));
    return (float)sum / (l->width * l->width) * l->place * (n - l->place) / n;
}

/* ds: from the gradient of scores to that of the product of query and key, but for scale and factor; relative's and factor's sums. */
static void terms_back(const work *w, int64_t first, int64_t n, float *ds, const float *products)
{
    const heed_attention *a = w->x->job->a;
    const float factor = a->factor ? a->factor[w->r.head] : 1;
    float *relative = w->x->to->relative ? extra(w) + w->x->extras - a->reach - 1 : NULL;
    for (int64_t j = 0; (relative || products) && j < n; j++) {
        const int64_t ahead = first + j - w->r.position;
        if (relative) relative[ahead < -a->reach ? -a->reach : ahead > a->reach ? a->reach : ahead] += ds[j];
        if (a->cap > 0) {
            const float flat = tanhf(products[j] * factor / a->cap);
            ds[j] *= 1 - flat * flat;
        }
        if (w->x->to->factor) *extra(w) += ds[j] * products[j];
    }
}

/* Where the sums of the score's own weights stand. */
static float *sums_of(const work *w) { return extra(w) + (w->x->to->factor ? 1 : 0); }

static void additive_back(const work *w, const heed_meeting *m, const float *ds, float *dk, int64_t ldk)
{
    float *sums = w->x->to->additive ? sums_of(w) : w->unwanted;
    for (int64_t j = 0; j < m->n; j++)
        w->x->job->kernels->additive_back(w->dq, dk ? dk + j * ldk : w->unwanted, sums, ds[j], m->q, m->k + j * m->ld, m->extra, m->d);
}

static void dot_back(const work *w, const heed_meeting *m, float *ds, float *dk, int64_t ldk)
{
    const heed_attention_job *job = w->x->job;
    const float by = job->scale * (job->a->factor ? job->a->factor[w->r.head] : 1);
    const float *inverse = heed_attention_key_factors(job, w->r.sequence, w->r.key_head);
    if (dk) job->kernels->product(dk, ldk, ds, 1, 0, m->q, m->d, m->n, m->d, 1, by, true);
    for (int64_t j = 0; inverse && j < m->n; j++) ds[j] *= inverse[m->first + j];
    job->kernels->product(w->dq, m->d, ds, 0, 1, m->k, m->ld, 1, m->d, m->n, by, true);
}

/* One query and keys that lie ldk apart in dk, NULL: not wanted. */
static void meeting_back(const work *w, const heed_meeting *m, float *ds, float *dk, int64_t ldk)
{
    const heed_attention_job *job = w->x->job;
    const bool additive = job->a->score == HEED_ATTENTION_ADDITIVE;
    const float by = (additive ? job->scale : 1) * (job->a->factor ? job->a->factor[w->r.head] : 1);
    if ((job->own || additive) && by != 1) job->kernels->scale(ds, by, ds, m->n);     /* a score of one's own has the scale in its hands */
    if (job->own) job->own->backward(m, ds, w->dq, dk, m->extra ? sums_of(w) : NULL);
    else if (additive) additive_back(w, m, ds, dk, ldk);
    else dot_back(w, m, ds, dk, ldk);
}

/* Keys that were shifted, or that a score of one's own wants its gradients beside: side by side there and back. */
static void copies_back(const work *w, heed_meeting *m, float *ds)
{
    const heed_attention_job *job = w->x->job;
    const heed_attention_pairwise *pairs = job->pairwise;
    const int64_t d = job->d, ld = job->Hk * d;
    float *shift = NULL;
    if (pairs && pairs->shift_gradient) shift = pairs->shift_gradient + (w->r.i * heed_attention_keys(job, w->r.sequence) + m->first) * ld + w->r.key_head * d;
    for (int64_t j = 0; m->k != w->r.copies && j < m->n; j++) memcpy(w->r.copies + j * d, m->k + j * m->ld, (size_t)d * sizeof(float));
    m->k = w->r.copies, m->ld = d;
    clear(w->dcopies, m->n * d);
    meeting_back(w, m, ds, w->dcopies, d);
    for (int64_t j = 0; j < m->n; j++) {
        if (w->dk) job->kernels->axpy(w->dk + (m->first + j) * w->ldk, 1, w->dcopies + j * d, d);
        if (shift) job->kernels->axpy(shift + j * ld, 1, w->dcopies + j * d, d);
    }
}

static void keys_back(const work *w, int64_t first, int64_t n, float *ds)
{
    const heed_attention_job *job = w->x->job;
    const bool shifted = job->pairwise && job->pairwise->shift, blind = job->own && job->own->blind;
    const bool copied = shifted || (job->own && !blind && !(w->dk && w->ldk == job->data->k.row));
    for (int64_t j = 0, part; j < n; j += part) {
        part = copied && n - j > HEED_ATTENTION_HELD ? HEED_ATTENTION_HELD : n - j;
        heed_meeting m;
        heed_attention_row_meets(&w->r, first + j, part, &m);
        if (copied) copies_back(w, &m, ds + j);
        else meeting_back(w, &m, ds + j, w->dk && !blind ? w->dk + (first + j) * w->ldk : NULL, w->ldk);
    }
}

/* x [d], the gradient of a row that was made one of length 1: what lies along it goes, the rest shrinks. */
static void normalise_back(const heed_kernels *k, float *x, const float *unit, float inverse, int64_t d)
{
    k->axpy(x, -k->dot(x, unit, d), unit, d);
    k->scale(x, inverse, x, d);
}

/* A gradient goes where it belongs, turned back by its position. */
static void deliver(const heed_attention_job *job, void *to, int64_t at, const float *x, int64_t position, bool add)
{
    float turned[HEED_ATTENTION_WIDEST];
    if (job->turns) {
        clear(turned, job->d);
        job->kernels->rotate_back(turned, x, job->turns + position * job->d, 1, job->d / 2);
    }
    heed_attention_leave(job, to, at, job->turns ? turned : x, add, job->d);
}

static float query_inverse(const work *w)
{
    const heed_attention_job *job = w->x->job;
    const heed_attention_in in = job->data->q;
    const int64_t at = HEED_ATTENTION_AT(in, job->a->query_start, w->r.sequence, w->r.head) + w->r.i * in.row;
    return heed_attention_inverse(job->kernels, heed_attention_floats(job, in.x, at, job->d, w->unit), job->d);
}

/* Queries and keys are multiplied as they are, and their gradients go where they belong at once. */
static bool rows_are_plain(const heed_attention_job *job) { return !job->half && !(job->a->rotary > 0) && job->a->score != HEED_ATTENTION_COSINE; }

static void query_back(work *w)
{
    const heed_attention_job *job = w->x->job;
    const heed_attention_out to = w->x->to->q;
    const int64_t at = HEED_ATTENTION_AT(to, job->a->query_start, w->r.sequence, w->r.head) + w->r.i * to.row;
    float *centre = w->x->to->centre;
    if (centre) centre += (job->a->query_start[w->r.sequence] + w->r.i) * job->H + w->r.head;
    heed_attention_row_see(&w->r);
    if (!w->r.sees.seen) {
        clear(w->dq_room, job->d);
        if (to.x && !w->x->to->add) deliver(job, to.x, at, w->dq_room, w->r.position, false);
        return;
    }
    const float saved = job->data->saved[(job->a->query_start[w->r.sequence] + w->r.i) * job->H + w->r.head];
    heed_attention_row_score(&w->r, w->products);
    heed_align_again(job->kernels, job->weighing, w->r.weights, w->r.scores, w->r.sees.seen, saved);
    values_back(w);
    if (centre) *centre += centre_back(w);
    heed_align_back(job->kernels, job->weighing, w->ds, w->r.weights, w->ds, w->r.sees.seen);
    w->dq = to.x && w->x->to->add && rows_are_plain(job) ? (float *)to.x + at : w->dq_room;
    if (w->dq == w->dq_room) clear(w->dq, job->d);
    for (int64_t run = 0, done = 0; run < w->r.sees.runs; done += w->r.sees.count[run++]) {
        terms_back(w, w->r.sees.first[run], w->r.sees.count[run], w->ds + done, w->products ? w->products + done : NULL);
        keys_back(w, w->r.sees.first[run], w->r.sees.count[run], w->ds + done);
    }
    if (!to.x || w->dq != w->dq_room) return;
    if (job->key_factor) normalise_back(job->kernels, w->dq, w->r.q, query_inverse(w), job->d);
    deliver(job, to.x, at, w->dq, w->r.position, w->x->to->add);
}

/* --- a unit ------------------------------------------------------------------------------------------------------------------------------------- */

static float *take(float **at, int64_t n)
{
    float *x = *at;
    *at += heed_attention_up(n, HEED_ATTENTION_MARGIN);
    return x;
}

/* Where gradients of keys and values are summed up. */
static void keys_come(work *w, float *room)
{
    const heed_attention_job *job = w->x->job;
    const heed_attention_out k = w->x->to->k, v = w->x->to->v;
    const bool plain = rows_are_plain(job);
    if (k.x) w->dk = plain ? (float *)k.x + key_at(w, k, 0) : take(&room, job->most_keys * job->d), w->ldk = plain ? k.row : job->d;
    if (v.x) w->dv = job->half ? room : (float *)v.x + key_at(w, v, 0), w->ldv = job->half ? job->dv : v.row;
    for (int64_t j = 0; !(plain && w->x->to->add) && j < w->u->keys; j++) {
        if (w->dk) clear(w->dk + j * w->ldk, job->d);
        if (w->dv && (job->half || !w->x->to->add)) clear(w->dv + j * w->ldv, job->dv);
    }
}

static void keys_leave(const work *w)
{
    const heed_attention_job *job = w->x->job;
    int64_t ld;
    const float *k = heed_attention_key_rows(job, w->u->sequence, w->u->key_head, &ld);
    const float *inverse = heed_attention_key_factors(job, w->u->sequence, w->u->key_head);
    for (int64_t j = 0; j < w->u->keys; j++) {
        float *dk = w->dk + j * job->d;
        if (inverse) {
            job->kernels->scale(w->unit, inverse[j], k + j * ld, job->d);
            normalise_back(job->kernels, dk, w->unit, inverse[j], job->d);
        }
        deliver(job, w->x->to->k.x, key_at(w, w->x->to->k, j), dk, j, w->x->to->add);
    }
}

static void values_leave(const work *w)
{
    const heed_attention_job *job = w->x->job;
    const heed_attention_out to = w->x->to->v;
    for (int64_t j = 0; j < w->u->keys; j++) heed_attention_leave(job, to.x, key_at(w, to, j), w->dv + j * job->dv, w->x->to->add, job->dv);
}

int64_t heed_attention_rows_back_room(const heed_attention_back *x)
{
    const heed_attention_job *job = x->job;
    const int64_t margin = HEED_ATTENTION_MARGIN, keys = heed_attention_up(job->most_keys, margin), d = heed_attention_up(job->d, margin);
    const bool copies = job->own || (job->pairwise && job->pairwise->shift);
    const int64_t made = (rows_are_plain(job) ? 0 : heed_attention_up(job->most_keys * job->d, margin)) + (job->half ? job->most_keys * job->dv : 0);
    return 5 * keys + 5 * d + heed_attention_up(job->dv, margin) + (copies ? 2 * HEED_ATTENTION_HELD * d : 0) + made;
}

void heed_attention_rows_back(const heed_attention_back *x, const heed_attention_range *u, void *room)
{
    const heed_attention_job *job = x->job;
    const bool copies = job->own || (job->pairwise && job->pairwise->shift);
    float *at = room;
    work w = {.x = x, .u = u, .r = {.job = job, .sequence = u->sequence, .key_head = u->key_head, .copied = HEED_ATTENTION_HELD},
              .changes = heed_attention_weights_change(job)};
    float **const rows[] = {&w.r.scores, &w.r.weights, &w.products, &w.share, &w.ds}, **const widths[] = {&w.r.query, &w.r.turned, &w.dq_room, &w.unit, &w.unwanted};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) *rows[i] = take(&at, job->most_keys);
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) *widths[i] = take(&at, job->d);
    w.dout = take(&at, job->dv);
    if (copies) w.r.copies = take(&at, HEED_ATTENTION_HELD * job->d), w.dcopies = take(&at, HEED_ATTENTION_HELD * job->d);
    if (!(job->a->cap > 0) && !x->to->factor) w.products = NULL;
    clear(w.unwanted, job->d);
    keys_come(&w, at);
    for (w.r.head = u->key_head * job->shared; w.r.head < (u->key_head + 1) * job->shared; w.r.head++)
        for (w.r.i = 0; w.r.i < heed_attention_queries(job, u->sequence); w.r.i++) query_back(&w);
    if (w.dk && !rows_are_plain(job)) keys_leave(&w);
    if (w.dv && job->half) values_leave(&w);
}
