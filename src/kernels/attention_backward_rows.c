/* The backward of attention row by row, as attention_rows.c goes forward: a unit is all keys of a sequence under one key head. */
#include <math.h>
#include <string.h>

#include "kernels/attention_backward.h"
#include "kernels/attention_row.h"

typedef struct work {
    const heed_attention_back *x;
    const heed_attention_range *u;
    heed_attention_row r;
    float *products, *share, *ds;    /* of the keys that are seen, run after run */
    float *dq;                       /* [d] of the query as it is multiplied */
    float *dk;                       /* [keys, d] likewise */
    float *dv;                       /* [keys, dv], of bf16 */
    float *dout;                     /* [dv] what came to the result, as floats */
    float *unit;                     /* [d] a key of length 1 */
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

static float *value_gradient(const work *w, int64_t key)
{
    return w->x->job->half ? w->dv + key * w->x->job->dv : (float *)w->x->to->v.x + key_at(w, w->x->to->v, key);
}

static float *extra(const work *w) { return w->u->extra + w->r.head % w->x->job->shared * w->x->extras; }

static void clear(float *to, int64_t n)
{
    if (to) memset(to, 0, (size_t)n * sizeof *to);
}

/* --- one query under one head ------------------------------------------------------------------------------------------------------------ */

/* From what came to the result: share, and ds as the gradient of weights; values get theirs. */
static void values_back(work *w)
{
    const heed_attention_job *job = w->x->job;
    const heed_kernels *k = job->kernels;
    int64_t ld;
    const float *rows = heed_attention_value_rows(job, w->r.sequence, w->r.key_head, &ld), *dout = gradient_in(w);
    for (int64_t j = 0; j < w->r.sees.seen; j++) w->share[j] = 1;
    heed_attention_row part = w->r;
    part.weights = w->share;
    heed_attention_row_change(&part);
    float *ds = w->ds;
    const float *weight = w->r.weights, *share = w->share;
    for (int run = 0; run < w->r.sees.runs; run++) {
        const int64_t first = w->r.sees.first[run], n = w->r.sees.count[run];
        k->scores_dot(ds, dout, rows + first * ld, n, ld, job->dv, 1, NULL);
        for (int64_t j = 0; w->x->to->v.x && j < n; j++) k->axpy(value_gradient(w, first + j), weight[j] * share[j], dout, job->dv);
        for (int64_t j = 0; j < n; j++) ds[j] *= share[j];
        ds += n, weight += n, share += n;
    }
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

/* ds: from the gradient of scores to that of the product of query and key; relative's and factor's sums. */
static void terms_back(const work *w, int64_t first, int64_t n, float *ds, const float *products)
{
    const heed_attention_job *job = w->x->job;
    const heed_attention *a = job->a;
    const float factor = a->factor ? a->factor[w->r.head] : 1;
    float *relative = w->x->to->relative ? extra(w) + w->x->extras - a->reach - 1 : NULL;
    for (int64_t j = 0; j < n; j++) {
        const int64_t ahead = first + j - w->r.position;
        if (relative) relative[ahead < -a->reach ? -a->reach : ahead > a->reach ? a->reach : ahead] += ds[j];
        if (a->cap > 0) {
            const float flat = tanhf(products[j] * factor / a->cap);
            ds[j] *= 1 - flat * flat;
        }
        if (w->x->to->factor) *extra(w) += ds[j] * products[j];
        ds[j] *= job->scale * factor;
    }
}

static void keys_back(const work *w, int64_t first, int64_t n, const float *ds)
{
    const heed_attention_job *job = w->x->job;
    const heed_attention *a = job->a;
    int64_t ld;
    const float *k = heed_attention_key_rows(job, w->r.sequence, w->r.key_head, &ld) + first * ld;
    const float *inverse = heed_attention_key_factors(job, w->r.sequence, w->r.key_head);
    float *dk = w->dk + first * job->d, *additive = w->x->to->additive ? extra(w) + (w->x->to->factor ? 1 : 0) : w->unit;
    for (int64_t j = 0; j < n; j++, k += ld, dk += job->d) {
        if (a->score == HEED_ATTENTION_ADDITIVE) {
            job->kernels->additive_back(w->dq, dk, additive, ds[j], w->r.q, k, a->additive + w->r.head * job->d, job->d);
            continue;
        }
        job->kernels->axpy(w->dq, inverse ? ds[j] * inverse[first + j] : ds[j], k, job->d);
        job->kernels->axpy(dk, ds[j], w->r.q, job->d);
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

static void query_back(work *w)
{
    const heed_attention_job *job = w->x->job;
    const heed_attention_out to = w->x->to->q;
    const int64_t at = HEED_ATTENTION_AT(to, job->a->query_start, w->r.sequence, w->r.head) + w->r.i * to.row;
    float *centre = w->x->to->centre;
    if (centre) centre += (job->a->query_start[w->r.sequence] + w->r.i) * job->H + w->r.head;
    clear(w->dq, job->d);
    heed_attention_row_see(&w->r);
    if (!w->r.sees.seen) {
        if (to.x && !w->x->to->add) deliver(job, to.x, at, w->dq, w->r.position, false);
        return;
    }
    const float saved = job->data->saved[(job->a->query_start[w->r.sequence] + w->r.i) * job->H + w->r.head];
    heed_attention_row_score(&w->r, w->products);
    heed_align_again(job->kernels, job->weighing, w->r.weights, w->r.scores, w->r.sees.seen, saved);
    values_back(w);
    if (centre) *centre += centre_back(w);
    heed_align_back(job->kernels, job->weighing, w->ds, w->r.weights, w->ds, w->r.sees.seen);
    for (int64_t run = 0, done = 0; run < w->r.sees.runs; done += w->r.sees.count[run++]) {
        terms_back(w, w->r.sees.first[run], w->r.sees.count[run], w->ds + done, w->products + done);
        keys_back(w, w->r.sees.first[run], w->r.sees.count[run], w->ds + done);
    }
    if (!to.x) return;
    if (job->key_factor) normalise_back(job->kernels, w->dq, w->r.q, query_inverse(w), job->d);
    deliver(job, to.x, at, w->dq, w->r.position, w->x->to->add);
}

/* --- a unit ------------------------------------------------------------------------------------------------------------------------------------- */

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

static float *take(float **at, int64_t n)
{
    float *x = *at;
    *at += heed_attention_up(n, HEED_ATTENTION_MARGIN);
    return x;
}

void heed_attention_rows_back(const heed_attention_back *x, const heed_attention_range *u, void *room)
{
    const heed_attention_job *job = x->job;
    float *at = room;
    work w = {.x = x, .u = u, .r = {.job = job, .sequence = u->sequence, .key_head = u->key_head}};
    float **const rows[] = {&w.r.scores, &w.r.weights, &w.products, &w.share, &w.ds}, **const widths[] = {&w.r.query, &w.r.turned, &w.dq, &w.unit};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) *rows[i] = take(&at, job->most_keys);
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) *widths[i] = take(&at, job->d);
    w.dout = take(&at, job->dv);
    w.dk = take(&at, job->most_keys * job->d);
    w.dv = at;
    clear(w.dk, u->keys * job->d);
    for (int64_t j = 0; x->to->v.x && j < u->keys && (job->half || !x->to->add); j++) clear(value_gradient(&w, j), job->dv);
    for (w.r.head = u->key_head * job->shared; w.r.head < (u->key_head + 1) * job->shared; w.r.head++)
        for (w.r.i = 0; w.r.i < heed_attention_queries(job, u->sequence); w.r.i++) query_back(&w);
    if (x->to->k.x) keys_leave(&w);
    if (x->to->v.x && job->half) values_leave(&w);
}
