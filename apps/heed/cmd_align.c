/* heed align: which words of two files belong together; how right that is; which look of a model makes it most right. */
#include "align.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const cli_option options[] = {
    {"--soft", NULL, CLI_FLAG, offsetof(align_values, soft), "no links: for each target word its weights over the source words"},
    {"--json", NULL, CLI_FLAG, offsetof(align_values, json), "one JSON object a pair, as of `heed run`; with --gold the figures"},
    {"-o", "FILE", CLI_TEXT, offsetof(align_values, output), "the links go there; default: standard output, and nowhere with --gold"},
    {"--gold", "FILE", CLI_TEXT, offsetof(align_values, gold), "the right links, words from 1: sure 1-2, possible 1p2"},
    {"--swap-gold", NULL, CLI_FLAG, offsetof(align_values, swap), "the links of --gold are target-source"},
    {"--lines", "A-B", CLI_TEXT, offsetof(align_values, lines), "score these lines only, from 1; with --calibrate: choose by them, default 1-100"},
    {"--calibrate", NULL, CLI_FLAG, offsetof(align_values, calibrate), "find the best layer, head, shift and threshold by --gold, and store them in MODEL"},
    CLI_LOOK(align_values),
    {"--reverse", "MODEL2", CLI_TEXT, offsetof(align_values, reverse), "join the links of a model from TARGET to SOURCE"},
    {"--statistical", NULL, CLI_FLAG, offsetof(align_values, statistical), "no model: learn from the files themselves; beside --calibrate: compare"},
    {"--direction", "forward|reverse|both", CLI_TEXT, offsetof(align_values, direction), "of --statistical; default both"},
    {"--symmetrise", "grow-diag-final-and|grow-diag|intersect|union|agree", CLI_TEXT, offsetof(align_values, symmetrise), "how both directions are joined; default the first"},
    {"--agreement", "P", CLI_REAL, offsetof(align_values, agreement), "agree: the least geometric mean of both weights, to 1; default 0.36"},
    CLI_SETTINGS(align_values),
    {0},
};

/* --- links ------------------------------------------------------------------------------------------------------------------------------------------ */

typedef struct printing { const align_values *v; FILE *out; heed_error *err; } printing;

static void print_links(const heed_output *o, FILE *out)
{
    for (int64_t i = 0; i < o->link_count; i++)
        fprintf(out, "%s%lld-%lld", i ? " " : "", (long long)o->links[i].source, (long long)o->links[i].target);
    fputc('\n', out);
}

static void print_soft(const heed_output *o, FILE *out)
{
    for (int64_t i = 0; o->word_weights && i < o->target_words; i++)
        for (int64_t j = 0; j < o->source_words; j++)
            fprintf(out, "%s%.4f", j ? "," : i ? " " : "", o->word_weights[i * o->source_words + j]);
    fputc('\n', out);
}

static bool answer(void *user, const heed_reply *r, int64_t first)
{
    const printing *p = user;
    for (int64_t i = 0; i < heed_reply_count(r); i++) {
        if (p->v->json) {
            char *text = heed_reply_json(r, i, first + i, false, p->err);
            if (!text)
                return false;
            fputs(text, p->out);
            heed_free(text);
        } else if (p->v->soft)
            print_soft(heed_reply_at(r, i), p->out);
        else
            print_links(heed_reply_at(r, i), p->out);
    }
    return !fflush(p->out);
}

static void print_report(const align_values *v, const heed_align_report *r)
{
    const heed_align_figures *f = &r->links;
    if (v->json) {
        printf("{\"aer\": %.10g, \"precision\": %.10g, \"recall\": %.10g, \"lines\": %lld, \"sure\": %lld, \"found\": %lld", f->aer, f->precision,
               f->recall, (long long)f->lines, (long long)f->sure, (long long)f->found);
        if (r->joined)
            printf(", \"forward_aer\": %.10g, \"reverse_aer\": %.10g", r->forward.aer, r->reverse.aer);
        puts("}");
        return;
    }
    printf("aer\t%.2f\nprecision\t%.2f\nrecall\t%.2f\n", f->aer, f->precision, f->recall);
    if (r->joined)
        printf("forward aer\t%.2f\nreverse aer\t%.2f\n", r->forward.aer, r->reverse.aer);
}

static int align(const align_values *v, heed_session *session, heed_align_options *o)
{
    const bool file = v->output && strcmp(v->output, "-");
    heed_error err = {0}, own = {0};
    heed_align_report report;
    printing p = {v, !v->output && v->gold ? NULL : file ? fopen(v->output, "w") : stdout, &own};
    if (file && !p.out) {
        cli_complain("%s: cannot be written: %s", v->output, strerror(errno));
        return EXIT_OUTSIDE;
    }
    o->answer = p.out ? answer : NULL;
    o->user = &p;
    heed_status status = heed_files_align(session, o, &report, &err);
    if (status == HEED_E_STOPPED)
        err = own.status ? own : err;
    if (file && (fclose(p.out) || status == HEED_E_STOPPED) && !own.status) {
        cli_complain("%s: cannot be written: %s", v->output, strerror(errno));
        return EXIT_OUTSIDE;
    }
    if (status == HEED_E_STOPPED && !own.status)
        return EXIT_OUTSIDE;              /* of standard output main() says why */
    if (status)
        return cli_fail(&err);
    if (v->gold)
        print_report(v, &report);
    return EXIT_OK;
}

/* --- what was asked ---------------------------------------------------------------------------------------------------------------------------------- */

static bool read_lines(const char *text, int64_t *first, int64_t *last)
{
    char *end;
    if (!text)
        return true;
    if (*text >= '0' && *text <= '9' && (*first = strtoll(text, &end, 10)) > 0 && *end++ == '-' && *end >= '0' && *end <= '9') {
        *last = strtoll(end, &end, 10);
        if (!*end && *last >= *first)
            return true;
    }
    cli_complain("align: --lines takes a range of lines from 1, such as 101-447, not \"%s\"", text);
    return false;
}

static int check(const align_values *v, int given)
{
    const bool model = !v->statistical || v->calibrate, more = v->statistical;
    const int needed = model ? 3 : 2;
    if (given < needed) {
        cli_complain("align: %s is missing", given < needed - 2 ? "MODEL" : given < needed - 1 ? "SOURCE" : "TARGET");
        cli_print_usage(&cli_align, stderr);
        return EXIT_USAGE;
    }
    if (given > needed && (!more || (given - needed) % 2))
        return cli_usage_error(more ? "align: more files to learn from come in twos, a source and a target"
                                    : "align: more files than MODEL, SOURCE and TARGET are for --statistical to learn from");
    if (!v->gold && (v->calibrate || v->lines || v->swap))
        return cli_usage_error("align: %s needs --gold", v->calibrate ? "--calibrate" : v->lines ? "--lines" : "--swap-gold");
    if (v->calibrate && (v->soft || v->output || v->reverse || v->look.layer >= 0 || v->look.head >= 0 || v->look.shift || v->look.empty || v->look.threshold >= 0))
        return cli_usage_error("align: --calibrate finds out; it goes with --gold, --swap-gold, --lines, --statistical, --json, --set and --precision");
    if (v->soft && (v->json || v->reverse || v->statistical))
        return cli_usage_error("align: --soft goes with one model, and not with --json");
    if (!model && (v->reverse || v->settings.sets.count || v->settings.precision || v->look.layer >= 0 || v->look.head >= 0 || v->look.shift || v->look.empty || v->look.threshold >= 0))
        return cli_usage_error("align: --statistical has no model to set or to look into");
    if (v->direction && !v->statistical)
        return cli_usage_error("align: --direction is of --statistical");
    if (v->symmetrise && !v->reverse && (!v->statistical || (v->direction && strcmp(v->direction, "both"))))
        return cli_usage_error("align: --symmetrise joins two directions: --reverse MODEL2, or --statistical");
    return -1;
}

static heed_direction direction_of(const align_values *v)
{
    if (!v->direction || !strcmp(v->direction, "both"))
        return HEED_DIRECTION_BOTH;
    return !strcmp(v->direction, "forward") ? HEED_DIRECTION_FORWARD : HEED_DIRECTION_REVERSE;
}

static int with_model(const align_values *v, const cli_globals *g, const char *dir, heed_align_options *o)
{
    cli_open forward, reverse = {0};
    int code;
    if (!cli_model_open(&forward, g, dir, &v->settings, NULL, &code))
        return code;
    if (!v->reverse || cli_model_open(&reverse, g, v->reverse, &v->settings, NULL, &code)) {
        const heed_look look = cli_look_of(&v->look, forward.model);
        o->look = &look;
        o->reverse = reverse.session;
        code = v->calibrate ? cli_calibrate(v, &forward, dir, o) : align(v, forward.session, o);
        if (v->reverse)
            cli_model_close(&reverse);
    }
    cli_model_close(&forward);
    return code;
}

static int run(const cli_command *self, const cli_globals *globals, int argc, char **argv)
{
    align_values v = {.look = CLI_LOOK_NOT_GIVEN};
    cli_globals g = *globals;
    cli_rest rest;
    heed_align_options o = {0};
    int code = cli_begin(self, &g, &v, &rest, argc, argv, (const char *[]){NULL}, -1);
    if (code < 0)
        code = check(&v, rest.count);
    if (code < 0 && !read_lines(v.lines, &o.first, &o.last))
        code = EXIT_USAGE;
    if (code >= 0)
        return code;
    const int model = !v.statistical || v.calibrate;
    o.source = rest.items[model];
    o.target = rest.items[model + 1];
    o.more = (const char *const *)rest.items + model + 2;
    o.more_count = rest.count - model - 2;
    o.direction = direction_of(&v);
    o.threads = (int)g.threads;
    o.symmetrise = v.symmetrise;
    o.agreement = v.agreement;
    o.gold = v.gold;
    o.gold_swapped = v.swap;
    v.quiet = g.quiet;
    return model ? with_model(&v, &g, rest.items[0], &o) : align(&v, NULL, &o);
}

const cli_command cli_align = {
    .name = "align", .arguments = "MODEL SOURCE TARGET", .summary = "which words of two texts belong together",
    .text = "Links the words (as spaces part them) of each line of SOURCE with those of the same line of TARGET by where the model looks while\n"
            "it is made to write the target, and prints them, source-target from 0, a line a pair. With --gold it prints the alignment error\n"
            "rate, precision and recall instead. --calibrate stores in MODEL where it is best looked, also for `run --align` and `explain`.\n"
            "With --statistical there is no MODEL; files after TARGET, source and target by turns, are learnt from as well.\n"
            "\n"
            "  heed align MODEL dev.en dev.fr --gold dev.gold --calibrate\n"
            "  heed align MODEL text.en text.fr -o text.links\n"
            "  heed align MODEL text.en text.fr --reverse MODEL2 --symmetrise intersect\n"
            "  heed align --statistical dev.en dev.fr text.en text.fr --gold dev.gold\n",
    .options = options, .run = run,
};
