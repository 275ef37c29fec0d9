/* --layer, --head, --shift, --threshold and --empty: whose attention links and pictures are made of. */
#ifndef HEED_CLI_LOOK_H
#define HEED_CLI_LOOK_H

#include "cli.h"

typedef struct cli_look { int64_t layer, head; const char *shift, *empty; double threshold; } cli_look;
#define CLI_LOOK_NOT_GIVEN {.layer = -1, .head = -1, .shift = NULL, .empty = NULL, .threshold = -1}

/* Rows of an option table; `values` has a cli_look named look. */
#define CLI_LOOK(values)                                                                                                                              \
    {"--layer", "N", CLI_WHOLE, offsetof(values, look.layer), "attention of this layer, from 0; default: as chosen for the model, else the last"},    \
    {"--head", "N", CLI_WHOLE, offsetof(values, look.head), "of this head of it, from 0; default: as chosen for the model, else the mean of all"},    \
    {"--shift", "0|1", CLI_TEXT, offsetof(values, look.shift), "1: of the step that read a symbol, not of the one that wrote it"},                    \
    {"--threshold", "P", CLI_REAL, offsetof(values, look.threshold), "link all words of this weight or more, to 1; 0: each word's heaviest"},          \
    {"--empty", "0|1", CLI_TEXT, offsetof(values, look.empty), "1: a word that looked at </s> most has no heaviest; weights of words as they are"}

/* What was given, the rest as chosen for the model; a layer or a head that is given does away with that choice. */
heed_look cli_look_of(const cli_look *given, const heed_model *m);

#endif
