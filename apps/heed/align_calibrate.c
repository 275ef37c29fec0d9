/* heed align --calibrate: tables of ways to take links from a model, on standard error or as JSON; what was chosen and how it does, on standard output. */
#include "align.h"

#include <string.h>

enum { LISTED = 12 };

typedef struct calibrated {
    const align_values *v;
    const heed_candidate *candidate;
    int count, usual;
    heed_align_report statistics;         /* on the lines that were not tuned */
} calibrated;

static const char *head_name(const heed_look *l, char *room, size_t size)
{
    snprintf(room, size, "%d", l->head);
    return l->head < 0 ? "mean" : room;
}

static void print_candidate(const heed_candidate *c)
{
    char head[16], links[16] = "heaviest";
    if (c->look.threshold > 0)
        snprintf(links, sizeof links, "%.2f", c->look.threshold);
    fprintf(stderr, "%5d  %4s  %5d  %9s  %5d  %6.2f", c->look.layer, head_name(&c->look, head, sizeof head), c->look.shift, links, c->look.empty, c->tuned.aer);
    if (c->rest.lines)
        fprintf(stderr, "  %6.2f", c->rest.aer);
    fputs(c->usual ? "  where nothing is chosen\n" : "\n", stderr);
}

static void print_table(const calibrated *c)
{
    const bool rest = c->candidate[0].rest.lines > 0;
    fprintf(stderr, "layer  head  shift  threshold  empty  AER on %lld lines%s\n", (long long)c->candidate[0].tuned.lines, rest ? ", and on the rest" : "");
    for (int i = 0; i < c->count && i < LISTED; i++)
        print_candidate(&c->candidate[i]);
    if (c->usual >= LISTED)
        print_candidate(&c->candidate[c->usual]);
    if (c->count > LISTED)
        fprintf(stderr, "the best %d of %d; --json lists all\n", LISTED, c->count);
    if (!rest)
        fputs("no line is left to tell how well the choice does elsewhere; figures are of the lines it was chosen by\n", stderr);
}

static const heed_align_figures *told(const heed_candidate *c) { return c->rest.lines ? &c->rest : &c->tuned; }

static void print_lines(const calibrated *c)
{
    char head[16];
    const heed_candidate *best = &c->candidate[0];
    printf("layer\t%d\nhead\t%s\nshift\t%d\nthreshold\t%g\nempty\t%d\n", best->look.layer, head_name(&best->look, head, sizeof head), best->look.shift,
           best->look.threshold, best->look.empty);
    printf("aer\t%.2f\nprecision\t%.2f\nrecall\t%.2f\n", told(best)->aer, told(best)->precision, told(best)->recall);
    printf("default aer\t%.2f\n", told(&c->candidate[c->usual])->aer);
    if (c->v->statistical)
        printf("statistical aer\t%.2f\n", c->statistics.links.aer);
    if (c->v->statistical && c->statistics.joined)
        printf("statistical forward aer\t%.2f\nstatistical reverse aer\t%.2f\n", c->statistics.forward.aer, c->statistics.reverse.aer);
}

static void print_json_figures(const char *name, const heed_align_figures *f)
{
    printf("\"%s\": {\"aer\": %.10g, \"precision\": %.10g, \"recall\": %.10g, \"lines\": %lld}", name, f->aer, f->precision, f->recall, (long long)f->lines);
}

static void print_json_candidate(const heed_candidate *c)
{
    char head[16];
    printf("{\"layer\": %d, \"head\": %s%s%s, \"shift\": %d, \"threshold\": %g, \"empty\": %s, ", c->look.layer, c->look.head < 0 ? "\"" : "",
           head_name(&c->look, head, sizeof head), c->look.head < 0 ? "\"" : "", c->look.shift, c->look.threshold,
           c->look.empty ? "true" : "false");
    print_json_figures("tuned", &c->tuned);
    fputs(", ", stdout);
    print_json_figures("rest", &c->rest);
    putchar('}');
}

static void print_json(const calibrated *c)
{
    fputs("{\"chosen\": ", stdout);
    print_json_candidate(&c->candidate[0]);
    fputs(", \"default\": ", stdout);
    print_json_candidate(&c->candidate[c->usual]);
    if (c->v->statistical) {
        fputs(", ", stdout);
        print_json_figures("statistical", &c->statistics.links);
    }
    fputs(", \"candidates\": [", stdout);
    for (int i = 0; i < c->count; i++) {
        fputs(i ? ", " : "", stdout);
        print_json_candidate(&c->candidate[i]);
    }
    fputs("]}\n", stdout);
}

/* The aligner without a model on the same lines: those that were not tuned, or the tuned when there is no other. */
static heed_status compare(calibrated *c, const heed_align_options *given, heed_error *err)
{
    heed_align_options o = *given;
    o.outside = c->candidate[0].rest.lines > 0;
    if (o.outside && !o.last) {
        o.first = 1;
        o.last = 100;
    }
    return heed_files_align(NULL, &o, &c->statistics, err);
}

int cli_calibrate(const align_values *v, const cli_open *open, const char *dir, heed_align_options *o)
{
    calibrated c = {.v = v};
    heed_candidate *candidates = NULL;
    heed_error err = {0};
    heed_status status = heed_calibrate(open->session, o, &candidates, &c.count, &err);
    c.candidate = candidates;
    while (!status && !candidates[c.usual].usual)
        c.usual++;
    if (!status && v->statistical)
        status = compare(&c, o, &err);
    if (!status)
        status = heed_look_store(open->model, dir, &candidates[0].look, &err);
    if (!status && v->json)
        print_json(&c);
    if (!status && !v->json) {
        if (!v->quiet)
            print_table(&c);
        print_lines(&c);
    }
    heed_free(candidates);
    return status ? cli_fail(&err) : EXIT_OK;
}
