/* What the commands share: cli.h. */
#include "cli.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

int cli_exit(heed_status status)
{
    switch (status) {
    case HEED_OK: return EXIT_OK;
    case HEED_E_USAGE: return EXIT_USAGE;
    case HEED_E_MODEL: return EXIT_MODEL;
    case HEED_E_DATA: return EXIT_DATA;
    case HEED_E_LIMIT: return EXIT_LIMIT;
    case HEED_E_DIVERGED: return EXIT_DIVERGED;
    case HEED_E_STOPPED: return 130;
    case HEED_E_IO: case HEED_E_NOMEM: case HEED_E_SHAPE: break;
    }
    return EXIT_OUTSIDE;
}

void cli_complain(const char *format, ...)
{
    va_list arguments;
    fflush(stdout);                       /* what came before stands before the complaint when both go to one place */
    fputs("heed: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

int cli_fail(const heed_error *err)
{
    cli_complain("%s", err->text);
    return cli_exit(err->status);
}

int cli_usage_error(const char *format, ...)
{
    char text[1000];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    cli_complain("%s", text);
    return EXIT_USAGE;
}

void cli_say(const cli_globals *g, const char *format, ...)
{
    if (g->quiet)
        return;
    va_list arguments;
    fflush(stdout);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

void cli_print_usage(const cli_command *c, FILE *out)
{
    fprintf(out, "usage: heed %s%s%s%s\n", c->name, *c->arguments ? " " : "", c->arguments, c->options->name ? " [options]" : "");
}

void cli_print_help(const cli_command *c, FILE *out)
{
    fprintf(out, "heed %s - %s\n\n", c->name, c->summary);
    cli_print_usage(c, out);
    fprintf(out, "\n%s\noptions\n", c->text);
    cli_options_print(c->options, out);
    cli_options_print(cli_global_options(), out);
    fprintf(out, "  %-30s %s\n", "--help", "this page");
}

void cli_print_overview(FILE *out)
{
    fputs("heed - attention models: train them, run them, see where they look\n\nusage: heed COMMAND ...\n\ncommands\n", out);
    for (const cli_command *const *c = cli_commands(); *c; c++) {
        char left[80];
        snprintf(left, sizeof left, "%s %s", (*c)->name, (*c)->arguments);
        fprintf(out, "  %-36s %s\n", left, (*c)->summary);
    }
    fputs("\neverywhere\n", out);
    cli_options_print(cli_global_options(), out);
    fputs("  --version                      the version and what the library was built with\n"
          "\n`heed COMMAND --help` tells all about one; `heed help` also knows tasks, recipes, parts, scores, metrics and lenses.\n"
          "A first look: heed demo\n", out);
}

static int missing(const cli_command *c, const char *what)
{
    cli_complain("%s: %s is missing", c->name, what);
    cli_print_usage(c, stderr);
    return EXIT_USAGE;
}

int cli_begin(const cli_command *c, cli_globals *g, void *values, cli_rest *rest, int argc, char **argv, const char *const *needed, int most)
{
    cli_table tables[] = {{c->options, values}, {cli_global_options(), g}};
    *rest = (cli_rest){argv, 0};
    switch (cli_options_parse(c->name, tables, 2, argc, argv, false, NULL, rest)) {
    case CLI_PARSED_HELP: cli_print_help(c, stdout); return EXIT_OK;
    case CLI_PARSED_WRONG: return EXIT_USAGE;
    case CLI_PARSED: break;
    }
    if (g->threads > 4096)
        return cli_usage_error("--threads takes at most 4096");
    for (int i = 0; needed && needed[i]; i++)
        if (rest->count <= i)
            return missing(c, needed[i]);
    if (most >= 0 && rest->count > most) {
        cli_complain("%s: \"%s\" is one argument too many", c->name, rest->items[most]);
        cli_print_usage(c, stderr);
        return EXIT_USAGE;
    }
    return -1;
}

heed_model *cli_model_read(const char *dir, const cli_globals *g, const cli_settings *settings, heed_error *err)
{
    char assignment[40];
    const char *items[CLI_MANY + 1];
    int count = 0;
    for (; count < settings->sets.count; count++)
        items[count] = settings->sets.items[count];
    if (settings->precision) {
        snprintf(assignment, sizeof assignment, "decode.precision=%s", settings->precision);
        items[count++] = assignment;
    }
    heed_model *m = heed_model_open(dir, &(heed_model_options){.sets = items, .set_count = count, .shortlist = settings->shortlist}, err);
    heed_number asked;
    if (m && heed_model_number(m, &asked) != asked)
        cli_say(g, "heed: %s: this processor has no instructions for %s; products are f32", dir, heed_number_name(asked));
    return m;
}

/* The models of one --ensemble, parted by commas. */
static bool open_others(cli_open *o, const cli_globals *g, const char *names, const char *precision, heed_error *err)
{
    for (const char *at = names; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
        char dir[PATH_MAX];
        const size_t size = strcspn(at, ",");
        if (o->other_count == CLI_MODELS || size >= sizeof dir) {
            heed_fail(err, HEED_E_USAGE, "--ensemble: more than %d models, or a name that is too long", CLI_MODELS);
            return false;
        }
        memcpy(dir, at, size);
        dir[size] = 0;
        o->others[o->other_count] = cli_model_read(dir, g, &(cli_settings){.precision = precision}, err);
        if (!o->others[o->other_count++])
            return false;
    }
    return true;
}

bool cli_model_open(cli_open *o, const cli_globals *g, const char *dir, const cli_settings *settings, const cli_ensemble *ensemble, int *failed)
{
    heed_error err = {0};
    const cli_settings own = settings ? *settings : (cli_settings){0};
    *o = (cli_open){0};
    o->model = cli_model_read(dir, g, &own, &err);
    bool good = o->model != NULL;
    for (int i = 0; good && ensemble && i < ensemble->models.count; i++)
        good = open_others(o, g, ensemble->models.items[i], own.precision, &err);
    const heed_session_options options = {.threads = (int)g->threads, .ensemble = (const heed_model *const *)o->others, .ensemble_count = o->other_count,
                                          .geometric = ensemble && ensemble->mean && !strcmp(ensemble->mean, "geometric")};
    if (good)
        o->session = heed_session_new(o->model, &options, &err);
    if (o->session)
        return true;
    *failed = cli_fail(&err);
    cli_model_close(o);
    return false;
}

void cli_model_close(cli_open *o)
{
    heed_session_free(o->session);
    heed_model_close(o->model);
    for (int i = 0; i < o->other_count; i++)
        heed_model_close(o->others[i]);
    *o = (cli_open){0};
}

int cli_print_text(char *text, const heed_error *err)
{
    return cli_write_text("-", text, err);
}

int cli_write_text(const char *path, char *text, const heed_error *err)
{
    if (!text)
        return cli_fail(err);
    bool standard = !strcmp(path, "-");
    errno = 0;
    FILE *f = standard ? stdout : fopen(path, "w");
    bool fine = f && fputs(text, f) >= 0 && !fflush(f);
    int why = errno;
    if (f && !standard && fclose(f)) {
        fine = false;
        why = errno;
    }
    heed_free(text);
    if (fine)
        return EXIT_OK;
    if (!standard)                        /* of standard output main() speaks, once for all */
        cli_complain("%s: cannot be written: %s", path, strerror(why));
    return EXIT_OUTSIDE;
}

bool cli_join(const cli_texts *words, char *out, size_t size)
{
    out[0] = 0;
    for (int i = 0; i < words->count; i++) {
        size_t at = strlen(out);
        if ((size_t)snprintf(out + at, size - at, "%s%s", i ? " " : "", words->items[i]) >= size - at)
            return false;
    }
    return true;
}

void cli_print_json_text(const char *text, FILE *out)
{
    fputc('"', out);
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            fprintf(out, "\\%c", c);
        else if (c < 0x20)
            fprintf(out, "\\u%04x", c);
        else
            fputc(c, out);
    }
    fputc('"', out);
}

static void print_number(const char *name, double value, FILE *out)
{
    if (isfinite(value)) fprintf(out, ", \"%s\": %.10g", name, value);
    else fprintf(out, ", \"%s\": null", name);
}

void cli_print_json_figure(const heed_figure *f, FILE *out)
{
    fputs("{\"name\": ", out);
    cli_print_json_text(f->name, out);
    print_number("value", f->value, out);
    if (f->interval) {
        print_number("low", f->low, out);
        print_number("high", f->high, out);
    }
    fputs(", \"signature\": ", out);
    cli_print_json_text(f->signature, out);
    if (f->sides) fprintf(out, ", \"precision\": %.10g, \"recall\": %.10g", f->precision, f->recall);
    fputc('}', out);
}
