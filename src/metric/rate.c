/* Edit distance in a band around the diagonal that doubles until the distance fits inside (Ukkonen 1985): metric/rate.h. */
#include "metric/rate.h"

enum { FIRST_BAND = 8, FAR = INT32_MAX / 2 };
static const int64_t most_cells = (int64_t)1 << 32;   /* some seconds */

static int32_t least(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

/* Rows over a, diagonals over row: cell k of row i is column i + k - band of b. Returns the distance when it is at most band. */
static int32_t distance_within(const heed_codes *a, const heed_codes *b, int64_t band, int32_t *row)
{
    for (int64_t k = 0; k <= 2 * band + 1; k++)
        row[k] = k >= band && k <= 2 * band && k - band <= b->n ? (int32_t)(k - band) : FAR;
    for (int64_t i = 1; i <= a->n; i++) {
        int32_t left = FAR;
        for (int64_t k = 0; k <= 2 * band; k++) {
            int64_t j = i + k - band;
            if (j < 0 || j > b->n) {
                left = row[k] = FAR;
                continue;
            }
            int32_t here = least(row[k + 1], left) + 1;
            if (j > 0)
                here = least(here, row[k] + (a->x[i - 1] != b->x[j - 1]));
            left = row[k] = here;
        }
    }
    return row[b->n - a->n + band];
}

/* What begins and ends alike costs no edit; most hypotheses are mostly right. */
static void trim(heed_codes *a, heed_codes *b)
{
    while (a->n > 0 && b->n > 0 && a->x[a->n - 1] == b->x[b->n - 1]) {
        a->n--;
        b->n--;
    }
    while (a->n > 0 && b->n > 0 && a->x[0] == b->x[0]) {
        a->x++;
        b->x++;
        a->n--;
        b->n--;
    }
}

heed_status heed_rate_distance(heed_rate *r, const heed_codes *a, const heed_codes *b, int64_t *edits, heed_error *err)
{
    heed_codes x = a->n < b->n ? *a : *b, y = a->n < b->n ? *b : *a;   /* rows over the shorter */
    trim(&x, &y);
    int64_t longer = y.n, gap = y.n - x.n;
    if (x.n == 0) {
        *edits = longer;
        return HEED_OK;
    }
    for (int64_t band = gap > FIRST_BAND ? gap : FIRST_BAND;; band *= 2) {
        band = band < longer ? band : longer;
        if (x.n * (2 * band + 1) > most_cells)
            return heed_fail(err, HEED_E_LIMIT, "lines of %lld and %lld symbols that differ in more than %lld are too long to compare",
                             (long long)a->n, (long long)b->n, (long long)band / 2);
        if (!heed_codes_zeros(&r->row, 2 * band + 2))
            return heed_fail(err, HEED_E_NOMEM, "out of memory for comparing lines of %lld symbols", (long long)longer);
        *edits = distance_within(&x, &y, band, r->row.x);
        if (*edits <= band || band == longer)
            return HEED_OK;
    }
}

heed_status heed_rate_add(heed_rate *r, const heed_codes *hypothesis, const heed_codes *reference, size_t stride, int count, double sums[HEED_RATE_SUMS],
                          heed_error *err)
{
    int64_t best = -1, length = 0;
    for (int i = 0; i < count; i++) {
        const heed_codes *one = (const void *)((const char *)reference + (size_t)i * stride);
        int64_t edits;
        heed_status status = heed_rate_distance(r, hypothesis, one, &edits, err);
        if (status)
            return status;
        if (best < 0 || edits < best || (edits == best && one->n > length)) {
            best = edits;
            length = one->n;
        }
    }
    sums[HEED_RATE_EDITS] = (double)best;
    sums[HEED_RATE_LENGTH] = (double)length;
    return HEED_OK;
}

double heed_rate_value(const double sums[HEED_RATE_SUMS])
{
    if (sums[HEED_RATE_LENGTH] <= 0)
        return sums[HEED_RATE_EDITS] > 0 ? 100 : 0;
    return 100 * sums[HEED_RATE_EDITS] / sums[HEED_RATE_LENGTH];
}
