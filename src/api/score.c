/* heed_files_score: a file of hypotheses against one or several of references, in bounded memory. */
#include <stdio.h>
#include <string.h>

#include "data/beside.h"
#include "heed.h"
#include "metric/metric.h"

enum { MOST_REFERENCES = 16 };

/* File 0 is the hypothesis, the others references. */
typedef struct files { heed_lines *file[MOST_REFERENCES + 1]; const char *name[MOST_REFERENCES + 1]; int count; } files;

static heed_status open_files(files *f, heed_error *err)
{
    for (int i = 0; i < f->count; i++) {
        f->file[i] = heed_lines_open(strcmp(f->name[i], "-") == 0 ? "/dev/stdin" : f->name[i], err);
        if (!f->file[i]) return err->status;
    }
    return HEED_OK;
}

static heed_status add_lines(files *f, heed_metric *m, heed_error *err)
{
    char *text[MOST_REFERENCES + 1];
    size_t size[MOST_REFERENCES + 1];
    const heed_beside beside = {f->file, f->name, f->count};
    heed_status status = HEED_OK;
    int64_t lines = 0;
    for (bool end = false; status == HEED_OK;) {
        status = heed_beside_next(&beside, text, size, &end, err);
        if (status != HEED_OK || end) break;
        status = heed_metric_add(m, text[0], (const char *const *)text + 1, f->count - 1, err);
        lines++;
    }
    if (status == HEED_OK && lines == 0) status = heed_fail(err, HEED_E_DATA, "%s: empty file: nothing to score", f->name[0]);
    return status;
}

heed_status heed_files_score(const char *metric, const char *const *references, int reference_count, const char *hypothesis, const heed_score_options *options,
                       heed_figure *figure, heed_error *err)
{
    files f = {.count = reference_count + 1};
    heed_error own;
    if (!err) err = &own;
    if (reference_count < 1 || reference_count > MOST_REFERENCES)
        return heed_fail(err, HEED_E_USAGE, "%d references; from 1 to %d can be given", reference_count, MOST_REFERENCES);
    f.name[0] = hypothesis;
    memcpy(f.name + 1, references, (size_t)reference_count * sizeof *references);
    heed_metric_options how = {.lower = options && options->lower, .tokenize = options ? options->tokenize : NULL};
    heed_metric *m = heed_metric_new(metric, &how, err);
    if (!m) return err->status;
    heed_status status = open_files(&f, err);
    if (status == HEED_OK) status = add_lines(&f, m, err);
    if (status == HEED_OK) {
        heed_buf text = {0};
        heed_metric_signature(m, &text);
        snprintf(figure->name, sizeof figure->name, "%s", metric);
        snprintf(figure->signature, sizeof figure->signature, "%s", text.data ? text.data : "");
        figure->value = heed_metric_value(m);
        heed_buf_free(&text);
    }
    for (int i = 0; i < f.count; i++) heed_lines_close(f.file[i]);
    heed_metric_free(m);
    return status;
}
