/* heed_files_score: a file of hypotheses against one or several of references, in bounded memory. */
#include <stdio.h>
#include <string.h>

#include "api/sides.h"
#include "heed.h"
#include "metric/metric.h"

/* File 0 is the hypothesis, the others references. */
static heed_status add_lines(heed_sides *s, heed_metric *m, const heed_score_options *o, heed_error *err)
{
    bool end = false;
    int sums;
    heed_status status = heed_sides_next(s, &end, err);
    while (status == HEED_OK && !end) {
        if (heed_metric_add(m, s->text[0], (const char *const *)s->text + 1, s->count - 1, err)) return heed_sides_refuse(s, 0, err);
        if (o->line) o->line(o->user, heed_metric_value_of(m, heed_metric_sums(m, &sums)));
        status = heed_sides_next(s, &end, err);
    }
    return status;
}

heed_status heed_files_score(const char *metric, const char *const *references, int reference_count, const char *hypothesis, const heed_score_options *options,
                       heed_figure *figure, heed_error *err)
{
    const heed_score_options o = options ? *options : (heed_score_options){0};
    heed_sides sides = {0};
    heed_error own;
    if (!err) err = &own;
    heed_status status = heed_sides_check_references(reference_count, err);
    if (status != HEED_OK) return status;
    heed_sides_name(&sides, &hypothesis, 1);
    heed_sides_name(&sides, references, reference_count);
    heed_metric *m = heed_metric_new(metric, &(heed_metric_options){.lower = o.lower, .tokenize = o.tokenize, .smooth = o.smooth}, err);
    if (!m) return err->status;
    status = heed_sides_open(&sides, err);
    if (status == HEED_OK) status = add_lines(&sides, m, &o, err);
    if (status == HEED_OK) {
        heed_buf text = {0};
        heed_metric_signature(m, &text);
        *figure = (heed_figure){.value = heed_metric_value(m)};
        snprintf(figure->name, sizeof figure->name, "%s", metric);
        snprintf(figure->signature, sizeof figure->signature, "%s", text.data ? text.data : "");
        figure->sides = heed_metric_sides(m, &figure->precision, &figure->recall);
        if (text.failed) status = heed_fail(err, HEED_E_NOMEM, "out of memory for a signature");
        heed_buf_free(&text);
    }
    heed_sides_close(&sides);
    heed_metric_free(m);
    return status;
}
