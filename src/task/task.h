/* A task: how a request becomes a batch and a batch a reply. One file and one row of tasks.def each. */
#ifndef HEED_TASK_H
#define HEED_TASK_H

#include "base/arena.h"
#include "explain/explain.h"
#include "heed.h"
#include "model/model.h"

/* A part of a request, run by one thread: items [count], their outputs, and where what belongs to the reply is kept. */
typedef struct heed_job {
    const heed_model *model;
    heed_tape *tape;
    heed_arena *arena;                /* the reply's; of one thread at a time */
    const heed_item *const *items;    /* [count] */
    heed_output **outputs;            /* [count] */
    int64_t count;
    bool weights;
    heed_step_view *steps;            /* when set, [limit] of the only item's steps, filled for heed_explain_steps */
    int64_t steps_limit, steps_count;
} heed_job;

typedef struct heed_task {
    const char *name, *help;
    int fields;                       /* of a record */
    int64_t (*length)(const heed_model *m, const heed_item *item);      /* for sorting into batches; -1: cannot be read */
    heed_status (*run)(heed_job *j, heed_error *err);
} heed_task;

const heed_task *heed_task_find(const char *name);        /* NULL: none */
const heed_task *heed_task_at(int i);                     /* NULL past the end */

/* Joins symbol weights [count, source_count] of an output to words, and takes the hard links. Uses and fills o. */
bool heed_output_align(heed_output *o, const float *weights, heed_arena *arena);

#endif
