/* Where a training stands: all that a resumed run needs besides weights and the optimizer's slabs. Written as train_state.json. */
#ifndef HEED_TRAIN_STATE_H
#define HEED_TRAIN_STATE_H

#include "base/buf.h"
#include "data/batch.h"

/* A mean that is being taken. */
typedef struct heed_meter { double log_p; int64_t symbols; double guide; int64_t guided; } heed_meter;   /* as in heed_loss_counts */

typedef struct heed_train_state {
    int64_t update, validated;            /* updates done; the update of the last validation, 0: none yet */
    heed_loader_state data;               /* the batch to come */
    int64_t records, records_per_epoch;   /* seen of this epoch; in an epoch, from the corpus until one was seen whole */
    int64_t pairs;                        /* lines of the corpus with both sides */
    double best;                          /* figure of the best validation */
    int64_t best_update, bad;             /* when it was, 0: never; validations since without progress */
    double scale;                         /* what plateaus have left of the rate */
    int64_t plateau;                      /* validations without progress that count towards the next cut of the rate */
    heed_meter logged, judged;            /* training loss since the last line of the log, since the last validation */
    double rate, norm;                    /* of the last update: learning rate, length of the gradient */
    double valid_loss, metric;            /* of the last validation */
    double seconds;                       /* trained so far */
    uint64_t seed;
    char isa[24];                         /* kernels in use: another one gives other bits */
} heed_train_state;

heed_status heed_train_state_save(const heed_train_state *s, const char *path, heed_error *err);
/* HEED_E_MODEL: missing, damaged, of a newer format, a number out of range. */
heed_status heed_train_state_load(heed_train_state *s, const char *path, heed_error *err);

#endif
