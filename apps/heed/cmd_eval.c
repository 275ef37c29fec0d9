/* heed eval: how well a model does on test sets. */
#include "cli.h"

#include <string.h>

typedef struct eval_values {
    const char *set_name, *data;
    cli_edges edges;
    cli_texts metrics;
    cli_settings settings;
    cli_ensemble ensemble;
    const char *unit;
    int64_t digits, beam, samples, seed;
    bool json, intervals;
} eval_values;

enum { DIGITS_BY_KIND = 99, NOT_GIVEN = -1 };

static const cli_option options[] = {
    {"--set-name", "NAME", CLI_TEXT, offsetof(eval_values, set_name), "only this test set of the recipe"},
    {"--by-length", "[EDGES]", CLI_EDGES, offsetof(eval_values, edges), "also by length of the source: 10,20,30 makes 1-10, 11-20, 21-30, 31-"},
    {"--length-unit", "symbols|words", CLI_TEXT, offsetof(eval_values, unit), "what length counts: the model's symbols (default), or words as spaces part them"},
    {"--intervals", NULL, CLI_FLAG, offsetof(eval_values, intervals), "95 % of corpora drawn anew lie from low to high: two more columns"},
    {"--samples", "N", CLI_WHOLE, offsetof(eval_values, samples), "of intervals: corpora drawn, default 1000"},
    {"--seed", "N", CLI_WHOLE, offsetof(eval_values, seed), "of the draws; default 12345"},
    {"--metric", "NAME", CLI_TEXTS, offsetof(eval_values, metrics), "instead of loss and the usual ones, or perplexity; may be repeated"},
    {"--beam", "N", CLI_WHOLE, offsetof(eval_values, beam), "hypotheses kept, 1 (greedy) to 64; default: the recipe's decode.beam"},
    CLI_ENSEMBLE(eval_values),
    CLI_SETTINGS(eval_values),
    CLI_SHORTLIST(eval_values),
    {"--data", "DIR", CLI_TEXT, offsetof(eval_values, data), "where data is looked for; default: $HEED_DATA"},
    {"--digits", "N", CLI_WHOLE, offsetof(eval_values, digits), "decimals; default 2, of a loss 4"},
    {"--json", NULL, CLI_FLAG, offsetof(eval_values, json), "one JSON object"},
    {0},
};

static bool is_loss(const char *name)
{
    const char *slash = strrchr(name, '/');
    return !strncmp(slash ? slash + 1 : name, "loss", 4);
}

static void print_lines(const heed_figure *f, int count, int64_t digits, bool intervals)
{
    for (int i = 0; i < count; i++) {
        int decimals = digits == DIGITS_BY_KIND ? (is_loss(f[i].name) ? 4 : 2) : (int)digits;
        printf("%s\t%.*f\t%s", f[i].name, decimals, f[i].value, f[i].signature);
        if (intervals)
            printf("\t%.*f\t%.*f", decimals, f[i].low, decimals, f[i].high);
        putchar('\n');
    }
}

static void print_json(const char *model, const heed_figure *f, int count)
{
    fputs("{\"model\": ", stdout);
    cli_print_json_text(model, stdout);
    fputs(", \"figures\": [", stdout);
    for (int i = 0; i < count; i++) {
        if (i) fputs(", ", stdout);
        cli_print_json_figure(&f[i], stdout);
    }
    fputs("]}\n", stdout);
}

static int evaluate(const cli_rest *rest, const cli_globals *g, const eval_values *v, const char *metrics)
{
    static const int64_t usual_edges[] = {10, 20, 30, 40, 50};
    bool usual = v->edges.given && v->edges.count == 0;
    heed_eval_options o = {.source = rest->count > 1 ? rest->items[1] : NULL, .target = rest->count > 2 ? rest->items[2] : NULL,
                           .set_name = v->set_name, .edges = usual ? usual_edges : v->edges.items, .edge_count = usual ? 5 : v->edges.count,
                           .words = v->unit && *v->unit == 'w', .intervals = v->intervals, .samples = v->samples, .seed = (uint64_t)v->seed,
                           .data_dir = v->data, .beam = v->beam == NOT_GIVEN ? 0 : v->beam, .metrics = *metrics ? metrics : NULL};
    cli_open open;
    int code, count = 0;
    if (!cli_model_open(&open, g, rest->items[0], &v->settings, &v->ensemble, &code))
        return code;
    heed_error err = {0};
    heed_figure *figures = NULL;
    if (heed_eval(open.session, &o, &figures, &count, &err))
        code = cli_fail(&err);
    else {
        code = EXIT_OK;
        if (v->json)
            print_json(rest->items[0], figures, count);
        else
            print_lines(figures, count, v->digits, v->intervals);
    }
    heed_free(figures);
    cli_model_close(&open);
    return code;
}

static int run(const cli_command *self, const cli_globals *globals, int argc, char **argv)
{
    eval_values v = {.digits = DIGITS_BY_KIND, .beam = NOT_GIVEN};
    cli_globals g = *globals;
    cli_rest rest;
    char metrics[400];
    int code = cli_begin(self, &g, &v, &rest, argc, argv, (const char *[]){"MODEL", NULL}, 3);
    if (code >= 0)
        return code;
    if ((v.samples || v.seed) && !v.intervals)
        return cli_usage_error("eval: --samples and --seed are of --intervals");
    if (v.unit && !v.edges.given)
        return cli_usage_error("eval: --length-unit says what --by-length counts; give both");
    if (v.beam == 0)
        return cli_usage_error("eval: --beam takes 1 to 64, not 0");
    if (v.digits > 15 && v.digits != DIGITS_BY_KIND)
        return cli_usage_error("--digits takes at most 15");
    if (v.set_name && rest.count > 1)
        return cli_usage_error("--set-name chooses among the recipe's test sets; it does not go with files");
    if (!cli_join(&v.metrics, metrics, sizeof metrics))
        return cli_usage_error("--metric: that many names are too many");
    return evaluate(&rest, &g, &v, metrics);
}

const cli_command cli_eval = {
    .name = "eval", .arguments = "MODEL [SOURCE TARGET | TSV]", .summary = "figures of a model on test sets",
    .text = "Answers every source and compares with the targets: two files side by side, or a TSV whose further columns are references.\n"
            "Without files: the test sets of the recipe. One line a figure: name, tab, value, tab, signature.\n",
    .options = options, .run = run,
};
