/* heed compare: which of several systems is better, and whether chance would do as much. */
#include "cli.h"

#include <string.h>

typedef struct compare_values {
    cli_texts references, metrics;
    bool lower, json;
    const char *tokenize, *smooth, *test;
    int64_t samples, seed, digits;
} compare_values;

static const cli_option options[] = {
    {"--metric", "NAME", CLI_TEXTS, offsetof(compare_values, metrics), "instead of bleu, chrf and ter; may be repeated"},
    {"--ref", "FILE", CLI_TEXTS, offsetof(compare_values, references), "one more reference; may be repeated"},
    {"--test", "bootstrap|randomisation", CLI_TEXT, offsetof(compare_values, test), "where p comes from; default: the paired bootstrap"},
    {"--samples", "N", CLI_WHOLE, offsetof(compare_values, samples), "corpora drawn, default 1000; or swaps of randomisation, 10000"},
    {"--seed", "N", CLI_WHOLE, offsetof(compare_values, seed), "of the draws; default 12345"},
    {"-lc", NULL, CLI_FLAG, offsetof(compare_values, lower), "lower-case all sides first"},
    {"--tok", "NAME", CLI_TEXT, offsetof(compare_values, tokenize), "how words are split: 13a, intl, char, zh, words, none; rouge, unicode"},
    {"--smooth", "exp|floor|add-k|none", CLI_TEXT, offsetof(compare_values, smooth), "what an order without a match counts for bleu"},
    {"--digits", "N", CLI_WHOLE, offsetof(compare_values, digits), "decimals of the figures; default 2"},
    {"--json", NULL, CLI_FLAG, offsetof(compare_values, json), "one JSON object"},
    {0},
};

static void print_table(const heed_comparison *c, int count, char *const *systems, int digits)
{
    puts("metric\tsystem\tvalue\tmean\tlow\thigh\tdifference\tp\tsignature");
    for (int i = 0; i < count; i++) {
        printf("%s\t%s\t%.*f\t%.*f\t%.*f\t%.*f\t", c[i].metric, systems[c[i].system], digits, c[i].value, digits, c[i].mean, digits, c[i].low, digits, c[i].high);
        if (c[i].system == 0)
            fputs("-\t-", stdout);
        else
            printf("%+.*f\t%.4f", digits, c[i].difference, c[i].p);
        printf("\t%s\n", c[i].signature);
    }
}

static void print_json(const heed_comparison *c, int count, char *const *systems)
{
    fputs("{\"comparisons\": [", stdout);
    for (int i = 0; i < count; i++) {
        printf("%s{\"metric\": \"%s\", \"system\": ", i ? ", " : "", c[i].metric);
        cli_print_json_text(systems[c[i].system], stdout);
        printf(", \"value\": %.10g, \"mean\": %.10g, \"low\": %.10g, \"high\": %.10g", c[i].value, c[i].mean, c[i].low, c[i].high);
        if (c[i].system == 0)
            fputs(", \"difference\": null, \"p\": null", stdout);
        else
            printf(", \"difference\": %.10g, \"p\": %.10g", c[i].difference, c[i].p);
        printf(", \"signature\": \"%s\"}", c[i].signature);
    }
    fputs("]}\n", stdout);
}

static int compare(const cli_rest *rest, const compare_values *v, const char *metrics)
{
    cli_texts references = {.items = {rest->items[0]}, .count = 1};
    for (int i = 0; i < v->references.count && references.count < CLI_MANY; i++)
        references.items[references.count++] = v->references.items[i];
    const heed_compare_options o = {.metrics = *metrics ? metrics : NULL, .lower = v->lower, .tokenize = v->tokenize, .smooth = v->smooth,
                                    .randomisation = v->test && !strcmp(v->test, "randomisation"), .samples = v->samples, .seed = (uint64_t)v->seed};
    heed_comparison *found = NULL;
    heed_error err = {0};
    int count = 0;
    if (heed_files_compare(references.items, references.count, (const char *const *)rest->items + 1, rest->count - 1, &o, &found, &count, &err))
        return cli_fail(&err);
    if (v->json)
        print_json(found, count, rest->items + 1);
    else
        print_table(found, count, rest->items + 1, (int)v->digits);
    heed_free(found);
    return EXIT_OK;
}

static int run(const cli_command *self, const cli_globals *globals, int argc, char **argv)
{
    compare_values v = {.digits = 2};
    cli_globals g = *globals;
    cli_rest rest;
    char metrics[400];
    int code = cli_begin(self, &g, &v, &rest, argc, argv, (const char *[]){"REFERENCE", "A", "B", NULL}, -1);
    if (code >= 0)
        return code;
    if (v.digits > 15)
        return cli_usage_error("--digits takes at most 15");
    if (!cli_join(&v.metrics, metrics, sizeof metrics))
        return cli_usage_error("--metric: that many names are too many");
    return compare(&rest, &v, metrics);
}

const cli_command cli_compare = {
    .name = "compare", .arguments = "REFERENCE A B [C ...]", .summary = "whether one system is better than another",
    .text = "Scores files of hypotheses on the same references and says of each how far it differs from the first, A, and the probability p\n"
            "that systems equally good would differ as much. Lines are drawn from the corpus again and again, for all systems the same\n"
            "(Koehn 2004); 95 % of the figures of what was drawn lie from low to high. A p below 0.05 is usually called significant.\n"
            "One line a metric and system, parted by tabs, after a line of titles. Of ter, wer and cer less is better.\n"
            "\n"
            "  heed compare test.en baseline.en mine.en\n"
            "  heed compare test.en a.en b.en c.en --metric bleu --metric chrf++ --test randomisation\n",
    .options = options, .run = run,
};
