/* Jobs and those who do them: a queue that holds so many, and workers with a session each. All calls but the work itself come from the main thread. */
#ifndef HEED_SERVE_JOBS_H
#define HEED_SERVE_JOBS_H

#include "answer.h"
#include "serve.h"

typedef struct job job;
typedef struct crew crew;

/* What a worker has at hand. */
typedef struct worker { crew *crew; const serve_options *options; heed_session *session; } worker;

typedef struct order {
    void (*work)(const worker *w, job *j);       /* fills the job's answer */
    void (*done)(void *user);                    /* called by the worker, on its thread, when it has, unless the job was left */
    void *user;
    char *body; size_t size;                     /* malloc; the job's from job_new() on */
    char *text, *target;                         /* of a form, malloc, likewise; NULL: the body is JSON */
    bool page;                                   /* who asks reads pages */
} order;

/* NULL: out of memory, and what the order holds is freed. */
job *job_new(const order *o);
const order *job_order(const job *j);
answer *job_answer(job *j);                      /* the worker's while it works, then the main thread's */
bool job_left(void *job);                        /* nobody waits for it any more; fits heed_explanation_options.stop */
void job_free(job *j);                           /* one that was never put, or is done */

typedef struct crew_state { int workers, working, waiting; } crew_state;

/* o must outlive the crew. NULL: err says why. */
crew *crew_new(const serve_options *o, heed_error *err);
bool crew_room(crew *c);                         /* for one more */
void crew_put(crew *c, job *j);                  /* when there is room */
/* Whether it is done, and the caller's again. */
bool crew_done(crew *c, job *j);
/* Nobody waits for it any more: it is not done, or as far as it is; and freed, at once or when its worker meets that. */
void crew_leave(crew *c, job *j);
crew_state crew_look(crew *c);
void crew_free(crew *c);                         /* when no job waits or is worked on; NULL is fine */

#endif
