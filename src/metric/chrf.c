/* chrF2 of a corpus: F-score, recall weighing twice, of character n-grams from one to six without white space (Popovic 2015); of chrF++ also of
 * words and pairs of words (Popovic 2017). Precision and recall are means over the orders that both sides have. Of several references the one with the
 * best score of the sentence counts. */
#include <string.h>

#include "base/unicode.h"
#include "metric/kind.h"

enum { CHARACTERS = 6, WORDS = 2, BETA = 2 };
enum { HYPOTHESIS, REFERENCE, MATCH, COUNTS };   /* n-grams of an order: of the hypothesis, of the reference, of both */

typedef struct chrf {
    heed_metric base;
    heed_intern names, grams;
    heed_codes parted, words, reference_words;   /* chrF++: a line whose marks stand apart; its words */
    heed_codes own, seen;                        /* counts by n-gram: in the hypothesis, in the reference */
} chrf;

static int orders_of(const heed_metric *m)
{
    return m->kind->sums / COUNTS;
}

static double f_score(const double *sums, int orders)
{
    double precision = 0, recall = 0, weight = BETA * BETA;
    int both = 0;
    for (const double *n = sums; n < sums + orders * COUNTS; n += COUNTS) {
        if (n[HYPOTHESIS] <= 0 || n[REFERENCE] <= 0)
            continue;
        precision += n[MATCH] / n[HYPOTHESIS];
        recall += n[MATCH] / n[REFERENCE];
        both++;
    }
    if (precision + recall == 0)
        return 0;
    precision /= both;
    recall /= both;
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

static bool mark(int32_t c)
{
    return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
}

/* A mark of ASCII at a word's end is a word of its own, or else one at its beginning: never both, as chrF++.py has it. */
static bool part_marks(const heed_codes *text, heed_codes *out)
{
    out->n = 0;
    for (int64_t i = 0, end; i < text->n; i = end) {
        for (end = i; end < text->n && !heed_unicode_space(text->x[end]);)
            end++;
        const int64_t size = end - i;
        const int64_t cut = size < 2 ? -1 : mark(text->x[end - 1]) ? size - 1 : mark(text->x[i]) ? 1 : -1;
        for (int64_t k = 0; k < size; k++) {
            if (k == cut)
                heed_codes_add(out, ' ');
            heed_codes_add(out, text->x[i + k]);
        }
        heed_codes_add(out, ' ');
        end += end < text->n;
    }
    return !out->failed;
}

static bool count_grams(const heed_codes *gram, int64_t different, heed_codes *counts)
{
    if (!heed_codes_zeros(counts, different))
        return false;
    for (int64_t k = 0; k < gram->n; k++)
        counts->x[gram->x[k]]++;
    return true;
}

/* What n-grams are made of, and the n-grams of the order before. */
typedef struct side { const heed_codes *unit; heed_codes *gram; } side;

static bool count_order(chrf *c, side hypothesis, side reference, int n, double *counts)
{
    heed_intern_reset(&c->grams);
    if (!heed_intern_grams(&c->grams, hypothesis.unit, n, hypothesis.gram) || !heed_intern_grams(&c->grams, reference.unit, n, reference.gram) ||
        !count_grams(hypothesis.gram, c->grams.count, &c->own) || !count_grams(reference.gram, c->grams.count, &c->seen))
        return false;
    int64_t match = 0;
    for (int64_t g = 0; g < c->grams.count; g++)
        match += c->own.x[g] < c->seen.x[g] ? c->own.x[g] : c->seen.x[g];
    counts[HYPOTHESIS] = reference.gram->n > 0 ? (double)hypothesis.gram->n : 0;
    counts[REFERENCE] = (double)reference.gram->n;
    counts[MATCH] = (double)match;
    return true;
}

static bool read_words(chrf *c, const heed_line *line, heed_codes *words)
{
    return part_marks(&line->text, &c->parted) && heed_intern_words(&c->names, &c->parted, words);
}

static bool count_pair(chrf *c, heed_line *hypothesis, heed_line *reference, double *sums)
{
    const int words = orders_of(&c->base) - CHARACTERS;
    bool ok = drop_spaces(reference) && (words == 0 || read_words(c, reference, &c->reference_words));
    for (int n = 1; n <= CHARACTERS && ok; n++)
        ok = count_order(c, (side){&hypothesis->unit, &hypothesis->gram}, (side){&reference->unit, &reference->gram}, n, sums + (n - 1) * COUNTS);
    for (int n = 1; n <= words && ok; n++)
        ok = count_order(c, (side){&c->words, &hypothesis->gram}, (side){&c->reference_words, &reference->gram}, n, sums + (CHARACTERS + n - 1) * COUNTS);
    return ok;
}

static heed_status chrf_add(heed_metric *m, heed_line *line, int count, double *sums, heed_error *err)
{
    chrf *c = (chrf *)m;
    const int orders = orders_of(m);
    double best = -1, one[(CHARACTERS + WORDS) * COUNTS];
    heed_intern_reset(&c->names);
    bool ok = drop_spaces(&line[0]) && (orders == CHARACTERS || read_words(c, &line[0], &c->words));
    for (int i = 1; i <= count && ok; i++) {
        ok = count_pair(c, &line[0], &line[i], one);
        const double score = ok ? f_score(one, orders) : -1;
        if (score > best) {
            best = score;
            memcpy(sums, one, (size_t)(orders * COUNTS) * sizeof *sums);
        }
    }
    return ok ? HEED_OK : heed_metric_nomem(err);
}

static double chrf_value(const heed_metric *m, const double *sums)
{
    return f_score(sums, orders_of(m));
}

static void chrf_sign(const heed_metric *m, heed_buf *out)
{
    heed_buf_printf(out, "eff:yes|nc:%d|nw:%d|space:no|", CHARACTERS, orders_of(m) - CHARACTERS);
}

static void chrf_stop(heed_metric *m)
{
    chrf *c = (chrf *)m;
    heed_codes *const all[] = {&c->parted, &c->words, &c->reference_words, &c->own, &c->seen};
    heed_intern_free(&c->names);
    heed_intern_free(&c->grams);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        heed_codes_free(all[i]);
}

const heed_metric_kind heed_metric_chrf = {
    .name = "chrf", .size = sizeof(chrf), .higher_is_better = true, .sums = CHARACTERS * COUNTS,
    .add = chrf_add, .value = chrf_value, .sign = chrf_sign, .stop = chrf_stop,
};

const heed_metric_kind heed_metric_chrf_words = {
    .name = "chrf++", .size = sizeof(chrf), .higher_is_better = true, .sums = (CHARACTERS + WORDS) * COUNTS,
    .add = chrf_add, .value = chrf_value, .sign = chrf_sign, .stop = chrf_stop,
};
