#include "api/evaluate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/session.h"
#include "data/beside.h"
#include "data/corpus.h"
#include "metric/bootstrap.h"
#include "task/task.h"

enum { ROUND = 1024, MOST_METRICS = 8, MOST_REFERENCES = 16 };

/* One record: its texts stand in one allocation. */
typedef struct record { char *text; const char *source, *reference[MOST_REFERENCES]; int references; } record;

/* The figures of all records, or of those of one bin. */
typedef struct tally {
    heed_metric *metric[MOST_METRICS];
    int metrics;
    heed_counts counts[MOST_METRICS], surprise;      /* for intervals: what was counted of each record, of each metric; -ln p and symbols */
    double logp;
    int64_t symbols, records;
} tally;

typedef struct evaluation {
    const heed_evaluation *e;
    heed_lines *file[2];
    tally *tallies;                    /* [bins + 1], the first of all records */
    int bins;
    bool loss;
    record *records;                   /* [ROUND] */
} evaluation;

/* --- tallies -------------------------------------------------------------------------------------------------------------------------------- */

/* The mean of -ln p of a symbol, and its exponential. */
static bool of_loss(const char *name) { return strcmp(name, "loss") == 0 || strcmp(name, "perplexity") == 0; }

/* lower: the model writes lower case, so case does not count in any figure. */
static heed_status tally_init(tally *t, const char *names, bool lower, bool *loss, heed_error *err)
{
    char name[32];
    *loss = false;
    for (int used = 0; sscanf(names, "%31s%n", name, &used) == 1; names += used) {
        if (of_loss(name)) {
            *loss = true;
            continue;
        }
        if (t->metrics == MOST_METRICS) return heed_fail(err, HEED_E_USAGE, "more than %d metrics", MOST_METRICS);
        t->metric[t->metrics] = heed_metric_new(name, &(heed_metric_options){.lower = lower}, err);
        if (!t->metric[t->metrics++]) return err->status;
    }
    return HEED_OK;
}

/* keep: for intervals. */
static heed_status tally_add(tally *t, const record *r, const heed_output *free_run, const heed_output *forced, bool keep, heed_error *err)
{
    heed_status status = HEED_OK;
    t->records++;
    for (int i = 0; i < t->metrics && status == HEED_OK; i++) {
        int width;
        status = heed_metric_add(t->metric[i], free_run->text, r->reference, r->references, err);
        if (status == HEED_OK && keep) {
            const double *sums = heed_metric_sums(t->metric[i], &width);
            status = heed_counts_add(&t->counts[i], sums, width, err);
        }
    }
    if (!forced || status != HEED_OK) return status;
    t->logp += forced->score;
    t->symbols += forced->count;
    return keep ? heed_counts_add(&t->surprise, (const double[]){-forced->score, (double)forced->count}, 2, err) : HEED_OK;
}

static void tally_free(tally *t)
{
    for (int i = 0; i < t->metrics; i++) {
        heed_metric_free(t->metric[i]);
        heed_counts_free(&t->counts[i]);
    }
    heed_counts_free(&t->surprise);
}

/* 1..edge[0] is bin 1, edge[0]+1..edge[1] bin 2, ..., above the last edge the last bin; tallies[0] is of all. */
static int bin_of(const heed_evaluation *e, int64_t length)
{
    int i = 0;
    while (i < e->edge_count && length > e->edges[i]) i++;
    return i + 1;
}

/* --- records ---------------------------------------------------------------------------------------------------------------------------------- */

static heed_status split_columns(const evaluation *v, record *r, heed_error *err)
{
    char *at = r->text;
    r->source = at;
    for (char *tab; (tab = strchr(at, '\t')) != NULL; at = tab + 1) {
        if (r->references == MOST_REFERENCES)
            return heed_fail(err, HEED_E_DATA, "%s: line %lld: more than %d references", v->e->paths[0], (long long)heed_lines_number(v->file[0]),
                             MOST_REFERENCES);
        heed_field_unescape(at, (size_t)(tab - at));
        r->reference[r->references++] = tab + 1;
    }
    heed_field_unescape(at, strlen(at));
    if (r->references) return HEED_OK;
    return heed_fail(err, HEED_E_DATA, "%s: line %lld: one column; expected the source, a tab, and one or more references", v->e->paths[0],
                     (long long)heed_lines_number(v->file[0]));
}

static heed_status read_record(evaluation *v, record *r, bool *end, heed_error *err)
{
    char *text[2];
    size_t size[2] = {0, 0};
    const heed_beside files = {v->file, v->e->paths, v->e->files};
    heed_status status = heed_beside_next(&files, text, size, end, err);
    if (status != HEED_OK || *end) return status;
    *r = (record){.text = malloc(size[0] + size[1] + 2)};
    if (!r->text) return heed_fail(err, HEED_E_NOMEM, "out of memory for a record");
    memcpy(r->text, text[0], size[0] + 1);
    if (v->e->files == 1) return split_columns(v, r, err);
    memcpy(r->text + size[0] + 1, text[1], size[1] + 1);
    r->source = r->text;
    r->reference[r->references++] = r->text + size[0] + 1;
    return HEED_OK;
}

/* --- rounds ------------------------------------------------------------------------------------------------------------------------------------ */

static heed_reply *run_records(const evaluation *v, int64_t n, bool forced, heed_error *err)
{
    heed_item *items = malloc((size_t)n * sizeof *items + 1);
    if (!items) return heed_fail(err, HEED_E_NOMEM, "out of memory for %lld records", (long long)n), NULL;
    for (int64_t i = 0; i < n; i++) items[i] = (heed_item){.text = v->records[i].source, .target = forced ? v->records[i].reference[0] : NULL};
    const heed_request request = {.items = items, .count = n, .unscored = !forced, .decode = &(heed_decode){.beam = v->e->beam}};
    heed_reply *r = heed_session_run(v->e->session, &request, err);
    free(items);
    return r;
}

static heed_status add_round(evaluation *v, int64_t n, heed_error *err)
{
    heed_reply *written = run_records(v, n, false, err), *forced = written && v->loss ? run_records(v, n, true, err) : NULL;
    heed_status status = written && (forced || !v->loss) ? HEED_OK : err->status;
    for (int64_t i = 0; i < n && status == HEED_OK; i++) {
        const heed_output *o = heed_reply_at(written, i), *f = forced ? heed_reply_at(forced, i) : NULL;
        const heed_output *bad = o->status != HEED_OK ? o : f && f->status != HEED_OK ? f : NULL;
        if (bad && bad->status == HEED_E_LIMIT && v->e->leave_long) continue;
        status = bad ? heed_fail(err, bad->status, "%s: record %lld: %s", v->e->paths[0], (long long)(v->tallies[0].records + 1), bad->error)
                     : tally_add(&v->tallies[0], &v->records[i], o, f, v->e->intervals, err);
        if (status != HEED_OK || !v->bins) continue;
        const int64_t length = v->e->words ? heed_words_split(o->source, NULL) : o->source_count - 1;
        status = tally_add(&v->tallies[bin_of(v->e, length)], &v->records[i], o, f, v->e->intervals, err);
    }
    heed_reply_free(written);
    heed_reply_free(forced);
    return status;
}

static heed_status run_rounds(evaluation *v, heed_error *err)
{
    heed_status status = HEED_OK;
    for (bool end = false; !end && status == HEED_OK;) {
        int64_t n = 0;
        while (n < ROUND && !end && status == HEED_OK) {
            v->records[n].text = NULL;
            status = read_record(v, &v->records[n], &end, err);
            if (!end) n++;
        }
        if (status == HEED_OK && n) status = add_round(v, n, err);
        for (int64_t i = 0; i < n; i++) free(v->records[i].text);   /* of the one that failed too */
    }
    if (status == HEED_OK && v->tallies[0].records == 0) status = heed_fail(err, HEED_E_DATA, "%s: no record", v->e->paths[0]);
    return status;
}

/* --- figures ------------------------------------------------------------------------------------------------------------------------------------ */

static heed_status add_figure(heed_figure **figures, int *count, const heed_figure *f, heed_error *err)
{
    heed_figure *grown = realloc(*figures, (size_t)(*count + 1) * sizeof *grown);
    if (!grown) return heed_fail(err, HEED_E_NOMEM, "out of memory for the figures");
    *figures = grown;
    grown[(*count)++] = *f;
    return HEED_OK;
}

static void bin_label(const heed_evaluation *e, int bin, char *out, size_t size)
{
    const long long from = bin > 1 ? e->edges[bin - 2] + 1 : 1;
    if (bin == 0) *out = 0;
    else if (bin <= e->edge_count) snprintf(out, size, " %lld-%lld", from, (long long)e->edges[bin - 1]);
    else snprintf(out, size, " %lld-", from);
}

static double loss_of(const void *of, const double *sums)
{
    (void)of;
    return sums[1] > 0 ? sums[0] / sums[1] : 0;
}

static double perplexity_of(const void *of, const double *sums) { return exp(loss_of(of, sums)); }

static void sign(const evaluation *v, int bin, const heed_metric *m, heed_figure *f)
{
    const tally *t = &v->tallies[bin];
    char draws[64] = "";
    heed_buf text = {0};
    if (m) heed_metric_signature(m, &text);
    else heed_buf_printf(&text, "symbols:%lld", (long long)t->symbols);
    if (v->e->intervals) snprintf(draws, sizeof draws, "|bs:%lld|seed:%llu", (long long)v->e->samples, (unsigned long long)v->e->seed);
    snprintf(f->signature, sizeof f->signature, "records:%lld%s|%.80s%s", (long long)t->records, bin && v->e->words ? "|length:words" : "", text.data ? text.data : "", draws);
    heed_buf_free(&text);
}

/* Of metric number i, or of the loss. */
static heed_status fill(const evaluation *v, int bin, const char *name, int i, heed_figure *f, heed_error *err)
{
    const tally *t = &v->tallies[bin];
    const bool loss = of_loss(name), perplexity = strcmp(name, "perplexity") == 0;
    const double sums[] = {-t->logp, (double)t->symbols};
    const heed_sample drawn = loss ? (heed_sample){&t->surprise, perplexity ? perplexity_of : loss_of, NULL}
                                   : (heed_sample){&t->counts[i], heed_figure_of_metric, t->metric[i]};
    heed_interval around = {.mean = 0};
    f->value = loss ? drawn.figure(NULL, sums) : heed_metric_value(t->metric[i]);
    heed_status status = v->e->intervals ? heed_bootstrap_interval(&drawn, &(heed_draws){v->e->samples, v->e->seed}, &around, err) : HEED_OK;
    f->interval = v->e->intervals;
    f->low = around.low;
    f->high = around.high;
    f->sides = !loss && heed_metric_sides(t->metric[i], &f->precision, &f->recall);
    sign(v, bin, loss ? NULL : t->metric[i], f);
    return status;
}

static heed_status add_figures(const evaluation *v, const char *prefix, int bin, const char *metrics, heed_figure **figures, int *count, heed_error *err)
{
    char name[32], label[40];
    heed_status status = HEED_OK;
    bin_label(v->e, bin, label, sizeof label);
    for (int used = 0, i = 0; status == HEED_OK && sscanf(metrics, "%31s%n", name, &used) == 1; metrics += used) {
        heed_figure f = {.sides = false};
        snprintf(f.name, sizeof f.name, "%.43s%s%.15s%.20s", prefix, *prefix ? "/" : "", name, label);
        status = fill(v, bin, name, i, &f, err);
        i += !of_loss(name);
        if (status == HEED_OK) status = add_figure(figures, count, &f, err);
    }
    return status;
}

static heed_status prepare(evaluation *v, heed_error *err)
{
    heed_status status = HEED_OK;
    v->bins = v->e->edge_count ? v->e->edge_count + 1 : 0;
    v->tallies = calloc((size_t)v->bins + 1, sizeof *v->tallies);
    v->records = calloc(ROUND, sizeof *v->records);
    if (!v->tallies || !v->records) return heed_fail(err, HEED_E_NOMEM, "out of memory for an evaluation");
    const bool lower = heed_text_get_settings(v->e->session->model->target)->lower;
    for (int i = 0; i <= v->bins && status == HEED_OK; i++) status = tally_init(&v->tallies[i], v->e->metrics, lower, &v->loss, err);
    for (int i = 0; i < v->e->files && status == HEED_OK; i++) {
        v->file[i] = heed_lines_open(v->e->paths[i], err);
        if (!v->file[i]) status = err->status;
    }
    return status;
}

heed_status heed_evaluate(const heed_evaluation *e, const char *prefix, heed_figure **figures, int *count, heed_error *err)
{
    evaluation v = {.e = e};
    heed_error own;
    if (!err) err = &own;
    heed_status status = prepare(&v, err);
    if (status == HEED_OK) status = run_rounds(&v, err);
    for (int bin = 0; bin <= v.bins && status == HEED_OK; bin++)
        if (v.tallies[bin].records) status = add_figures(&v, prefix, bin, e->metrics, figures, count, err);
    for (int i = 0; v.tallies && i <= v.bins; i++) tally_free(&v.tallies[i]);
    for (int i = 0; i < e->files; i++) heed_lines_close(v.file[i]);
    free(v.tallies);
    free(v.records);
    return status;
}
