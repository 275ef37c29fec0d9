/* Where the server waits, and by what names it may be asked. A page of anybody else that a browser shows can ask a server of this machine too: by its address,
 * which Origin tells, or by a name of its own that it lets lead here (DNS rebinding), which Host tells. */
#ifndef HEED_SERVE_ADDRESS_H
#define HEED_SERVE_ADDRESS_H

#include <heed.h>

typedef struct address { int socket; bool loopback; char url[128]; } address;     /* url: "http://127.0.0.1:8080/" */

/* Listens at "ADDRESS:PORT". HEED_E_USAGE: none such; HEED_E_IO: it cannot be had. */
heed_status address_open(address *a, const char *text, heed_error *err);

/* Whether a request with these headers (NULL: none) may come from where it does. On a loopback address the Host must be one of this machine's own names or of
 * `hosts`; elsewhere one of `hosts`, if there are any. An Origin must be the Host's. */
bool address_admits(const address *a, const char *const *hosts, int host_count, const char *host, const char *origin);

#endif
