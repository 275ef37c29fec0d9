/* heed score: how near hypotheses come to references. */
#include "cli.h"

#include <string.h>

typedef struct score_values {
    cli_texts references;
    bool lower, by_line, json;
    const char *tokenize, *smooth;
    int64_t digits, gold_base;
} score_values;

enum { NOT_GIVEN = -1 };

static const cli_option options[] = {
    {"--ref", "FILE", CLI_TEXTS, offsetof(score_values, references), "a reference, or one more; may be repeated"},
    {"-lc", NULL, CLI_FLAG, offsetof(score_values, lower), "lower-case both sides first"},
    {"--tok", "13a|intl|char|zh|words|none|rouge|unicode", CLI_TEXT, offsetof(score_values, tokenize), "how words are split; the last two are of rouge, the others of bleu"},
    {"--smooth", "exp|floor|add-k|none", CLI_TEXT, offsetof(score_values, smooth), "what an order without a match counts for bleu"},
    {"--by-line", NULL, CLI_FLAG, offsetof(score_values, by_line), "the figure of each line instead of the corpus's"},
    {"--gold-base", "0|1", CLI_WHOLE, offsetof(score_values, gold_base), "aer: the number of a sentence's first word in GOLD; default 1"},
    {"--digits", "N", CLI_WHOLE, offsetof(score_values, digits), "decimals of the figure; default 2"},
    {"--json", NULL, CLI_FLAG, offsetof(score_values, json), "one JSON object: name, value, signature; of rouge and aer also precision and recall"},
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
    cli_print_json_figure(f, stdout);
    fputc('\n', stdout);
}

static int score_text(const char *metric, const cli_texts *references, const char *hypothesis, score_values *v)
{
    const heed_score_options o = {.lower = v->lower, .tokenize = v->tokenize, .smooth = v->smooth, .line = v->by_line ? print_line : NULL, .user = v};
    heed_figure figure = {.value = 0};
    heed_error err = {.status = HEED_OK};
    if (v->gold_base != NOT_GIVEN)
        return cli_usage_error("score: --gold-base is for aer, which compares links");
    if (heed_files_score(metric, references->items, references->count, hypothesis, &o, &figure, &err))
        return cli_fail(&err);
    if (!v->by_line)
        print(&figure, v);
    return EXIT_OK;
}

static int score_links(const cli_texts *gold, const char *links, const score_values *v)
{
    heed_figure figure = {.value = 0};
    heed_error err = {.status = HEED_OK};
    if (v->lower || v->by_line || v->tokenize || v->smooth)
        return cli_usage_error("score: aer compares links, not text; -lc, --tok, --smooth and --by-line do not go with it");
    if (gold->count > 1)
        return cli_usage_error("score: aer takes one file of gold links, not %d", gold->count);
    if (heed_links_score(gold->items[0], links, v->gold_base == NOT_GIVEN ? 1 : (int)v->gold_base, &figure, &err))
        return cli_fail(&err);
    print(&figure, v);
    return EXIT_OK;
}

static int run(const cli_command *self, const cli_globals *globals, int argc, char **argv)
{
    score_values v = {.digits = 2, .gold_base = NOT_GIVEN};
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
    if (v.gold_base > 1)
        return cli_usage_error("--gold-base takes 0 or 1");
    const char *hypothesis = rest.items[rest.count - 1];
    return strcmp(rest.items[0], "aer") == 0 ? score_links(&references, hypothesis, &v) : score_text(rest.items[0], &references, hypothesis, &v);
}

const cli_command cli_score = {
    .name = "score", .arguments = "METRIC REFERENCE HYPOTHESIS", .summary = "bleu, chrf, rouge, ter, wer and other metrics of a file",
    .text = "Compares HYPOTHESIS (`-`: standard input) with REFERENCE line by line and prints the corpus's figure in percent, a tab and\n"
            "the signature that says how it was made. With --ref, REFERENCE may be left out or joins the others. `heed help metrics`\n"
            "lists the metrics. aer compares not text but links between words, Pharaoh's `i-j` from 0, with gold links (`i-j` sure, `ipj`\n"
            "possible).\n"
            "\n"
            "  heed score bleu test.en answers.en\n"
            "  heed score bleu --ref a.en --ref b.en answers.en -lc\n"
            "  heed run MODEL test.de | heed score chrf test.en -\n"
            "  heed score rougeL-stem summaries.txt answers.txt --json\n"
            "  heed align MODEL test.de test.en | heed score aer gold.links -\n",
    .options = options, .run = run,
};
