/* The server's main thread. */
#ifndef HEED_SERVE_HTTP_H
#define HEED_SERVE_HTTP_H

#include "address.h"
#include "routes.h"

typedef struct http http;

/* Listens, and has workers; o must outlive it. NULL: err says why. */
http *http_new(const serve_options *o, heed_error *err);
const char *http_url(const http *h);
bool http_is_open(const http *h);     /* to other machines */
/* Serves until stop says true, which is asked several times a second; then takes no new request, answers those that have begun, and returns. */
void http_run(http *h, bool (*stop)(void *user));
void http_free(http *h);              /* NULL is fine */

#endif
