/* What a training will take, found out by learning a little: train/train.h. One pass over the data counts symbols and keeps copies of a few batches: those
 * that are largest for one of the tapes, which decide the memory, and a sample drawn with equal chances, which tells the speed. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/machine.h"
#include "base/rng.h"
#include "model/words.h"
#include "train/run.h"
#include "train/schedule.h"

/* What a shard's memory grows with: symbols of both sides; of the target, whose logits are wide; pairs of symbols that may look at each other. */
enum { BY_SYMBOLS, BY_TARGET, BY_PAIRS, SIZES };
enum { SAMPLE = 24, VALID_BATCHES = 3 };
static const double timed_seconds = 2, most_seconds = 8;   /* of updates that are timed: at least once each, unless that takes too long */

typedef struct kept { heed_batch batch; int64_t uses; } kept;      /* what the batch points to follows in the same allocation */
typedef struct extreme { double size; kept *at; } extreme;

typedef struct plan {
    heed_run run;
    heed_forecast *forecast;
    extreme most[SIZES][HEED_MAX_SHARDS];
    kept *sample[SAMPLE];
    double load_seconds, learn_seconds, apply_seconds;      /* of a whole epoch; of timed batches; of timed updates */
    int64_t learnt, applied;                                /* symbols of timed batches; timed updates */
    int64_t turns;                                          /* batches of the validation that may still come */
} plan;

/* --- will it fit at all? --------------------------------------------------------------------------------------------------------------------- */

static heed_status too_large(const char *what, double bytes, heed_error *err)
{
    return heed_fail(err, HEED_E_LIMIT, "this training will not fit into memory: %s at least %.1f GB, and this process may have %.1f GB; make the model or "
                     "its batches smaller, or train on a machine with more", what, bytes * 1e-9, (double)heed_machine_memory() * 1e-9);
}

static double bytes_of_weights(const heed_model *m)
{
    double floats = 0;
    const bool moments = m->recipe.train.optimizer.type != HEED_OPTIMIZER_SGD;
    const int packs = heed_params_number(m->params) == HEED_BF16 ? 1 : 2;   /* there and back, of numbers half as long or as long */
    for (int64_t i = 0; i < heed_params_count(m->params); i++) {
        const heed_weight *w = heed_params_at(m->params, i);
        const int slabs = 3 + moments + (w->product ? packs : 0);   /* value, gradient, one or two means */
        floats += (double)slabs * (double)w->tensor.rows * (double)w->tensor.cols;
    }
    return floats * sizeof(float);
}

heed_status heed_run_fits(const heed_model *m, heed_error *err)
{
    char what[120], number[HEED_GROUP_SIZE];
    const size_t memory = heed_machine_memory();
    const double bytes = bytes_of_weights(m);
    if (!memory || bytes <= (double)memory) return HEED_OK;
    snprintf(what, sizeof what, "its %s weights with their gradients and the optimizer's means take", heed_group(number, heed_params_size(m->params)));
    return too_large(what, bytes, err);
}

/* --- the pass ---------------------------------------------------------------------------------------------------------------------------------- */

static void *put(unsigned char **at, const void *from, size_t bytes)
{
    void *to = memcpy(*at, from, bytes);
    *at += (bytes + 7) / 8 * 8;
    return to;
}

static size_t side_bytes(const heed_side *s)
{
    return (size_t)s->N * (sizeof *s->ids + sizeof *s->keys) + (size_t)(s->span.B + 1) * sizeof *s->span.start + 8;
}

static heed_side put_side(unsigned char **at, const heed_side *s)
{
    return (heed_side){.N = s->N, .ids = put(at, s->ids, (size_t)s->N * sizeof *s->ids), .keys = put(at, s->keys, (size_t)s->N * sizeof *s->keys),
                       .span = {.start = put(at, s->span.start, (size_t)(s->span.B + 1) * sizeof *s->span.start), .B = s->span.B}};
}

static kept *keep(const heed_batch *b)
{
    const size_t rows = (size_t)b->B;
    const size_t starts = b->guide.start ? (size_t)b->target.N + 1 : 0, links = starts ? (size_t)(b->guide.start[b->target.N]) : 0;
    kept *k = malloc(sizeof *k + side_bytes(&b->source) + side_bytes(&b->target) + rows * (sizeof *b->record + sizeof *b->line) +
                     starts * sizeof *b->guide.start + links * sizeof *b->guide.key + 8);
    if (!k) return NULL;
    unsigned char *at = (unsigned char *)(k + 1);
    *k = (kept){.batch = {.B = b->B}};
    k->batch.source = put_side(&at, &b->source);
    k->batch.target = put_side(&at, &b->target);
    k->batch.record = put(&at, b->record, rows * sizeof *b->record);
    k->batch.line = put(&at, b->line, rows * sizeof *b->line);
    k->batch.guide = b->guide;
    if (!starts) return k;
    k->batch.guide.start = put(&at, b->guide.start, starts * sizeof *b->guide.start);
    k->batch.guide.key = put(&at, b->guide.key, links * sizeof *b->guide.key);
    return k;
}

static void place(kept **to, kept *k)
{
    if (k) k->uses++;
    if (*to && --(*to)->uses == 0) free(*to);
    *to = k;
}

static double size_of(const heed_batch *b, int by, int64_t first, int64_t end)
{
    const int64_t *s = b->source.span.start, *t = b->target.span.start;
    double pairs = 0;
    if (by == BY_SYMBOLS) return (double)(s[end] - s[first] + t[end] - t[first]);
    if (by == BY_TARGET) return (double)(t[end] - t[first]);
    for (int64_t i = first; i < end; i++) {
        const double from = (double)(s[i + 1] - s[i]), to = (double)(t[i + 1] - t[i]);
        pairs += from * from + from * to + to * to;
    }
    return pairs;
}

/* Keeps the batch when one of its shards is the largest so far in a sense, or when the draw falls on it (Vitter 1985, algorithm R). */
static heed_status look_at(plan *p, const heed_batch *b, int64_t number, heed_error *err)
{
    int64_t first[HEED_MAX_SHARDS + 1], spot = number;
    kept *copy = NULL, **to[SIZES * HEED_MAX_SHARDS + 1];
    int places = 0;
    const int shards = heed_shard_count(b->B);
    heed_shard_cut(b->target.span, shards, first);
    for (int by = 0; by < SIZES; by++)
        for (int i = 0; i < shards; i++) {
            const double size = size_of(b, by, first[i], first[i + 1]);
            if (size <= p->most[by][i].size) continue;
            p->most[by][i].size = size;
            to[places++] = &p->most[by][i].at;
        }
    if (number >= SAMPLE) spot = (int64_t)(heed_uniform(heed_key(p->run.state.seed, 0x706c616e), (uint64_t)number) * (double)(number + 1));
    if (spot < SAMPLE) to[places++] = &p->sample[spot];
    if (places && !(copy = keep(b))) return heed_fail(err, HEED_E_NOMEM, "out of memory for a batch of %lld records", (long long)b->B);
    for (int i = 0; i < places; i++) place(to[i], copy);
    return HEED_OK;
}

static heed_status pass(plan *p, heed_error *err)
{
    heed_forecast *f = p->forecast;
    const heed_batch *b;
    bool end = false;
    const double began = heed_clock();
    for (;;) {
        heed_status status = heed_loader_next(p->run.loader, &b, &end, err);
        if (status || end) break;
        f->pairs += b->B;
        f->symbols += b->source.N + b->target.N;
        status = look_at(p, b, f->batches++, err);
        if (!status && heed_run_stopped(&p->run)) status = heed_fail(err, HEED_E_STOPPED, "stopped while the training data was passed");
        if (status) return status;
    }
    if (!end) return err->status;
    const int64_t accumulate = heed_run_recipe(&p->run)->train.accumulate;
    f->updates = (f->batches + accumulate - 1) / accumulate;
    p->load_seconds = heed_clock() - began;
    return HEED_OK;
}

/* --- updates for real -------------------------------------------------------------------------------------------------------------------------- */

/* A batch's part in an update, and every train.accumulate batches the update itself. */
static heed_status learn(plan *p, const heed_batch *b, int64_t number, heed_error *err)
{
    heed_run *run = &p->run;
    const int64_t accumulate = heed_run_recipe(run)->train.accumulate;
    if (heed_run_stopped(run)) return heed_fail(err, HEED_E_STOPPED, "stopped");
    const double began = heed_clock();
    heed_status status = heed_run_learn(run, b, number % accumulate == 0, 1 / (double)b->target.N, err);
    const double learnt = heed_clock();
    p->learn_seconds += learnt - began;
    p->learnt += b->source.N + b->target.N;
    if (status || (number + 1) % accumulate) return status;
    status = heed_run_apply(run, 1 / (double)accumulate, err);
    p->apply_seconds += heed_clock() - learnt;
    p->applied++;
    return status;
}

static int64_t symbols_of(const kept *k) { return k->batch.source.N + k->batch.target.N; }

/* The first update of all, from which the growth of memory is extended to the largest one. */
static heed_status warm_up(plan *p, heed_error *err)
{
    const double before = (double)heed_process_resident(), memory = (double)heed_machine_memory();
    const kept *first = p->sample[0];
    int64_t largest = 1;
    heed_status status = HEED_OK;
    for (int64_t i = 0; i < heed_run_recipe(&p->run)->train.accumulate && !status; i++) status = learn(p, &first->batch, i, err);
    if (status) return status;
    for (int i = 0; i < HEED_MAX_SHARDS && p->most[BY_SYMBOLS][i].at; i++) largest = (int64_t)fmax((double)largest, (double)symbols_of(p->most[BY_SYMBOLS][i].at));
    const double now = (double)heed_process_resident(), slabs = bytes_of_weights(p->run.model), grown = fmax(now - before - slabs, 0);
    const double need = now - grown + grown * (double)largest / (double)symbols_of(first);
    return memory > 0 && need > memory ? too_large("its largest batches take", need, err) : HEED_OK;
}

static heed_status run_largest(plan *p, heed_error *err)
{
    heed_status status = HEED_OK;
    kept *done[SIZES * HEED_MAX_SHARDS];
    int count = 0;
    for (int k = 0; k < SIZES * HEED_MAX_SHARDS && !status; k++) {
        kept *at = p->most[k / HEED_MAX_SHARDS][k % HEED_MAX_SHARDS].at;
        bool known = !at;
        for (int i = 0; i < count && !known; i++) known = done[i] == at;
        if (known) continue;
        done[count++] = at;
        status = learn(p, &at->batch, 0, err);
    }
    return status;
}

static heed_status time_sample(plan *p, heed_error *err)
{
    heed_status status = HEED_OK;
    int64_t count = 0;
    while (count < SAMPLE && p->sample[count]) count++;
    p->learn_seconds = p->apply_seconds = 0;
    p->learnt = p->applied = 0;
    for (int64_t i = 0; !status; i++) {
        const double seconds = p->learn_seconds + p->apply_seconds;
        const bool once = i >= count && p->applied > 0;
        if (p->applied > 0 && (seconds > most_seconds || (once && seconds > timed_seconds))) break;
        status = learn(p, &p->sample[i % count]->batch, i, err);
    }
    return status;
}

/* --- what comes beside --------------------------------------------------------------------------------------------------------------------------- */

static bool enough(void *user)
{
    plan *p = user;
    return p->turns-- == 0 || heed_run_stopped(&p->run);
}

/* The longest validation batches come first. */
static heed_status validate(plan *p, heed_error *err)
{
    heed_run *run = &p->run;
    heed_error why = {.status = HEED_OK};
    heed_valid v;
    double figure;
    if (!run->validator) return HEED_OK;
    p->turns = VALID_BATCHES;
    heed_status status = heed_validator_run(run->validator, run->shards, enough, p, &v, NULL, &why);
    if (status && status != HEED_E_STOPPED) return heed_fail(err, status, "%s", why.text);
    const char *metric = heed_run_recipe(run)->train.validate.metric;
    heed_buf film = {0};
    status = heed_run_look(run, &film, err);
    heed_buf_free(&film);
    if (status || strcmp(metric, "loss") == 0 || heed_run_stopped(run)) return status;
    return run->training->metric(run->training->user, run->model, run->valid.path, run->valid.count, metric, run->threads, &figure, err);
}

/* Its most so far, or what it holds while the file of the weights is read again for its sum. */
static int64_t peak_of(const plan *p)
{
    const size_t saving = heed_process_resident() + (size_t)heed_params_size(p->run.model->params) * sizeof(float), so_far = heed_process_peak();
    return (int64_t)(saving > so_far ? saving : so_far);
}

static double least(double a, double b) { return a < 0 || (b >= 0 && b < a) ? b : a; }

static void conclude(plan *p)
{
    const heed_recipe *r = heed_run_recipe(&p->run);
    heed_forecast *f = p->forecast;
    f->peak_bytes = peak_of(p);   /* last, since memory that comes and goes leaves holes behind, and more of them with time */
    const double learn = p->learn_seconds / (double)p->learnt * (double)f->symbols, apply = p->apply_seconds / (double)p->applied * (double)f->updates;
    f->seconds_per_epoch = p->load_seconds + learn + apply;
    f->tokens_per_second = (double)f->symbols / f->seconds_per_epoch;
    const double before = p->run.guide.seconds;   /* of learning links */
    f->seconds = r->train.epochs > 0 ? before + f->seconds_per_epoch * (double)r->train.epochs : -1;
    f->seconds = least(f->seconds, r->train.updates > 0 ? before + f->seconds_per_epoch / (double)f->updates * (double)r->train.updates : -1);
    f->seconds = least(f->seconds, r->train.seconds > 0 ? (double)r->train.seconds : -1);
}

static heed_status make(plan *p, const heed_training *t, heed_error *err)
{
    heed_run *run = &p->run;
    heed_status status = heed_run_rehearse(run, t, err);
    if (status) return status;
    for (int64_t i = 0; i < heed_params_count(run->model->params); i++) {
        const heed_tensor *w = &heed_params_at(run->model->params, i)->tensor;
        p->forecast->parameters += w->rows * w->cols;
    }
    p->forecast->memory_bytes = (int64_t)heed_machine_memory();
    run->state.rate = heed_schedule_rate(heed_run_recipe(run), 1, 0, 1);
    status = pass(p, err);
    if (!status) status = warm_up(p, err);
    if (!status) status = time_sample(p, err);
    if (!status) status = run_largest(p, err);   /* validation comes on top of what the tapes then hold */
    if (!status) status = validate(p, err);
    if (!status) conclude(p);
    return status;
}

heed_status heed_training_plan(const heed_training *t, heed_forecast *forecast, heed_error *err)
{
    heed_error why = {.status = HEED_OK};
    plan *p = calloc(1, sizeof *p);
    *forecast = (heed_forecast){.seconds = -1};
    if (!p) return heed_fail(err, HEED_E_NOMEM, "out of memory for a plan");
    p->run.lock = -1;
    p->forecast = forecast;
    heed_status status = make(p, t, &why);
    for (int k = 0; k < SIZES * HEED_MAX_SHARDS; k++) place(&p->most[k / HEED_MAX_SHARDS][k % HEED_MAX_SHARDS].at, NULL);
    for (int i = 0; i < SAMPLE; i++) place(&p->sample[i], NULL);
    heed_run_close(&p->run);
    free(p);
    if (status && err) *err = why;
    return status;
}
