/* heed explain: where a model looked. */
#include "explain.h"
#include "lines.h"
#include "term.h"

#include <limits.h>
#include <string.h>

static const cli_option options[] = {
    {"--svg", "FILE", CLI_TEXT, offsetof(explain_values, svg), "a heat map as SVG; `-`: to standard output"},
    {"--json", NULL, CLI_FLAG, offsetof(explain_values, json), "symbols, links and weights as one JSON object"},
    {"-o", "FILE", CLI_TEXT, offsetof(explain_values, out), "all lenses into a file of the form that its ending names: .html is a page for a browser"},
    {"--lens", "NAME", CLI_TEXTS, offsetof(explain_values, lenses), "show this lens; may be repeated; all: every one. `heed help lenses` tells what there is"},
    {"--csv", NULL, CLI_FLAG, offsetof(explain_values, csv), "scores as a table, a row of symbols on top"},
    {"--tex", NULL, CLI_FLAG, offsetof(explain_values, tex), "scores as coloured tables in a TeX document"},
    {"--npy", NULL, CLI_FLAG, offsetof(explain_values, npy), "scores as a NumPy array [lens, written, read]"},
    {"--heads", NULL, CLI_FLAG, offsetof(explain_values, heads), "with --json the weights of every layer and head too"},
    {"--trust", NULL, CLI_FLAG, offsetof(explain_values, trust), "with --json whether each lens can be believed here; a page always says so"},
    {"--what-if", "CHANGE", CLI_TEXTS, offsetof(explain_values, what_if),
     "mask:I, edit:I=TEXT, head:SITE.LAYER.HEAD=off, row:T=S, prefix=TEXT or vector=TEXT: what that does to ln p; may be repeated"},
    {"--steps", NULL, CLI_FLAG, offsetof(explain_values, steps), "scores, weights, weighted sum and joined context of every step"},
    {"--target", "TEXT", CLI_TEXT, offsetof(explain_values, target), "not what the model writes, but this text"},
    CLI_ENSEMBLE(explain_values),
    CLI_SETTINGS(explain_values),
    CLI_LOOK(explain_values),
    {"--corpus", NULL, CLI_FLAG, offsetof(explain_values, corpus), "a page of explanations, one a line in each FILE as --json prints them; two files: two models; with -o"},
    {"--film", NULL, CLI_FLAG, offsetof(explain_values, film), "how it was learnt, of the training in RUN; with --svg, --json or -o FILE.html too"},
    {"--sentence", "N", CLI_WHOLE, offsetof(explain_values, sentence), "of the film, from 0; default all, on a terminal the first"},
    {0},
};

enum { NOT_GIVEN = -1 };

static heed_picture picture_of(const explain_values *v)
{
    return v->out ? HEED_PICTURE_PAGE : v->svg ? HEED_PICTURE_SVG : v->json ? HEED_PICTURE_JSON : v->steps ? HEED_PICTURE_STEPS : HEED_PICTURE_TERMINAL;
}

static int explain(const char *dir, const char *text, const cli_globals *g, const explain_values *v)
{
    cli_open open;
    int code;
    if (!cli_model_open(&open, g, dir, &v->settings, &v->ensemble, &code))
        return code;
    if (explain_wants_lenses(v)) {
        code = explain_by_lenses(&open, dir, text, g, v);
        cli_model_close(&open);
        return code;
    }
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

static bool is_page(const char *path)
{
    const char *ending = strrchr(path, '.');
    return ending && (!strcmp(ending, ".html") || !strcmp(ending, ".htm"));
}

/* Whether options are given that a run of the model takes. */
static bool asks_more(const explain_values *v)
{
    const cli_look none = CLI_LOOK_NOT_GIVEN;
    return v->steps || v->target || v->lenses.count || v->what_if.count || v->csv || v->tex || v->npy || v->heads || v->trust || v->settings.sets.count || v->settings.precision ||
           memcmp(&v->look, &none, sizeof none);
}

static int show_film(const cli_rest *rest, const explain_values *v)
{
    if (rest->count > 1)
        return cli_usage_error("--film shows how sentences of a training were learnt; it takes no TEXT");
    if (asks_more(v))
        return cli_usage_error("--film was made while the model learnt; of the other options it takes --svg, --json, -o FILE.html and --sentence");
    if ((v->svg != NULL) + v->json + (v->out != NULL) > 1 || (v->out && !is_page(v->out)))
        return cli_usage_error("a film has one form: --svg FILE, --json, or -o FILE.html for a page");
    if (v->sentence != NOT_GIVEN && v->sentence > INT_MAX)
        return cli_usage_error("--sentence counts from 0; no film has that many");
    cli_term term = cli_term_of(stdout);
    const heed_film_options o = {.picture = picture_of(v), .colour = term.colour, .columns = term.columns, .sentence = (int)v->sentence};
    heed_error err = {0};
    return cli_write_text(v->out ? v->out : v->svg ? v->svg : "-", heed_film(rest->items[0], &o, &err), &err);
}

static int show_corpus(const cli_rest *rest, const explain_values *v)
{
    if (asks_more(v) || v->film || v->svg || v->json || v->sentence != NOT_GIVEN)
        return cli_usage_error("--corpus makes a page of explanations that were made before; of the other options it takes -o");
    if (!v->out || !is_page(v->out))
        return cli_usage_error("--corpus writes a page; name it with -o FILE.html");
    heed_error err = {0};
    return cli_write_text(v->out, heed_explanation_corpus((const char *const *)rest->items, rest->count, &err), &err);
}

static int run(const cli_command *self, const cli_globals *globals, int argc, char **argv)
{
    explain_values v = {.look = CLI_LOOK_NOT_GIVEN, .sentence = NOT_GIVEN};
    cli_globals g = *globals;
    cli_rest rest;
    int code = cli_begin(self, &g, &v, &rest, argc, argv, (const char *[]){"MODEL", NULL}, 2);
    if (code >= 0)
        return code;
    if (v.corpus)
        return show_corpus(&rest, &v);
    if (!v.film && explain_wants_lenses(&v) && (code = explain_check_lenses(&v)) >= 0)
        return code;
    if ((v.svg != NULL) + v.json + v.steps > 1)
        return cli_usage_error("--svg, --json and --steps are three pictures; ask for one at a time");
    if (v.film)
        return show_film(&rest, &v);
    if (v.sentence != NOT_GIVEN)
        return cli_usage_error("--sentence is one of a film; it goes with --film");
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
    .name = "explain", .arguments = "MODEL [TEXT] | --film RUN | --corpus FILE [FILE]", .summary = "where the model looked, and what mattered: maps, lenses, a page",
    .text = "Runs the model on TEXT (else the first line of standard input) and shows for every symbol written how much of its attention\n"
            "each symbol read was given. --steps prints the three steps of attention as numbers: scores, weights, weighted sum.\n"
            "Lenses tell in other ways what each symbol read was worth to each one written, and a page puts beside each whether it can be believed.\n"
            "\n"
            "  heed explain models/g2p-en phonetics\n"
            "  heed explain models/g2p-en phonetics --svg phonetics.svg\n"
            "  heed explain models/g2p-en phonetics -o phonetics.html    all lenses, a page for a browser\n"
            "  heed explain models/g2p-en phonetics --lens leave-one-out --what-if mask:0\n"
            "  heed explain --film runs/roman --svg film.svg             how it was learnt\n"
            "  heed explain --corpus de.jsonl -o de.html                 explanations, one a line, the worst first\n",
    .options = options, .run = run,
};
