/* heed bench: where the time of a training's update goes. */
#include "cli.h"
#include "progress.h"
#include "stop.h"

#include <math.h>
#include <string.h>

typedef struct bench_values {
    const char *data, *init_from;
    int64_t updates;
    cli_texts sets;
    bool json;
} bench_values;

static const cli_option options[] = {
    {"--updates", "N", CLI_WHOLE, offsetof(bench_values, updates), "how many updates are timed, after three to warm up; default: 20 s of them"},
    {"--set", "KEY=VALUE", CLI_TEXTS, offsetof(bench_values, sets), "set a key of the recipe, as train.precision=bf16; may be repeated"},
    {"--init-from", "MODEL", CLI_TEXT, offsetof(bench_values, init_from), "as the training would: begin with this model"},
    {"--data", "DIR", CLI_TEXT, offsetof(bench_values, data), "where data is looked for; default: $HEED_DATA"},
    {"--json", NULL, CLI_FLAG, offsetof(bench_values, json), "one JSON object"},
    {0},
};

static void hear(void *user, const heed_event *e) { cli_progress_event(user, e); }

/* --- the table ----------------------------------------------------------------------------------------------------------------------------- */

static void print_speed(const heed_profile_part *x)
{
    const double work = x->flop > 0 ? x->flop : x->bytes;
    if (work > 0 && x->seconds > 0)
        printf(" %8.1f %s", work / x->seconds * 1e-9, x->flop > 0 ? "GF/s" : "GB/s");
    else
        printf(" %8s     ", "");
    if (x->of_peak >= 0)
        printf(" %5.0f %% of %-10s", 100 * x->of_peak, x->peak);
    else
        printf(" %8s   %-10s", "", "");
}

static void print_part(const heed_profile *p, const heed_profile_part *x)
{
    printf("  %-36s %8.6g %9.3f %6.1f", x->what, x->calls, x->seconds * 1e3, 100 * x->seconds / p->seconds);
    print_speed(x);
    printf(" %9.3f\n", x->limit * 1e3);
}

/* Of parts that are held to different peaks there is no speed. of_peak is their mean by time, once it is divided by that. */
static void add_part(heed_profile_part *sum, const heed_profile_part *x)
{
    if (!x->peak || (sum->peak && strcmp(sum->peak, x->peak))) {
        sum->peak = NULL;
        sum->flop = sum->bytes = 0;
    }
    if (sum->peak) {
        sum->flop += x->flop;
        sum->bytes += x->bytes;
        sum->of_peak += x->of_peak * x->seconds;
    }
    sum->seconds += x->seconds;
    sum->limit += x->limit;
}

/* The rows of a part, their sum above them; gives the row after the last. */
static int print_parts(const heed_profile *p, int first)
{
    heed_profile_part sum = {.part = p->parts[first].part, .peak = p->parts[first].peak};
    int end = first;
    for (; end < p->count && !strcmp(p->parts[end].part, sum.part); end++)
        add_part(&sum, &p->parts[end]);
    sum.of_peak = sum.peak ? sum.of_peak / sum.seconds : NAN;
    printf("%-38s %9s %9.3f %6.1f", sum.part, "", sum.seconds * 1e3, 100 * sum.seconds / p->seconds);
    print_speed(&sum);
    printf(" %9.3f\n", sum.limit * 1e3);
    for (int i = first; i < end; i++)
        print_part(p, &p->parts[i]);
    return end;
}

/* What an update would take if no thread had to wait. */
static double seconds_at_work(const heed_profile *p)
{
    double sum = 0;
    for (int i = 0; i < p->count; i++)
        sum += strcmp(p->parts[i].part, "waiting") ? p->parts[i].seconds : 0;
    return sum;
}

static void print_text(const heed_profile *p)
{
    const double work = seconds_at_work(p);
    printf("%-38s %9s %9s %6s %13s %-21s %9s\n", "part", "calls", "ms", "%", "speed", "    share of the peak", "limit ms");
    for (int i = 0; i < p->count;)
        i = print_parts(p, i);
    char rate[40], busy[40], most[40], count[40];
    cli_rate(rate, sizeof rate, p->symbols / p->seconds);
    cli_rate(busy, sizeof busy, p->symbols / work);
    cli_rate(most, sizeof most, p->symbols / p->ceiling);
    cli_count(count, sizeof count, (int64_t)(p->symbols + 0.5));
    printf("\n%-12s%.3f ms, %s symbols of source and target: %s a second\n", "an update", p->seconds * 1e3, count, rate);
    printf("%-12s%.3f ms if no thread had waited: %s a second\n", "at work", work * 1e3, busy);
    printf("%-12s%.3f ms with every part at its limit: %s a second\n", "the ceiling", p->ceiling * 1e3, most);
    printf("%-12s%d thread%s together: %.0f GF/s f32", "the peaks", p->threads, p->threads > 1 ? "s" : "", p->f32);
    if (p->bf16 > 0)
        printf(", %.0f GF/s bf16", p->bf16);
    printf("; reading %.0f GB/s near cache, %.0f GB/s far cache, %.0f GB/s memory\n", p->reads[0].rate, p->reads[1].rate, p->reads[2].rate);
    printf("%-12s%.0f MB at most; %lld updates were timed\n", "memory", (double)p->peak_bytes * 1e-6, (long long)p->updates);
}

/* --- JSON ---------------------------------------------------------------------------------------------------------------------------------- */

static void print_json_part(const heed_profile_part *x)
{
    fputs("{\"part\": ", stdout);
    cli_print_json_text(x->part, stdout);
    fputs(", \"what\": ", stdout);
    cli_print_json_text(x->what, stdout);
    printf(", \"calls\": %.6g, \"seconds\": %.6g, \"flop\": %.6g, \"bytes\": %.6g, \"peak\": ", x->calls, x->seconds, x->flop, x->bytes);
    if (x->of_peak >= 0) {
        cli_print_json_text(x->peak, stdout);
        printf(", \"of_peak\": %.6g", x->of_peak);
    } else {
        fputs("null, \"of_peak\": null", stdout);
    }
    printf(", \"limit_seconds\": %.6g}", x->limit);
}

static void print_json(const heed_profile *p)
{
    printf("{\"threads\": %d, \"updates\": %lld, \"seconds\": %.6g, \"symbols\": %.6g, \"tokens_per_second\": %.6g, \"ceiling_seconds\": %.6g, "
           "\"ceiling_tokens_per_second\": %.6g, \"peak_bytes\": %lld, \"peaks\": {\"f32_gflops\": %.6g, \"bf16_gflops\": %.6g, \"reads\": [",
           p->threads, (long long)p->updates, p->seconds, p->symbols, p->symbols / p->seconds, p->ceiling, p->symbols / p->ceiling, (long long)p->peak_bytes,
           p->f32, p->bf16);
    for (int i = 0; i < HEED_PROFILE_LEVELS; i++)
        printf("%s{\"bytes\": %lld, \"gbytes_per_second\": %.6g}", i ? ", " : "", (long long)p->reads[i].bytes, p->reads[i].rate);
    fputs("]}, \"parts\": [", stdout);
    for (int i = 0; i < p->count; i++) {
        fputs(i ? ", " : "", stdout);
        print_json_part(&p->parts[i]);
    }
    puts("]}");
}

/* --- the command --------------------------------------------------------------------------------------------------------------------------- */

static int run(const cli_command *self, const cli_globals *globals, int argc, char **argv)
{
    bench_values v = {.updates = -1};
    cli_globals g = *globals;
    cli_rest rest;
    int code = cli_begin(self, &g, &v, &rest, argc, argv, (const char *[]){"RECIPE", NULL}, 1);
    if (code >= 0)
        return code;
    if (v.updates == 0)
        return cli_usage_error("bench: --updates takes 1 or more");
    cli_progress progress;
    cli_progress_init(&progress, &g, NULL);
    const heed_train_options t = {.recipe = rest.items[0], .sets = v.sets.items, .set_count = v.sets.count, .threads = (int)g.threads, .data_dir = v.data,
                                  .init_from = v.init_from, .max_updates = v.updates > 0 ? v.updates : 0, .stop = cli_stop_asked, .event = hear, .user = &progress};
    heed_error err = {0};
    cli_stop_catch();
    heed_profile *p = heed_bench(&t, &err);
    cli_progress_end(&progress);
    if (!p)
        return err.status == HEED_E_STOPPED ? cli_stop_exit() : cli_fail(&err);
    if (v.json)
        print_json(p);
    else
        print_text(p);
    heed_profile_free(p);
    return EXIT_OK;
}

const cli_command cli_bench = {
    .name = "bench", .arguments = "RECIPE", .summary = "where the time of a training goes, and how fast it could be",
    .text = "Runs some updates of the training that RECIPE names, on its data, and tells where their time went: products by the shape of their\n"
            "weight and by direction, attention, loss, element-wise passes, optimizer, reading of data, and waiting of threads for each other.\n"
            "Each is held to the peak of this machine, measured in the same run; the ceiling is an update with every part at its peak. Parts\n"
            "add up to the update: time of several threads side by side is divided by their number. Writes nothing. Figures are those of this\n"
            "machine as busy as it is now.\n"
            "\n"
            "  heed bench recipes/g2p-en/recipe.yaml\n"
            "  heed bench my.yaml --updates 50 --set train.precision=bf16 --json\n",
    .options = options, .run = run,
};
