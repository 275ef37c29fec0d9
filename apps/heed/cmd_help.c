/* heed help: the overview, a command, or what the library's tables say. */
#include "cli.h"

#include <string.h>

static const char *const topics[] = {"tasks", "recipes", "parts", "scores", "metrics", "lenses"};
enum { TOPICS = sizeof topics / sizeof *topics };

static const cli_option options[] = {{0}};

static int unknown(const char *topic)
{
    const char *names[CLI_MANY] = {0};
    int n = 0;
    for (; n < TOPICS; n++)
        names[n] = topics[n];
    for (const cli_command *const *c = cli_commands(); *c && n + 1 < CLI_MANY; c++)
        names[n++] = (*c)->name;
    const char *near = cli_nearest(topic, names);
    return near ? cli_usage_error("help: nothing on \"%s\"; did you mean %s?", topic, near)
                : cli_usage_error("help: nothing on \"%s\"; there is tasks, recipes, parts, scores, metrics, lenses and every command", topic);
}

static int run(const cli_command *self, const cli_globals *globals, int argc, char **argv)
{
    cli_globals g = *globals;
    cli_rest rest;
    int code = cli_begin(self, &g, NULL, &rest, argc, argv, NULL, 1);
    if (code >= 0)
        return code;
    if (rest.count == 0) {
        cli_print_overview(stdout);
        return EXIT_OK;
    }
    const cli_command *c = cli_command_find(rest.items[0]);
    if (c) {
        cli_print_help(c, stdout);
        return EXIT_OK;
    }
    heed_error err = {0};
    for (int i = 0; i < TOPICS; i++)
        if (!strcmp(rest.items[0], topics[i]))
            return cli_print_text(heed_help(topics[i], &err), &err);
    return unknown(rest.items[0]);
}

const cli_command cli_help = {
    .name = "help", .arguments = "[TOPIC]", .summary = "this overview; a command; tasks, recipes, parts, scores, metrics, lenses",
    .text = "TOPIC is a command, or one of\n"
            "  tasks      what can be learnt\n"
            "  recipes    every key of a recipe with type, range and default\n"
            "  scores     the family of attention: scores and alignments\n"
            "  metrics    what `score` and `eval` can measure\n"
            "  lenses     by what `explain` can tell what mattered\n",
    .options = options, .run = run,
};
