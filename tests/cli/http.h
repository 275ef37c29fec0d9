/* A client for tests of a server: it sends any bytes, as slowly as it likes, and reads until the server ends the connection. */
#ifndef HEED_TESTS_CLI_HTTP_H
#define HEED_TESTS_CLI_HTTP_H

#include <stdbool.h>
#include <stddef.h>

typedef struct reply { int status; char *text; size_t size; const char *body; double seconds; } reply;      /* status 0: none came; text: head and body */

int http_connect(int port);                                       /* a socket; ends the program when there is none in ten seconds */
bool http_send(int socket, const void *bytes, size_t size);       /* false: the server ended it */
reply http_read(int socket);                                      /* to the end, at most a minute; closes the socket */
void reply_free(reply *r);
bool reply_says(const reply *r, const char *text);                /* in head or body */

/* One request with such header lines ("A: b\r\n") besides Host, Content-Length and Connection: close. body NULL: none. */
reply http_ask(int port, const char *method, const char *path, const char *headers, const char *body, size_t size);
reply http_post(int port, const char *path, const char *json);

#endif
