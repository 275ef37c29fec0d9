/* A server of one model over HTTP. The main thread does all that goes over sockets and never waits for one of them; workers, each with a session of its own,
 * do nothing but run the model on requests that have wholly arrived. So a slow client holds a connection, but no thread, and none longer than the deadline. */
#ifndef HEED_SERVE_H
#define HEED_SERVE_H

#include "cli.h"

typedef struct serve_options {
    const heed_model *model;
    const char *name;                 /* of the model, for people */
    const char *listen;               /* "127.0.0.1:8080", "[::1]:0", ":8080": every address */
    const char *const *hosts; int host_count;    /* names by which it may be asked, besides those of the machine itself */
    int workers;                      /* 0: the cores this process may use */
    size_t text, body;                /* bytes of a text, of a request's body */
    unsigned connections;
    int queue;                        /* requests that wait for a worker */
    double deadline;                  /* seconds from a request's head to its answer; and as many for its head, and for who takes the answer */
    const cli_globals *globals;
} serve_options;

/* Serves until a signal, see stop.h; gives the exit. */
int serve_run(const serve_options *o);

#endif
