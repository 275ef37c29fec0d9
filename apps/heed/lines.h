/* Lines of a file or of standard input as they come: what one read(2) gave is answered before the next is waited for, so that a person at a
 * terminal gets each answer at once and a pipe of millions of lines takes bounded memory. */
#ifndef HEED_CLI_LINES_H
#define HEED_CLI_LINES_H

#include <heed.h>

typedef struct cli_lines {
    int fd;
    const char *name;            /* for messages */
    char *data;
    size_t begin, end, capacity; /* data[begin,end) is not handed out yet */
    bool finished;
    int64_t number;              /* of the line handed out last, from 1 */
} cli_lines;

/* path NULL or "-": standard input. False with HEED_E_DATA. */
bool cli_lines_open(cli_lines *l, const char *path, heed_error *err);
void cli_lines_close(cli_lines *l);
/* The next line if it is here already, without its end; a zero byte follows. Valid until cli_lines_fill(). */
bool cli_lines_ready(cli_lines *l, char **text, size_t *size);
/* Waits for more. False at the end, or with err set: HEED_E_DATA unreadable or a line above 16 MiB, HEED_E_NOMEM. */
bool cli_lines_fill(cli_lines *l, heed_error *err);
/* The next line, waiting for it. False as above; valid until the next call. */
bool cli_lines_read(cli_lines *l, char **text, size_t *size, heed_error *err);

#endif
