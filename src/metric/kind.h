/* What a metric is made of: for the files of this folder only. */
#ifndef HEED_METRIC_KIND_H
#define HEED_METRIC_KIND_H

#include "metric/intern.h"
#include "metric/metric.h"

/* One line that is scored, hypothesis or reference. Buffers keep their memory from line to line. */
typedef struct heed_line {
    heed_codes text;          /* code points, lower-cased when asked */
    heed_codes unit, gram;    /* what n-grams are made of and the n-grams themselves, as numbers; where sentences are compared: the words before each ends */
} heed_line;

typedef struct heed_metric_kind {
    const char *name;
    size_t size;              /* of the metric's own struct, which begins with a heed_metric */
    bool higher_is_better;
    bool blind_to_case;              /* lower-cases whether asked or not */
    const char *const *tokenizers;   /* names, the default first, NULL at the end; NULL: takes none */
    const char *const *smoothings;   /* likewise */
    int sums;                        /* numbers counted of a line, at most HEED_MOST_SUMS; those of all lines added up make the figure */
    const void *family;              /* what kinds of one file differ in, for its functions; NULL: nothing */
    /* line[0] is the hypothesis, line[1 .. count] are its references. sums [sums] come as zeros. */
    heed_status (*add)(heed_metric *m, heed_line *line, int count, double *sums, heed_error *err);
    double (*value)(const heed_metric *m, const double *sums);   /* sums that are all 0 make a number too */
    void (*sides)(const double *sums, double *precision, double *recall);   /* in percent; NULL: the figure is not made of such */
    void (*sign)(const heed_metric *m, heed_buf *out);   /* "tok:13a|smooth:exp|": what only this metric has to say */
    void (*stop)(heed_metric *m);                        /* NULL: nothing to give back */
} heed_metric_kind;

struct heed_metric {
    const heed_metric_kind *kind;
    bool lower;
    const char *tokenizer, *smoothing;   /* of the kind's, or NULL */
    int references;           /* of every sentence so far; 0: no sentence yet, -1: not always the same number */
    heed_line *line;          /* [lines] */
    int lines;
    double all[HEED_MOST_SUMS], last[HEED_MOST_SUMS];   /* of all lines, of the last */
};

#define HEED_METRIC(id, name, help) extern const heed_metric_kind heed_metric_##id;
#include "metric/metrics.def"
#undef HEED_METRIC

heed_status heed_metric_nomem(heed_error *err);

#endif
