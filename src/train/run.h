/* One training from its opening to its end: what the files of this folder share. */
#ifndef HEED_TRAIN_RUN_H
#define HEED_TRAIN_RUN_H

#include "base/stopwatch.h"
#include "train/checkpoint.h"
#include "train/film.h"
#include "train/guide.h"
#include "train/log.h"
#include "train/shards.h"
#include "train/train.h"
#include "train/valid.h"

/* The files of one side of a recipe, found. */
typedef struct heed_places { char text[HEED_MAX_FILES][HEED_PATH]; const char *path[HEED_MAX_FILES]; int count; } heed_places;

/* Symbols since the last report of a kind, for loss and speed. */
typedef struct heed_pace { heed_meter meter; int64_t tokens; double since; } heed_pace;

typedef struct heed_run {
    const heed_training *training;
    const heed_train_options *options;
    char dir[HEED_PATH];
    int lock;                         /* descriptor of the directory, locked against a second training; -1: none */
    bool higher;                      /* a higher metric is better */
    int threads;
    heed_places train, valid;
    heed_guide_store guide;
    heed_model *model;                /* its recipe is that of the run */
    heed_loader *loader;
    heed_validator *validator;        /* NULL: no data to validate on */
    heed_model *base;                 /* runs along with the model that learns, const; NULL: none does */
    heed_shards *shards;
    heed_optimizer optimizer;
    heed_log log;
    heed_reel reel;
    heed_train_state state;
    double began, seconds_before;     /* clock when this call began, seconds trained before */
    int64_t first_update;             /* updates before this call */
    double first_progress;
    int64_t from;                     /* update of the checkpoint that a resumed run goes on from; 0: none */
    int64_t saved, fleeting;          /* updates of the last checkpoint, of one made only to go on from; 0: none */
    heed_pace shown, written, judged; /* since the last UPDATE event, line of the log, validation */
    bool told;                        /* what was left out of the data has been said */
    heed_stopwatch *watch;            /* of the calling thread, NULL: nobody wants to know where time goes */
} heed_run;

static inline const heed_recipe *heed_run_recipe(const heed_run *run) { return &run->model->recipe; }
double heed_run_seconds(const heed_run *run);                 /* trained so far, before a restart too */
bool heed_run_stopped(void *run);                             /* asks options.stop */

/* --- open.c: everything up to the first update -------------------------------------------------------------------------------- */
heed_status heed_run_open(heed_run *run, const heed_training *t, heed_error *err);
/* A new run that may learn but has no directory: nothing is written. */
heed_status heed_run_rehearse(heed_run *run, const heed_training *t, heed_error *err);
void heed_run_close(heed_run *run);
/* --- other.c: other models ---------------------------------------------------------------------------------------------------------------- */
/* The directory that a key of r names, from here or as a file of the recipe. HEED_E_MODEL. */
heed_status heed_run_find_model(const heed_run *run, const heed_recipe *r, const char *key, const char *given, char path[HEED_PATH], heed_error *err);
/* Opens the model of train.frozen_attention or train.adversary, if there is one. HEED_E_USAGE: it has another kind of decoder, other layers, heads or vocabularies,
 * holds shorter records, or copies where it is compared with; HEED_E_MODEL. */
heed_status heed_run_open_base(heed_run *run, heed_error *err);

/* --- first.c: first values ------------------------------------------------------------------------------------------------------------- */
/* The model of train.init_from; r takes its settings of text. HEED_E_USAGE: r was given others; HEED_E_MODEL. */
heed_model *heed_run_find_first(heed_run *run, heed_recipe *r, heed_error *err);
/* Copies weights by name. HEED_E_USAGE: a shape differs, or no name is known. What is not found on either side is said. */
heed_status heed_run_take_weights(const heed_run *run, heed_model *m, const heed_model *from, heed_error *err);
/* Freezes what train.freeze names. HEED_E_USAGE: a pattern without a weight, nothing left to learn. */
heed_status heed_run_freeze(const heed_run *run, heed_error *err);

/* --- begin.c --------------------------------------------------------------------------------------------------------------------------- */
/* A new model with vocabularies of the training data, or of train.init_from. Takes over the recipe, also when it fails. */
heed_model *heed_run_build(heed_run *run, heed_recipe *recipe, heed_error *err);

/* --- plan.c ---------------------------------------------------------------------------------------------------------------------------- */
/* HEED_E_LIMIT: weights, gradients and moments alone are more than this machine's memory. Nothing is allocated. */
heed_status heed_run_fits(const heed_model *m, heed_error *err);

/* --- step.c: one update -------------------------------------------------------------------------------------------------------------- */
/* *ended: the epoch has ended, as a rule without an update. HEED_E_DIVERGED. */
heed_status heed_run_update(heed_run *run, bool *ended, heed_error *err);
/* The way there and back of one batch. Its gradient, of the loss times `weight`, is added to those of the batches before; first: in their place. */
heed_status heed_run_learn(heed_run *run, const heed_batch *b, bool first, double weight, heed_error *err);
/* The update by the gradient times `scale`, clipped. */
heed_status heed_run_apply(heed_run *run, double scale, heed_error *err);
double heed_run_progress(const heed_run *run);                /* share of the recipe's updates or epochs that lies behind, 0..1: for schedules */
/* Fails with HEED_E_DIVERGED: "update N: WHAT, WHERE; last good checkpoint: ...". */
heed_status heed_run_diverged(const heed_run *run, int64_t update, const char *what, const char *where, heed_error *err);

/* --- judge.c: validation and saving --------------------------------------------------------------------------------------------------- */
bool heed_run_due(const heed_run *run);                       /* an epoch, or the number of updates, is full and was not yet judged */
heed_status heed_run_judge(heed_run *run, heed_error *err);   /* validates, logs, saves; HEED_E_STOPPED: nothing happened */
heed_status heed_run_save(heed_run *run, heed_error *err);

/* --- film.c ---------------------------------------------------------------------------------------------------------------------------- */
heed_status heed_run_look(const heed_run *run, heed_buf *out, heed_error *err);      /* appends how the sentences look now; nothing where there are none */
heed_status heed_run_film(heed_run *run, bool judged, heed_error *err);              /* a line of the film; judged: with the figures of the validation */
heed_status heed_run_film_open(heed_run *run, heed_error *err);                      /* drops lines of validations that are to come again */

/* --- result.c -------------------------------------------------------------------------------------------------------------------------- */
/* DIR/model: the mean of the last validated checkpoints, the best one, or the latest. The weights of run->model are changed. */
heed_status heed_run_result(heed_run *run, char **model_dir, heed_error *err);

/* --- report.c: events ------------------------------------------------------------------------------------------------------------------ */
int64_t heed_run_epoch(const heed_run *run);                  /* the epoch under way, or the one that has just ended; from 1 */
void heed_run_say(const heed_run *run, heed_event_kind kind, const char *format, ...) HEED_PRINTF(3, 4);
void heed_run_name_limits(const heed_run *run, bool training, heed_buf *out);   /* "data.max_length (250 symbols), model.encoder.longest (64)": what records may not exceed */
void heed_run_announce(const heed_run *run);                  /* START */
void heed_run_count(heed_run *run, const heed_loss_counts *counts, int64_t tokens);   /* adds to all three paces */
void heed_run_show(heed_run *run);                            /* UPDATE, at most every half second */
void heed_run_show_valid(const heed_run *run);                /* VALID; before the pace is reset */
void heed_pace_reset(heed_pace *p);
heed_status heed_run_write(heed_run *run, bool judged, heed_error *err);     /* a line of the log */

#endif
