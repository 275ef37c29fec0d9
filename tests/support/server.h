/* heed serve, started for a test: the program that HEED names (default build/heed). */
#ifndef HEED_TESTS_SUPPORT_SERVER_H
#define HEED_TESTS_SUPPORT_SERVER_H

typedef struct server { int pid, port; char url[128]; } server;      /* url: "http://127.0.0.1:40123/" */

/* `options`: parted by spaces, after "-q serve MODEL --listen 127.0.0.1:0". Ends the program when it does not start. */
server server_start(const char *model, const char *options);
/* Its exit, or 128 and the signal that ended it. */
int server_wait(server *s);
int server_stop(server *s);                                           /* asks it to end first */

#endif
