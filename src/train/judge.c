/* Validation, what follows from it, and saving: train/run.h. */
#include <math.h>
#include <string.h>

#include "model/words.h"
#include "train/run.h"

bool heed_run_due(const heed_run *run)
{
    const heed_recipe *r = heed_run_recipe(run);
    const heed_train_state *s = &run->state;
    if (s->update == 0 || s->validated == s->update) return false;
    if (!r->train.validate.by_epoch) return s->update % r->train.validate.every == 0;
    return s->data.epoch > 0 && s->data.block == 0 && s->data.batch == 0;
}

static void tell_left_out(const heed_run *run, const heed_loader_counts *c)
{
    char number[HEED_GROUP_SIZE];
    heed_buf limits = {0};
    heed_run_name_limits(run, false, &limits);
    if (c->too_long > 0 && limits.data)
        heed_run_say(run, HEED_EVENT_WARNING, "%s validation records are longer than %s and left out of the loss", heed_group(number, c->too_long), limits.data);
    heed_buf_free(&limits);
}

static heed_status measure_loss(heed_run *run, heed_train_state *next, heed_error *err)
{
    heed_valid v;
    heed_buf where = {0};
    heed_status status = heed_validator_run(run->validator, run->shards, heed_run_stopped, run, &v, &where, err);
    next->valid_loss = next->metric = v.loss;
    if (!status && !isfinite(v.loss))
        status = heed_run_diverged(run, next->update, "the loss on the validation data is not finite", where.data ? where.data : "", err);
    heed_buf_free(&where);
    return status;
}

static heed_status measure(heed_run *run, heed_train_state *next, heed_error *err)
{
    const char *metric = heed_run_recipe(run)->train.validate.metric;
    heed_status status = measure_loss(run, next, err);
    if (status) return status;
    if (!next->validated) tell_left_out(run, heed_validator_counts(run->validator));
    if (strcmp(metric, "loss") == 0) return HEED_OK;
    status = heed_params_pack(run->model->params, false, run->threads, err);   /* answers are written a symbol at a time */
    if (!status) status = run->training->metric(run->training->user, run->model, run->valid.path, run->valid.count, metric, run->threads, &next->metric, err);
    return status ? status : heed_params_pack(run->model->params, true, run->threads, err);
}

/* What a figure means for the best model, for early stopping and for the plateau schedule. */
static void conclude(const heed_run *run, heed_train_state *s)
{
    const heed_recipe *r = heed_run_recipe(run);
    const int64_t patience = r->train.schedule.patience > 0 ? r->train.schedule.patience : 1;
    if (!s->best_update || (run->higher ? s->metric > s->best : s->metric < s->best)) {
        s->best = s->metric;
        s->best_update = s->update;
        s->bad = s->plateau = 0;
        return;
    }
    s->bad++;
    if (++s->plateau < patience || r->train.schedule.type != HEED_SCHEDULE_PLATEAU) return;
    s->scale *= r->train.schedule.factor;
    s->plateau = 0;
}

static heed_status save_failed(const heed_run *run, const heed_error *why, heed_error *err)
{
    char good[HEED_PATH] = "none", number[HEED_GROUP_SIZE];
    if (run->saved) heed_step_path(good, run->dir, run->saved, NULL);
    if (why->status == HEED_E_DIVERGED) return heed_run_diverged(run, run->state.update, why->text, "", err);
    return heed_fail(err, why->status, "%.500s; the checkpoint of update %s was not made, last good checkpoint: %.300s; make room and go on with --resume",
                     why->text, heed_group(number, run->state.update), good);
}

heed_status heed_run_judge(heed_run *run, heed_error *err)
{
    heed_train_state next = run->state;   /* a validation that is stopped leaves no trace */
    if (run->validator) {
        heed_status status = measure(run, &next, err);
        if (status) return status;
        conclude(run, &next);
    }
    next.validated = next.update;
    run->state = next;
    if (run->validator) {
        heed_error why = {.status = HEED_OK};
        heed_status status = heed_run_write(run, true, &why);
        if (!status) status = heed_run_film(run, true, &why);
        if (status) return save_failed(run, &why, err);
        heed_run_show_valid(run);
    }
    heed_pace_reset(&run->judged);
    return heed_run_save(run, err);
}

heed_status heed_run_save(heed_run *run, heed_error *err)
{
    const heed_recipe *r = heed_run_recipe(run);
    heed_error why = {.status = HEED_OK};
    char path[HEED_PATH];
    run->state.logged = run->written.meter;
    run->state.judged = run->judged.meter;
    run->state.seconds = heed_run_seconds(run);
    const heed_checkpoint c = {.dir = run->dir, .model = run->model, .optimizer = &run->optimizer, .state = &run->state, .keep = r->train.keep,
                               .fleeting = run->fleeting};
    if (heed_checkpoint_save(&c, &why)) return save_failed(run, &why, err);
    run->saved = run->state.update;
    run->fleeting = run->state.validated == run->state.update ? 0 : run->state.update;
    heed_status status = heed_step_path(path, run->dir, run->saved, err);
    if (!status) heed_run_say(run, HEED_EVENT_SAVED, "%s", path);
    return status;
}
