/* The inside of a session and a reply, for the files of src/api. */
#ifndef HEED_API_SESSION_H
#define HEED_API_SESSION_H

#include "base/arena.h"
#include "heed.h"
#include "heed/tensor.h"
#include "task/task.h"

struct heed_session {
    const heed_model *model;
    const heed_task *task;
    heed_tape **tapes;                /* [threads] */
    int threads;
    int64_t batch;
};

struct heed_reply {
    heed_arena **arenas;              /* [threads] */
    int threads;
    heed_output *outputs;
    int64_t count;
};

/* The cores this process may use. */
int heed_cores(void);

#endif
