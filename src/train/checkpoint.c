/* Saving a checkpoint: train/checkpoint.h. */
#include "train/checkpoint.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "tensor/tape.h"

static void tell(heed_provenance *p, const char *name, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(p->text[p->count], sizeof p->text[p->count], format, arguments);
    va_end(arguments);
    p->pairs[2 * p->count] = name;
    p->pairs[2 * p->count + 1] = p->text[p->count];
    p->pairs[2 * ++p->count] = NULL;
}

const char *const *heed_provenance_fill(heed_provenance *p, const heed_train_state *s, const char *metric, int64_t mean)
{
    p->count = 0;
    tell(p, "updates", "%lld", (long long)s->update);
    tell(p, "epochs", "%lld", (long long)s->data.epoch);
    tell(p, "seconds", "%lld", (long long)s->seconds);
    tell(p, "seed", "%llu", (unsigned long long)s->seed);
    if (mean) tell(p, "mean_of_checkpoints", "%lld", (long long)mean);
    const bool judged = s->best_update && !mean;
    if (judged) tell(p, "valid_loss", "%.6g", s->valid_loss);
    if (judged && strcmp(metric, "loss") != 0) tell(p, metric, "%.6g", s->metric);
    return p->pairs;
}

static heed_status check_weights(const heed_checkpoint *c, heed_error *err)
{
    for (int64_t i = 0; i < heed_params_count(c->model->params); i++) {
        const heed_weight *w = heed_params_at(c->model->params, i);
        if (!heed_kernels_get()->all_finite(w->tensor.x, w->tensor.rows * w->tensor.cols))
            return heed_fail(err, HEED_E_DIVERGED, "update %lld made weight \"%s\" infinite or NaN", (long long)c->state->update, w->name);
    }
    return HEED_OK;
}

static heed_status save_member(heed_status (*save)(const heed_checkpoint *c, const char *path, heed_error *err), const heed_checkpoint *c, const char *dir,
                               const char *name, heed_error *err)
{
    char path[HEED_PATH];
    heed_status status = heed_path_join(path, sizeof path, dir, name, err);
    return status ? status : save(c, path, err);
}

static heed_status save_optimizer(const heed_checkpoint *c, const char *path, heed_error *err) { return heed_optimizer_save(c->optimizer, path, err); }
static heed_status save_state(const heed_checkpoint *c, const char *path, heed_error *err) { return heed_train_state_save(c->state, path, err); }

static heed_status write_aside(const heed_checkpoint *c, const char *aside, heed_error *err)
{
    heed_provenance p;
    heed_status status = heed_dir_remove(aside, err);
    if (!status) status = heed_dir_make(aside, err);
    if (!status) status = heed_model_save(c->model, aside, HEED_F32, heed_provenance_fill(&p, c->state, c->model->recipe.train.validate.metric, 0), err);
    if (!status) status = save_member(save_optimizer, c, aside, "optimizer.safetensors", err);
    if (!status) status = save_member(save_state, c, aside, "train_state.json", err);
    return status ? status : heed_dir_sync(aside, err);
}

static heed_status write_step(const heed_checkpoint *c, const char *path, heed_error *err)
{
    char aside[HEED_PATH];
    if (heed_path_is_dir(path)) return save_member(save_state, c, path, "train_state.json", err);
    if ((size_t)snprintf(aside, sizeof aside, "%s.tmp", path) >= sizeof aside) return heed_fail(err, HEED_E_USAGE, "%.80s...: the path is too long", path);
    heed_status status = write_aside(c, aside, err);
    if (!status && rename(aside, path)) status = heed_fail(err, HEED_E_IO, "%s: cannot be renamed into place: %s", aside, strerror(errno));
    if (!status) return heed_dir_sync(c->dir, err);
    heed_dir_remove(aside, NULL);
    return status;
}

/* Renamed first, so that a kill leaves no half of a checkpoint under its name. */
static heed_status drop_step(const char *dir, int64_t update, heed_error *err)
{
    char path[HEED_PATH], aside[HEED_PATH + 8];
    heed_status status = heed_step_path(path, dir, update, err);
    if (status || !heed_path_is_dir(path)) return status;
    snprintf(aside, sizeof aside, "%s.tmp", path);
    if (rename(path, aside)) return heed_fail(err, HEED_E_IO, "%s: cannot be removed: %s", path, strerror(errno));
    return heed_dir_remove(aside, err);
}

static heed_status prune(const heed_checkpoint *c, heed_error *err)
{
    int64_t *steps, count;
    heed_status status = HEED_OK;
    if (c->fleeting && c->fleeting != c->state->update && c->fleeting != c->state->best_update) status = drop_step(c->dir, c->fleeting, err);
    if (!status) status = heed_steps_list(c->dir, &steps, &count, err);
    if (status) return status;
    for (int64_t i = c->keep; i < count && !status; i++)
        if (steps[i] != c->state->best_update && steps[i] != c->state->update) status = drop_step(c->dir, steps[i], err);
    free(steps);
    return status;
}

heed_status heed_checkpoint_save(const heed_checkpoint *c, heed_error *err)
{
    char path[HEED_PATH];
    heed_status status = check_weights(c, err);
    if (!status) status = heed_step_path(path, c->dir, c->state->update, err);
    if (!status) status = write_step(c, path, err);
    if (!status) status = heed_steps_link(c->dir, c->state->update, c->state->best_update, err);
    return status ? status : prune(c, err);
}
