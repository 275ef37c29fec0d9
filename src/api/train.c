/* heed_train: the training layer, given a way to measure what the model writes. */
#include <stdlib.h>

#include "api/evaluate.h"
#include "train/train.h"

static heed_status measure(void *user, const heed_model *m, const char *const *paths, int files, const char *metric, int threads, double *value, heed_error *err)
{
    (void)user;
    heed_session *s = heed_session_new(m, &(heed_session_options){.threads = threads}, err);
    if (!s) return err->status;
    heed_figure *figures = NULL;
    int count = 0;
    const heed_evaluation e = {.session = s, .paths = paths, .files = files, .metrics = metric};
    heed_status status = heed_evaluate(&e, "", &figures, &count, err);
    if (status == HEED_OK) *value = figures[0].value;
    free(figures);
    heed_session_free(s);
    return status;
}

heed_status heed_train(const heed_train_options *options, char **model_dir, heed_error *err)
{
    *model_dir = NULL;
    if (!options->recipe) return heed_fail(err, HEED_E_USAGE, "no recipe was given");
    return heed_training_run(&(heed_training){.options = options, .metric = measure}, model_dir, err);
}
