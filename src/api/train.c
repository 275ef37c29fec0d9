/* heed_train and heed_bench: the training layer, given a way to measure what the model writes. */
#include <stdlib.h>

#include "api/evaluate.h"
#include "api/film.h"
#include "task/task.h"
#include "train/train.h"

static heed_status measure(void *user, const heed_model *m, const char *const *paths, int files, const char *metric, int threads, double *value, heed_error *err)
{
    (void)user;
    heed_session *s = heed_session_new(m, &(heed_session_options){.threads = threads}, err);
    if (!s) return err->status;
    heed_figure *figures = NULL;
    int count = 0;
    const heed_evaluation e = {.session = s, .paths = paths, .files = files, .metrics = metric, .beam = m->recipe.train.validate.beam, .leave_long = true};
    heed_status status = heed_evaluate(&e, "", &figures, &count, err);
    if (status == HEED_OK) *value = figures[0].value;
    free(figures);
    heed_session_free(s);
    return status;
}

/* Before hours are spent on it. */
static heed_status check_task(const heed_train_options *options, heed_error *err)
{
    heed_recipe r = {.version = 0};
    heed_status status = heed_recipe_open(&r, options->recipe, options->sets, options->set_count, err);
    if (status == HEED_OK && !heed_task_find(r.task)) {
        heed_buf names = {0};
        for (int i = 0; heed_task_at(i); i++) heed_buf_printf(&names, " %s", heed_task_at(i)->name);
        status = heed_fail(err, HEED_E_USAGE, "%s: unknown task \"%.60s\"; there is:%s", options->recipe, r.task, names.data ? names.data : "");
        heed_buf_free(&names);
    }
    heed_recipe_free(&r);
    return status;
}

heed_status heed_train(const heed_train_options *options, char **model_dir, heed_error *err)
{
    heed_error unwanted;
    if (!err) err = &unwanted;
    *model_dir = NULL;
    if (!options->recipe) return heed_fail(err, HEED_E_USAGE, "no recipe was given");
    heed_status status = check_task(options, err);
    return status == HEED_OK ? heed_training_run(&(heed_training){.options = options, .metric = measure, .film = heed_sentences_film}, model_dir, err) : status;
}

heed_profile *heed_bench(const heed_train_options *options, heed_error *err)
{
    heed_error unwanted;
    if (!err) err = &unwanted;
    if (!options->recipe) return heed_fail(err, HEED_E_USAGE, "no recipe was given"), NULL;
    return check_task(options, err) == HEED_OK ? heed_training_profile(&(heed_training){.options = options, .metric = measure}, err) : NULL;
}
