/* heed_files_compare: several systems on the same references, and how far chance may have made their differences. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/sides.h"
#include "heed.h"
#include "metric/bootstrap.h"

enum { USUAL_SEED = 12345, USUAL_SAMPLES = 1000, USUAL_SWAPS = 10000, MOST_METRICS = 16 };

/* A system by a metric. */
typedef struct track { heed_metric *metric; heed_counts counts; } track;

typedef struct compared {
    heed_compare_options o;           /* nothing left to a default but tokenize and smooth */
    heed_sides sides;                 /* systems, then references */
    int systems, metrics;
    char name[MOST_METRICS][32];
    track *track;                     /* [metrics, systems] */
    heed_sample *sample;              /* likewise */
    double *drawn;                    /* [metrics, systems, draws]: figures of the bootstrap */
    int64_t draws;
} compared;

static heed_status no_memory(heed_error *err) { return heed_fail(err, HEED_E_NOMEM, "out of memory for a comparison"); }

static heed_status read_names(compared *c, heed_error *err)
{
    const char *names = c->o.metrics;
    bool tokenizes = false, smooths = false;
    for (int used = 0; sscanf(names, "%31s%n", c->name[c->metrics < MOST_METRICS ? c->metrics : 0], &used) == 1; names += used) {
        if (c->metrics == MOST_METRICS) return heed_fail(err, HEED_E_USAGE, "more than %d metrics", MOST_METRICS);
        tokenizes |= heed_metric_tokenizes(c->name[c->metrics]);
        smooths |= heed_metric_smooths(c->name[c->metrics++]);
    }
    if (c->metrics == 0) return heed_fail(err, HEED_E_USAGE, "no metric to compare by");
    if (c->o.tokenize && !tokenizes) return heed_fail(err, HEED_E_USAGE, "%s takes no tokeniser; bleu does", c->name[0]);
    if (c->o.smooth && !smooths) return heed_fail(err, HEED_E_USAGE, "%s takes no smoothing; bleu does", c->name[0]);
    return HEED_OK;
}

static heed_status make_tracks(compared *c, heed_error *err)
{
    const int tracks = c->metrics * c->systems;
    c->track = calloc((size_t)tracks, sizeof *c->track);
    c->sample = calloc((size_t)tracks, sizeof *c->sample);
    c->drawn = calloc((size_t)tracks * (size_t)c->draws, sizeof *c->drawn);
    if (!c->track || !c->sample || !c->drawn) return no_memory(err);
    for (int i = 0; i < tracks; i++) {
        const char *name = c->name[i / c->systems];
        const heed_metric_options how = {.lower = c->o.lower, .tokenize = heed_metric_tokenizes(name) ? c->o.tokenize : NULL,
                                         .smooth = heed_metric_smooths(name) ? c->o.smooth : NULL};
        c->track[i].metric = heed_metric_new(name, &how, err);
        if (!c->track[i].metric) return err->status;
        c->sample[i] = (heed_sample){&c->track[i].counts, heed_figure_of_metric, c->track[i].metric};
    }
    return HEED_OK;
}

static heed_status count_line(compared *c, heed_error *err)
{
    const char *const *references = (const char *const *)c->sides.text + c->systems;
    for (int i = 0; i < c->metrics * c->systems; i++) {
        track *t = &c->track[i];
        const int system = i % c->systems;
        int width;
        if (heed_metric_add(t->metric, c->sides.text[system], references, c->sides.count - c->systems, err)) return heed_sides_refuse(&c->sides, system, err);
        const double *sums = heed_metric_sums(t->metric, &width);
        heed_status status = heed_counts_add(&t->counts, sums, width, err);
        if (status != HEED_OK) return status;
    }
    return HEED_OK;
}

static heed_status count_lines(compared *c, heed_error *err)
{
    bool end = false;
    heed_status status = heed_sides_open(&c->sides, err);
    if (status == HEED_OK) status = heed_sides_next(&c->sides, &end, err);
    while (status == HEED_OK && !end) {
        status = count_line(c, err);
        if (status == HEED_OK) status = heed_sides_next(&c->sides, &end, err);
    }
    return status;
}

static bool sign(const compared *c, const heed_metric *m, heed_comparison *out)
{
    heed_buf text = {0};
    heed_metric_signature(m, &text);
    snprintf(out->signature, sizeof out->signature, "%.100s|%s:%lld|seed:%llu", text.data ? text.data : "", c->o.randomisation ? "ar" : "bs",
             (long long)c->o.samples, (unsigned long long)c->o.seed);
    const bool done = !text.failed;
    heed_buf_free(&text);
    return done;
}

/* Of system s by metric m all but the interval, for which its draws are sorted, and no longer belong to those of others. */
static heed_status judge(const compared *c, int m, int s, heed_comparison *out, heed_error *err)
{
    const int base = m * c->systems, i = base + s;
    const double value = heed_metric_value(c->track[i].metric), other = heed_metric_value(c->track[base].metric);
    *out = (heed_comparison){.system = s, .value = value, .difference = value - other, .p = 1};
    snprintf(out->metric, sizeof out->metric, "%s", c->name[m]);
    if (!sign(c, c->track[i].metric, out)) return no_memory(err);
    if (s == 0) return HEED_OK;
    if (c->o.randomisation) return heed_randomisation_p(&c->sample[base], &c->sample[i], &(heed_draws){c->o.samples, c->o.seed}, &out->p, err);
    const double gap = value > other ? value - other : other - value;
    out->p = heed_bootstrap_p(c->drawn + base * c->draws, c->drawn + i * c->draws, c->draws, gap);
    return HEED_OK;
}

static heed_status draw(compared *c, heed_comparison *out, heed_error *err)
{
    const int tracks = c->metrics * c->systems;
    heed_status status = heed_bootstrap_figures(c->sample, tracks, &(heed_draws){c->draws, c->o.seed}, c->drawn, err);
    for (int i = 0; i < tracks && status == HEED_OK; i++) status = judge(c, i / c->systems, i % c->systems, &out[i], err);
    for (int i = 0; i < tracks && status == HEED_OK; i++) {
        const heed_interval around = heed_interval_of(c->drawn + i * c->draws, c->draws);
        out[i].mean = around.mean;
        out[i].low = around.low;
        out[i].high = around.high;
    }
    return status;
}

static void stop(compared *c)
{
    for (int i = 0; c->track && i < c->metrics * c->systems; i++) {
        heed_metric_free(c->track[i].metric);
        heed_counts_free(&c->track[i].counts);
    }
    free(c->track);
    free(c->sample);
    free(c->drawn);
    heed_sides_close(&c->sides);
}

static heed_status begin(compared *c, const char *const *references, int reference_count, const char *const *systems, int system_count, heed_error *err)
{
    heed_status status = heed_sides_check_references(reference_count, err);
    if (status != HEED_OK) return status;
    if (system_count < 2 || system_count > HEED_MOST_SYSTEMS)
        return heed_fail(err, HEED_E_USAGE, "%d systems; from 2 to %d can be compared", system_count, HEED_MOST_SYSTEMS);
    if (!c->o.metrics) c->o.metrics = "bleu chrf ter";
    if (c->o.seed == 0) c->o.seed = USUAL_SEED;
    if (c->o.samples == 0) c->o.samples = c->o.randomisation ? USUAL_SWAPS : USUAL_SAMPLES;
    if (c->o.samples < 0 || c->o.samples > 1000000)
        return heed_fail(err, HEED_E_USAGE, "%lld samples; from 1 to 1000000 can be drawn", (long long)c->o.samples);
    c->draws = c->o.randomisation ? USUAL_SAMPLES : c->o.samples;
    c->systems = system_count;
    heed_sides_name(&c->sides, systems, system_count);
    heed_sides_name(&c->sides, references, reference_count);
    status = read_names(c, err);
    return status == HEED_OK ? make_tracks(c, err) : status;
}

heed_status heed_files_compare(const char *const *references, int reference_count, const char *const *systems, int system_count,
                               const heed_compare_options *options, heed_comparison **comparisons, int *count, heed_error *err)
{
    compared c = {.o = options ? *options : (heed_compare_options){0}};
    heed_error own;
    if (!err) err = &own;
    *comparisons = NULL;
    *count = 0;
    heed_comparison *out = NULL;
    heed_status status = begin(&c, references, reference_count, systems, system_count, err);
    if (status == HEED_OK) status = count_lines(&c, err);
    if (status == HEED_OK) {
        out = calloc((size_t)(c.metrics * c.systems), sizeof *out);
        status = out ? draw(&c, out, err) : no_memory(err);
    }
    if (status == HEED_OK) {
        *comparisons = out;
        *count = c.metrics * c.systems;
    } else {
        free(out);
    }
    stop(&c);
    return status;
}
