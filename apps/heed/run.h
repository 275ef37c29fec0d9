/* heed run in three parts: cmd_run.c (what was asked, batch after batch), run_read.c (lines to items), run_print.c (outputs to lines). */
#ifndef HEED_CLI_RUN_H
#define HEED_CLI_RUN_H

#include "cli.h"
#include "lines.h"
#include "look.h"

enum { CLI_NOT_GIVEN = -1 };

typedef struct cli_run_values {
    const char *input, *align, *target, *prefix, *prefixes, *constraints;
    bool scores, json, weights, keep_going, sample;
    cli_look look;
    int64_t beam, nbest, top_k, seed, alternatives, at;
    double temperature, top_p;
    cli_texts must, never;
    cli_settings settings;
    cli_ensemble ensemble;
} cli_run_values;

enum { CLI_AT_ONCE = 1024, CLI_REPORTED = 5 };

/* One line of input: an item, an empty line, or why it cannot be read. */
typedef struct cli_record {
    int64_t line;
    int64_t item;             /* its place in the request, -1: none */
    char *memory, *beside;    /* what the item's texts live in, when not in the line itself; beside: of the target or prefix from a file */
    char *wording;            /* the line of --constraints, cut into words */
    const char **words;       /* [must + never] */
    int64_t must, never;
    heed_status status;
    char *error;
} cli_record;

typedef struct cli_running {
    const cli_run_values *v;
    heed_session *session;
    heed_look look;
    cli_lines input, beside, wording;   /* beside: lines of --target or --prefixes; wording: of --constraints; side by side with the input */
    const cli_globals *globals;
    heed_decode decode;
    cli_record records[CLI_AT_ONCE];
    heed_item items[CLI_AT_ONCE];
    int64_t count, item_count;
    int64_t answered;                   /* records before this chunk: the next id */
    int64_t failures;
    char reports[CLI_REPORTED][400];
    heed_status status;                 /* of what ended the run */
} cli_running;

/* As many records as are at hand, CLI_AT_ONCE at most. What is wrong with the files themselves is said, and ends up in status. */
void cli_run_read(cli_running *r);
void cli_run_forget(cli_running *r);                 /* the records read */
/* Files beside the input that go on behind its end: said. */
void cli_run_check_beside(cli_running *r);

/* The lines of an output and what belongs to it; id: of the record. */
heed_status cli_run_print(const cli_running *r, const heed_reply *reply, int64_t item, int64_t id);

#endif
