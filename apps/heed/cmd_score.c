/* heed score: how near hypotheses come to references. */
#include "cli.h"

typedef struct score_values {
    cli_texts references;
    bool lower, by_line, json;
    const char *tokenize, *smooth;
    int64_t digits;
} score_values;

static const cli_option options[] = {
    {"--ref", "FILE", CLI_TEXTS, offsetof(score_values, references), "a reference, or one more; may be repeated"},
    {"-lc", NULL, CLI_FLAG, offsetof(score_values, lower), "lower-case both sides first"},
    {"--tok", "13a|intl|char|zh|words|none", CLI_TEXT, offsetof(score_values, tokenize), "how bleu splits words"},
    {"--smooth", "exp|floor|add-k|none", CLI_TEXT, offsetof(score_values, smooth), "what an order without a match counts for bleu"},
    {"--by-line", NULL, CLI_FLAG, offsetof(score_values, by_line), "the figure of each line instead of the corpus's"},
    {"--digits", "N", CLI_WHOLE, offsetof(score_values, digits), "decimals of the figure; default 2"},
    {"--json", NULL, CLI_FLAG, offsetof(score_values, json), "one JSON object: name, value, signature"},
    {0},
};

static void print_line(void *user, double value)
{
    const score_values *v = user;
    printf(v->json ? "{\"value\": %.*g}\n" : "%.*f\n", v->json ? 10 : (int)v->digits, value);
}

static void print(const heed_figure *f, const score_values *v)
{
    if (!v->json) {
        printf("%.*f\t%s\n", (int)v->digits, f->value, f->signature);
        return;
    }
    fputs("{\"name\": ", stdout);
    cli_print_json_text(f->name, stdout);
    printf(", \"value\": %.10g, \"signature\": ", f->value);
    cli_print_json_text(f->signature, stdout);
    fputs("}\n", stdout);
}

static int run(const cli_command *self, const cli_globals *globals, int argc, char **argv)
{
    score_values v = {.digits = 2};
    cli_globals g = *globals;
    cli_rest rest;
    int code = cli_begin(self, &g, &v, &rest, argc, argv, (const char *[]){"METRIC", NULL}, 3);
    if (code >= 0)
        return code;
    cli_texts references = {0};
    if (rest.count == 3)
        references.items[references.count++] = rest.items[1];
    for (int i = 0; i < v.references.count && references.count < CLI_MANY; i++)
        references.items[references.count++] = v.references.items[i];
    if (rest.count < 2 || references.count == 0) {
        cli_complain("score: %s is missing", references.count ? "HYPOTHESIS" : "REFERENCE");
        cli_print_usage(self, stderr);
        return EXIT_USAGE;
    }
    if (v.digits > 15)
        return cli_usage_error("--digits takes at most 15");
    heed_score_options o = {.lower = v.lower, .tokenize = v.tokenize, .smooth = v.smooth, .line = v.by_line ? print_line : NULL, .user = &v};
    heed_figure figure = {0};
    heed_error err = {0};
    if (heed_files_score(rest.items[0], references.items, references.count, rest.items[rest.count - 1], &o, &figure, &err))
        return cli_fail(&err);
    if (!v.by_line)
        print(&figure, &v);
    return EXIT_OK;
}

const cli_command cli_score = {
    .name = "score", .arguments = "METRIC REFERENCE HYPOTHESIS", .summary = "bleu, chrf, ter, wer and other metrics of a file",
    .text = "Compares HYPOTHESIS (`-`: standard input) with REFERENCE line by line and prints the corpus's figure in percent, a tab and\n"
            "the signature that says how it was made. With --ref, REFERENCE may be left out or joins the others. `heed help metrics`\n"
            "lists the metrics.\n"
            "\n"
            "  heed score bleu test.en answers.en\n"
            "  heed score bleu --ref a.en --ref b.en answers.en -lc\n"
            "  heed run MODEL test.de | heed score chrf test.en -\n",
    .options = options, .run = run,
};
