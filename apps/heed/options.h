/* Options of the command line as rows of a table: parsing, help and the nearest name for a mistyped one come from the same row. */
#ifndef HEED_CLI_OPTIONS_H
#define HEED_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef struct cli_command cli_command;

enum { CLI_MANY = 64 };
typedef struct cli_texts { const char *items[CLI_MANY]; int count; } cli_texts;
/* A list of growing whole numbers, also when the option stands alone (then count is 0). */
typedef struct cli_edges { bool given; int64_t items[CLI_MANY]; int count; } cli_edges;

typedef enum cli_kind {
    CLI_FLAG,      /* bool */
    CLI_TEXT,      /* const char * */
    CLI_TEXTS,     /* cli_texts: may be repeated */
    CLI_WHOLE,     /* int64_t, from 0 */
    CLI_REAL,      /* double, from 0 */
    CLI_EDGES      /* cli_edges: the list may be left out */
} cli_kind;

typedef struct cli_option {
    const char *name;          /* with its dashes */
    const char *value;         /* as help calls it; NULL for a flag; "a|b" admits these words only */
    cli_kind kind;
    size_t at;                 /* offset in the command's struct of values */
    const char *help;
} cli_option;

typedef struct cli_rest { char **items; int count; } cli_rest;          /* what is not an option, moved to the front of argv */

/* Where values of a table go. */
typedef struct cli_table { const cli_option *rows; void *values; } cli_table;

typedef enum cli_parsed { CLI_PARSED, CLI_PARSED_HELP, CLI_PARSED_WRONG } cli_parsed;

/* Reads argv against the tables (up to a row without a name). `--` ends the options, `-` is an argument. first_only: stops before the first
 * argument, whose place is then *stopped. Wrong: said on standard error. `command` is for messages, NULL: none. */
cli_parsed cli_options_parse(const char *command, const cli_table *tables, int table_count, int argc, char **argv, bool first_only, int *stopped,
                             cli_rest *rest);
void cli_options_print(const cli_option *rows, FILE *out);

/* The entry of names (ends with NULL) that is spelt most alike, NULL when none is near. */
const char *cli_nearest(const char *word, const char *const *names);

#endif
