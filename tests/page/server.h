/* heed serve, started for a test: the program that HEED names (default build/heed) with models/g2p-en. */
#ifndef HEED_TESTS_PAGE_SERVER_H
#define HEED_TESTS_PAGE_SERVER_H

typedef struct server { int pid; char url[128]; } server;     /* url: "http://127.0.0.1:40123/" */

/* Ends the program when it cannot. */
server server_start(void);
/* Its exit, or 128 and the signal that ended it. */
int server_stop(server *s);

#endif
