/* Attention row by row: one query under one head, all its keys at once. Every setting of heed/attention.h goes this way; those that have no tiles only this one,
 * and on a machine without vectors all. Written with the kernels of job->kernels, so that it is slow for its shape of work alone. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/attention_row.h"
#include "kernels/dropout.h"

static float capped(float x, float cap) { return cap > 0 ? cap * tanhf(x / cap) : x; }

/* The query as it is multiplied: turned, and for cosine of length 1. */
static const float *query_of(const heed_attention_row *r)
{
    const heed_attention_job *job = r->job;
    const heed_attention_in in = job->data->q;
    const float *q = heed_attention_floats(job, in.x, HEED_ATTENTION_AT(in, job->a->query_start, r->sequence, r->head) + r->i * in.row, job->d, r->query);
    if (job->turns) {
        job->kernels->rotate(r->turned, q, job->turns + r->position * job->d, 1, job->d / 2);
        q = r->turned;
    }
    if (!job->key_factor) return q;
    job->kernels->scale(r->query, heed_attention_inverse(job->kernels, q, job->d), q, job->d);
    return r->query;
}

/* Everything that is added to the score or changes it, for keys first .. first+n-1. */
static void terms_add(const heed_attention_row *r, float *s, int64_t first, int64_t n)
{
    const heed_attention *a = r->job->a;
    const float factor = a->factor ? a->factor[r->head] : 1;
    const float *relative = a->relative ? a->relative + r->head * (2 * a->reach + 1) + a->reach : NULL;
    if (!a->factor && !(a->cap > 0) && !a->slope && !relative) return;
    for (int64_t j = 0; j < n; j++) {
        const int64_t ahead = first + j - r->position;
        s[j] = capped(s[j] * factor, a->cap);
        if (a->slope) s[j] -= a->slope[r->head] * (float)llabs((long long)ahead);
        if (relative) s[j] += relative[ahead < -a->reach ? -a->reach : ahead > a->reach ? a->reach : ahead];
    }
}

/* The keys of a meeting, its shifts added, side by side. */
static void shift_keys(const heed_attention_row *r, heed_meeting *m)
{
    const heed_attention_job *job = r->job;
    const int64_t d = job->d, ld = job->Hk * d;
    const float *shift = job->pairwise->shift + (r->i * heed_attention_keys(job, r->sequence) + m->first) * ld + r->key_head * d;
    for (int64_t j = 0; j < m->n; j++) job->kernels->add(r->copies + j * d, m->k + (m->row ? m->row[j] : j) * m->ld, shift + j * ld, d);
    m->k = r->copies;
    m->row = NULL;
    m->ld = d;
}

/* Written where it is wanted: a copy would have to wait until what it copies is stored. */
void heed_attention_row_meets(const heed_attention_row *r, int64_t first, int64_t n, heed_meeting *m)
{
    const heed_attention_job *job = r->job;
    const heed_attention *a = job->a;
    const heed_attention_pairwise *pairs = job->pairwise;
    m->q = r->q, m->k = NULL, m->row = NULL;
    m->n = n, m->d = job->d, m->ld = 0, m->first = first;
    m->extra = job->own ? (a->extra ? a->extra + r->head * a->extras : NULL) : a->additive ? a->additive + r->head * job->d : NULL;
    m->scale = job->scale;
    if (job->own && job->own->blind) return;
    m->k = heed_attention_key_rows(job, r->sequence, r->key_head, &m->ld);
    if (pairs && pairs->key_row) m->k = (const float *)job->data->k.x + r->key_head * job->data->k.head, m->row = pairs->key_row + first;
    else m->k += first * m->ld;
    if (pairs && pairs->shift) shift_keys(r, m);
}

/* Scores of keys first .. first+n-1 before all that is added to them. */
static void products(const heed_attention_row *r, float *s, int64_t first, int64_t n)
{
    const heed_attention_job *job = r->job;
    heed_meeting m;
    heed_attention_row_meets(r, first, n, &m);
    if (job->own) {
        job->own->forward(&m, s);
    } else if (job->a->score == HEED_ATTENTION_ADDITIVE) {
        job->kernels->scores_additive(s, m.q, m.k, m.extra, n, m.ld, m.d, m.row);
        if (job->scale != 1) job->kernels->scale(s, job->scale, s, n);
    } else {
        job->kernels->scores_dot(s, m.q, m.k, n, m.ld, m.d, job->scale, m.row);
    }
    const float *inverse = heed_attention_key_factors(job, r->sequence, r->key_head);
    for (int64_t j = 0; inverse && j < n; j++) s[j] *= inverse[first + j];
}

void heed_attention_row_score(heed_attention_row *r, float *kept)
{
    const heed_attention_job *job = r->job;
    const bool shifted = job->pairwise && job->pairwise->shift;
    int64_t at = 0;
    r->q = query_of(r);
    for (int run = 0; run < r->sees.runs; run++) {
        const int64_t first = r->sees.first[run], n = r->sees.count[run], step = shifted ? r->copied : n;
        float *s = r->scores + at;
        for (int64_t j = 0; j < n; j += step) products(r, s + j, first + j, n - j < step ? n - j : step);
        if (kept) memcpy(kept + at, s, (size_t)n * sizeof *s);
        terms_add(r, s, first, n);
        at += n;
    }
}

void heed_attention_row_change(const heed_attention_row *r)
{
    if (!heed_attention_weights_change(r->job)) return;
    const heed_attention *a = r->job->a;
    const bool centre = heed_align_has_centre(a->align);
    const heed_drop drop = heed_drop_of(a->dropout);
    const uint64_t key = a->dropout > 0 ? heed_drop_query(a->seed, a->record[r->sequence], r->head, r->position) : 0;
    float *w = r->weights;
    for (int run = 0; run < r->sees.runs; run++)
        for (int64_t j = r->sees.first[run]; j < r->sees.first[run] + r->sees.count[run]; j++, w++) {
            const float x = centre && r->sees.width > 0 ? ((float)j - r->sees.place) / r->sees.width : 0;
            uint32_t bits;
            HEED_DROP_BITS((uint32_t)j, (uint32_t)key, (uint32_t)(key >> 32), bits);
            if (centre) *w *= expf(-0.5f * x * x);
            if (a->dropout > 0) *w = bits >= drop.threshold ? *w * drop.scale : 0;
        }
}

/* out = sum of w v over keys first .. first+n-1. */
static void mix_run(const heed_attention_row *r, float *out, const float *weights, int64_t first, int64_t n)
{
    const heed_attention_job *job = r->job;
    const int64_t *row = job->pairwise ? job->pairwise->key_row : NULL;
    int64_t ld;
    const float *rows = heed_attention_value_rows(job, r->sequence, r->key_head, &ld) + first * ld;
    if (row) rows = (const float *)job->data->v.x + r->key_head * job->data->v.head;
    job->kernels->mix(out, weights, rows, n, ld, job->dv, row ? row + first : NULL);
}

static void mix(const heed_attention_row *r, float *out, float *more)
{
    const heed_looking *sees = &r->sees;
    mix_run(r, out, r->weights, sees->first[0], sees->count[0]);
    if (sees->runs < 2) return;
    mix_run(r, more, r->weights + sees->count[0], sees->first[1], sees->count[1]);
    r->job->kernels->add(out, out, more, r->job->dv);
}

/* Weights that were asked for as a result. */
static void keep_weights(const heed_attention_row *r, float *to)
{
    const float *w = r->weights;
    for (int run = 0; run < r->sees.runs; run++)
        for (int64_t j = r->sees.first[run]; j < r->sees.first[run] + r->sees.count[run]; j++) to[heed_attention_pair(r, j)] = *w++;
}

void heed_attention_row_see(heed_attention_row *r)
{
    const heed_attention *a = r->job->a;
    const bool centre = heed_align_has_centre(a->align);
    r->position = heed_attention_position(r->job, r->sequence) + r->i;
    r->sees = heed_looking_of(a->align, a->window, r->position, heed_attention_keys(r->job, r->sequence),
                              centre ? a->centre[(a->query_start[r->sequence] + r->i) * r->job->H + r->head] : 0);
}

static void attend(heed_attention_row *r)
{
    const heed_attention_job *job = r->job;
    const heed_attention *a = job->a;
    const heed_attention_out to = job->data->out;
    const int64_t b = r->sequence, number = a->query_start[b] + r->i, at = HEED_ATTENTION_AT(to, a->query_start, b, r->head) + r->i * to.row;
    float room[HEED_ATTENTION_WIDEST], *out = job->half ? room : (float *)to.x + at, saved = -INFINITY;
    if (r->sees.seen > 0) {
        heed_attention_row_score(r, NULL);
        saved = heed_align_weights(job->kernels, job->weighing, r->weights, r->scores, r->sees.seen);
        heed_attention_row_change(r);
        if (job->pairwise && job->pairwise->weights) keep_weights(r, job->pairwise->weights);
        mix(r, out, r->query);
    } else {
        memset(out, 0, (size_t)job->dv * sizeof *out);
    }
    if (job->half) heed_attention_leave(job, to.x, at, out, false, job->dv);
    if (job->data->saved) job->data->saved[number * job->H + r->head] = saved;
}

static float *take(float **at, int64_t n)
{
    float *x = *at;
    *at += heed_attention_up(n, HEED_ATTENTION_MARGIN);
    return x;
}

int64_t heed_attention_rows_room(const heed_attention_job *job)
{
    const int64_t margin = HEED_ATTENTION_MARGIN, shifted = job->pairwise && job->pairwise->shift ? HEED_ATTENTION_HELD * job->d : 0;
    return 2 * heed_attention_up(job->most_keys, margin) + 2 * heed_attention_up(job->d > job->dv ? job->d : job->dv, margin) + heed_attention_up(shifted, margin);
}

void heed_attention_rows(const heed_attention_job *job, const heed_attention_unit *unit, void *room)
{
    float *at = room;
    const bool centre = heed_align_has_centre(job->a->align);
    heed_attention_row r = {.job = job, .sequence = unit->sequence, .copied = HEED_ATTENTION_HELD};
    r.scores = take(&at, job->most_keys), r.weights = take(&at, job->most_keys);
    r.query = take(&at, job->d > job->dv ? job->d : job->dv), r.turned = take(&at, job->d);
    r.copies = at;
    for (r.i = unit->row; r.i < unit->row + unit->rows; r.i++)
        for (r.head = unit->head; r.head < unit->head + unit->heads; r.head++) {
            r.key_head = job->shared == 1 ? r.head : r.head / job->shared;
            if (centre || r.head == unit->head) heed_attention_row_see(&r);
            attend(&r);
        }
}
