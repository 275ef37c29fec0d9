/* Attention row by row: one query under one head, all its keys at once. Every setting of heed/attention.h goes this way; those that have no tiles only this one,
 * and on a machine without vectors all. Written with the kernels of job->kernels, so that it is slow for its shape of work alone. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/attention.h"
#include "kernels/dropout.h"

typedef struct row {
    const heed_attention_job *job;
    const heed_attention_unit *unit;
    int64_t head, i, position;       /* i: the query's row in its sequence */
    heed_looking sees;
    float *scores;                   /* of all keys that are seen, run after run */
    float *weights, *query, *turned;
} row;

static float capped(float x, float cap) { return cap > 0 ? cap * tanhf(x / cap) : x; }

/* The query as it is multiplied: turned, and for cosine of length 1. */
static const float *query_of(const row *r)
{
    const heed_attention_job *job = r->job;
    const heed_attention_in in = job->data->q;
    const float *q = (const float *)in.x + HEED_ATTENTION_AT(in, job->a->query_start, r->unit->sequence, r->head) + r->i * in.row;
    if (job->turns) {
        job->kernels->rotate(r->turned, q, job->turns + r->position * job->d, 1, job->d / 2);
        q = r->turned;
    }
    if (!job->key_factor) return q;
    const float square = job->kernels->dot(q, q, job->d);
    job->kernels->scale(r->query, square > 0 || isnan(square) ? 1 / sqrtf(square) : 0, q, job->d);
    return r->query;
}

/* Everything that is added to the score or changes it, for keys first .. first+n-1. */
static void terms_add(const row *r, float *s, int64_t first, int64_t n)
{
    const heed_attention_job *job = r->job;
    const heed_attention *a = job->a;
    const float *factor = job->key_factor ? job->key_factor + r->unit->key_head * job->keys + a->key_start[r->unit->sequence] : NULL;
    const float *relative = a->relative ? a->relative + r->head * (2 * a->reach + 1) + a->reach : NULL;
    for (int64_t j = 0; j < n; j++) {
        const int64_t ahead = first + j - r->position;
        if (factor) s[j] *= factor[first + j];
        s[j] = capped(s[j], a->cap);
        if (a->slope) s[j] -= a->slope[r->head] * (float)llabs((long long)ahead);
        if (relative) s[j] += relative[ahead < -a->reach ? -a->reach : ahead > a->reach ? a->reach : ahead];
    }
}

static void scores_of(const row *r)
{
    const heed_attention_job *job = r->job;
    const heed_attention *a = job->a;
    int64_t ld, at = 0;
    const float *k = heed_attention_key_rows(job, r->unit->sequence, r->unit->key_head, &ld), *q = query_of(r);
    const float scale = job->scale * (a->factor ? a->factor[r->head] : 1);
    for (int run = 0; run < r->sees.runs; run++) {
        const int64_t first = r->sees.first[run], n = r->sees.count[run];
        float *s = r->scores + at;
        if (a->score == HEED_ATTENTION_ADDITIVE) {
            job->kernels->scores_additive(s, q, k + first * ld, a->additive + r->head * job->d, n, ld, job->d, NULL);
            job->kernels->scale(s, scale, s, n);
        } else {
            job->kernels->scores_dot(s, q, k + first * ld, n, ld, job->d, scale, NULL);
        }
        terms_add(r, s, first, n);
        at += n;
    }
}

/* What happens to weights after they were normalised: the Gaussian around a centre, dropout. */
static void weights_change(const row *r)
{
    const heed_attention *a = r->job->a;
    const bool centre = heed_align_has_centre(a->align);
    const heed_drop drop = heed_drop_of(a->dropout);
    const uint64_t key = a->dropout > 0 ? heed_drop_query(a->seed, a->record[r->unit->sequence], r->head, r->position) : 0;
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

/* out = sum of w v, over one run or two. */
static void mix(const row *r, float *out, float *more)
{
    const heed_attention_job *job = r->job;
    const heed_attention_in v = job->data->v;
    const float *rows = (const float *)v.x + HEED_ATTENTION_AT(v, job->a->key_start, r->unit->sequence, r->unit->key_head);
    job->kernels->mix(out, r->weights, rows + r->sees.first[0] * v.row, r->sees.count[0], v.row, job->dv, NULL);
    if (r->sees.runs < 2) return;
    job->kernels->mix(more, r->weights + r->sees.count[0], rows + r->sees.first[1] * v.row, r->sees.count[1], v.row, job->dv, NULL);
    job->kernels->add(out, out, more, job->dv);
}

static void attend(row *r)
{
    const heed_attention_job *job = r->job;
    const heed_attention *a = job->a;
    const heed_attention_out to = job->data->out;
    const int64_t b = r->unit->sequence, number = a->query_start[b] + r->i;
    float *out = (float *)to.x + HEED_ATTENTION_AT(to, a->query_start, b, r->head) + r->i * to.row, saved = -INFINITY;
    r->position = heed_attention_position(job, b) + r->i;
    r->sees = heed_looking_of(a->align, a->window, r->position, heed_attention_keys(job, b), heed_align_has_centre(a->align) ? a->centre[number * job->H + r->head] : 0);
    if (r->sees.seen > 0) {
        scores_of(r);
        saved = heed_align_weights(job->kernels, job->weighing, r->weights, r->scores, r->sees.seen);
        weights_change(r);
        mix(r, out, r->query);
    } else {
        memset(out, 0, (size_t)job->dv * sizeof *out);
    }
    if (job->data->saved) job->data->saved[number * job->H + r->head] = saved;
}

void heed_attention_rows(const heed_attention_job *job, const heed_attention_unit *unit, void *room)
{
    const int64_t margin = HEED_ATTENTION_MARGIN, keys = (job->most_keys + margin - 1) / margin * margin, d = (job->d + margin - 1) / margin * margin;
    row r = {.job = job, .unit = unit, .scores = room};
    r.weights = r.scores + keys;
    r.query = r.weights + keys;
    r.turned = r.query + (job->d > job->dv ? d : (job->dv + margin - 1) / margin * margin);
    for (r.i = unit->row; r.i < unit->row + unit->rows; r.i++)
        for (r.head = unit->head; r.head < unit->head + unit->heads; r.head++) attend(&r);
}
