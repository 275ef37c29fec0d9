/* BLEU of a corpus: clipped n-gram precisions up to four, geometric mean, brevity penalty. Papineni et al. 2002; Post 2018. The smoothings of
 * Chen and Cherry (2014), by the names and constants of sacreBLEU. */
#include <math.h>
#include <string.h>

#include "metric/kind.h"
#include "base/tokenize.h"

enum { ORDERS = 4 };
/* Tokens of the hypothesis and of the closest reference; n-grams that are right, and all of them, by order. */
enum { LENGTH, REFERENCE, CORRECT, TOTAL = CORRECT + ORDERS, SUMS = TOTAL + ORDERS };

typedef struct bleu {
    heed_metric base;
    heed_intern words, grams;
    heed_codes spare, seen, best, own;        /* scratch; counts by n-gram: in one reference, most of any, in the hypothesis */
} bleu;

/* The reference length nearest to the hypothesis's, the shorter of two equally near. */
static int64_t closest(const heed_line *line, int count)
{
    int64_t n = line[0].unit.n, best = line[1].unit.n;
    for (int i = 2; i <= count; i++) {
        int64_t one = line[i].unit.n, far = one > n ? one - n : n - one, least = best > n ? best - n : n - best;
        if (far < least || (far == least && one < best))
            best = one;
    }
    return best;
}

static bool read_words(bleu *b, heed_line *line, int count)
{
    bool ok = true;
    heed_intern_reset(&b->words);
    for (int i = 0; i <= count && ok; i++)
        ok = heed_tokenize(b->base.tokenizer, &line[i].text, &b->spare) && heed_intern_words(&b->words, &line[i].text, &line[i].unit);
    return ok;
}

static bool count_order(bleu *b, heed_line *line, int count, int n, double *sums)
{
    heed_intern_reset(&b->grams);
    for (int i = 0; i <= count; i++)
        if (!heed_intern_grams(&b->grams, &line[i].unit, n, &line[i].gram))
            return false;
    if (!heed_codes_zeros(&b->best, b->grams.count) || !heed_codes_zeros(&b->own, b->grams.count))
        return false;
    for (int i = 1; i <= count; i++) {
        if (!heed_codes_zeros(&b->seen, b->grams.count))
            return false;
        for (int64_t k = 0; k < line[i].gram.n; k++) {
            int32_t g = line[i].gram.x[k], times = ++b->seen.x[g];
            b->best.x[g] = times > b->best.x[g] ? times : b->best.x[g];
        }
    }
    int64_t correct = 0;
    for (int64_t k = 0; k < line[0].gram.n; k++) {
        int32_t g = line[0].gram.x[k];
        correct += b->own.x[g]++ < b->best.x[g];
    }
    sums[CORRECT + n - 1] = (double)correct;
    sums[TOTAL + n - 1] = (double)line[0].gram.n;
    return true;
}

static heed_status bleu_add(heed_metric *m, heed_line *line, int count, double *sums, heed_error *err)
{
    bleu *b = (bleu *)m;
    bool ok = read_words(b, line, count);
    for (int n = 1; n <= ORDERS && ok; n++)
        ok = count_order(b, line, count, n, sums);
    if (!ok)
        return heed_metric_nomem(err);
    sums[LENGTH] = (double)line[0].unit.n;
    sums[REFERENCE] = (double)closest(line, count);
    return HEED_OK;
}

static const char *const smoothings[] = {"exp", "floor", "add-k", "none", NULL};
enum { EXP, FLOOR, ADD_K };

/* What an order counts that has no match. Of "exp" the k-th such order counts 1 / 2^k. */
static double smooth(const heed_metric *m, double *halved)
{
    if (m->smoothing == smoothings[EXP])
        return *halved /= 2;
    return m->smoothing == smoothings[FLOOR] ? 0.1 : 0;
}

static double bleu_value(const heed_metric *m, const double *sums)
{
    const double *correct = sums + CORRECT, *total = sums + TOTAL;
    double logs = 0, halved = 1;
    bool any = false;
    for (int n = 0; n < ORDERS; n++)
        any |= correct[n] > 0;
    if (!any)
        return 0;
    for (int n = 0; n < ORDERS; n++) {
        const double more = m->smoothing == smoothings[ADD_K] && n > 0;
        if (total[n] + more <= 0)
            return 0;
        const double right = correct[n] + more > 0 ? correct[n] + more : smooth(m, &halved);
        logs += log(100 * right / (total[n] + more));
    }
    double penalty = sums[LENGTH] < sums[REFERENCE] ? exp(1 - sums[REFERENCE] / sums[LENGTH]) : 1;
    return penalty * exp(logs / ORDERS);
}

static void bleu_sign(const heed_metric *m, heed_buf *out)
{
    const char *constant = m->smoothing == smoothings[FLOOR] ? "[0.10]" : m->smoothing == smoothings[ADD_K] ? "[1.00]" : "";
    heed_buf_printf(out, "eff:no|tok:%s|smooth:%s%s|", m->tokenizer, m->smoothing, constant);
}

static void bleu_stop(heed_metric *m)
{
    bleu *b = (bleu *)m;
    heed_intern_free(&b->words);
    heed_intern_free(&b->grams);
    heed_codes_free(&b->spare);
    heed_codes_free(&b->seen);
    heed_codes_free(&b->best);
    heed_codes_free(&b->own);
}

const heed_metric_kind heed_metric_bleu = {
    .name = "bleu", .size = sizeof(bleu), .higher_is_better = true, .tokenizers = heed_tokenizers, .smoothings = smoothings, .sums = SUMS,
    .add = bleu_add, .value = bleu_value, .sign = bleu_sign, .stop = bleu_stop,
};

static const char *const own_words[] = {"words", NULL};

const heed_metric_kind heed_metric_bleu_words = {
    .name = "bleu-words", .size = sizeof(bleu), .higher_is_better = true, .tokenizers = own_words, .smoothings = smoothings, .sums = SUMS,
    .add = bleu_add, .value = bleu_value, .sign = bleu_sign, .stop = bleu_stop,
};
