/* heed shortlist: which symbols a model may write for a source. */
#include "cli.h"

typedef struct shortlist_values { const char *output; int64_t best, frequent; } shortlist_values;

static const cli_option options[] = {
    {"-o", "FILE", CLI_TEXT, offsetof(shortlist_values, output), "where the shortlist goes"},
    {"--best", "N", CLI_WHOLE, offsetof(shortlist_values, best), "targets for each source symbol; default 50"},
    {"--frequent", "N", CLI_WHOLE, offsetof(shortlist_values, frequent), "most frequent targets, which may always be written; default 500"},
    {0},
};

static int run(const cli_command *self, const cli_globals *globals, int argc, char **argv)
{
    shortlist_values v = {0};
    cli_globals g = *globals;
    cli_rest rest;
    heed_error err = {0};
    heed_shortlist_report report;
    int code = cli_begin(self, &g, &v, &rest, argc, argv, (const char *[]){"MODEL", "SOURCE", "TARGET", NULL}, 3);
    if (code >= 0)
        return code;
    if (!v.output)
        return cli_usage_error("shortlist: -o FILE, the place of the list, is missing");
    heed_model *model = heed_model_open(rest.items[0], NULL, &err);
    if (!model)
        return cli_fail(&err);
    const heed_shortlist_options o = {.source = rest.items[1], .target = rest.items[2], .out = v.output, .best = v.best, .frequent = v.frequent, .threads = (int)g.threads};
    code = heed_shortlist_make(model, &o, &report, &err) ? cli_fail(&err) : EXIT_OK;
    heed_model_close(model);
    if (code)
        return code;
    if (report.skipped)
        cli_say(&g, "heed: %lld pairs of more than 1,000 symbols were skipped", (long long)report.skipped);
    cli_say(&g, "%lld pairs: %.0f symbols may be written for a source in the mean, %.2f %% of those in its target among them", (long long)report.pairs, report.mean,
            100 * report.covered);
    puts(v.output);
    return EXIT_OK;
}

const cli_command cli_shortlist = {
    .name = "shortlist", .arguments = "MODEL SOURCE TARGET -o FILE", .summary = "which symbols a model may write for a source",
    .text = "Learns from pairs of texts, such as the model was trained on, what each symbol of the source translates to, and writes a line for\n"
            "each: the symbol, a tab, its targets. A first line without a symbol has what may always be written. run and eval take the\n"
            "file as --shortlist and look at these symbols alone, which is faster where vocabularies are large.\n"
            "\n"
            "  heed shortlist MODEL train.de train.en -o de-en.shortlist\n"
            "  heed run MODEL --shortlist de-en.shortlist < test.de\n",
    .options = options, .run = run,
};
