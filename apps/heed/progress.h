/* Training as it is told to a person: one living line on a terminal, a plain line now and then elsewhere. All on standard error. */
#ifndef HEED_CLI_PROGRESS_H
#define HEED_CLI_PROGRESS_H

#include "cli.h"
#include "term.h"

typedef struct cli_progress {
    const char *name;              /* stands before each line, NULL: none */
    bool quiet;
    cli_term term;
    double shown;                  /* seconds of the run at the last line */
    bool alive;                    /* a living line stands on the terminal */
    double valid_loss, metric;     /* of the last validation; negative: none yet */
    const char *metric_name;
} cli_progress;

void cli_progress_init(cli_progress *p, const cli_globals *g, const char *name);
void cli_progress_event(cli_progress *p, const heed_event *e);
void cli_progress_end(cli_progress *p);        /* leaves the living line as it is and goes to the next */

/* Numbers as people read them. */
void cli_count(char *out, size_t size, int64_t value);              /* "12,000" */
void cli_duration(char *out, size_t size, double seconds);          /* "40 s", "6 min", "2 h 10 min" */
void cli_rate(char *out, size_t size, double value);                /* "940", "18.2k" */

#endif
