/* The result of a run, DIR/model: train/run.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "model/safetensors.h"
#include "train/run.h"

/* Adds a checkpoint's weights to the sum, a slab of doubles. */
static heed_status add_step(const heed_run *run, int64_t update, double *sum, heed_error *err)
{
    char step[HEED_PATH], path[HEED_PATH];
    heed_status status = heed_step_path(step, run->dir, update, err);
    if (!status) status = heed_path_join(path, sizeof path, step, "model.safetensors", err);
    heed_safetensors *file = status ? NULL : heed_safetensors_open(path, err);
    if (!file) return err->status;
    const heed_params *p = run->model->params;
    for (int64_t i = 0; i < heed_params_count(p) && !status; i++) {
        const heed_weight *w = heed_params_at(p, i);
        const heed_named *found = heed_safetensors_find(file, w->name);
        const int64_t n = w->tensor.rows * w->tensor.cols;
        if (!found || found->rows * found->cols != n || found->number != HEED_F32)
            status = heed_fail(err, HEED_E_MODEL, "%s: tensor \"%s\" is missing, of another shape or not of floats", path, w->name);
        const float *x = status ? NULL : found->x;
        for (int64_t j = 0; j < n && !status; j++) sum[w->offset + j] += x[j];
    }
    heed_safetensors_close(file);
    return status;
}

static heed_status take_mean(const heed_run *run, const int64_t *steps, int64_t count, heed_error *err)
{
    const int64_t size = heed_params_size(run->model->params);
    float *values = heed_params_values(run->model->params);
    double *sum = calloc((size_t)size + 1, sizeof *sum);
    heed_status status = sum ? HEED_OK : heed_fail(err, HEED_E_NOMEM, "out of memory for the mean of checkpoints");
    for (int64_t i = 0; i < count && !status; i++) status = add_step(run, steps[i], sum, err);
    for (int64_t i = 0; i < size && !status; i++) values[i] = (float)(sum[i] / (double)count);
    free(sum);
    heed_params_touch(run->model->params);
    return status;
}

/* The mean is over checkpoints of validations; one that was made only to go on from does not count. */
static heed_status average(const heed_run *run, int64_t *mean, heed_error *err)
{
    const int64_t wanted = heed_run_recipe(run)->train.average;
    int64_t *steps, count, taken = 0;
    heed_status status = heed_steps_list(run->dir, &steps, &count, err);
    if (status) return status;
    for (int64_t i = 0; i < count && taken < wanted; i++)
        if (steps[i] != run->fleeting) steps[taken++] = steps[i];
    if (taken > 0) status = take_mean(run, steps, taken, err);
    free(steps);
    *mean = taken;
    return status;
}

/* Puts the weights of the result into the model and tells what they are: those of a state, or the mean of so many. */
static heed_status choose(heed_run *run, heed_train_state *told, int64_t *mean, heed_error *err)
{
    char step[HEED_PATH], path[HEED_PATH];
    const int64_t best = run->state.best_update;
    *told = run->state;
    *mean = 0;
    if (heed_run_recipe(run)->train.average > 0) return average(run, mean, err);
    if (!best || best == run->state.update) return HEED_OK;
    heed_status status = heed_step_path(step, run->dir, best, err);
    if (!status) status = heed_path_join(path, sizeof path, step, "train_state.json", err);
    if (!status) status = heed_train_state_load(told, path, err);
    return status ? status : take_mean(run, &best, 1, err);
}

/* A directory cannot be renamed over another that is not empty. */
static heed_status swap(const heed_run *run, const char *aside, const char *path, heed_error *err)
{
    char old[HEED_PATH];
    heed_status status = heed_path_join(old, sizeof old, run->dir, "model.old.tmp", err);
    if (!status) status = heed_dir_remove(old, err);
    if (status) return status;
    if (heed_path_exists(path) && rename(path, old)) return heed_fail(err, HEED_E_IO, "%s: cannot be renamed: %s", path, strerror(errno));
    if (rename(aside, path)) return heed_fail(err, HEED_E_IO, "%s: cannot be renamed into place: %s", aside, strerror(errno));
    status = heed_dir_sync(run->dir, err);
    return status ? status : heed_dir_remove(old, err);
}

static heed_status write_result(heed_run *run, const heed_train_state *told, int64_t mean, const char *path, heed_error *err)
{
    char aside[HEED_PATH];
    heed_provenance p;
    heed_status status = heed_path_join(aside, sizeof aside, run->dir, "model.tmp", err);
    if (!status) status = heed_dir_remove(aside, err);
    if (status) return status;
    status = heed_model_save(run->model, aside, HEED_F32, heed_provenance_fill(&p, told, heed_run_recipe(run)->train.validate.metric, mean), err);
    if (!status) status = swap(run, aside, path, err);
    if (status) heed_dir_remove(aside, NULL);
    return status;
}

heed_status heed_run_result(heed_run *run, char **model_dir, heed_error *err)
{
    char path[HEED_PATH];
    heed_train_state told;
    int64_t mean;
    heed_shards_free(run->shards);   /* the mean of checkpoints takes memory that a run at its end has to give */
    run->shards = NULL;
    heed_optimizer_free(&run->optimizer);
    heed_status status = heed_path_join(path, sizeof path, run->dir, "model", err);
    if (!status) status = choose(run, &told, &mean, err);
    if (!status) status = write_result(run, &told, mean, path, err);
    if (status || !model_dir) return status;
    *model_dir = strdup(path);
    return *model_dir ? HEED_OK : heed_fail(err, HEED_E_NOMEM, "out of memory");
}
