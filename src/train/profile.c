/* Where the time of an update goes, and where it need not: train/train.h. Updates are run as in a training (step.c) while watches hang on their tapes and workers.
 * What threads do side by side counts as the wall clock's time divided by the number of threads, and what they do not do as waiting, so parts add up to the update.
 * Counted work over the machine's peak, measured at the end, gives each part's limit. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/machine.h"
#include "kernels/peak.h"
#include "model/words.h"
#include "train/run.h"

enum { WARM_UPDATES = 3, LEVELS = HEED_PROFILE_LEVELS };
static const double usual_seconds = 20;

static const char *const part_names[] = {"products", "attention", "loss", "element-wise", "optimizer", "data", "waiting", "other"};
enum { PRODUCTS, ATTENTION, LOSS, ELEMENT_WISE, OPTIMIZER, DATA, WAITING, OTHER, PARTS };

typedef struct row { heed_profile_part shown; char what[80]; int part; } row;

typedef struct profiling {
    heed_run run;
    heed_train_options options;               /* the caller's, and how long it takes where they do not say how many updates */
    heed_stopwatch own, all;                  /* of the calling thread; of shards and workers together */
    heed_stopwatch shard[HEED_MAX_SHARDS], *worker;
    double began, seconds;                    /* of all measured updates */
    int64_t symbols;
    heed_profile profile;                     /* what becomes the caller's */
    row *rows;
} profiling;

static void watch(profiling *p, bool on)
{
    heed_error unwanted;
    p->run.watch = on ? &p->own : NULL;
    heed_shards_watch(p->run.shards, on ? p->shard : NULL);
    heed_params_watch(p->run.model->params, on ? p->worker : NULL, p->run.threads, &unwanted);
}

/* --- updates ------------------------------------------------------------------------------------------------------------------------------ */

static heed_status update(profiling *p, heed_error *err)
{
    heed_run *run = &p->run;
    bool ended;
    if (heed_run_stopped(run)) return heed_fail(err, HEED_E_STOPPED, "stopped");
    heed_status status = heed_run_update(run, &ended, err);
    heed_stopwatch_lap(run->watch, (heed_part){.name = "rest"}, 0);
    if (run->watch) heed_run_show(run);
    return status;
}

/* The first updates ask for memory and make primitives, which later ones do not. */
static heed_status warm_up(profiling *p, heed_error *err)
{
    heed_status status = HEED_OK;
    char number[HEED_GROUP_SIZE], timed[80];
    if (p->options.max_updates > 0) snprintf(timed, sizeof timed, "%s are timed", heed_group(number, p->options.max_updates));
    else snprintf(timed, sizeof timed, "those of %.3g s are timed", p->options.max_seconds);
    heed_run_say(&p->run, HEED_EVENT_START, "%s: %d updates to warm up, then %s", p->options.recipe, WARM_UPDATES, timed);
    while (!status && p->run.state.update < WARM_UPDATES) status = update(p, err);
    return status;
}

static bool enough(const profiling *p)
{
    const int64_t updates = p->run.state.update - p->run.first_update;
    if (p->options.max_updates > 0) return updates >= p->options.max_updates;
    return updates > 0 && heed_clock() - p->began >= p->options.max_seconds;
}

static heed_status run_updates(profiling *p, heed_error *err)
{
    heed_run *run = &p->run;
    heed_status status = HEED_OK;
    run->first_update = run->state.update;
    run->first_progress = heed_run_progress(run);
    run->judged = (heed_pace){0};   /* counts symbols from here on */
    p->own.by_wall = true;   /* it stands still while others work */
    watch(p, true);
    run->began = p->began = heed_clock();
    heed_stopwatch_start(&p->own);
    while (!status && !enough(p)) status = update(p, err);
    p->seconds = heed_clock() - p->began;
    p->symbols = run->judged.tokens;
    watch(p, false);
    return status;
}

/* --- limits -------------------------------------------------------------------------------------------------------------------------------- */

static void measure_machine(heed_profile *f)
{
    int bits = 512;
    const int64_t beyond = ((int64_t)128 << 20) / f->threads, least = 16 << 20;   /* no cache that threads share holds them all */
    const int64_t bytes[LEVELS] = {256 << 10, 4 << 20, beyond > least ? beyond : least};
    f->peak_bytes = (int64_t)heed_process_peak();   /* before the blocks below are read */
    f->f32 = heed_peak_f32(f->threads, &bits);
    f->bf16 = heed_peak_bf16(f->threads);
    for (int i = 0; i < LEVELS; i++) f->reads[i] = (heed_profile_reads){bytes[i], heed_peak_reads(bytes[i], f->threads)};
}

/* The least block that a call's bytes fit into tells how fast they might be had. */
static int level_of(const heed_profile *f, double bytes)
{
    int i = 0;
    while (i + 1 < LEVELS && bytes > (double)f->reads[i].bytes) i++;
    return i;
}

static void hold_to_peak(heed_profile_part *x, const heed_profile *f, heed_number number, double bytes_at_once)
{
    static const char *const levels[LEVELS] = {"near cache", "far cache", "memory"};
    double rate = 0;
    x->limit = x->seconds;
    x->of_peak = NAN;
    if (x->flop > 0) {
        rate = number == HEED_BF16 ? f->bf16 : f->f32;
        x->peak = number == HEED_BF16 ? "bf16" : "f32";
    } else if (x->bytes > 0) {
        const int level = level_of(f, bytes_at_once);
        rate = f->reads[level].rate;
        x->peak = levels[level];
    }
    if (!(rate > 0) || !(x->seconds > 0)) return;
    const double limit = (x->flop > 0 ? x->flop : x->bytes) / (rate * 1e9);
    x->of_peak = limit / x->seconds;
    x->limit = fmin(limit, x->seconds);
}

/* --- rows ---------------------------------------------------------------------------------------------------------------------------------- */

/* What an op is to the reader of a profile, and how many floats it moves; false: no op of that name. */
static bool describe_op(const heed_part *of, int *part, double *floats)
{
    static const struct { const char *name, *family; double forward, backward; } ops[] = {
#define HEED_OP(name, family, shapes, forward, backward) {#name, #family, forward, backward},
#include "ops/ops.def"
#undef HEED_OP
    };
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        const char *family = ops[i].family;
        if (strcmp(ops[i].name, of->name)) continue;
        *part = !strcmp(family, "attend") ? ATTENTION : !strcmp(family, "loss") || !strcmp(family, "copy") || !strcmp(family, "guide") ? LOSS : ELEMENT_WISE;
        *floats = of->way && !strcmp(of->way, "backward") ? ops[i].backward : ops[i].forward;
        return true;
    }
    return false;
}

/* A lap of `at_once` threads side by side. */
static void add_row(profiling *p, int part, const char *what, const heed_lap *lap, double at_once)
{
    heed_profile *f = &p->profile;
    const double updates = (double)f->updates;
    row *r = &p->rows[f->count++];
    const double seconds = lap->seconds / updates / at_once;
    *r = (row){.part = part, .shown = {.part = part_names[part], .calls = (double)lap->calls / updates, .seconds = seconds,
                                       .flop = lap->effort.flop / updates, .bytes = lap->effort.bytes / updates}};
    snprintf(r->what, sizeof r->what, "%s", what);
    const double at_a_time = at_once > 1 ? 1 : (double)f->threads;   /* what all threads do together is one lap of the calling one */
    hold_to_peak(&r->shown, f, lap->part.number, lap->calls ? lap->effort.bytes / (double)lap->calls / at_a_time : 0);
}

static void add_watched(profiling *p, const heed_lap *lap)
{
    const heed_part *of = &lap->part;
    heed_lap counted = *lap;
    char what[80];
    int part = OTHER;
    double floats = 0;
    if (of->k) {
        snprintf(what, sizeof what, "%lld x %lld, %s", (long long)of->n, (long long)of->k, of->way);
        part = PRODUCTS;
    } else if (describe_op(of, &part, &floats)) snprintf(what, sizeof what, "%s, %s", of->name, of->way);
    else if (!strcmp(of->name, "gradients")) {
        snprintf(what, sizeof what, "gradients of tables and biases");
        part = ELEMENT_WISE;
    } else snprintf(what, sizeof what, "within shards");
    counted.effort.bytes += floats * sizeof(float) * lap->effort.size;
    add_row(p, part, what, &counted, p->profile.threads);
}

static heed_lap own_lap(const profiling *p, const char *name, double bytes)
{
    heed_lap lap = {.part = {.name = name}};
    for (int64_t i = 0; i < p->own.count; i++)
        if (!strcmp(p->own.lap[i].part.name, name)) lap = p->own.lap[i];
    lap.effort.bytes = bytes * (double)lap.calls;
    return lap;
}

static void add_own(profiling *p, int part, const char *name, const char *what, double bytes)
{
    const heed_lap lap = own_lap(p, name, bytes);
    if (lap.calls) add_row(p, part, what, &lap, 1);
}

/* For each other, which is what is left of the time in which all threads might have worked, and for a core that other programs have. */
static void add_waiting(profiling *p)
{
    const double threads = p->profile.threads, away = p->all.away / threads, watched = heed_stopwatch_seconds(&p->all) / threads;
    const heed_lap waiting[] = {{.seconds = own_lap(p, "shards", 0).seconds - watched - away}, {.seconds = away}};
    for (int i = 0; i < 2; i++) {
        add_row(p, WAITING, i ? "threads without a core" : "threads without work", &waiting[i], 1);
        p->rows[p->profile.count - 1].shown.limit = 0;
    }
}

/* Bytes of an update by the optimizer: gradients for their norm; gradients, values and means, of which all but the gradients are written too. */
static double bytes_of_step(const heed_optimizer *o)
{
    double floats = 0;
    for (int64_t i = 0; i < o->pieces; i++) floats += (double)o->piece[i].floats;
    return (o->v ? 8 : 6) * floats * sizeof(float);
}

/* Each weight of a product is read twice and written for either way. */
static double bytes_of_packing(const heed_params *params)
{
    double bytes = 0;
    const size_t number = heed_params_number(params) == HEED_BF16 ? sizeof(uint16_t) : sizeof(float);
    for (int64_t i = 0; i < heed_params_count(params); i++) {
        const heed_weight *w = heed_params_at(params, i);
        const double forms = number == sizeof(float) ? (w->lent ? 0 : w->many ? 1 : 2) : w->lent ? 1 : 2;
        if (w->product && !w->frozen) bytes += forms * (double)(sizeof(float) + number) * (double)w->tensor.rows * (double)w->tensor.cols;
    }
    return bytes;
}

static int by_part_and_time(const void *a, const void *b)
{
    const row *x = a, *y = b;
    if (x->part != y->part) return x->part < y->part ? -1 : 1;
    return (x->shown.seconds < y->shown.seconds) - (x->shown.seconds > y->shown.seconds);
}

static heed_status make_rows(profiling *p, heed_error *err)
{
    heed_profile *f = &p->profile;
    const heed_run *run = &p->run;
    for (int i = 0; i < HEED_MAX_SHARDS; i++) heed_stopwatch_join(&p->all, &p->shard[i]);
    for (int i = 0; i < f->threads; i++) heed_stopwatch_join(&p->all, &p->worker[i]);
    p->rows = p->all.failed || p->own.failed ? NULL : calloc((size_t)(p->all.count + p->own.count + 2), sizeof *p->rows);
    if (!p->rows) return heed_fail(err, HEED_E_NOMEM, "out of memory for a profile");
    for (int64_t i = 0; i < p->all.count; i++) add_watched(p, &p->all.lap[i]);
    const double step = bytes_of_step(&run->optimizer);
    add_own(p, OPTIMIZER, "step", "norm and step", step);
    add_own(p, OPTIMIZER, "pack", "weights packed", bytes_of_packing(run->model->params));
    add_own(p, DATA, "data", "batches read", 0);
    add_waiting(p);
    add_own(p, OTHER, "rest", "between updates", 0);
    qsort(p->rows, (size_t)f->count, sizeof *p->rows, by_part_and_time);
    return HEED_OK;
}

static heed_status conclude(profiling *p, heed_error *err)
{
    heed_profile *f = &p->profile;
    f->threads = p->run.threads;
    f->updates = p->run.state.update - p->run.first_update;
    f->seconds = p->seconds / (double)f->updates;
    f->symbols = (double)p->symbols / (double)f->updates;
    measure_machine(f);
    heed_status status = make_rows(p, err);
    if (status) return status;
    heed_profile_part *parts = calloc((size_t)f->count, sizeof *parts);
    if (!parts) return heed_fail(err, HEED_E_NOMEM, "out of memory for a profile");
    for (int i = 0; i < f->count; i++) {
        parts[i] = p->rows[i].shown;
        parts[i].what = p->rows[i].what;
        f->ceiling += parts[i].limit;
    }
    f->parts = parts;
    f->owner = p->rows;
    p->rows = NULL;
    return HEED_OK;
}

/* --- all together -------------------------------------------------------------------------------------------------------------------------- */

static heed_status make(profiling *p, const heed_training *t, heed_error *err)
{
    heed_run *run = &p->run;
    p->options = *t->options;
    if (p->options.max_updates > 0) p->options.max_seconds = 0;
    else if (!(p->options.max_seconds > 0)) p->options.max_seconds = usual_seconds;
    const heed_training training = {.options = &p->options, .metric = t->metric, .user = t->user};
    heed_status status = heed_run_rehearse(run, &training, err);
    if (status) return status;
    p->worker = calloc((size_t)run->threads, sizeof *p->worker);
    if (!p->worker) return heed_fail(err, HEED_E_NOMEM, "out of memory for a profile");
    heed_pace_reset(&run->shown);
    status = warm_up(p, err);
    if (!status) status = run_updates(p, err);
    return status ? status : conclude(p, err);
}

static void clear(profiling *p)
{
    for (int i = 0; i < HEED_MAX_SHARDS; i++) heed_stopwatch_free(&p->shard[i]);
    for (int i = 0; p->worker && i < p->run.threads; i++) heed_stopwatch_free(&p->worker[i]);
    heed_stopwatch_free(&p->own);
    heed_stopwatch_free(&p->all);
    free(p->worker);
    free(p->rows);
    heed_run_close(&p->run);
}

heed_profile *heed_training_profile(const heed_training *t, heed_error *err)
{
    heed_error why = {.status = HEED_OK};
    profiling *p = calloc(1, sizeof *p);
    heed_profile *made = calloc(1, sizeof *made);
    heed_status status = p && made ? HEED_OK : heed_fail(&why, HEED_E_NOMEM, "out of memory for a profile");
    if (p) p->run.lock = -1;
    if (!status) status = make(p, t, &why);
    if (!status) *made = p->profile;
    if (p) clear(p);
    free(p);
    if (!status) return made;
    free(made);
    if (err) *err = why;
    return NULL;
}

void heed_profile_free(heed_profile *p)
{
    if (!p) return;
    free((void *)p->parts);
    free(p->owner);
    free(p);
}
