/* One update of the weights: train/run.h. Batches are run one after the other, their gradients summed, and the sum divided by all their symbols. */
#include <math.h>

#include "model/words.h"
#include "tensor/tape.h"
#include "train/run.h"
#include "train/schedule.h"

double heed_run_progress(const heed_run *run)
{
    const heed_recipe *r = heed_run_recipe(run);
    const heed_train_state *s = &run->state;
    const double within = s->records_per_epoch > 0 ? fmin((double)s->records / (double)s->records_per_epoch, 1) : 0;
    const double updates = r->train.updates > 0 ? (double)s->update / (double)r->train.updates : 0;
    const double epochs = r->train.epochs > 0 ? ((double)s->data.epoch + within) / (double)r->train.epochs : 0;
    return fmin(fmax(updates, epochs), 1);
}

heed_status heed_run_diverged(const heed_run *run, int64_t update, const char *what, const char *where, heed_error *err)
{
    char good[HEED_PATH] = "none was saved yet", number[HEED_GROUP_SIZE];
    if (run->saved) heed_step_path(good, run->dir, run->saved, NULL);
    return heed_fail(err, HEED_E_DIVERGED, "update %s: %s%s%.300s; last good checkpoint: %.300s; train anew with a lower train.rate or train.clip",
                     heed_group(number, update), what, *where ? ", " : "", where, good);
}

/* What has just been done, for whoever wants to know where time goes (profile.c). */
static void lap(const heed_run *run, const char *name) { heed_stopwatch_lap(run->watch, (heed_part){.name = name}, 0); }

static heed_status blame(const heed_run *run, const char *what, heed_error *err)
{
    heed_buf where = {0};
    const heed_params *p = run->model->params;
    if (!heed_shards_blame(run->shards, &where))
        for (int64_t i = 0; i < heed_params_count(p) && !where.size; i++) {
            const heed_weight *w = heed_params_at(p, i);
            if (!heed_kernels_get()->all_finite(heed_params_grads(p) + w->offset, w->tensor.rows * w->tensor.cols))
                heed_buf_printf(&where, "first in the gradient of weight \"%s\"", w->name);
        }
    heed_status status = heed_run_diverged(run, run->state.update + 1, what, where.data ? where.data : "", err);
    heed_buf_free(&where);
    return status;
}

heed_status heed_run_learn(heed_run *run, const heed_batch *b, bool first, double weight, heed_error *err)
{
    heed_loss_counts counts;
    bool finite;
    heed_status status = heed_shards_learn(run->shards, b, first, weight, &counts, &finite, err);
    lap(run, "shards");
    if (status) return status;
    if (!finite) return blame(run, "the loss is not finite", err);
    run->state.records += b->B;
    heed_run_count(run, &counts, b->source.N + b->target.N);
    return HEED_OK;
}

/* Up to train.accumulate batches of one epoch. *first: symbols of the first, by which all were divided; *all: of them all. */
static heed_status gather(heed_run *run, int64_t *first, int64_t *all, heed_error *err)
{
    const int64_t wanted = heed_run_recipe(run)->train.accumulate;
    const heed_batch *b;
    bool end = false;
    *first = *all = 0;
    for (int64_t i = 0; i < wanted && !end; i++) {
        heed_status status = heed_loader_next(run->loader, &b, &end, err);
        lap(run, "data");
        if (status || end) return status;
        if (i == 0) *first = b->target.N;
        *all += b->target.N;
        status = heed_run_learn(run, b, i == 0, 1 / (double)*first, err);
        if (status) return status;
    }
    return HEED_OK;
}

heed_status heed_run_apply(heed_run *run, double scale, heed_error *err)
{
    const heed_recipe *r = heed_run_recipe(run);
    heed_train_state *s = &run->state;
    const float *grads = heed_params_grads(run->model->params);
    run->state.norm = scale * heed_optimizer_norm(&run->optimizer, grads, run->threads);
    if (!isfinite(run->state.norm)) return blame(run, "the gradient is not finite", err);
    if (r->train.clip > 0 && run->state.norm > r->train.clip) scale *= r->train.clip / run->state.norm;
    heed_optimizer_step(&run->optimizer, grads, scale, run->state.rate, s->update + 1, run->threads);
    s->update++;
    lap(run, "step");
    const heed_status status = heed_params_pack(run->model->params, true, run->threads, err);
    lap(run, "pack");
    return status;
}

/* The loader tells of an epoch's end in a call of its own, which may come while batches are being gathered: those make an update first. */
heed_status heed_run_update(heed_run *run, bool *ended, heed_error *err)
{
    heed_train_state *s = &run->state;
    int64_t first, all;
    run->state.rate = heed_schedule_rate(heed_run_recipe(run), s->update + 1, heed_run_progress(run), s->scale);
    const int64_t epoch = s->data.epoch;
    heed_status status = gather(run, &first, &all, err);
    if (!status && all > 0) status = heed_run_apply(run, (double)first / (double)all, err);
    if (status) return status;
    s->data = heed_loader_get_state(run->loader);
    *ended = s->data.epoch > epoch;
    if (*ended) {
        s->records_per_epoch = s->records;
        s->records = 0;
    }
    return HEED_OK;
}
