/* heed quantize: a model in fewer bits. */
#include "cli.h"

#include <string.h>

typedef struct quantize_values { const char *output, *to; } quantize_values;

static const cli_option options[] = {
    {"-o", "DIR", CLI_TEXT, offsetof(quantize_values, output), "where the new model goes"},
    {"--to", "int8|bf16", CLI_TEXT, offsetof(quantize_values, to), "numbers that its matrices are kept in, and its products multiply"},
    {0},
};

static int run(const cli_command *self, const cli_globals *globals, int argc, char **argv)
{
    quantize_values v = {0};
    cli_globals g = *globals;
    cli_rest rest;
    heed_error err = {0};
    heed_quantized report;
    int code = cli_begin(self, &g, &v, &rest, argc, argv, (const char *[]){"MODEL", NULL}, 1);
    if (code >= 0)
        return code;
    if (!v.output || !v.to)
        return cli_usage_error("quantize: %s is missing", v.to ? "-o DIR, the place of the new model," : "--to int8 or --to bf16");
    if (heed_quantize(rest.items[0], strcmp(v.to, "int8") ? HEED_BF16 : HEED_INT8, v.output, &report, &err))
        return cli_fail(&err);
    cli_say(&g, "%s: %.2f MB of weights, as %s %.2f MB", rest.items[0], (double)report.bytes_before * 1e-6, v.to, (double)report.bytes_after * 1e-6);
    puts(v.output);
    return EXIT_OK;
}

const cli_command cli_quantize = {
    .name = "quantize", .arguments = "MODEL -o DIR --to int8|bf16", .summary = "a model in a quarter or half of its size",
    .text = "Writes the model anew with its matrices as int8 (whole numbers, a scale for each row) or bf16, prints where, and sets\n"
            "decode.precision, so that its products multiply such numbers too where the processor can. --precision of run, eval, align and\n"
            "explain does the latter alone, with any model.\n"
            "\n"
            "  heed quantize models/g2p-en -o g2p-int8 --to int8\n"
            "  echo phonetics | heed run g2p-int8\n",
    .options = options, .run = run,
};
