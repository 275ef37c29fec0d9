/* What the commands of the program share: the table of commands, exits, words on the terminal. The program sees nothing of the library but
 * heed.h. Results go to standard output, all else to standard error. */
#ifndef HEED_CLI_H
#define HEED_CLI_H

#include <heed.h>

#include "options.h"

#include <stdio.h>

enum { EXIT_OK = 0, EXIT_OUTSIDE = 1, EXIT_USAGE = 2, EXIT_MODEL = 3, EXIT_DATA = 4, EXIT_LIMIT = 5, EXIT_DIVERGED = 6 };

/* Settings of every command. */
typedef struct cli_globals { int64_t threads; bool quiet; } cli_globals;

struct cli_command {
    const char *name, *arguments, *summary;
    const char *text;                       /* the body of its help */
    const cli_option *options;              /* ends with a row without a name */
    int (*run)(const cli_command *self, const cli_globals *g, int argc, char **argv);      /* argv after the command's name; gives the exit */
};

#define CLI_COMMAND(name) extern const cli_command cli_##name;
#include "commands.def"
#undef CLI_COMMAND

const cli_command *const *cli_commands(void);           /* all, ends with NULL */
const cli_option *cli_global_options(void);
const cli_command *cli_command_find(const char *name);  /* NULL: none */

/* Reads the options of a command and its global ones; g is a copy of what stood before the command's name. Returns -1 to go on, else the exit:
 * --help was asked, or something is wrong and was said. Fewer than `least` or more than `most` arguments print the usage. */
int cli_begin(const cli_command *c, cli_globals *g, void *values, cli_rest *rest, int argc, char **argv, const char *const *needed, int most);

void cli_print_usage(const cli_command *c, FILE *out);
void cli_print_help(const cli_command *c, FILE *out);
void cli_print_overview(FILE *out);

int cli_exit(heed_status status);                       /* the exit of a status; of HEED_E_STOPPED as for SIGINT */
int cli_fail(const heed_error *err);                    /* says it, gives the exit */
int cli_usage_error(const char *format, ...) HEED_PRINTF(1, 2);
void cli_complain(const char *format, ...) HEED_PRINTF(1, 2);            /* "heed: ..." */
void cli_say(const cli_globals *g, const char *format, ...) HEED_PRINTF(2, 3);      /* unless -q */

/* `--set` and `--precision` of the commands that open a model; `values` has a cli_settings named settings. */
typedef struct cli_settings { cli_texts sets; const char *precision, *shortlist; } cli_settings;
#define CLI_SETTINGS(values)                                                                                                                          \
    {"--set", "KEY=VALUE", CLI_TEXTS, offsetof(values, settings.sets),                                                                                 \
     "in the place of the model's own: decode.length_penalty=0.6, say, or model.attention.align=hard; may be repeated"},                               \
    {"--precision", "f32|bf16|int8", CLI_TEXT, offsetof(values, settings.precision), "numbers that products multiply, also of an ensemble's others; default: decode.precision"}
/* `--shortlist` of those that write. */
#define CLI_SHORTLIST(values)                                                                                                                         \
    {"--shortlist", "FILE", CLI_TEXT, offsetof(values, settings.shortlist), "answers are made of the symbols that this file has for their source (heed shortlist)"}
/* `--ensemble` and `--ensemble-mean`; `values` has a cli_ensemble named ensemble. */
typedef struct cli_ensemble { cli_texts models; const char *mean; } cli_ensemble;
#define CLI_ENSEMBLE(values)                                                                                                                          \
    {"--ensemble", "MODEL,...", CLI_TEXTS, offsetof(values, ensemble.models), "these write with it: at each step the mean of all probabilities decides"},   \
    {"--ensemble-mean", "arithmetic|geometric", CLI_TEXT, offsetof(values, ensemble.mean), "of p (default), or of ln p"}
/* Opens model and session, with settings (NULL: none) of the first of an ensemble (NULL: it is alone), whose precision is that of the others too; says where this
 * processor has no instructions for it. False when it failed, which was said, and *failed holds the exit. */
enum { CLI_MODELS = 64 };
typedef struct cli_open { heed_model *model, *others[CLI_MODELS]; int other_count; heed_session *session; } cli_open;
bool cli_model_open(cli_open *o, const cli_globals *g, const char *dir, const cli_settings *settings, const cli_ensemble *ensemble, int *failed);
void cli_model_close(cli_open *o);
/* The model alone, for who makes sessions of its own; NULL: err says why. heed_model_close(). */
heed_model *cli_model_read(const char *dir, const cli_globals *g, const cli_settings *settings, heed_error *err);

/* Prints a text of the library and frees it; or, when it is NULL, says err. Gives the exit. */
int cli_print_text(char *text, const heed_error *err);
/* The same into a file ("-": standard output). */
int cli_write_text(const char *path, char *text, const heed_error *err);
bool cli_join(const cli_texts *words, char *out, size_t size);           /* with a space between each two; false: they do not fit */
void cli_print_json_figure(const heed_figure *f, FILE *out);   /* one JSON object; a value that is no number is null */
void cli_print_json_text(const char *text, FILE *out);  /* a JSON string with its quotes */

#endif
