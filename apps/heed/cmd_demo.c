/* heed demo: two models learn to pronounce phrases, one with attention and one without; then they are compared. */
#include "demo.h"
#include "progress.h"
#include "stop.h"

#include <stdlib.h>
#include <string.h>

const char *const demo_names[DEMO_MODELS] = {"fixed", "attention"};
const char *const demo_titles[DEMO_MODELS] = {"one fixed vector", "additive attention"};
const int demo_words[DEMO_LENGTHS] = {1, 2, 3, 4, 6};

typedef struct demo_values { const char *dir; int64_t seed, updates, phrases; bool data_only; } demo_values;

static const cli_option options[] = {
    {"-o", "DIR", CLI_TEXT, offsetof(demo_values, dir), "where data, models and pictures go; default runs/demo"},
    {"--seed", "N", CLI_WHOLE, offsetof(demo_values, seed), "start of every generator; default 1"},
    {"--updates", "N", CLI_WHOLE, offsetof(demo_values, updates), "updates of either model; default: a minute or two for both on two cores"},
    {"--phrases", "N", CLI_WHOLE, offsetof(demo_values, phrases), "test phrases of each length; default 500"},
    {"--data-only", NULL, CLI_FLAG, offsetof(demo_values, data_only), "write phrases, single words and recipes, and train nothing"},
    {0},
};

typedef struct listener { cli_progress progress; demo_curve *curve; } listener;

static void hear(void *user, const heed_event *e)
{
    listener *l = user;
    cli_progress_event(&l->progress, e);
    if (e->kind != HEED_EVENT_VALID || l->curve->count == DEMO_POINTS)
        return;
    l->curve->update[l->curve->count] = (double)e->update;
    l->curve->loss[l->curve->count++] = e->valid_loss;
}

static int train(demo *d, int model)
{
    char recipe[DEMO_PATH], dir[DEMO_PATH], file[40];
    snprintf(file, sizeof file, "%s.yaml", demo_names[model]);
    int code = demo_path(recipe, d, file);
    if (!code)
        code = demo_path(dir, d, demo_names[model]);
    if (code)
        return code;
    listener l = {.curve = &d->curve[model]};
    cli_progress_init(&l.progress, d->globals, demo_names[model]);
    heed_train_options t = {.recipe = recipe, .dir = dir, .threads = (int)d->globals->threads, .stop = cli_stop_asked, .event = hear, .user = &l};
    heed_error err = {0};
    heed_status status = heed_train(&t, &d->model[model], &err);
    cli_progress_end(&l.progress);
    if (status == HEED_OK)
        return cli_model_open(&d->open[model], d->globals, d->model[model], NULL, NULL, &code) ? EXIT_OK : code;
    code = cli_fail(&err);
    return status == HEED_E_STOPPED ? cli_stop_exit() : code;
}

static int prepare(const demo *d, bool data_only)
{
    char dictionary[DEMO_PATH];
    heed_error err = {0};
    int code = demo_find_dictionary(dictionary);
    if (!code)
        code = demo_take_directory(d);
    if (code)
        return code;
    cli_say(d->globals, data_only ? "writing phrases, single words and both recipes to %s"
                                  : "two models of equal size learn to pronounce phrases, one with attention, the other from a single fixed vector;\n"
                                    "a minute or two on two cores, Ctrl-C ends it; all goes to %s", d->dir);
    heed_demo_options o = {.dictionary = dictionary, .dir = d->dir, .seed = d->seed, .updates = d->updates, .test_phrases = d->test_phrases};
    return heed_demo_prepare(&o, &err) ? cli_fail(&err) : EXIT_OK;
}

static int show(demo *d, const char *phrase)
{
    cli_say(d->globals, "measuring both models on phrases they have never seen");
    int code = demo_measure(d);
    if (code)
        return code;
    demo_print_rates(d);
    code = demo_print_words(d);
    if (!code)
        code = demo_print_phrase(d, phrase);
    if (!code)
        code = demo_write_charts(d, phrase);
    return code ? code : demo_write_page(d, phrase);
}

static void say_next(const demo *d)
{
    const char *dir = d->dir, *model = d->model[1];
    printf("\npictures  %s/learning-curves.svg  %s/length-curve.svg  %s/alignment.svg\n", dir, dir, dir);
    printf("page      %s/page.html   for a browser: what the model looked at, lens by lens, and whether to believe it\n", dir);
    cli_say(d->globals, "next  echo 'an open question' | heed run %s\n"
                        "      heed explain %s 'an open question' --steps\n"
                        "      heed eval %s %s/test-4.tsv\n"
                        "      heed train %s/attention.yaml -o my-run --set model.attention.score=dot\n"
                        "      heed help recipes", model, model, model, dir, dir);
}

/* The words joined by single spaces, in lower case as the dictionary has them. */
static char *join_phrase(const cli_rest *rest)
{
    size_t size = 1, at = 0;
    for (int i = 0; i < rest->count; i++)
        size += strlen(rest->items[i]) + 1;
    char *phrase = calloc(size, 1);
    for (int i = 0; phrase && i < rest->count; i++) {
        if (i)
            phrase[at++] = ' ';
        for (const char *c = rest->items[i]; *c; c++)
            phrase[at++] = (char)(*c >= 'A' && *c <= 'Z' ? *c - 'A' + 'a' : *c);
    }
    return phrase;
}

static int run_demo(demo *d, const char *phrase, bool data_only)
{
    cli_stop_catch();
    int code = prepare(d, data_only);
    if (code || data_only)
        return code;
    for (int m = 0; m < DEMO_MODELS && !code; m++)
        code = train(d, m);
    if (!code)
        code = show(d, phrase);
    if (!code)
        say_next(d);
    for (int m = 0; m < DEMO_MODELS; m++) {
        cli_model_close(&d->open[m]);
        heed_free(d->model[m]);
    }
    return code;
}

static int run(const cli_command *self, const cli_globals *globals, int argc, char **argv)
{
    demo_values v = {.dir = "runs/demo", .seed = 1};
    cli_globals g = *globals;
    cli_rest rest;
    int code = cli_begin(self, &g, &v, &rest, argc, argv, NULL, -1);
    if (code >= 0)
        return code;
    char *phrase = rest.count ? join_phrase(&rest) : strdup("the quick answer");
    demo *d = calloc(1, sizeof *d);
    if (d && phrase) {
        *d = (demo){.globals = &g, .dir = v.dir, .seed = (uint64_t)v.seed, .updates = v.updates, .test_phrases = v.phrases};
        code = run_demo(d, phrase, v.data_only);
    } else {
        cli_complain("out of memory");
        code = EXIT_OUTSIDE;
    }
    free(phrase);
    free(d);
    return code;
}

const cli_command cli_demo = {
    .name = "demo", .arguments = "[PHRASE...]", .summary = "learn to pronounce with and without attention, in a minute or two",
    .text = "Draws phrases of one to three words from the CMU pronouncing dictionary and trains two models of equal size to pronounce\n"
            "them: one must squeeze the whole phrase into a fixed vector, the other attends to the letters anew for each sound. Prints the\n"
            "phone error rate of both for phrases of one to six unseen words, pronounces unseen words and PHRASE, draws where the model\n"
            "looked, and writes learning-curves.svg, length-curve.svg, alignment.svg and page.html, a page that tells what the model went by.\n"
            "A DIR of an earlier demo is replaced, any other existing one refused. The dictionary is looked for beside the program, or in\n"
            "$HEED_SHARE/cmudict.\n"
            "\n"
            "  heed demo 'attention please'\n",
    .options = options, .run = run,
};
