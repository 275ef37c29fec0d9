/* Models opened, sessions, running: items sorted into batches of similar length, one batch a thread. */
#include "api/session.h"
#include "api/cut.h"
#include "explain/probe.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "base/machine.h"

/* A batch ends at so many hypotheses, or at so many bytes of text, since what a step leaves behind grows with them. */
enum { USUAL_BATCH = 64, BATCH_BYTES = 16384, MOST_THREADS = 4096, LEAST_MEMORY = 16 << 20 };

heed_model *heed_model_open(const char *dir, const heed_model_options *options, heed_error *err)
{
    if (!dir || !*dir) return heed_fail(err, HEED_E_USAGE, "no model directory was given"), NULL;
    static const heed_model_options usual = {0};
    if (!options) options = &usual;
    return heed_model_load_to_serve(dir, options->sets, options->set_count, options->shortlist, err);
}

void heed_model_close(heed_model *m) { heed_model_free(m); }

static heed_status check_ensemble(const heed_session *s, heed_error *err)
{
    if (s->ensemble_count && !s->task->searches)
        return heed_fail(err, HEED_E_USAGE, "an ensemble writes together; the model's task, %s, writes nothing", s->task->name);
    for (int i = 0; i < s->ensemble_count; i++) {
        const heed_model *m = s->ensemble[i];
        heed_error why;
        if (!m) return heed_fail(err, HEED_E_USAGE, "model %d of the ensemble is missing", i + 2);
        if (m->shortlist || s->model->shortlist) return heed_fail(err, HEED_E_USAGE, "an ensemble writes any symbol; open its models without a shortlist");
        if (strcmp(m->recipe.task, s->model->recipe.task) != 0)
            return heed_fail(err, HEED_E_USAGE, "model %d of the ensemble has the task %s, the first has %s", i + 2, m->recipe.task, s->model->recipe.task);
        if (heed_text_compare(s->model->target, m->target, &why) != HEED_OK)
            return heed_fail(err, HEED_E_USAGE,
                             "models 1 and %d of the ensemble differ in target.vocab.json: %s; models that write together have the same target vocabulary",
                             i + 2, why.text);
    }
    return HEED_OK;
}

/* What the session's own memory holds of the options. */
static heed_status settle(heed_session *s, const heed_session_options *o, heed_error *err)
{
    s->batch = o->batch > 0 ? o->batch : USUAL_BATCH;
    s->geometric = o->geometric;
    s->ensemble_count = o->ensemble_count;
    s->ensemble = calloc((size_t)o->ensemble_count + 1, sizeof *s->ensemble);
    if (!s->ensemble) return heed_fail(err, HEED_E_NOMEM, "out of memory for a session");
    for (int i = 0; i < o->ensemble_count; i++) s->ensemble[i] = o->ensemble[i];
    return check_ensemble(s, err);
}

/* What the machine and its settings leave to each thread, so that a batch is cut in two before the system ends the process. */
static size_t memory_for(const heed_session_options *o, int threads)
{
    const size_t all = heed_machine_memory(), held = heed_process_resident(), least = LEAST_MEMORY;
    if (o->memory || !all) return o->memory;
    const size_t shares = (size_t)threads * (o->sessions > 0 ? (size_t)o->sessions : 1);
    const size_t left = all / 10 * 9 > held ? (all / 10 * 9 - held) / shares : 0;
    return left > least ? left : least;
}

heed_session *heed_session_new(const heed_model *m, const heed_session_options *options, heed_error *err)
{
    static const heed_session_options usual = {0};
    if (!m) return heed_fail(err, HEED_E_USAGE, "a session needs an open model"), NULL;
    if (!options) options = &usual;
    if (options->ensemble_count < 0 || (options->ensemble_count && !options->ensemble))
        return heed_fail(err, HEED_E_USAGE, "an ensemble needs its models and their number"), NULL;
    if (options->threads > MOST_THREADS) return heed_fail(err, HEED_E_USAGE, "%d threads; at most %d", options->threads, MOST_THREADS), NULL;
    const heed_task *task = heed_task_find(m->recipe.task);
    if (!task) return heed_fail(err, HEED_E_MODEL, "the model's task \"%s\" is unknown to this heed", m->recipe.task), NULL;
    heed_session *s = calloc(1, sizeof *s);
    const int threads = options->threads > 0 ? options->threads : heed_cores();
    if (s) s->tapes = calloc((size_t)threads, sizeof *s->tapes);
    if (!s || !s->tapes) {
        heed_session_free(s);
        return heed_fail(err, HEED_E_NOMEM, "out of memory for a session"), NULL;
    }
    s->model = m;
    s->task = task;
    if (settle(s, options, err) != HEED_OK) {
        heed_session_free(s);
        return NULL;
    }
    const size_t memory = memory_for(options, threads);
    for (; s->threads < threads; s->threads++) {
        s->tapes[s->threads] = heed_tape_new(&(heed_tape_options){.limit = memory}, err);
        if (!s->tapes[s->threads]) {
            heed_session_free(s);
            return NULL;
        }
    }
    return s;
}

void heed_session_free(heed_session *s)
{
    if (!s) return;
    heed_probe_free(s->probe);
    for (int i = 0; i < s->threads; i++) heed_tape_free(s->tapes[i]);
    free(s->tapes);
    free(s->ensemble);
    free(s);
}

/* --- replies ------------------------------------------------------------------------------------------------------------------------------- */

heed_reply *heed_reply_new(int threads, int64_t count)
{
    heed_reply *r = calloc(1, sizeof *r);
    if (!r) return NULL;
    r->outputs = calloc((size_t)count + 1, sizeof *r->outputs);
    r->arenas = calloc((size_t)threads, sizeof *r->arenas);
    r->count = count;
    bool good = r->outputs && r->arenas;
    for (; good && r->threads < threads; r->threads++) {
        r->arenas[r->threads] = heed_arena_new(0);
        good = r->arenas[r->threads] != NULL;
    }
    if (good) return r;
    heed_reply_free(r);
    return NULL;
}

void heed_reply_free(heed_reply *r)
{
    if (!r) return;
    for (int i = 0; r->arenas && i < r->threads; i++) heed_arena_free(r->arenas[i]);
    free(r->arenas);
    free(r->outputs);
    free(r);
}

int64_t heed_reply_count(const heed_reply *r) { return r->count; }
int64_t heed_reply_splits(const heed_reply *r) { return r->splits; }

const heed_output *heed_reply_at(const heed_reply *r, int64_t i) { return i >= 0 && i < r->count ? &r->outputs[i] : NULL; }

char *heed_reply_json(const heed_reply *r, int64_t i, int64_t id, bool weights, heed_error *err)
{
    heed_buf text = {0};
    if (i < 0 || i >= r->count) return heed_fail(err, HEED_E_USAGE, "output %lld of %lld", (long long)i, (long long)r->count), NULL;
    heed_explain_json(&r->outputs[i], id, weights, &text);
    char *out = heed_buf_take(&text);
    if (!out) heed_fail(err, HEED_E_NOMEM, "out of memory for the reply's JSON");
    return out;
}

/* --- running ------------------------------------------------------------------------------------------------------------------------------- */

static int by_length(const void *a, const void *b)
{
    const heed_load *x = a, *y = b;
    if (x->length != y->length) return x->length < y->length ? 1 : -1;
    return (x->index > y->index) - (x->index < y->index);
}

/* What a run works on: items, outputs and numbers in order of length, where each batch begins, errors by thread. */
typedef struct plan {
    const heed_item **items;
    heed_output **outputs;
    heed_load *order;
    uint64_t *numbers;
    int64_t *start, batches;        /* [batches+1] */
    int64_t *busy;                  /* [threads] for the cutting */
    heed_decode decode;
    heed_look look;
    heed_error *errors;
} plan;

static bool plan_init(plan *p, const heed_session *s, const heed_request *q, heed_reply *r)
{
    const size_t n = (size_t)q->count + 1;
    *p = (plan){.decode = p->decode,
                .look = p->look,
                .items = malloc(n * sizeof *p->items),
                .outputs = malloc(n * sizeof *p->outputs),
                .order = malloc(n * sizeof *p->order),
                .numbers = malloc(n * sizeof *p->numbers),
                .start = malloc(n * sizeof *p->start),
                .busy = malloc((size_t)s->threads * sizeof *p->busy),
                .errors = calloc((size_t)s->threads, sizeof *p->errors)};
    if (!p->items || !p->outputs || !p->order || !p->numbers || !p->start || !p->busy || !p->errors) return false;
    for (int64_t i = 0; i < q->count; i++)
        p->order[i] = (heed_load){s->task->length(s->model, &q->items[i]), heed_decode_width(&p->decode, &q->items[i], q->fork), i};
    qsort(p->order, (size_t)q->count, sizeof *p->order, by_length);
    p->batches = heed_cut(&(heed_cut_options){.rows = s->batch, .bytes = BATCH_BYTES, .workers = s->threads}, p->order, q->count, p->start, p->busy);
    for (int64_t i = 0; i < q->count; i++) {
        p->numbers[i] = p->decode.first + (uint64_t)p->order[i].index;
        p->items[i] = &q->items[p->order[i].index];
        p->outputs[i] = &r->outputs[p->order[i].index];
    }
    return true;
}

static void plan_free(plan *p)
{
    free(p->items);
    free(p->outputs);
    free(p->order);
    free(p->numbers);
    free(p->start);
    free(p->busy);
    free(p->errors);
}

/* Items first .. first+count-1 of the plan. */
static heed_job job_of(const heed_session *s, const plan *p, const heed_reply *r, const heed_request *q, int64_t first, int64_t count)
{
    const int me = omp_get_thread_num();
    return (heed_job){
        .model = s->model,
        .ensemble = s->ensemble,
        .ensemble_count = s->ensemble_count,
        .geometric = s->geometric,
        .tape = s->tapes[me],
        .arena = r->arenas[me],
        .items = p->items + first,
        .outputs = p->outputs + first,
        .numbers = p->numbers + first,
        .count = count,
        .decode = p->decode,
        .beam_given = q->decode && q->decode->beam,
        .choices = q->choices,
        .fork = q->fork,
        .look = p->look,
        .shown = q->shown || q->weights,
        .weights = q->weights,
        .unscored = q->unscored,
    };
}

/* What does not fit into memory is cut in two, down to one item. */
static heed_status run_items(const heed_session *s, const plan *p, heed_reply *r, const heed_request *q, int64_t first, int64_t count, heed_error *err)
{
    heed_job job = job_of(s, p, r, q, first, count);
    const heed_mark mark = heed_arena_mark(job.arena);
    heed_status status = s->task->run(&job, err);
    if (status != HEED_E_NOMEM || count == 1) return status;
    heed_arena_rewind(job.arena, mark);
#pragma omp atomic
    r->splits++;
    status = run_items(s, p, r, q, first, count / 2, err);
    return status ? status : run_items(s, p, r, q, first + count / 2, count - count / 2, err);
}

static void run_batch(const heed_session *s, const plan *p, heed_reply *r, const heed_request *q, int64_t i)
{
    heed_error *mine = &p->errors[omp_get_thread_num()], why = {.status = HEED_OK};
    if (mine->status == HEED_OK && run_items(s, p, r, q, p->start[i], p->start[i + 1] - p->start[i], &why) != HEED_OK) *mine = why;
}

heed_reply *heed_session_run(heed_session *s, const heed_request *request, heed_error *err)
{
    heed_error first = {.status = HEED_OK};
    plan p = {0};
    if (heed_request_check(s, request, err) != HEED_OK || heed_decode_settle(s->model, request->decode, &p.decode, err) != HEED_OK ||
        heed_look_settle(s->model, request->look, &p.look, err) != HEED_OK)
        return NULL;
    heed_reply *r = heed_reply_new(s->threads, request->count);
    if (!r || !plan_init(&p, s, request, r)) heed_fail(&first, HEED_E_NOMEM, "out of memory for %lld items", (long long)request->count);
    if (first.status == HEED_OK) {
        const int threads = p.batches > 0 && p.batches < s->threads ? (int)p.batches : s->threads;   /* nobody is woken for nothing */
#pragma omp parallel for schedule(dynamic) num_threads(threads)
        for (int64_t i = 0; i < p.batches; i++) run_batch(s, &p, r, request, i);
        for (int i = 0; i < s->threads && first.status == HEED_OK; i++) first = p.errors[i];
    }
    plan_free(&p);
    if (first.status == HEED_OK) return r;
    if (err) *err = first;
    heed_reply_free(r);
    return NULL;
}
