/* How sure a figure is, and how sure a difference between two systems, found by drawing lines anew.
 *
 * The bootstrap (Efron 1979; of translations Koehn 2004) draws as many lines as the corpus has, with replacement, and makes the figure of what was
 * drawn; some hundred such figures show how far it would move on another corpus of the kind. Two systems are compared on the same draws: what is
 * hard for both moves both. Approximate randomisation (Noreen 1989; Riezler and Maxwell 2005) instead swaps the two systems' lines at random.
 *
 * Everything is a function of the seed, the number of the draw and the number of the line, so that systems that were drawn apart were drawn alike. */
#ifndef HEED_METRIC_BOOTSTRAP_H
#define HEED_METRIC_BOOTSTRAP_H

#include "metric/metric.h"

/* What was counted of every line, kept so that a million lines fit: 4 bytes a number, 40 a line for BLEU. */
typedef struct heed_counts {
    float *x;                 /* [lines, width] */
    int64_t lines, room;
    int width;
} heed_counts;                /* {0} is empty */

/* A line more; width is the same in all calls, at most HEED_MOST_SUMS. HEED_E_NOMEM. */
heed_status heed_counts_add(heed_counts *c, const double *sums, int width, heed_error *err);
void heed_counts_free(heed_counts *c);

/* The figure that sums make; `of` is passed on. A metric's is heed_figure_of_metric with the metric itself. */
typedef double (*heed_figure_of)(const void *of, const double *sums);
double heed_figure_of_metric(const void *metric, const double *sums);

/* What is drawn from: the counts of a system and the figure that they make. */
typedef struct heed_sample { const heed_counts *counts; heed_figure_of figure; const void *of; } heed_sample;

typedef struct heed_draws {
    int64_t count;            /* 0: 1,000, of swaps 10,000 */
    uint64_t seed;
} heed_draws;

typedef struct heed_interval { double mean, low, high; } heed_interval;   /* of drawn figures: their mean, and 2.5 % and 97.5 % of them lie below */

/* Of one sample. Without a line: the figure of zeros, three times. Cost: draws x lines x width. HEED_E_NOMEM. */
heed_status heed_bootstrap_interval(const heed_sample *s, const heed_draws *draws, heed_interval *out, heed_error *err);

/* A number that was found in a line, from 0; lines may have several. */
typedef struct heed_of_line { double x; int64_t line; } heed_of_line;
/* The median of n > 0 numbers, of `lines` lines with one or more each, and its interval when lines are drawn; sorts x. Cost: draws x n. HEED_E_NOMEM. */
heed_status heed_bootstrap_median(heed_of_line *x, int64_t n, int64_t lines, const heed_draws *draws, double *median, heed_interval *out, heed_error *err);

/* The figures of several samples of as many lines, drawn alike: x [samples, draws->count]. HEED_E_NOMEM. */
heed_status heed_bootstrap_figures(const heed_sample *samples, int count, const heed_draws *draws, double *x, heed_error *err);
heed_interval heed_interval_of(double *x, int64_t n);     /* sorts x */

/* The probability that two systems that are equally good differ by `difference` or more: of the n differences that were drawn, |one - other|, less their
 * mean, the share that is no smaller, with one added above and below so that p is never 0. As sacreBLEU and MultEval have it, but that what is equal
 * counts too: two systems that write the same have p = 1. */
double heed_bootstrap_p(const double *one, const double *other, int64_t n, double difference);
/* The same by approximate randomisation; the samples have the same figure and as many lines. HEED_E_NOMEM. */
heed_status heed_randomisation_p(const heed_sample *one, const heed_sample *other, const heed_draws *draws, double *p, heed_error *err);

#endif
