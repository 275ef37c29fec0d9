/* Trust in lenses as JSON: explain/trust.h. */
#include "explain/trust.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "data/text.h"
#include "explain/label.h"

enum { DRAWS = 10, ROWS = 8, SEED = 72 };

typedef struct trust {
    const heed_lens_input *in;
    const heed_trust_lens *lenses; int count;
    int64_t row[ROWS], rows;
    heed_judged *judged;          /* [2 count + DRAWS]: the lenses, the same in reverse, random orders */
    int order[HEED_LENSES];       /* the greatest gain first */
} trust;

static const heed_judged *drawn(const trust *t, int i) { return &t->judged[2 * t->count + i]; }

/* --- verdicts --------------------------------------------------------------------------------------------------------------------------------------- */

/* How much a taking away costs, as far as the lens may be judged by it. */
static double lost(const heed_lens *lens, const heed_judged *j)
{
    const double blanked = heed_comprehensiveness(j->blanked);
    return lens->deletes ? blanked : (heed_comprehensiveness(j->deleted) + blanked) / 2;
}

static double worth(const heed_lens *lens, const heed_judged *j) { return (lost(lens, j) - heed_sufficiency(j)) / 2; }

static bool passed(const trust *t, int k)
{
    for (int i = 0; i < DRAWS; i++)
        if (worth(t->lenses[k].is, &t->judged[k]) <= worth(t->lenses[k].is, drawn(t, i))) return false;
    return true;
}

static void rank(trust *t)
{
    for (int k = 0; k < t->count; k++) {
        int at = k;
        const double own = worth(t->lenses[k].is, &t->judged[k]);
        for (; at > 0 && worth(t->lenses[t->order[at - 1]].is, &t->judged[t->order[at - 1]]) < own; at--) t->order[at] = t->order[at - 1];
        t->order[at] = k;
    }
}

/* --- how far two lenses agree ----------------------------------------------------------------------------------------------------------------------- */

static int sign(float a, float b) { return (a > b) - (a < b); }

/* Kendall's tau-b of two rows over n symbols; 0 where a row is flat. */
static double tau(const float *a, const float *b, int64_t n)
{
    int64_t both = 0, first = 0, second = 0;
    for (int64_t i = 1; i < n; i++)
        for (int64_t j = 0; j < i; j++) {
            const int x = sign(a[i], a[j]), y = sign(b[i], b[j]);
            both += x * y;
            first += x != 0;
            second += y != 0;
        }
    return first && second ? (double)both / sqrt((double)first * (double)second) : 0;
}

static double agreement(const trust *t, int a, int b)
{
    const int64_t n = t->in->S - (t->in->source[t->in->S - 1] == HEED_EOS);
    double sum = 0;
    for (int64_t r = 0; r < t->rows; r++) sum += tau(t->lenses[a].scores + t->row[r] * t->in->S, t->lenses[b].scores + t->row[r] * t->in->S, n);
    return t->rows ? sum / (double)t->rows : 0;
}

/* --- JSON ----------------------------------------------------------------------------------------------------------------------------------------------- */

static void add_numbers(heed_buf *out, const char *key, const double *x, int n)
{
    heed_buf_printf(out, ", \"%s\": [", key);
    for (int i = 0; i < n; i++) {
        heed_buf_text(out, i ? ", " : "");
        heed_number_short(out, x[i], 6);
    }
    heed_buf_char(out, ']');
}

/* The inner shares. */
static void add_falls(heed_buf *out, const heed_judged *j)
{
    double deleted[HEED_SHARES - 2], alone[HEED_SHARES - 2];
    for (int i = 0; i < HEED_SHARES - 2; i++) {
        deleted[i] = j->deleted[0] - j->deleted[i + 1];
        alone[i] = j->kept[HEED_SHARES - 1] - j->kept[i + 1];
    }
    add_numbers(out, "comprehensiveness", deleted, HEED_SHARES - 2);
    add_numbers(out, "sufficiency", alone, HEED_SHARES - 2);
}

typedef struct range { double mean, low, high; } range;

static range range_of(const trust *t, double (*of)(const heed_lens *, const heed_judged *), const heed_lens *lens)
{
    range r = {0, of(lens, drawn(t, 0)), of(lens, drawn(t, 0))};
    for (int i = 0; i < DRAWS; i++) {
        const double x = of(lens, drawn(t, i));
        r.mean += x / DRAWS;
        r.low = x < r.low ? x : r.low;
        r.high = x > r.high ? x : r.high;
    }
    return r;
}

static double alone(const heed_lens *lens, const heed_judged *j)
{
    (void)lens;
    return heed_sufficiency(j);
}

static void add_curve(const trust *t, int k, heed_buf *out)
{
    const heed_trust_lens *l = &t->lenses[k];
    const heed_judged *j = &t->judged[k], *back = &t->judged[t->count + k];
    const range away = range_of(t, lost, l->is), left = range_of(t, alone, l->is);
    heed_buf_printf(out, "%s{\"lens\": \"%s\"", k ? ", " : "", l->is->name);
    add_numbers(out, "x", heed_judge_share, HEED_SHARES);
    add_numbers(out, "deletion", j->deleted, HEED_SHARES);
    add_numbers(out, "blanking", j->blanked, HEED_SHARES);
    add_numbers(out, "insertion", j->kept, HEED_SHARES);
    add_numbers(out, "reverse_deletion", back->deleted, HEED_SHARES);
    add_numbers(out, "reverse_insertion", back->kept, HEED_SHARES);
    add_falls(out, j);
    heed_buf_printf(out, ", \"passed\": %s, \"why\": \"", passed(t, k) ? "true" : "false");
    heed_buf_printf(out, "Without what it puts first p falls by %.3f, in random orders by %.3f (%.3f to %.3f); with that alone by %.3f, in random orders by %.3f (%.3f to %.3f).",
                    lost(l->is, j), away.mean, away.low, away.high, heed_sufficiency(j), left.mean, left.low, left.high);
    if (l->is->deletes) heed_buf_text(out, " It takes symbols out itself, so it is judged by blanks.");
    heed_buf_text(out, "\"}");
}

static void add_random(const trust *t, heed_buf *out)
{
    heed_judged mean = {.deleted = {0}}, low = *drawn(t, 0), high = *drawn(t, 0);
    double *const to[] = {mean.deleted, mean.kept, low.deleted, low.kept, high.deleted, high.kept};
    for (int i = 0; i < DRAWS; i++)
        for (int s = 0; s < 2 * HEED_SHARES; s++) {
            const int w = s >= HEED_SHARES, at = s % HEED_SHARES;
            const double x = w ? drawn(t, i)->kept[at] : drawn(t, i)->deleted[at];
            to[w][at] += x / DRAWS;
            to[2 + w][at] = x < to[2 + w][at] ? x : to[2 + w][at];
            to[4 + w][at] = x > to[4 + w][at] ? x : to[4 + w][at];
        }
    heed_buf_printf(out, ", \"random\": {\"draws\": %d", DRAWS);
    add_numbers(out, "deletion", mean.deleted, HEED_SHARES);
    add_numbers(out, "insertion", mean.kept, HEED_SHARES);
    add_numbers(out, "deletion_low", low.deleted, HEED_SHARES);
    add_numbers(out, "deletion_high", high.deleted, HEED_SHARES);
    add_numbers(out, "insertion_low", low.kept, HEED_SHARES);
    add_numbers(out, "insertion_high", high.kept, HEED_SHARES);
    add_falls(out, &mean);
    heed_buf_char(out, '}');
}

static void add_agreement(const trust *t, heed_buf *out)
{
    heed_buf_text(out, ", \"agreement\": {\"lenses\": [");
    for (int k = 0; k < t->count; k++) heed_buf_printf(out, "%s\"%s\"", k ? ", " : "", t->lenses[k].is->name);
    heed_buf_text(out, "], \"tau\": [");
    for (int a = 0; a < t->count; a++) {
        heed_buf_text(out, a ? ", [" : "[");
        for (int b = 0; b < t->count; b++) {
            heed_buf_text(out, b ? ", " : "");
            heed_number_short(out, a == b ? 1 : agreement(t, a, b), 4);
        }
        heed_buf_char(out, ']');
    }
    heed_buf_text(out, "]}");
}

/* Those that attn.json names, in its order, then the others in that found here. */
static void add_recommended(const trust *t, const char *known, heed_buf *out)
{
    bool told[HEED_LENSES] = {false}, any = false;
    heed_buf_text(out, ", \"recommended\": [");
    for (int round = 0; round < t->count; round++) {
        int best = -1;
        const char *first = NULL;
        for (int i = 0; i < t->count; i++) {
            char quoted[80];
            snprintf(quoted, sizeof quoted, "\"lens\":\"%s\"", t->lenses[i].is->name);
            const char *at = known && !told[i] ? strstr(known, quoted) : NULL;
            if (at && (!first || at < first)) first = at, best = i;
        }
        for (int i = 0; best < 0 && i < t->count; i++)
            if (!told[t->order[i]]) best = t->order[i];
        told[best] = true;
        heed_buf_printf(out, "%s\"%s\"", any ? ", " : "", t->lenses[best].is->name);
        any = true;
    }
    heed_buf_char(out, ']');
}

static void write(const trust *t, const char *known, heed_buf *out)
{
    heed_buf_text(out, "\"trust\": {\"measure\": \"p of the symbols written\", \"sentence\": \"");
    heed_buf_text(out, "Symbols of the source are taken away in the order of a lens, or nothing but its first ones is left. A lens that knows what the model goes by makes more of a difference "
                       "than random orders do, and its own order reversed makes less.");
    heed_buf_printf(out, "\", \"symbols\": %lld, \"curves\": [", (long long)t->rows);
    for (int k = 0; k < t->count; k++) add_curve(t, k, out);
    heed_buf_char(out, ']');
    add_random(t, out);
    add_agreement(t, out);
    add_recommended(t, known, out);
    if (known) heed_buf_printf(out, ", \"faithful\": %s", known);
    heed_buf_char(out, '}');
}

heed_status heed_trust_json(const heed_lens_input *in, const heed_trust_lens *lenses, int count, const char *known, heed_buf *out, heed_error *err)
{
    trust t = {.in = in, .lenses = lenses, .count = count, .rows = in->T < ROWS ? in->T : ROWS};
    heed_order orders[2 * HEED_LENSES + DRAWS];
    for (int64_t r = 0; r < t.rows; r++) t.row[r] = r * in->T / t.rows;
    for (int i = 0; i < 2 * count; i++) orders[i] = (heed_order){.scores = lenses[i % count].scores, .reverse = i >= count};
    for (int i = 0; i < DRAWS; i++) orders[2 * count + i] = (heed_order){.seed = heed_key(SEED, (uint64_t)i)};
    t.judged = malloc((size_t)(2 * count + DRAWS) * sizeof *t.judged);
    heed_status status = t.judged ? heed_judge(in, orders, 2 * count + DRAWS, t.row, t.rows, t.judged, err)
                                  : heed_fail(err, HEED_E_NOMEM, "out of memory for judging lenses");
    if (!status) {
        rank(&t);
        write(&t, known, out);
    }
    free(t.judged);
    return status;
}
