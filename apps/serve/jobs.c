/* The queue and the workers: jobs.h. */
#include "jobs.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { MOST_WORKERS = 256 };

typedef enum stage { WAITING, WORKING, DONE } stage;

struct job {
    order order;
    answer answer;
    stage stage;                      /* under the crew's lock */
    atomic_bool left;
    job *next;
};

struct crew {
    pthread_mutex_t lock;
    pthread_cond_t more;
    job *first, *last;
    int waiting, working, most;
    bool over;
    int count, started;
    worker *workers;
    pthread_t *threads;
};

/* --- jobs ----------------------------------------------------------------------------------------------------------------------------------------- */

static void order_free(const order *o)
{
    free(o->body);
    free(o->text);
    free(o->target);
}

job *job_new(const order *o)
{
    job *j = calloc(1, sizeof *j);
    if (j)
        j->order = *o;
    else
        order_free(o);
    return j;
}

void job_free(job *j)
{
    order_free(&j->order);
    answer_free(&j->answer);
    free(j);
}

const order *job_order(const job *j) { return &j->order; }
answer *job_answer(job *j) { return &j->answer; }

bool job_left(void *user)
{
    const job *j = user;
    return atomic_load(&j->left);
}

/* --- the queue ------------------------------------------------------------------------------------------------------------------------------------ */

bool crew_room(crew *c)
{
    pthread_mutex_lock(&c->lock);
    const bool room = c->waiting + c->working < c->most + c->count;
    pthread_mutex_unlock(&c->lock);
    return room;
}

void crew_put(crew *c, job *j)
{
    pthread_mutex_lock(&c->lock);
    *(c->first ? &c->last->next : &c->first) = j;
    c->last = j;
    c->waiting++;
    pthread_cond_signal(&c->more);
    pthread_mutex_unlock(&c->lock);
}

static job *take(crew *c)
{
    job *j = c->first;
    c->first = j->next;
    c->waiting--;
    c->working++;
    j->stage = WORKING;
    return j;
}

static void take_out(crew *c, job *j)
{
    job **at = &c->first, *before = NULL;
    for (; *at != j; at = &(*at)->next)
        before = *at;
    *at = j->next;
    if (c->last == j)
        c->last = before;
    c->waiting--;
}

bool crew_done(crew *c, job *j)
{
    pthread_mutex_lock(&c->lock);
    const bool done = j->stage == DONE;
    pthread_mutex_unlock(&c->lock);
    return done;
}

void crew_leave(crew *c, job *j)
{
    pthread_mutex_lock(&c->lock);
    atomic_store(&j->left, true);
    const bool mine = j->stage != WORKING;
    if (j->stage == WAITING)
        take_out(c, j);
    pthread_mutex_unlock(&c->lock);
    if (mine)
        job_free(j);
}

crew_state crew_look(crew *c)
{
    pthread_mutex_lock(&c->lock);
    const crew_state state = {c->count, c->working, c->waiting};
    pthread_mutex_unlock(&c->lock);
    return state;
}

/* --- workers -------------------------------------------------------------------------------------------------------------------------------------- */

static void *work(void *user)
{
    worker *w = user;
    crew *c = w->crew;
    pthread_mutex_lock(&c->lock);
    for (;;) {
        while (!c->first && !c->over)
            pthread_cond_wait(&c->more, &c->lock);
        if (!c->first)
            break;
        job *j = take(c);
        pthread_mutex_unlock(&c->lock);
        j->order.work(w, j);
        pthread_mutex_lock(&c->lock);
        c->working--;
        if (job_left(j)) {
            job_free(j);
            continue;
        }
        j->stage = DONE;
        j->order.done(j->order.user);
    }
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

/* Signals are the main thread's, whose waiting they end. */
static int start(pthread_t *thread, worker *w)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int failed = pthread_create(thread, NULL, work, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}

crew *crew_new(const serve_options *o, heed_error *err)
{
    crew *c = calloc(1, sizeof *c);
    const int wanted = o->workers > 0 ? o->workers : heed_cores(), count = wanted < MOST_WORKERS ? wanted : MOST_WORKERS;
    if (c) {
        pthread_mutex_init(&c->lock, NULL);
        pthread_cond_init(&c->more, NULL);
        c->most = o->queue;
        c->workers = calloc((size_t)count, sizeof *c->workers);
        c->threads = calloc((size_t)count, sizeof *c->threads);
    }
    if (!c || !c->workers || !c->threads) {
        heed_fail(err, HEED_E_NOMEM, "out of memory for %d workers", count);
        crew_free(c);
        return NULL;
    }
    for (; c->count < count; c->count++) {
        worker *w = &c->workers[c->count];
        *w = (worker){c, o, heed_session_new(o->model, &(heed_session_options){.threads = 1, .sessions = count}, err)};
        if (!w->session) {
            crew_free(c);
            return NULL;
        }
    }
    for (; c->started < count; c->started++)
        if (start(&c->threads[c->started], &c->workers[c->started])) {
            heed_fail(err, HEED_E_NOMEM, "the system starts no more than %d of %d workers; ask for fewer with --threads", c->started, count);
            crew_free(c);
            return NULL;
        }
    return c;
}

void crew_free(crew *c)
{
    if (!c)
        return;
    pthread_mutex_lock(&c->lock);
    c->over = true;
    pthread_cond_broadcast(&c->more);
    pthread_mutex_unlock(&c->lock);
    for (int i = 0; i < c->started; i++)
        pthread_join(c->threads[i], NULL);
    for (int i = 0; i < c->count; i++)
        heed_session_free(c->workers[i].session);
    free(c->workers);
    free(c->threads);
    pthread_mutex_destroy(&c->lock);
    pthread_cond_destroy(&c->more);
    free(c);
}
