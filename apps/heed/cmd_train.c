/* heed train: a recipe into a model. */
#include "cli.h"
#include "progress.h"
#include "stop.h"

#include <string.h>

typedef struct train_values {
    const char *dir, *data, *init_from;
    bool resume;
    cli_texts sets;
    double max_seconds;
    int64_t max_updates;
} train_values;

static const cli_option options[] = {
    {"-o", "DIR", CLI_TEXT, offsetof(train_values, dir), "where the run lies; default: runs/ and the recipe's name"},
    {"--resume", NULL, CLI_FLAG, offsetof(train_values, resume), "go on where the run in DIR was left, bit for bit"},
    {"--set", "KEY=VALUE", CLI_TEXTS, offsetof(train_values, sets), "set a key of the recipe, as train.rate=1e-3; may be repeated"},
    {"--init-from", "MODEL", CLI_TEXT, offsetof(train_values, init_from), "begin with the vocabularies and weights of this model; see train.freeze"},
    {"--max-seconds", "S", CLI_REAL, offsetof(train_values, max_seconds), "end after so many seconds; the run can be resumed"},
    {"--max-updates", "N", CLI_WHOLE, offsetof(train_values, max_updates), "end after so many updates; the run can be resumed"},
    {"--data", "DIR", CLI_TEXT, offsetof(train_values, data), "where data is looked for; default: $HEED_DATA"},
    {0},
};

static void hear(void *user, const heed_event *e) { cli_progress_event(user, e); }

static void say_next(const cli_globals *g, const char *model)
{
    cli_say(g, "next  heed run %s < lines.txt      answers line by line\n"
               "      heed eval %s                 figures on the recipe's test sets\n"
               "      heed explain %s TEXT         what it looked at", model, model, model);
}

static int run(const cli_command *self, const cli_globals *globals, int argc, char **argv)
{
    train_values v = {0};
    cli_globals g = *globals;
    cli_rest rest;
    int code = cli_begin(self, &g, &v, &rest, argc, argv, (const char *[]){"RECIPE", NULL}, 1);
    if (code >= 0)
        return code;
    cli_progress progress;
    cli_progress_init(&progress, &g, NULL);
    heed_train_options t = {.recipe = rest.items[0], .sets = v.sets.items, .set_count = v.sets.count, .dir = v.dir, .resume = v.resume,
                            .threads = (int)g.threads, .max_updates = v.max_updates, .max_seconds = v.max_seconds, .data_dir = v.data, .init_from = v.init_from,
                            .stop = cli_stop_asked, .event = hear, .user = &progress};
    heed_error err = {0};
    char *model = NULL;
    cli_stop_catch();
    heed_status status = heed_train(&t, &model, &err);
    cli_progress_end(&progress);
    if (status == HEED_OK) {
        printf("%s\n", model);
        fflush(stdout);
        say_next(&g, model);
        code = EXIT_OK;
    } else {
        code = cli_fail(&err);
    }
    if (status == HEED_E_STOPPED) {
        cli_say(&g, "go on with  heed train %s%s%s --resume", rest.items[0], v.dir ? " -o " : "", v.dir ? v.dir : "");
        code = cli_stop_exit();
    }
    heed_free(model);
    return code;
}

const cli_command cli_train = {
    .name = "train", .arguments = "RECIPE", .summary = "train a model as a recipe says",
    .text = "Reads a recipe (YAML; `heed help recipes` lists every key) and trains until the first of its limits. The run's directory\n"
            "holds the resolved recipe, log.jsonl, film.jsonl (`heed explain --film`), checkpoints (step-N, latest, best) and, in model/,\n"
            "the result, whose path is printed.\n"
            "An existing DIR is refused without --resume. Ctrl-C and SIGTERM save first (exit 130, 143); a second one ends at once.\n"
            "\n"
            "  heed train recipes/g2p-en/recipe.yaml -o runs/g2p --max-seconds 600\n"
            "  heed train my.yaml --set train.rate=5e-4 --set data.train=[a.txt,b.txt.gz]\n",
    .options = options, .run = run,
};
