/* Shards of a batch: train/shards.h. */
#include "train/shards.h"

#include <math.h>
#include <omp.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/machine.h"
#include "model/words.h"
#include "tensor/tape.h"
#include "train/base_model.h"

enum { NAMED_LINES = 8 };   /* in a message */

typedef struct shard {
    heed_batch part;
    heed_loss_counts counts;
    bool finite;
    heed_error error;
} shard;

struct heed_shards {
    const heed_model *model;
    int threads, tapes, count;
    uint64_t key;
    bool learns;                          /* the last batch was learnt from, with the weight below */
    double weight;
    shard shard[HEED_MAX_SHARDS];
    heed_tape *tape[HEED_MAX_SHARDS];     /* [tapes]; of shard i when it is learnt from: i % tapes, so that each tape meets the same shards again */
    heed_base_model *base[HEED_MAX_SHARDS]; /* [tapes] NULL: no model runs along */
    int64_t *start, room, grown;          /* where sentences begin in their shard: both sides */
};

int heed_shard_count(int64_t B)
{
    const int64_t few = B / HEED_FEW_SENTENCES < HEED_FEW_SHARDS ? B / HEED_FEW_SENTENCES : HEED_FEW_SHARDS, many = B / HEED_SHARD_SENTENCES, n = few > many ? few : many;
    return n < 1 ? 1 : n > HEED_MAX_SHARDS ? HEED_MAX_SHARDS : (int)n;
}

void heed_shard_cut(heed_span span, int count, int64_t *first)
{
    const int64_t total = span.start[span.B];
    int64_t at = 0;
    first[0] = 0;
    for (int i = 1; i <= count; i++) {
        const int64_t last = span.B - (count - i);   /* the shards behind want a sentence each */
        do at++;
        while (at < last && span.start[at] * count < total * i);
        first[i] = i == count ? span.B : at;
    }
}

/* No line of a corpus may make a tape so large that the system ends the process: three quarters of the machine's memory are the limit. */
static size_t memory_limit(void) { return heed_machine_memory() / 4 * 3; }

heed_shards *heed_shards_new(const heed_model *m, const heed_model *base, int threads, uint64_t key, heed_error *err)
{
    heed_shards *s = calloc(1, sizeof *s);
    if (!s) {
        heed_fail(err, HEED_E_NOMEM, "out of memory for the tapes");
        return NULL;
    }
    s->model = m;
    s->threads = threads;
    s->key = key;
    s->tapes = threads < HEED_MAX_SHARDS ? threads : HEED_MAX_SHARDS;
    for (int i = 0; i < s->tapes; i++) {
        s->tape[i] = heed_tape_new(&(heed_tape_options){.limit = memory_limit()}, err);
        if (s->tape[i] && base) s->base[i] = heed_base_model_new(m, base, memory_limit(), err);
        if (s->tape[i] && (s->base[i] || !base)) continue;
        heed_shards_free(s);
        return NULL;
    }
    return s;
}

void heed_shards_free(heed_shards *s)
{
    if (!s) return;
    for (int i = 0; i < s->tapes; i++) {
        heed_base_model_free(s->base[i]);
        heed_tape_free(s->tape[i]);
    }
    free(s->start);
    free(s);
}

static bool make_room(heed_shards *s, int64_t B)
{
    const int64_t wanted = 2 * (B + HEED_MAX_SHARDS);
    if (wanted <= s->room) return true;
    int64_t *grown = realloc(s->start, (size_t)wanted * sizeof *grown);
    if (!grown) return false;
    s->start = grown;
    s->room = wanted;
    s->grown++;
    return true;
}

static heed_status cut(heed_shards *s, const heed_batch *b, heed_error *err)
{
    int64_t first[HEED_MAX_SHARDS + 1];
    if (!make_room(s, b->B)) return heed_fail(err, HEED_E_NOMEM, "out of memory for a batch of %lld records", (long long)b->B);
    s->count = heed_shard_count(b->B);
    heed_shard_cut(b->target.span, s->count, first);
    int64_t *start = s->start;
    for (int i = 0; i < s->count; i++) {
        const int64_t n = first[i + 1] - first[i];
        heed_batch_part(b, first[i], n, start, start + n + 1, &s->shard[i].part);
        start += 2 * (n + 1);
    }
    return HEED_OK;
}

/* On tape number `tape`. */
static void run_shard(const heed_shards *s, shard *me, int tape, bool record, bool thrifty)
{
    heed_tape *t = s->tape[tape];
    heed_base_model *base = s->base[tape];
    heed_stopwatch_start(t->watch);
    me->counts = (heed_loss_counts){0};
    me->error.status = HEED_OK;
    heed_tape_reset(t, record, s->learns, s->key);
    if (thrifty) heed_tape_thrift(t);
    heed_tensor *loss = base ? heed_base_model_loss(base, t, &me->part, s->weight, &me->counts) : heed_model_loss(s->model, t, &me->part, s->weight, &me->counts);
    me->finite = !heed_tape_failed(t) && isfinite(loss->x[0]) && isfinite(me->counts.log_p);
    if (s->learns && me->finite) heed_backward(t, loss, &me->error);
    else heed_tape_status(t, &me->error);
    heed_stopwatch_lap(t->watch, (heed_part){.name = "rest"}, 0);
}

static heed_status shard_failed(const shard *me, heed_error *err)
{
    const heed_error *e = &me->error;
    if (e->status != HEED_E_NOMEM) return heed_fail(err, e->status, "%s", e->text);
    return heed_fail(err, HEED_E_LIMIT, "%s; the longest record (line %lld) has %lld symbols: set data.max_length or train.batch lower", e->text,
                     (long long)me->part.line[0], (long long)me->part.target.span.start[1]);
}

/* Of all shards when all were run; else of the one where it ended. */
static heed_status join(const heed_shards *s, heed_loss_counts *counts, bool *finite, heed_error *err)
{
    *counts = (heed_loss_counts){0};
    *finite = true;
    for (int i = 0; i < s->count; i++) {
        const shard *me = &s->shard[i];
        if (me->error.status) return shard_failed(me, err);
        counts->log_p += me->counts.log_p;
        counts->hits += me->counts.hits;
        counts->symbols += me->counts.symbols;
        counts->guide += me->counts.guide;
        counts->guided += me->counts.guided;
        *finite = *finite && me->finite;
    }
    return HEED_OK;
}

static heed_status begin(heed_shards *s, const heed_batch *b, bool learns, double weight, heed_error *err)
{
    s->learns = learns;
    s->weight = weight;
    const heed_status status = cut(s, b, err);
    for (int i = 0; i < s->count; i++) {
        s->shard[i].error.status = HEED_OK;
        s->shard[i].finite = true;
    }
    return status;
}

heed_status heed_shards_run(heed_shards *s, const heed_batch *b, heed_loss_counts *counts, bool *finite, heed_error *err)
{
    heed_status status = begin(s, b, false, 1, err);
    if (status) return status;
#pragma omp parallel for schedule(dynamic) num_threads(s->tapes) if (s->count > 1)
    for (int i = 0; i < s->count; i++) run_shard(s, &s->shard[i], omp_get_thread_num(), false, false);
    return join(s, counts, finite, err);
}

/* --- learning --------------------------------------------------------------------------------------------------------------------------------- */

/* What there is to do: shards to run, as far as a tape is free, and the gradients of the first shard that is not summed yet, job by job. */
typedef struct work {
    heed_shards *s;
    bool first;
    pthread_mutex_t lock;
    pthread_cond_t moved;
    int started, summed;          /* shards */
    int64_t taken, done, jobs;    /* of the sum under way */
    bool ran[HEED_MAX_SHARDS], ended;
} work;

typedef struct task { int shard; int64_t job; } task;   /* job < 0: the shard is to be run */

static int tape_of(const work *w, int shard) { return shard % w->s->tapes; }

/* Sums first: they free tapes. Returns false when nothing is left. */
static bool take(work *w, task *out)
{
    pthread_mutex_lock(&w->lock);
    for (;; pthread_cond_wait(&w->moved, &w->lock)) {
        const bool sums = !w->ended && w->summed < w->s->count && w->ran[w->summed] && w->taken < w->jobs;
        const bool runs = !w->ended && w->started < w->s->count && w->started < w->summed + w->s->tapes;
        const bool left = !w->ended && w->summed < w->s->count;
        if (left && !sums && !runs) continue;
        if (sums) *out = (task){w->summed, w->taken++};
        else if (runs) *out = (task){w->started++, -1};
        pthread_mutex_unlock(&w->lock);
        return sums || runs;
    }
}

static void finish(work *w, const task *t)
{
    const shard *me = &w->s->shard[t->shard];
    bool moved = true;
    pthread_mutex_lock(&w->lock);
    if (t->job < 0) {
        w->ran[t->shard] = true;
        w->ended |= me->error.status || !me->finite;
    } else if ((moved = ++w->done == w->jobs)) {
        w->summed++;
        w->taken = w->done = 0;
    }
    if (moved) pthread_cond_broadcast(&w->moved);
    pthread_mutex_unlock(&w->lock);
}

static void labour(work *w)
{
    task t;
    while (take(w, &t)) {
        if (t.job < 0) run_shard(w->s, &w->s->shard[t.shard], tape_of(w, t.shard), true, true);
        else heed_params_work(w->s->model->params, omp_get_thread_num(), t.job, &w->s->tape[tape_of(w, t.shard)], 1, w->first && t.shard == 0);
        finish(w, &t);
    }
}

heed_status heed_shards_learn(heed_shards *s, const heed_batch *b, bool first, double weight, heed_loss_counts *counts, bool *finite, heed_error *err)
{
    heed_params *p = s->model->params;
    heed_status status = begin(s, b, true, weight, err);
    if (!status) status = heed_params_prepare(p, s->threads, err);
    if (status) return status;
    work w = {.s = s, .first = first, .lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER, .jobs = heed_params_jobs(p)};
#pragma omp parallel num_threads(s->threads)
    labour(&w);
    status = join(s, counts, finite, err);
    return status ? status : heed_params_crew_status(p, s->threads, err);
}

/* --- blame ------------------------------------------------------------------------------------------------------------------------------------ */

bool heed_shards_blame(heed_shards *s, heed_buf *out)
{
    const char *op, *scope;
    int i = 0;
    for (; i < s->count; i++) {
        run_shard(s, &s->shard[i], 0, true, false);
        if (heed_tape_find_nonfinite(s->tape[0], &op, &scope)) break;
    }
    if (i == s->count) return false;
    const heed_batch *part = &s->shard[i].part;
    const int64_t named = part->B < NAMED_LINES ? part->B : NAMED_LINES;
    char number[HEED_GROUP_SIZE];
    heed_buf_printf(out, "first in op \"%s\" of %s, with the records of line%s", op, scope, part->B > 1 ? "s" : "");
    for (int64_t j = 0; j < named; j++) heed_buf_printf(out, "%s %s", j ? ";" : "", heed_group(number, part->line[j]));
    if (part->B > named) heed_buf_printf(out, " and %s more", heed_group(number, part->B - named));
    return true;
}

void heed_shards_watch(heed_shards *s, heed_stopwatch *watch)
{
    for (int i = 0; i < s->tapes; i++) heed_tape_watch(s->tape[i], watch ? &watch[i] : NULL);
}

int64_t heed_shards_grown(const heed_shards *s)
{
    int64_t n = s->grown;
    for (int i = 0; i < s->tapes; i++) n += heed_tape_grown(s->tape[i]) + (s->base[i] ? heed_base_model_grown(s->base[i]) : 0);
    return n;
}
