/* heed plan: what a training will take. */
#include "cli.h"
#include "stop.h"

typedef struct plan_values {
    const char *data, *init_from;
    cli_texts sets;
    bool json;
} plan_values;

static const cli_option options[] = {
    {"--set", "KEY=VALUE", CLI_TEXTS, offsetof(plan_values, sets), "set a key of the recipe, as train.rate=1e-3; may be repeated"},
    {"--init-from", "MODEL", CLI_TEXT, offsetof(plan_values, init_from), "as the training would: begin with this model"},
    {"--data", "DIR", CLI_TEXT, offsetof(plan_values, data), "where data is looked for; default: $HEED_DATA"},
    {"--json", NULL, CLI_FLAG, offsetof(plan_values, json), "one JSON object"},
    {0},
};

static void print_grouped(const char *name, int64_t n, const char *more)
{
    char digits[32], out[48];
    int size = snprintf(digits, sizeof digits, "%lld", (long long)n), at = 0;
    for (int i = 0; i < size; i++) {
        out[at++] = digits[i];
        if ((size - 1 - i) % 3 == 0 && i + 1 < size)
            out[at++] = ',';
    }
    out[at] = 0;
    printf("%-12s%s%s\n", name, out, more);
}

static void print_time(const char *name, double seconds, const char *more)
{
    if (seconds < 120)
        printf("%-12s%.3g s%s\n", name, seconds, more);
    else if (seconds < 7200)
        printf("%-12s%.0f min%s\n", name, seconds / 60, more);
    else
        printf("%-12s%.1f h%s\n", name, seconds / 3600, more);
}

static void print_text(const heed_forecast *f)
{
    print_grouped("parameters", f->parameters, "");
    print_grouped("pairs", f->pairs, " an epoch");
    print_grouped("symbols", f->symbols, " an epoch, of source and target");
    print_grouped("updates", f->updates, " an epoch");
    printf("%-12s%.0f MB at most", "memory", (double)f->peak_bytes * 1e-6);
    if (f->memory_bytes)
        printf(", of %.0f MB that the process may have", (double)f->memory_bytes * 1e-6);
    putchar('\n');
    print_grouped("speed", (int64_t)(f->tokens_per_second + 0.5), " symbols a second");
    print_time("epoch", f->seconds_per_epoch, ", validation apart");
    if (f->seconds >= 0)
        print_time("training", f->seconds, " at most, validation apart");
}

static void print_json(const heed_forecast *f)
{
    printf("{\"parameters\": %lld, \"peak_bytes\": %lld, \"memory_bytes\": %lld, \"pairs\": %lld, \"symbols\": %lld, \"batches_per_epoch\": %lld, "
           "\"updates_per_epoch\": %lld, \"tokens_per_second\": %.6g, \"seconds_per_epoch\": %.6g, \"seconds\": ",
           (long long)f->parameters, (long long)f->peak_bytes, (long long)f->memory_bytes, (long long)f->pairs, (long long)f->symbols, (long long)f->batches,
           (long long)f->updates, f->tokens_per_second, f->seconds_per_epoch);
    if (f->seconds < 0)
        puts("null}");
    else
        printf("%.6g}\n", f->seconds);
}

static int run(const cli_command *self, const cli_globals *globals, int argc, char **argv)
{
    plan_values v = {0};
    cli_globals g = *globals;
    cli_rest rest;
    int code = cli_begin(self, &g, &v, &rest, argc, argv, (const char *[]){"RECIPE", NULL}, 1);
    if (code >= 0)
        return code;
    heed_train_options t = {.recipe = rest.items[0], .sets = v.sets.items, .set_count = v.sets.count, .threads = (int)g.threads, .data_dir = v.data,
                            .init_from = v.init_from, .stop = cli_stop_asked};
    heed_error err = {0};
    heed_forecast forecast;
    cli_stop_catch();
    heed_status status = heed_plan(&t, &forecast, &err);
    if (status == HEED_E_STOPPED)
        return cli_stop_exit();
    if (status != HEED_OK)
        return cli_fail(&err);
    if (v.json)
        print_json(&forecast);
    else
        print_text(&forecast);
    return EXIT_OK;
}

const cli_command cli_plan = {
    .name = "plan", .arguments = "RECIPE", .summary = "what a training takes: weights, memory, speed, time",
    .text = "Reads the training data once, as `heed train` would, learns from the largest batches and from a sample of the others for a few\n"
            "seconds, and tells the number of weights, the most memory, symbols (source and target) a second, and seconds an epoch. Writes\n"
            "nothing. A training that will not fit into memory is refused with exit 5. Time is that of this machine as busy as it is now.\n"
            "\n"
            "  heed plan recipes/g2p-en/recipe.yaml\n"
            "  heed plan my.yaml --set model.encoder.width=1024 --json\n",
    .options = options, .run = run,
};
