/* Training: data, loss, gradient, optimizer, checkpoints. heed_train() of heed.h is this layer's heed_training_run() after checks. */
#ifndef HEED_TRAIN_H
#define HEED_TRAIN_H

#include "heed.h"
#include "model/model.h"

/* How well a model does on a corpus: loss without smoothing and with the true symbols before (perplexity = exp(loss)). threads as elsewhere. */
typedef struct heed_valid { double loss; int64_t symbols, hits; } heed_valid;   /* loss: mean of -ln p; hits: symbols that were the likeliest */
/* Over all records, of any length. HEED_E_DATA; HEED_E_LIMIT: a record too long for the model, or for the memory at hand. Steady state: no allocation. */
heed_status heed_validate(const heed_model *m, const char *const *paths, int files, int threads, heed_valid *out, heed_error *err);

/* What only a task can tell: the metric of what the model itself writes. Returns the figure in *value. */
typedef heed_status (*heed_metric_fn)(void *user, const heed_model *m, const char *const *paths, int files, const char *metric, int threads, double *value,
                                      heed_error *err);

/* A pair of the validation data, and its line, from 1. */
typedef struct heed_sentence { const char *source, *target; int64_t line; } heed_sentence;
/* How sentences look to the model: appends a JSON array with an object for each, in one line. */
typedef heed_status (*heed_film_fn)(void *user, const heed_model *m, const heed_sentence *sentences, int count, int threads, heed_buf *out, heed_error *err);

typedef struct heed_training {
    const heed_train_options *options;
    heed_metric_fn metric;          /* for train.validate.metric other than "loss" */
    heed_film_fn film;              /* NULL: no film is made */
    void *user;                     /* of both */
} heed_training;

/* Trains as options say; *model_dir (may be NULL) is the caller's, free(). Nothing of the model's kind is known here but heed_model_loss().
 * Errors and threads: heed_train() in heed.h. A run that was cut short at any moment, by a kill as well, is resumed to the same bits. */
heed_status heed_training_run(const heed_training *t, char **model_dir, heed_error *err);

/* What that training would take: heed_plan() in heed.h. The metric is asked once, of the untrained model, for the memory that it takes. */
heed_status heed_training_plan(const heed_training *t, heed_forecast *forecast, heed_error *err);

/* Where an update's time goes: heed_bench() in heed.h. */
heed_profile *heed_training_profile(const heed_training *t, heed_error *err);

#endif
