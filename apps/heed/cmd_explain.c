/* heed explain: where a model looked. */
#include "cli.h"
#include "lines.h"
#include "look.h"
#include "term.h"

#include <string.h>

typedef struct explain_values {
    const char *svg, *target;
    bool json, steps;
    cli_look look;
    cli_texts sets;
} explain_values;

static const cli_option options[] = {
    {"--svg", "FILE", CLI_TEXT, offsetof(explain_values, svg), "a heat map as SVG; `-`: to standard output"},
    {"--json", NULL, CLI_FLAG, offsetof(explain_values, json), "symbols, links and weights as one JSON object"},
    {"--steps", NULL, CLI_FLAG, offsetof(explain_values, steps), "scores, weights, weighted sum and joined context of every step"},
    {"--target", "TEXT", CLI_TEXT, offsetof(explain_values, target), "not what the model writes, but this text"},
    {CLI_SET, CLI_TEXTS, offsetof(explain_values, sets), CLI_SET_HELP},
    CLI_LOOK(explain_values),
    {0},
};

static heed_picture picture_of(const explain_values *v)
{
    return v->svg ? HEED_PICTURE_SVG : v->json ? HEED_PICTURE_JSON : v->steps ? HEED_PICTURE_STEPS : HEED_PICTURE_TERMINAL;
}

static int explain(const char *dir, const char *text, const cli_globals *g, const explain_values *v)
{
    cli_open open;
    int code;
    if (!cli_model_open(&open, g, dir, &v->sets, &code))
        return code;
    cli_term term = cli_term_of(stdout);
    heed_item item = {.text = text, .target = v->target};
    const heed_look look = cli_look_of(&v->look, open.model);
    heed_explain_options o = {.picture = picture_of(v), .colour = term.colour, .columns = term.columns, .look = &look};
    heed_error err = {0};
    char *picture = heed_explain(open.session, &item, &o, &err);
    code = cli_write_text(v->svg ? v->svg : "-", picture, &err);
    cli_model_close(&open);
    return code;
}

static int run(const cli_command *self, const cli_globals *globals, int argc, char **argv)
{
    explain_values v = {.look = CLI_LOOK_NOT_GIVEN};
    cli_globals g = *globals;
    cli_rest rest;
    int code = cli_begin(self, &g, &v, &rest, argc, argv, (const char *[]){"MODEL", NULL}, 2);
    if (code >= 0)
        return code;
    if ((v.svg != NULL) + v.json + v.steps > 1)
        return cli_usage_error("--svg, --json and --steps are three pictures; ask for one at a time");
    if (rest.count > 1)
        return explain(rest.items[0], rest.items[1], &g, &v);
    cli_lines input;
    char *text = NULL;
    size_t size = 0;
    heed_error err = {0};
    if (!cli_lines_open(&input, NULL, &err))
        return cli_fail(&err);
    if (!cli_lines_read(&input, &text, &size, &err))
        code = err.status ? cli_fail(&err) : cli_usage_error("explain: no TEXT, and standard input is empty");
    else if (memchr(text, 0, size)) {
        cli_complain("standard input: line 1: holds a zero byte, which no text does");
        code = EXIT_DATA;
    } else
        code = explain(rest.items[0], text, &g, &v);
    cli_lines_close(&input);
    return code;
}

const cli_command cli_explain = {
    .name = "explain", .arguments = "MODEL [TEXT]", .summary = "where the model looked: a heat map, SVG, JSON, numbers",
    .text = "Runs the model on TEXT (else the first line of standard input) and shows for every symbol written how much of its attention\n"
            "each symbol read was given. --steps prints the three steps of attention as numbers: scores, weights, weighted sum.\n"
            "\n"
            "  heed explain models/g2p-en phonetics\n"
            "  heed explain models/g2p-en phonetics --svg phonetics.svg\n",
    .options = options, .run = run,
};
