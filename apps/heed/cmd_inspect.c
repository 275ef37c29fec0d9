/* heed inspect: what a model is made of. */
#include "cli.h"

typedef struct inspect_values { bool json; } inspect_values;

static const cli_option options[] = {
    {"--json", NULL, CLI_FLAG, offsetof(inspect_values, json), "one JSON object"},
    {0},
};

static int run(const cli_command *self, const cli_globals *globals, int argc, char **argv)
{
    inspect_values v = {0};
    cli_globals g = *globals;
    cli_rest rest;
    int code = cli_begin(self, &g, &v, &rest, argc, argv, (const char *[]){"MODEL", NULL}, 1);
    if (code >= 0)
        return code;
    heed_error err = {0};
    heed_model *model = heed_model_open(rest.items[0], NULL, &err);
    code = model ? cli_print_text(heed_model_describe(model, v.json, &err), &err) : cli_fail(&err);
    heed_model_close(model);
    return code;
}

const cli_command cli_inspect = {
    .name = "inspect", .arguments = "MODEL", .summary = "parameters, shapes, settings and origin of a model",
    .text = "Prints the weights by part with their shapes, the settings, and where the model comes from.\n",
    .options = options, .run = run,
};
