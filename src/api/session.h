/* The inside of a session and a reply, for the files of src/api. */
#ifndef HEED_API_SESSION_H
#define HEED_API_SESSION_H

#include "base/arena.h"
#include "heed.h"
#include "heed/tensor.h"
#include "task/task.h"

struct heed_session {
    const heed_model *model;
    const heed_model **ensemble;      /* [ensemble_count] */
    int ensemble_count;
    bool geometric;
    const heed_task *task;
    heed_tape **tapes;                /* [threads] */
    int threads;
    int64_t batch;
    struct heed_probe *probe;         /* of explanations; NULL until the first, and kept because it packs weights */
};

struct heed_reply {
    heed_arena **arenas;              /* [threads] */
    int threads;
    heed_output *outputs;
    int64_t count, splits;
};

/* Outputs that hold nothing yet, and an empty arena a thread; NULL: out of memory. */
heed_reply *heed_reply_new(int threads, int64_t count);

/* Settings with their defaults in place. HEED_E_USAGE: out of range, or two that exclude each other. */
heed_status heed_decode_settle(const heed_model *m, const heed_decode *asked, heed_decode *settled, heed_error *err);
/* A look with its defaults in place; NULL asks for these. HEED_E_USAGE: the model has no such layer or head; the text says which there are. */
heed_status heed_look_settle(const heed_model *m, const heed_look *asked, heed_look *settled, heed_error *err);
/* Hypotheses of an item that run side by side at most; fork: NULL for none. */
int64_t heed_decode_width(const heed_decode *settled, const heed_item *item, const heed_fork *fork);
/* HEED_E_USAGE: an item, or what is asked of it, that makes no sense. */
heed_status heed_request_check(const heed_session *s, const heed_request *q, heed_error *err);

#endif
