/* Checkpoints: DIR/step-N/ is a model directory with optimizer.safetensors and train_state.json. Written aside as step-N.tmp, every file synced, then
 * renamed; the symbolic links `latest` and `best` are replaced afterwards. A kill or a full disk at any moment leaves the older ones as they were. */
#ifndef HEED_TRAIN_CHECKPOINT_H
#define HEED_TRAIN_CHECKPOINT_H

#include "model/model.h"
#include "train/optimizer.h"
#include "train/state.h"

enum { HEED_PATH = 4096 };

/* What is saved and where. */
typedef struct heed_checkpoint {
    const char *dir;
    const heed_model *model;
    const heed_optimizer *optimizer;
    const heed_train_state *state;
    int64_t keep;                      /* checkpoints to keep besides the best */
    int64_t fleeting;                  /* update of a checkpoint made only to go on from it, which the next one replaces; 0: none */
} heed_checkpoint;

/* HEED_E_IO: the disk; HEED_E_DIVERGED: a weight is not finite, and nothing was saved. Saving twice at one update only renews the state. */
heed_status heed_checkpoint_save(const heed_checkpoint *c, heed_error *err);

/* "DIR/step-N" */
heed_status heed_step_path(char out[HEED_PATH], const char *dir, int64_t update, heed_error *err);
/* The updates of the checkpoints in dir, the newest first; *steps is the caller's, free(). HEED_E_IO. */
heed_status heed_steps_list(const char *dir, int64_t **steps, int64_t *count, heed_error *err);
/* Where to go on: the checkpoint that `latest` names, else the newest; 0: there is none. HEED_E_MODEL: `latest` points at nothing. */
heed_status heed_steps_latest(const char *dir, int64_t *update, heed_error *err);
/* Points `latest` and `best` (0: not yet) at their checkpoints, in this order. */
heed_status heed_steps_link(const char *dir, int64_t latest, int64_t best, heed_error *err);
/* Removes what a killed run left behind: temporary files, and checkpoints newer than `update`. */
heed_status heed_steps_tidy(const char *dir, int64_t update, heed_error *err);

/* What a model's attn.json tells of its training, as heed_model_save() wants it. mean: of so many checkpoints, 0: the weights of s. */
typedef struct heed_provenance { char text[6][40]; const char *pairs[13]; int count; } heed_provenance;
const char *const *heed_provenance_fill(heed_provenance *p, const heed_train_state *s, const char *metric, int64_t mean);

#endif
