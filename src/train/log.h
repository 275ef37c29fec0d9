/* log.jsonl of a run: one object a line, for every validation and every 100 updates. */
#ifndef HEED_TRAIN_LOG_H
#define HEED_TRAIN_LOG_H

#include "base/buf.h"

enum { HEED_LOG_EVERY = 100 };   /* updates */

typedef struct heed_log { char path[4096]; heed_buf line; } heed_log;
/* {0} but for path is a log that is open. */
void heed_log_free(heed_log *l);

typedef struct heed_log_entry {
    int64_t update, epoch;
    double seconds, loss, tokens_per_second, rate, norm;
    bool guided;                       /* guided_loss is there */
    double guided_loss;
    bool judged;                       /* the rest is there too */
    double valid_loss, metric;
    const char *metric_name;
} heed_log_entry;

/* Appends ", "valid_loss": ..., "metric": ..., "metric_name": ..." of a validation. */
void heed_log_figures(heed_buf *out, double valid_loss, double metric, const char *metric_name);
/* {"update", "epoch", "seconds", "loss", "tokens_per_second", "rate", "norm"[, "guided_loss"][, "valid_loss", "metric", "metric_name"]}; a number that is not finite is null. */
heed_status heed_log_write(heed_log *l, const heed_log_entry *e, heed_error *err);
/* Drops lines of updates after this one, and a half line at the end: what a killed run did after its last checkpoint is done again. */
heed_status heed_log_cut(heed_log *l, int64_t update, heed_error *err);

#endif
