/* BLEU of a corpus: clipped n-gram precisions up to four, geometric mean, brevity penalty; smoothing "exp" of sacreBLEU, its default:
 * the k-th order without a match counts 1 / 2^k matches. Papineni et al. 2002; Post 2018. */
#include <math.h>
#include <string.h>

#include "metric/kind.h"
#include "base/tokenize.h"

enum { ORDERS = 4 };

typedef struct bleu {
    heed_metric base;
    int64_t length, reference;                /* tokens of hypotheses and of the closest references */
    int64_t correct[ORDERS], total[ORDERS];
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

static bool count_order(bleu *b, heed_line *line, int count, int n)
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
    for (int64_t k = 0; k < line[0].gram.n; k++) {
        int32_t g = line[0].gram.x[k];
        b->correct[n - 1] += b->own.x[g]++ < b->best.x[g];
    }
    b->total[n - 1] += line[0].gram.n;
    return true;
}

static heed_status bleu_add(heed_metric *m, heed_line *line, int count, heed_error *err)
{
    bleu *b = (bleu *)m;
    bool ok = read_words(b, line, count);
    for (int n = 1; n <= ORDERS && ok; n++)
        ok = count_order(b, line, count, n);
    if (!ok)
        return heed_metric_nomem(err);
    b->length += line[0].unit.n;
    b->reference += closest(line, count);
    return HEED_OK;
}

static double bleu_value(const heed_metric *m)
{
    const bleu *b = (const bleu *)m;
    double logs = 0, halved = 1;
    bool any = false;
    for (int n = 0; n < ORDERS; n++)
        any |= b->correct[n] > 0;
    if (!any)
        return 0;
    for (int n = 0; n < ORDERS; n++) {
        if (b->total[n] == 0)
            return 0;
        if (b->correct[n] == 0)
            halved /= 2;
        logs += log(100 * (b->correct[n] ? (double)b->correct[n] : halved) / (double)b->total[n]);
    }
    double penalty = b->length < b->reference ? exp(1 - (double)b->reference / (double)b->length) : 1;
    return penalty * exp(logs / ORDERS);
}

static void bleu_sign(const heed_metric *m, heed_buf *out)
{
    heed_buf_printf(out, "eff:no|tok:%s|smooth:exp|", m->tokenizer);
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

const heed_metric_kind heed_metric_bleu = {"bleu", sizeof(bleu), true, heed_tokenizers, bleu_add, bleu_value, bleu_sign, bleu_stop};
