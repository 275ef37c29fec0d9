/* After a forward: the weights of chosen queries, computed anew, and the joining of results over different keys. */
#include <math.h>
#include <string.h>

#include "kernels/attention_row.h"

/* The settings and data of sequence b alone, without dropout; row numbers and what is counted by them stay those of the batch. */
typedef struct part {
    heed_attention a;
    heed_attention_data data;
    int64_t position;
} part;

static heed_attention_in from_sequence(const heed_attention_job *job, heed_attention_in in, int64_t b)
{
    in.x = heed_attention_value(job, in.x, b * in.sequence);
    return in;
}

static void take_part(part *p, const heed_attention_job *job, int64_t b)
{
    const heed_attention *a = job->a;
    const heed_attention_data *data = job->data;
    p->a = *a;
    p->a.sequences = 1;
    p->a.query_start = a->query_start + b, p->a.key_start = a->key_start + b;
    p->position = a->position ? a->position[b] : 0;
    p->a.position = &p->position;
    p->a.dropout = 0, p->a.record = NULL;
    p->data = (heed_attention_data){.q = from_sequence(job, data->q, b), .k = from_sequence(job, data->k, b), .saved = data->saved};
}

/* Keys that are seen stand side by side in x, run after run: each goes where it belongs among `keys`. */
static void spread(const heed_looking *sees, float *x, int64_t keys, float unseen)
{
    int64_t end = keys, from = sees->seen;
    for (int r = sees->runs - 1; r >= 0; r--) {
        const int64_t past = sees->first[r] + sees->count[r];
        from -= sees->count[r];
        memmove(x + sees->first[r], x + from, (size_t)sees->count[r] * sizeof *x);
        for (int64_t j = past; j < end; j++) x[j] = unseen;
        end = sees->first[r];
    }
    for (int64_t j = 0; j < end; j++) x[j] = unseen;
}

void heed_attention_weigh(const heed_attention_job *job, int64_t head, int64_t i, float *weights, float *scores)
{
    float query[HEED_ATTENTION_WIDEST], turned[HEED_ATTENTION_WIDEST], copy[HEED_ATTENTION_WIDEST];
    heed_attention_row r = {.job = job, .head = head, .key_head = head / job->shared, .i = i, .scores = scores ? scores : weights, .weights = weights, .query = query,
                            .turned = turned, .copies = copy, .copied = 1};
    const int64_t keys = heed_attention_keys(job, 0);
    heed_attention_row_see(&r);
    if (r.sees.seen > 0) {
        heed_attention_row_score(&r, NULL);
        const float saved = job->data->saved ? job->data->saved[(job->a->query_start[0] + i) * job->H + head] : 0;
        heed_align_again(job->kernels, job->weighing, r.weights, r.scores, r.sees.seen, saved);
        heed_attention_row_change(&r);
    }
    if (scores) spread(&r.sees, scores, keys, -INFINITY);
    spread(&r.sees, weights, keys, 0);
}

static heed_status fits(const heed_attention *a, const heed_attention_job *whole, const heed_attention_data *data, int64_t sequence, int64_t head, int64_t first, int64_t n,
                        heed_error *err)
{
    if (sequence < 0 || sequence >= a->sequences || head < 0 || head >= whole->H)
        return heed_fail(err, HEED_E_SHAPE, "attention: weights of sequence %lld, head %lld; there are %lld and %lld", (long long)sequence, (long long)head,
                         (long long)a->sequences, (long long)whole->H);
    const int64_t queries = heed_attention_queries(whole, sequence);
    if (first < 0 || n < 0 || n > queries || first > queries - n)
        return heed_fail(err, HEED_E_SHAPE, "attention: weights of %lld queries from %lld on, of a sequence of %lld", (long long)n, (long long)first, (long long)queries);
    if (!data->saved && whole->weighing != HEED_WEIGHING_softmax)
        return heed_fail(err, HEED_E_SHAPE, "attention: weights of an alignment that is no softmax, and nothing was saved of them");
    return HEED_OK;
}

heed_status heed_attention_weights(const heed_attention *a, const heed_attention_data *data, int64_t sequence, int64_t head, int64_t first, int64_t n, float *weights,
                                   float *scores, void *scratch, size_t bytes, heed_error *err)
{
    heed_attention_job job;
    heed_status status = heed_attention_job_of(&job, heed_kernels_get(), a, data, err);
    if (!status) status = fits(a, &job, data, sequence, head, first, n, err);
    if (status) return status;
    job.pairs = false, job.only = head / job.shared;
    const size_t needs = heed_attention_shared_bytes(&job) + HEED_ATTENTION_ALIGNED;
    if (bytes < needs || !scratch) return heed_fail(err, HEED_E_SHAPE, "attention: %zu bytes of scratch, weights need %zu", scratch ? bytes : 0, needs);
    part p;
    take_part(&p, &job, sequence);
    job.a = &p.a, job.data = &p.data;
    job.keys = p.a.key_start[1], job.queries = p.a.query_start[1];
    job.most_queries = heed_attention_queries(&job, 0), job.most_keys = heed_attention_keys(&job, 0);
    if (n == 0 || job.most_keys == 0) return HEED_OK;
    heed_attention_share(&job, heed_attention_aligned(scratch));
    const int64_t keys = job.most_keys;
#pragma omp parallel for schedule(static) num_threads(job.threads) if (n > 1 && n * keys > 1 << 14)
    for (int64_t i = 0; i < n; i++) heed_attention_weigh(&job, head, first + i, weights + i * keys, scores ? scores + i * keys : NULL);
    return HEED_OK;
}

/* --- joining -------------------------------------------------------------------------------------------------------------------------------- */

void heed_attention_join(float *out, float *saved, const float *more, const float *more_saved, int64_t n, int64_t d)
{
    for (int64_t i = 0; i < n; i++) {
        const float a = saved[i], b = more_saved[i], most = a > b ? a : b;
        if (b == -INFINITY) continue;
        const float mine = a == most ? 1 : expf(a - most), theirs = b == most ? 1 : expf(b - most), sum = mine + theirs;
        for (int64_t l = 0; l < d; l++) out[i * d + l] = mine == 0 ? more[i * d + l] : (mine * out[i * d + l] + theirs * more[i * d + l]) / sum;
        saved[i] = most + logf(sum);
    }
}
