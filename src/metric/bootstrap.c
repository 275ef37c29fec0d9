/* Draws are weights: how often a line was drawn. Sums are then read in order, which is many times faster than jumping from line to line. */
#include "metric/bootstrap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

enum { USUAL_DRAWS = 1000, USUAL_SWAPS = 10000 };
/* Figures that ought to be equal may differ by the rounding of their sums. */
static const double tie = 1e-9;

heed_status heed_counts_add(heed_counts *c, const double *sums, int width, heed_error *err)
{
    if (c->lines == c->room) {
        int64_t room = c->room ? c->room * 2 : 256;
        float *x = realloc(c->x, (size_t)(room * width) * sizeof *x);
        if (!x)
            return heed_fail(err, HEED_E_NOMEM, "out of memory for what was counted of %lld lines", (long long)c->lines);
        c->x = x;
        c->room = room;
    }
    c->width = width;
    for (int i = 0; i < width; i++)
        c->x[c->lines * width + i] = (float)sums[i];
    c->lines++;
    return HEED_OK;
}

void heed_counts_free(heed_counts *c)
{
    free(c->x);
    *c = (heed_counts){0};
}

double heed_figure_of_metric(const void *metric, const double *sums)
{
    return heed_metric_value_of(metric, sums);
}

/* --- sums ------------------------------------------------------------------------------------------------------------------------------- */

/* weight NULL: every line once. */
static void add_up(const heed_counts *c, const uint16_t *weight, double sums[HEED_MOST_SUMS])
{
    memset(sums, 0, HEED_MOST_SUMS * sizeof *sums);
    for (int64_t i = 0; i < c->lines; i++) {
        const double times = weight ? weight[i] : 1;
        const float *x = c->x + i * c->width;
        for (int k = 0; k < c->width; k++)
            sums[k] += times * (double)x[k];
    }
}

/* How often each line was drawn. */
static void draw_lines(const heed_draws *d, int64_t draw, int64_t lines, uint16_t *weight)
{
    const uint64_t key = heed_key(d->seed, (uint64_t)draw);
    memset(weight, 0, (size_t)lines * sizeof *weight);
    for (int64_t i = 0; i < lines; i++)
        weight[heed_below(key, (uint64_t)i, (uint64_t)lines)]++;
}

/* 0 or 1 a line. */
static void draw_coins(const heed_draws *d, int64_t draw, int64_t lines, uint16_t *weight)
{
    const uint64_t key = heed_key(d->seed, (uint64_t)draw);
    for (int64_t i = 0; i < lines; i += 64) {
        uint64_t coins = heed_key(key, (uint64_t)i);
        for (int64_t j = i; j < i + 64 && j < lines; j++, coins >>= 1)
            weight[j] = coins & 1;
    }
}

/* --- the bootstrap ---------------------------------------------------------------------------------------------------------------------- */

heed_status heed_bootstrap_figures(const heed_sample *samples, int count, const heed_draws *draws, double *x, heed_error *err)
{
    const int64_t lines = samples[0].counts->lines, n = draws->count;
    uint16_t *weight = malloc((size_t)lines * sizeof *weight + 1);
    if (!weight)
        return heed_fail(err, HEED_E_NOMEM, "out of memory for drawing %lld lines", (long long)lines);
    for (int64_t draw = 0; draw < n; draw++) {
        draw_lines(draws, draw, lines, weight);
        for (int s = 0; s < count; s++) {
            double sums[HEED_MOST_SUMS];
            add_up(samples[s].counts, weight, sums);
            x[s * n + draw] = samples[s].figure(samples[s].of, sums);
        }
    }
    free(weight);
    return HEED_OK;
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

heed_interval heed_interval_of(double *x, int64_t n)
{
    const int64_t below = n / 40;   /* the ranks of sacreBLEU */
    double sum = 0;
    qsort(x, (size_t)n, sizeof *x, by_size);
    for (int64_t i = 0; i < n; i++)
        sum += x[i];
    return (heed_interval){sum / (double)n, x[below], x[n - below - 1]};
}

heed_status heed_bootstrap_interval(const heed_sample *s, const heed_draws *draws, heed_interval *out, heed_error *err)
{
    const heed_draws d = {draws->count > 0 ? draws->count : USUAL_DRAWS, draws->seed};
    double *x = malloc((size_t)d.count * sizeof *x);
    heed_status status = x ? heed_bootstrap_figures(s, 1, &d, x, err) : heed_fail(err, HEED_E_NOMEM, "out of memory for %lld draws", (long long)d.count);
    if (status == HEED_OK)
        *out = heed_interval_of(x, d.count);
    free(x);
    return status;
}

static int by_number(const void *a, const void *b)
{
    const heed_of_line *x = a, *y = b;
    return x->x != y->x ? (x->x > y->x) - (x->x < y->x) : (x->line > y->line) - (x->line < y->line);
}

/* Of numbers that rise, each as often as its line was drawn (NULL: once). */
static double median_of(const heed_of_line *x, int64_t n, const uint16_t *weight)
{
    int64_t all = 0, passed = 0, low = -1, i = 0;
    for (int64_t k = 0; k < n; k++)
        all += weight ? weight[x[k].line] : 1;
    for (; i < n; i++) {
        passed += weight ? weight[x[i].line] : 1;
        if (low < 0 && passed > (all - 1) / 2)
            low = i;
        if (passed > all / 2)
            break;
    }
    return (x[low].x + x[i].x) / 2;
}

heed_status heed_bootstrap_median(heed_of_line *x, int64_t n, int64_t lines, const heed_draws *draws, double *median, heed_interval *out, heed_error *err)
{
    const heed_draws d = {draws->count > 0 ? draws->count : USUAL_DRAWS, draws->seed};
    uint16_t *weight = malloc((size_t)lines * sizeof *weight);
    double *drawn = malloc((size_t)d.count * sizeof *drawn);
    heed_status status = weight && drawn ? HEED_OK : heed_fail(err, HEED_E_NOMEM, "out of memory for drawing %lld lines", (long long)lines);
    if (status == HEED_OK) {
        qsort(x, (size_t)n, sizeof *x, by_number);
        *median = median_of(x, n, NULL);
        for (int64_t draw = 0; draw < d.count; draw++) {
            draw_lines(&d, draw, lines, weight);
            drawn[draw] = median_of(x, n, weight);
        }
        *out = heed_interval_of(drawn, d.count);
    }
    free(weight);
    free(drawn);
    return status;
}

double heed_bootstrap_p(const double *one, const double *other, int64_t n, double difference)
{
    double mean = 0;
    int64_t beyond = 0;
    for (int64_t i = 0; i < n; i++)
        mean += fabs(one[i] - other[i]) / (double)n;
    for (int64_t i = 0; i < n; i++)
        beyond += fabs(one[i] - other[i]) - mean >= difference - tie;
    return (double)(beyond + 1) / (double)(n + 1);
}

/* --- randomisation -------------------------------------------------------------------------------------------------------------------- */

/* The lines whose coin shows 1 change sides. */
static double difference_swapped(const heed_sample *one, const heed_sample *other, const double *all, const double *all_other, const uint16_t *coin)
{
    double out[HEED_MOST_SUMS], in[HEED_MOST_SUMS];
    add_up(one->counts, coin, out);
    add_up(other->counts, coin, in);
    for (int k = 0; k < HEED_MOST_SUMS; k++) {
        const double moved = in[k] - out[k];
        out[k] = all[k] + moved;
        in[k] = all_other[k] - moved;
    }
    return fabs(one->figure(one->of, out) - other->figure(other->of, in));
}

heed_status heed_randomisation_p(const heed_sample *one, const heed_sample *other, const heed_draws *draws, double *p, heed_error *err)
{
    const int64_t lines = one->counts->lines, n = draws->count > 0 ? draws->count : USUAL_SWAPS;
    double all[HEED_MOST_SUMS], all_other[HEED_MOST_SUMS];
    uint16_t *coin = malloc((size_t)lines * sizeof *coin + 1);
    if (!coin)
        return heed_fail(err, HEED_E_NOMEM, "out of memory for swapping %lld lines", (long long)lines);
    add_up(one->counts, NULL, all);
    add_up(other->counts, NULL, all_other);
    const double difference = fabs(one->figure(one->of, all) - other->figure(other->of, all_other));
    int64_t beyond = 0;
    for (int64_t draw = 0; draw < n; draw++) {
        draw_coins(draws, draw, lines, coin);
        beyond += difference_swapped(one, other, all, all_other, coin) >= difference - tie;
    }
    *p = (double)(beyond + 1) / (double)(n + 1);
    free(coin);
    return HEED_OK;
}
