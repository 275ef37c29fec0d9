/* chrF2 of a corpus: F-score, recall weighing twice, of character n-grams from one to six without white space; precision and recall are
 * means over the orders that both sides have. Of several references the one with the best score of the sentence counts. Popovic 2015. */
#include <string.h>

#include "base/unicode.h"
#include "metric/kind.h"

enum { ORDERS = 6, BETA = 2 };

enum { HYPOTHESIS, REFERENCE, MATCH, COUNTS };   /* n-grams of an order: of the hypothesis, of the reference, of both */

typedef struct chrf {
    heed_metric base;
    heed_intern grams;
    heed_codes own, seen;   /* counts by n-gram: in the hypothesis, in the reference */
} chrf;

static double f_score(const double *sums)
{
    double precision = 0, recall = 0, weight = BETA * BETA;
    int orders = 0;
    for (const double *n = sums; n < sums + ORDERS * COUNTS; n += COUNTS) {
        if (n[HYPOTHESIS] <= 0 || n[REFERENCE] <= 0)
            continue;
        precision += n[MATCH] / n[HYPOTHESIS];
        recall += n[MATCH] / n[REFERENCE];
        orders++;
    }
    if (precision + recall == 0)
        return 0;
    precision /= orders;
    recall /= orders;
    double score = (1 + weight) * precision * recall;   /* the order of sacreBLEU, so that equal references stay equal */
    return 100 * (score / (weight * precision + recall));
}

static bool drop_spaces(heed_line *line)
{
    line->unit.n = 0;
    for (int64_t i = 0; i < line->text.n; i++)
        if (!heed_unicode_space(line->text.x[i]))
            heed_codes_add(&line->unit, line->text.x[i]);
    return !line->unit.failed;
}

static bool count_grams(const heed_codes *gram, int64_t different, heed_codes *counts)
{
    if (!heed_codes_zeros(counts, different))
        return false;
    for (int64_t k = 0; k < gram->n; k++)
        counts->x[gram->x[k]]++;
    return true;
}

static bool count_order(chrf *c, heed_line *hypothesis, heed_line *reference, int n, double *counts)
{
    heed_intern_reset(&c->grams);
    if (!heed_intern_grams(&c->grams, &hypothesis->unit, n, &hypothesis->gram) ||
        !heed_intern_grams(&c->grams, &reference->unit, n, &reference->gram) ||
        !count_grams(&hypothesis->gram, c->grams.count, &c->own) || !count_grams(&reference->gram, c->grams.count, &c->seen))
        return false;
    int64_t match = 0;
    for (int64_t g = 0; g < c->grams.count; g++)
        match += c->own.x[g] < c->seen.x[g] ? c->own.x[g] : c->seen.x[g];
    counts[HYPOTHESIS] = reference->gram.n > 0 ? (double)hypothesis->gram.n : 0;
    counts[REFERENCE] = (double)reference->gram.n;
    counts[MATCH] = (double)match;
    return true;
}

static heed_status chrf_add(heed_metric *m, heed_line *line, int count, double *sums, heed_error *err)
{
    chrf *c = (chrf *)m;
    double best_score = -1;
    bool ok = drop_spaces(&line[0]);
    for (int i = 1; i <= count && ok; i++) {
        double one[ORDERS * COUNTS];
        ok = drop_spaces(&line[i]);
        for (int n = 1; n <= ORDERS && ok; n++)
            ok = count_order(c, &line[0], &line[i], n, one + (n - 1) * COUNTS);
        double score = ok ? f_score(one) : -1;
        if (score > best_score) {
            best_score = score;
            memcpy(sums, one, sizeof one);
        }
    }
    return ok ? HEED_OK : heed_metric_nomem(err);
}

static double chrf_value(const heed_metric *m, const double *sums)
{
    (void)m;
    return f_score(sums);
}

static void chrf_sign(const heed_metric *m, heed_buf *out)
{
    (void)m;
    heed_buf_printf(out, "eff:yes|nc:%d|nw:0|space:no|", ORDERS);
}

static void chrf_stop(heed_metric *m)
{
    chrf *c = (chrf *)m;
    heed_intern_free(&c->grams);
    heed_codes_free(&c->own);
    heed_codes_free(&c->seen);
}

const heed_metric_kind heed_metric_chrf = {
    .name = "chrf", .size = sizeof(chrf), .higher_is_better = true, .sums = ORDERS * COUNTS,
    .add = chrf_add, .value = chrf_value, .sign = chrf_sign, .stop = chrf_stop,
};
