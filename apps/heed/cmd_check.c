/* heed check: what is wrong with data before one trains on it. */
#include <string.h>

#include "cli.h"
#include "progress.h"
#include "stop.h"
#include "term.h"

typedef struct check_values {
    cli_texts sets, valid, test;
    const char *data;
    bool json, strict;
} check_values;

typedef struct watch { bool shown, quiet; } watch;

static const cli_option options[] = {
    {"--valid", "FILE", CLI_TEXTS, offsetof(check_values, valid), "with files: the validation set; twice for source and target, once for a TSV"},
    {"--test", "FILE", CLI_TEXTS, offsetof(check_values, test), "the same for a test set"},
    {"--strict", NULL, CLI_FLAG, offsetof(check_values, strict), "exit 4 when something is serious"},
    {"--set", "KEY=VALUE", CLI_TEXTS, offsetof(check_values, sets), "set a key of the recipe, as text.lower=true; may be repeated"},
    {"--data", "DIR", CLI_TEXT, offsetof(check_values, data), "where data is looked for; default: $HEED_DATA"},
    {"--json", NULL, CLI_FLAG, offsetof(check_values, json), "one JSON object"},
    {0},
};

static bool show_progress(void *user, const char *set, int64_t records)
{
    watch *w = user;
    char number[40];
    if (!w->quiet) {
        cli_count(number, sizeof number, records);
        fprintf(stderr, "\r\x1b[K%s  %s pairs", set, number);
        fflush(stderr);
        w->shown = true;
    }
    return !cli_stop_asked(NULL);
}

static void clear_progress(const watch *w)
{
    if (w->shown) fputs("\r\x1b[K", stderr);
}

/* --- text ---------------------------------------------------------------------------------------------------------------------------------------- */

static void print_place(const heed_finding *f, const heed_place *p)
{
    char line[40], other[40];
    const bool known = strcmp(f->set, "train") != 0 && (!strncmp(f->name, "known", 5) || !strncmp(f->name, "near", 4));
    cli_count(line, sizeof line, p->line);
    cli_count(other, sizeof other, p->other);
    printf("      line %s", line);
    if (p->other) printf(known ? " = train %s" : " = %s", other);
    printf(*p->text ? ": %s\n" : "\n", p->text);
}

static void print_finding(const heed_finding *f)
{
    char count[40];
    const double share = 100.0 * (double)f->count / (double)f->of;
    cli_count(count, sizeof count, f->count);
    printf("  %s %s%s%s (%.*f %%) %s", f->serious ? "!" : "-", f->side, *f->side ? ": " : "", count, share < 1 ? 2 : 1, share, f->what);
    printf(*f->note ? "; %s\n" : "\n", f->note);
    for (int i = 0; i < f->place_count; i++) print_place(f, &f->places[i]);
}

static void print_text(const heed_checked *c)
{
    for (int s = 0, i = 0; s < c->set_count; s++) {
        char count[40];
        cli_count(count, sizeof count, c->sets[s].records);
        printf("%s%s: %s pairs (%s)\n", s ? "\n" : "", c->sets[s].name, count, c->sets[s].files);
        if (i == c->count || strcmp(c->findings[i].set, c->sets[s].name) != 0) puts("  nothing found");
        for (; i < c->count && !strcmp(c->findings[i].set, c->sets[s].name); i++) print_finding(&c->findings[i]);
    }
    printf("\n%s\n", c->summary);
}

/* --- JSON ------------------------------------------------------------------------------------------------------------------------------------------- */

static void print_member(const char *name, const char *text)
{
    printf("\"%s\": ", name);
    cli_print_json_text(text, stdout);
    fputs(", ", stdout);
}

static void print_finding_json(const heed_finding *f)
{
    fputc('{', stdout);
    print_member("name", f->name);
    print_member("set", f->set);
    print_member("side", f->side);
    printf("\"count\": %lld, \"of\": %lld, \"serious\": %s, ", (long long)f->count, (long long)f->of, f->serious ? "true" : "false");
    print_member("what", f->what);
    print_member("note", f->note);
    print_member("advice", f->advice);
    fputs("\"examples\": [", stdout);
    for (int i = 0; i < f->place_count; i++) {
        const heed_place *p = &f->places[i];
        printf("%s{\"line\": %lld, \"other\": ", i ? ", " : "", (long long)p->line);
        if (p->other) printf("%lld", (long long)p->other);
        else fputs("null", stdout);
        fputs(", \"text\": ", stdout);
        cli_print_json_text(p->text, stdout);
        fputc('}', stdout);
    }
    fputs("]}", stdout);
}

static void print_json(const heed_checked *c)
{
    fputs("{\"sets\": [", stdout);
    for (int i = 0; i < c->set_count; i++) {
        fputs(i ? ", {" : "{", stdout);
        print_member("name", c->sets[i].name);
        print_member("files", c->sets[i].files);
        printf("\"pairs\": %lld}", (long long)c->sets[i].records);
    }
    fputs("], \"findings\": [", stdout);
    for (int i = 0; i < c->count; i++) {
        if (i) fputs(", ", stdout);
        print_finding_json(&c->findings[i]);
    }
    printf("], \"serious\": %d, \"summary\": ", c->serious);
    cli_print_json_text(c->summary, stdout);
    puts("}");
}

/* --- the command ------------------------------------------------------------------------------------------------------------------------------------ */

static bool is_recipe(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot && (!strcmp(dot, ".yaml") || !strcmp(dot, ".yml"));
}

static int check(const heed_check_options *o, const check_values *v, const watch *w)
{
    heed_error err = {0};
    heed_checked *c = heed_check_data(o, &err);
    clear_progress(w);
    if (!c) return err.status == HEED_E_STOPPED ? cli_stop_exit() : cli_fail(&err);
    if (v->json) print_json(c);
    else print_text(c);
    const int code = v->strict && c->serious ? EXIT_DATA : EXIT_OK;
    heed_checked_free(c);
    return code;
}

static int run(const cli_command *self, const cli_globals *globals, int argc, char **argv)
{
    check_values v = {0};
    cli_globals g = *globals;
    cli_rest rest;
    int code = cli_begin(self, &g, &v, &rest, argc, argv, (const char *[]){"DATA", NULL}, 2);
    if (code >= 0)
        return code;
    const bool recipe = rest.count == 1 && is_recipe(rest.items[0]);
    if (recipe && (v.valid.count || v.test.count))
        return cli_usage_error("check: --valid and --test go with files; a recipe names its own sets (--set data.valid=...)");
    if (v.valid.count > 2 || v.test.count > 2)
        return cli_usage_error("check: %s takes one TSV, or is given twice, for source and target", v.valid.count > 2 ? "--valid" : "--test");
    watch w = {.quiet = g.quiet || !cli_term_of(stderr).motion};
    heed_check_options o = {.sets = v.sets.items, .set_count = v.sets.count, .data_dir = v.data, .progress = show_progress, .user = &w};
    if (recipe) o.recipe = rest.items[0];
    for (int i = 0; i < 2; i++) {
        o.train[i] = !recipe && i < rest.count ? rest.items[i] : NULL;
        o.valid[i] = i < v.valid.count ? v.valid.items[i] : NULL;
        o.test[i] = i < v.test.count ? v.test.items[i] : NULL;
    }
    cli_stop_catch();
    return check(&o, &v, &w);
}

const cli_command cli_check = {
    .name = "check", .arguments = "RECIPE | SOURCE TARGET | TSV", .summary = "what is wrong with data before one trains on it",
    .text = "Reads the train, valid and test sets of a recipe (a name that ends in .yaml or .yml), or the files given, and tells with counts and first lines:\n"
            "pairs that repeat, test lines that stand in the training data, copies, empty sides, lengths out of proportion, lines in a wrong script, broken\n"
            "UTF-8, control characters, mark-up, mojibake, numbers that differ, lone brackets. A `!` marks what is serious; the last line says what to do.\n"
            "\n"
            "  heed check my.yaml\n"
            "  heed check train.de train.en --test test.de --test test.en --strict\n",
    .options = options, .run = run,
};
