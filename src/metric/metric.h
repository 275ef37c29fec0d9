/* Metrics over a corpus of hypotheses and references. One row of metrics.def and one file each.
 *
 * A metric is accumulated sentence by sentence, so files of any length are scored in bounded memory; the figure at the end is the corpus's. */
#ifndef HEED_METRIC_H
#define HEED_METRIC_H

#include "base/buf.h"

enum { HEED_METRIC_VERSION = 1 };   /* "heed:1" of signatures: rises when a figure of ours changes */

typedef struct heed_metric_options {
    bool lower;                  /* -lc */
    const char *tokenize;        /* bleu: "13a" (default, NULL), "none", "char", "intl", "zh", "words"; rouge: "rouge" (NULL), "unicode"; others: NULL */
    const char *smooth;          /* bleu: what an order without a match counts: "exp" (default, NULL), "floor", "add-k", "none"; others: NULL */
} heed_metric_options;

typedef struct heed_metric heed_metric;

/* HEED_E_USAGE: no metric of that name (the names are listed), or an option it does not take. heed_metric_names(). */
heed_metric *heed_metric_new(const char *name, const heed_metric_options *options, heed_error *err);
void heed_metric_free(heed_metric *m);
/* One sentence, 1 or more references; UTF-8. */
heed_status heed_metric_add(heed_metric *m, const char *hypothesis, const char *const *references, int count, heed_error *err);
double heed_metric_value(const heed_metric *m);                       /* in percent */
/* Its precision and recall, in percent; false: the metric has none. */
bool heed_metric_sides(const heed_metric *m, double *precision, double *recall);
/* A figure is made of numbers that are counted line by line and added up: those of the line added last, [*count], until the next; and the figure
 * that any such sums make, of one line or of lines drawn anew (metric/bootstrap.h). */
enum { HEED_MOST_SUMS = 32 };
const double *heed_metric_sums(const heed_metric *m, int *count);
double heed_metric_value_of(const heed_metric *m, const double *sums);
/* "nrefs:1|case:lc|eff:no|tok:13a|smooth:exp|heed:1" in the manner of sacreBLEU */
void heed_metric_signature(const heed_metric *m, heed_buf *out);
bool heed_metric_higher_is_better(const heed_metric *m);
bool heed_metric_known(const char *name);
bool heed_metric_tokenizes(const char *name);                         /* does it take tokenize, smooth? false for no metric of ours */
bool heed_metric_smooths(const char *name);
const char *heed_metric_names(void);                                  /* "bleu chrf wer", made from metrics.def */

#endif
