/* What a stream can show. Without a terminal: no colour and no motion; NO_COLOR is honoured (no-color.org). */
#ifndef HEED_CLI_TERM_H
#define HEED_CLI_TERM_H

#include <stdbool.h>
#include <stdio.h>

typedef struct cli_term {
    bool motion;         /* a terminal that can rewrite a line */
    bool colour;
    bool unicode;        /* the locale writes UTF-8 */
    int columns;         /* 0: not a terminal */
} cli_term;

cli_term cli_term_of(FILE *stream);

#endif
