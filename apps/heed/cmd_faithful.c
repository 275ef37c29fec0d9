/* heed faithful: which lens to trust for a model; with --attention, whether it needs its attention as it is. */
#include "cli.h"
#include "needed.h"
#include "progress.h"
#include "stop.h"
#include "term.h"

#include <math.h>

typedef struct faithful_values {
    bool own, json, forget, attention;
    const char *truth, *baseline, *other;
    cli_texts lenses;
    int64_t pairs, symbols;
    cli_settings settings;
} faithful_values;

typedef struct watch { bool shown, quiet; } watch;

static const cli_option options[] = {
    {"--own", NULL, CLI_FLAG, offsetof(faithful_values, own), "judge what the model writes itself, not the targets, which need not be there"},
    {"--truth", "FILE", CLI_TEXT, offsetof(faithful_values, truth), "links source-target, words from 0, of the words that decide; how often does a lens put them first?"},
    {"--lens", "NAME", CLI_TEXTS, offsetof(faithful_values, lenses), "judge this lens; may be repeated; default: all that suit the model"},
    {"--baseline", "zero|mean|unk", CLI_TEXT, offsetof(faithful_values, baseline), "embedding that lenses of gradients measure from; default zero"},
    {"--pairs", "N", CLI_WHOLE, offsetof(faithful_values, pairs), "the first N pairs; default 1000"},
    {"--symbols", "N", CLI_WHOLE, offsetof(faithful_values, symbols), "judge N symbols of each target, drawn; default 8"},
    {"--no-store", NULL, CLI_FLAG, offsetof(faithful_values, forget), "leave the model's attn.json as it is"},
    {"--attention", NULL, CLI_FLAG, offsetof(faithful_values, attention), "instead: what the model does with other weights in the place of its attention's"},
    {"--other", "MODEL", CLI_TEXT, offsetof(faithful_values, other), "with --attention: also with the weights of this model, the same from another seed, and beside it"},
    {"--json", NULL, CLI_FLAG, offsetof(faithful_values, json), "one JSON object"},
    CLI_SETTINGS(faithful_values),
    {0},
};

static bool show_progress(void *user, int64_t pairs, int64_t of)
{
    watch *w = user;
    if (!w->quiet) {
        fprintf(stderr, "\r\x1b[K%lld of %lld pairs", (long long)pairs, (long long)of);
        fflush(stderr);
        w->shown = true;
    }
    return !cli_stop_asked(NULL);
}

/* --- text ------------------------------------------------------------------------------------------------------------------------------------------ */

static void print_row(const heed_faithful *f, const heed_trusted *t)
{
    printf("%-22s", t->lens ? t->lens->name : "random order");
    if (t->lens) printf(" %7.3f  %6.3f to %6.3f", t->gain.value, t->gain.low, t->gain.high);
    else printf(" %7s  %16s", "", "");
    printf("  %8.3f %8.3f %8.3f", t->deleted.value, t->blanked.value, t->sufficiency.value);
    if (f->links) printf(" %8.2f", 100 * t->first.value);
    puts(!t->lens ? "" : t->passed ? "   passed" : "   failed");
}

static void print_text(const heed_faithful *f)
{
    printf("%-22s %7s  %-16s  %8s %8s %8s%s\n", "lens", "gain", "      95 %", "deleted", "blanked", "alone", f->links ? "  first %" : "");
    for (int i = 0; i < f->count; i++) print_row(f, &f->lenses[i]);
    print_row(f, &f->random);
    char pairs[40], symbols[40], links[40];
    cli_count(pairs, sizeof pairs, f->pairs);
    cli_count(symbols, sizeof symbols, f->symbols);
    cli_count(links, sizeof links, f->links);
    printf("\n%s pairs, %s symbols of their targets", pairs, symbols);
    if (f->links) printf(", %s links", links);
    if (f->left_out) printf("; %lld pairs left out: empty or too long", (long long)f->left_out);
    puts("\ndeleted, blanked: how far p falls without what a lens puts first (more is better); alone: with that alone (less is better)");
}

/* --- JSON ------------------------------------------------------------------------------------------------------------------------------------------- */

static void print_estimate(const char *name, const heed_estimate *e)
{
    if (isnan(e->value)) printf(", \"%s\": null", name);
    else printf(", \"%s\": [%.6g, %.6g, %.6g]", name, e->value, e->low, e->high);
}

static void print_json_row(const heed_trusted *t)
{
    printf("{\"lens\": \"%s\"", t->lens ? t->lens->name : "random");
    if (t->lens) print_estimate("gain", &t->gain);
    print_estimate("deleted", &t->deleted);
    print_estimate("blanked", &t->blanked);
    print_estimate("sufficiency", &t->sufficiency);
    print_estimate("first", &t->first);
    if (t->lens) printf(", \"passed\": %s", t->passed ? "true" : "false");
    putchar('}');
}

static void print_json(const heed_faithful *f)
{
    printf("{\"pairs\": %lld, \"left_out\": %lld, \"symbols\": %lld, \"links\": %lld, \"lenses\": [", (long long)f->pairs, (long long)f->left_out,
           (long long)f->symbols, (long long)f->links);
    for (int i = 0; i < f->count; i++) {
        if (i) fputs(", ", stdout);
        print_json_row(&f->lenses[i]);
    }
    fputs("], \"random\": ", stdout);
    print_json_row(&f->random);
    puts("}");
}

/* --- the command ------------------------------------------------------------------------------------------------------------------------------------ */

static int measure(const faithful_values *v, const heed_faithful_options *o, const watch *w, heed_session *session, const char *dir)
{
    heed_error err = {0};
    heed_faithful *f = heed_faithful_measure(session, o, &err);
    if (w->shown) fputs("\r\x1b[K", stderr);
    if (!f) return err.status == HEED_E_STOPPED ? cli_stop_exit() : cli_fail(&err);
    if (v->json) print_json(f);
    else print_text(f);
    const int code = v->forget || heed_faithful_store(f, dir, &err) == HEED_OK ? EXIT_OK : cli_fail(&err);
    heed_faithful_free(f);
    return code;
}

static int change_attention(const faithful_values *v, heed_needed_options *o, const watch *w, const cli_globals *g, heed_session *session)
{
    heed_error err = {0};
    heed_needed found;
    cli_open other = {0};
    int code = EXIT_OK;
    if (v->other && !cli_model_open(&other, g, v->other, &v->settings, NULL, &code))
        return code;
    o->other = other.model;
    const heed_status status = heed_needed_measure(session, o, &found, &err);
    cli_model_close(&other);
    if (w->shown) fputs("\r\x1b[K", stderr);
    if (status) return status == HEED_E_STOPPED ? cli_stop_exit() : cli_fail(&err);
    if (v->json) cli_print_needed_json(&found);
    else cli_print_needed(&found);
    return EXIT_OK;
}

/* Lenses have no part in what is done to attention. */
static int check(const faithful_values *v)
{
    if (!v->pairs || !v->symbols) return cli_usage_error("faithful: %s takes 1 or more", v->pairs ? "--symbols" : "--pairs");
    if (v->other && !v->attention) return cli_usage_error("faithful: --other is another model's attention for --attention");
    if (v->attention && (v->lenses.count || v->truth || v->baseline || v->symbols > 0 || v->forget))
        return cli_usage_error("faithful: --attention asks no lens and stores nothing; of the other options it takes --other, --own, --pairs and --json");
    return EXIT_OK;
}

static int run(const cli_command *self, const cli_globals *globals, int argc, char **argv)
{
    faithful_values v = {.pairs = -1, .symbols = -1};
    cli_globals g = *globals;
    cli_rest rest;
    cli_open open;
    int code = cli_begin(self, &g, &v, &rest, argc, argv, (const char *[]){"MODEL", "DATA", NULL}, 3);
    if (code >= 0)
        return code;
    if (check(&v)) return EXIT_USAGE;
    if (!cli_model_open(&open, &g, rest.items[0], &v.settings, NULL, &code))
        return code;
    watch w = {.quiet = g.quiet || !cli_term_of(stderr).motion};
    const heed_faithful_options o = {.source = rest.items[1], .target = rest.count > 2 ? rest.items[2] : NULL, .own = v.own, .truth = v.truth,
                                     .lenses = v.lenses.items, .lens_count = v.lenses.count, .baseline = v.baseline, .pairs = v.pairs > 0 ? v.pairs : 0,
                                     .symbols = v.symbols > 0 ? v.symbols : 0, .progress = show_progress, .user = &w};
    heed_needed_options needed = {.source = o.source, .target = o.target, .own = v.own, .pairs = o.pairs, .progress = show_progress, .user = &w};
    cli_stop_catch();
    code = v.attention ? change_attention(&v, &needed, &w, &g, open.session) : measure(&v, &o, &w, open.session, rest.items[0]);
    cli_model_close(&open);
    return code;
}

const cli_command cli_faithful = {
    .name = "faithful", .arguments = "MODEL SOURCE TARGET | MODEL TSV", .summary = "which lens to trust: what does the model do without what a lens points at?",
    .text = "Takes away the source symbols that each lens (heed explain --lens) puts first, or leaves nothing but these, and asks the model how likely\n"
            "each target symbol then is; random orders are taken away beside them. A lens that knows what the model goes by makes more of a\n"
            "difference than chance does. `gain` is how much more, with the interval that 95 % of corpora drawn anew have; a lens passes when that\n"
            "is above 0 by every judge. The order is kept in the model's attn.json, and heed explain shows it.\n"
            "\n"
            "With --attention: other weights in the place of all cross attention's, nothing learnt anew: each row's own permuted (Jain and Wallace\n"
            "2019), all alike, or those of another model (Wiegreffe and Pinter 2019); and how far what it says then is from what it said. The other\n"
            "model itself stands beside it: one that was trained as its adversary (train.adversary), say.\n"
            "\n"
            "  heed faithful models/g2p-en words.tsv\n"
            "  heed faithful runs/tiny/model test.en.gz test.de.gz --pairs 200\n"
            "  heed faithful runs/planted/keyword-gru-1/model keyword-test.tsv --truth keyword-test.truth\n"
            "  heed faithful runs/seed-1/model words.tsv --attention --other runs/seed-2/model\n",
    .options = options, .run = run,
};
