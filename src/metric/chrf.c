/* chrF2 of a corpus: F-score, recall weighing twice, of character n-grams from one to six without white space; precision and recall are
 * means over the orders that both sides have. Of several references the one with the best score of the sentence counts. Popovic 2015. */
#include <string.h>

#include "base/unicode.h"
#include "metric/kind.h"

enum { ORDERS = 6, BETA = 2 };

typedef struct tally { int64_t hypothesis, reference, match; } tally;

typedef struct chrf {
    heed_metric base;
    tally sum[ORDERS];
    heed_intern grams;
    heed_codes own, seen;   /* counts by n-gram: in the hypothesis, in the reference */
} chrf;

static double f_score(const tally *t)
{
    double precision = 0, recall = 0, weight = BETA * BETA;
    int orders = 0;
    for (int n = 0; n < ORDERS; n++) {
        if (t[n].hypothesis == 0 || t[n].reference == 0)
            continue;
        precision += (double)t[n].match / (double)t[n].hypothesis;
        recall += (double)t[n].match / (double)t[n].reference;
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

static bool tally_order(chrf *c, heed_line *hypothesis, heed_line *reference, int n, tally *t)
{
    heed_intern_reset(&c->grams);
    if (!heed_intern_grams(&c->grams, &hypothesis->unit, n, &hypothesis->gram) ||
        !heed_intern_grams(&c->grams, &reference->unit, n, &reference->gram) ||
        !count_grams(&hypothesis->gram, c->grams.count, &c->own) || !count_grams(&reference->gram, c->grams.count, &c->seen))
        return false;
    *t = (tally){.hypothesis = reference->gram.n > 0 ? hypothesis->gram.n : 0, .reference = reference->gram.n};
    for (int64_t g = 0; g < c->grams.count; g++)
        t->match += c->own.x[g] < c->seen.x[g] ? c->own.x[g] : c->seen.x[g];
    return true;
}

static heed_status chrf_add(heed_metric *m, heed_line *line, int count, heed_error *err)
{
    chrf *c = (chrf *)m;
    tally best[ORDERS] = {{0}};
    double best_score = -1;
    bool ok = drop_spaces(&line[0]);
    for (int i = 1; i <= count && ok; i++) {
        tally one[ORDERS];
        ok = drop_spaces(&line[i]);
        for (int n = 1; n <= ORDERS && ok; n++)
            ok = tally_order(c, &line[0], &line[i], n, &one[n - 1]);
        double score = ok ? f_score(one) : -1;
        if (score > best_score) {
            best_score = score;
            memcpy(best, one, sizeof best);
        }
    }
    if (!ok)
        return heed_metric_nomem(err);
    for (int n = 0; n < ORDERS; n++) {
        c->sum[n].hypothesis += best[n].hypothesis;
        c->sum[n].reference += best[n].reference;
        c->sum[n].match += best[n].match;
    }
    return HEED_OK;
}

static double chrf_value(const heed_metric *m)
{
    return f_score(((const chrf *)m)->sum);
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

const heed_metric_kind heed_metric_chrf = {"chrf", sizeof(chrf), true, NULL, chrf_add, chrf_value, chrf_sign, chrf_stop};
