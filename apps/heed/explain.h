/* heed explain with lenses: what cmd_explain.c reads and explain_lens.c does. */
#ifndef HEED_CLI_EXPLAIN_H
#define HEED_CLI_EXPLAIN_H

#include "cli.h"
#include "look.h"

typedef struct explain_values {
    const char *svg, *target, *out;
    bool json, steps, film, corpus, csv, tex, npy, heads, trust;
    int64_t sentence;
    cli_texts lenses, what_if;
    cli_look look;
    cli_settings settings;
    cli_ensemble ensemble;
} explain_values;

/* Whether what was given asks for lenses. */
bool explain_wants_lenses(const explain_values *v);
/* The exit when forms do not go together, which was said; else -1. */
int explain_check_lenses(const explain_values *v);
int explain_by_lenses(cli_open *open, const char *dir, const char *text, const cli_globals *g, const explain_values *v);

#endif
