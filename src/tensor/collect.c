/* The gradients of weights: what tapes have listed, summed in the order of tapes and of arising. Work is cut into blocks of a weight's rows, by
 * shape alone; each block is summed by one thread. */
#include "tensor/params.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "base/machine.h"

enum { BLOCK_ROWS = 1024, JOBS = 96, LARGE = 256 * 1024 };   /* LARGE: bytes */

static bool worker_room(heed_worker *me, int64_t count)
{
    if (count <= me->capacity) return true;
    heed_gemm_rows *grown = realloc(me->rows, (size_t)count * sizeof *grown);
    if (!grown) return false;
    me->rows = grown;
    me->capacity = count;
    return true;
}

static int64_t gather_products(heed_worker *me, const heed_tape *t, const heed_weight *w)
{
    int64_t n = 0;
    for (const heed_pending *p = heed_tape_pending(t, w); p; p = p->next)
        if (p->kind == HEED_PENDING_PRODUCT) {
            if (!worker_room(me, n + 1)) return -1;
            me->rows[n++] = p->rows;
        }
    return n;
}

static void add_piece(const heed_kernels *k, float *g, const heed_weight *w, const heed_pending *p, int64_t first, int64_t end)
{
    const int64_t d = w->tensor.cols;
    switch (p->kind) {
    case HEED_PENDING_COLUMNS:
        k->colsum(g, p->rows.dy, p->rows.rows, d);
        break;
    case HEED_PENDING_EMBED:
        for (int64_t i = 0; i < p->rows.rows; i++)
            if (p->ids[i] >= first && p->ids[i] < end) k->axpy(g + p->ids[i] * d, 1, p->rows.dy + i * p->rows.ldy, d);
        break;
    case HEED_PENDING_DENSE:
        k->axpy(g + first * d, 1, p->dense + first * d, (end - first) * d);
        break;
    case HEED_PENDING_PRODUCT:
        break;
    }
}

/* What passes through memory for a piece; a lookup's rows are taken to be spread evenly. */
static double bytes_of(const heed_pending *p, const heed_share *job)
{
    const double floats = (double)(job->end - job->first) * (double)job->w->tensor.cols, rows = (double)p->rows.rows * (double)job->w->tensor.cols;
    switch (p->kind) {
    case HEED_PENDING_COLUMNS: return 4 * rows;
    case HEED_PENDING_EMBED: return 12 * rows * (double)(job->end - job->first) / (double)job->w->tensor.rows;
    case HEED_PENDING_DENSE: return 12 * floats;
    case HEED_PENDING_PRODUCT: break;
    }
    return 0;
}

/* What one tape has listed; chunks of rows begin anew with each tape, so that a sum does not depend on how many tapes are collected at a time. */
static heed_status add_tape(heed_worker *me, const heed_share *job, const heed_tape *t, float *g, heed_error *err)
{
    const heed_weight *w = job->w;
    const int64_t products = gather_products(me, t, w);
    if (products < 0) return heed_fail(err, HEED_E_NOMEM, "out of memory while gradients were summed");
    heed_status status = HEED_OK;
    if (products > 0) status = heed_gemm_weight(me->gemm, w->params->number, w->tensor.rows, w->tensor.cols, job->first, job->end, me->rows, products, g, err);
    for (const heed_pending *p = heed_tape_pending(t, w); p && status == HEED_OK; p = p->next) {
        add_piece(t->k, g, w, p, job->first, job->end);
        heed_stopwatch_count(me->watch, 0, bytes_of(p, job));
    }
    return status;
}

/* Of a large table whose rows are only looked up most stay zeros: those need not exist. */
static void clear(const heed_share *job, heed_tape *const *tapes, int count, float *g)
{
    const int64_t d = job->w->tensor.cols;
    const size_t bytes = (size_t)((job->end - job->first) * d) * sizeof *g;
    bool looked_up = bytes >= LARGE;
    for (int i = 0; i < count; i++)
        for (const heed_pending *p = heed_tape_pending(tapes[i], job->w); p && looked_up; p = p->next) looked_up = p->kind == HEED_PENDING_EMBED;
    if (looked_up) heed_pages_clear(g + job->first * d, bytes);
    else memset(g + job->first * d, 0, bytes);
}

static void run_share(heed_worker *me, const heed_share *job, heed_tape *const *tapes, int count, bool fresh)
{
    const int64_t d = job->w->tensor.cols;
    float *g = job->w->params->grads + job->w->offset;
    if (me->error.status != HEED_OK) return;
    heed_stopwatch_start(me->watch);
    if (fresh) {
        clear(job, tapes, count, g);
        heed_stopwatch_count(me->watch, 0, 4 * (double)((job->end - job->first) * d));
    }
    for (int i = 0; i < count && me->error.status == HEED_OK; i++) add_tape(me, job, tapes[i], g, &me->error);
    heed_stopwatch_lap(me->watch, (heed_part){.name = "gradients"}, 0);
}

static int by_cost(const void *a, const void *b)
{
    const heed_share *x = a, *y = b;
    if (x->cost != y->cost) return x->cost < y->cost ? 1 : -1;
    return (x->w->id > y->w->id) - (x->w->id < y->w->id);
}

static int64_t cut_shares(const heed_params *p, heed_share *share)
{
    int64_t n = 0;
    for (int64_t i = 0; i < p->count; i++) {
        heed_weight *w = p->weight[i];
        if (w->frozen) continue;   /* its gradient stays zero */
        for (int64_t first = 0; first < w->tensor.rows; first += BLOCK_ROWS, n++) {
            int64_t end = first + BLOCK_ROWS < w->tensor.rows ? first + BLOCK_ROWS : w->tensor.rows;
            if (share) share[n] = (heed_share){w, first, end, (double)(end - first) * (double)w->tensor.cols * (w->product ? 100 : 1)};
        }
    }
    return n;
}

/* Shares of little work go together: who takes work takes about a hundredth of it. */
static void cut_jobs(heed_params *p)
{
    double all = 0, cost = 0;
    for (int64_t i = 0; i < p->shares; i++) all += p->share[i].cost;
    p->jobs = 0;
    for (int64_t i = 0; i < p->shares; i++) {
        if (cost == 0) p->job[p->jobs++] = i;
        cost += p->share[i].cost;
        if (cost >= all / JOBS) cost = 0;
    }
    p->job[p->jobs] = p->shares;
}

static heed_status ensure_shares(heed_params *p, heed_error *err)
{
    if (p->share) return HEED_OK;
    p->shares = cut_shares(p, NULL);
    p->share = malloc((size_t)(p->shares + 1) * sizeof *p->share);
    p->job = malloc((size_t)(p->shares + 1) * sizeof *p->job);
    if (!p->share || !p->job) {
        free(p->share);
        p->share = NULL;
        return heed_fail(err, HEED_E_NOMEM, "out of memory for the gradients");
    }
    cut_shares(p, p->share);
    qsort(p->share, (size_t)p->shares, sizeof *p->share, by_cost);
    cut_jobs(p);
    return HEED_OK;
}

heed_status heed_params_prepare(heed_params *p, int threads, heed_error *err)
{
    if (!heed_params_grads(p)) return heed_fail(err, HEED_E_NOMEM, "out of memory for the gradients");
    heed_status status = ensure_shares(p, err);
    return status == HEED_OK ? heed_params_crew(p, threads, err) : status;
}

int64_t heed_params_jobs(const heed_params *p) { return p->jobs; }

void heed_params_work(heed_params *p, int worker, int64_t job, heed_tape *const *tapes, int count, bool fresh)
{
    for (int64_t i = p->job[job]; i < p->job[job + 1]; i++) run_share(&p->worker[worker], &p->share[i], tapes, count, fresh);
}

heed_status heed_params_collect(heed_params *p, heed_tape *const *tapes, int count, int threads, heed_error *err)
{
    heed_status status = heed_params_prepare(p, threads, err);
    if (status != HEED_OK) return status;
#pragma omp parallel for schedule(dynamic) num_threads(threads)
    for (int64_t i = 0; i < p->jobs; i++) heed_params_work(p, omp_get_thread_num(), i, tapes, count, true);
    return heed_params_crew_status(p, threads, err);
}
