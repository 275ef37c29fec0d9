/* What can be asked for. A new route is a row of the table in routes.c. */
#ifndef HEED_SERVE_ROUTES_H
#define HEED_SERVE_ROUTES_H

#include "jobs.h"

typedef struct route {
    const char *path, *method;        /* "GET" (HEAD too) or "POST" */
    bool form;                        /* its body may be a form's too, not JSON alone */
    void (*now)(const serve_options *o, const crew_state *state, answer *a);     /* answers at once, on the main thread; NULL: a worker does */
    void (*work)(const worker *w, job *j);
} route;

/* NULL: a says why, 404 or 405. */
const route *route_find(const char *path, const char *method, answer *a);

/* The form of GET /. */
void form_show(const serve_options *o, const crew_state *state, answer *a);

#endif
