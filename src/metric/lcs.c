/* The table of longest common subsequences in rows of bits: metric/lcs.h. */
#include "metric/lcs.h"

#include <stdlib.h>
#include <string.h>

enum { BITS = 64 };

void heed_lcs_free(heed_lcs *l)
{
    heed_codes_free(&l->columns);
    heed_codes_free(&l->before);
    free(l->symbol);
    free(l->mask);
    free(l->rows);
    *l = (heed_lcs){0};
}

static bool grow(uint64_t **x, int64_t *room, int64_t need)
{
    if (need <= *room) return true;
    free(*x);
    *x = calloc((size_t)need, sizeof **x);
    *room = *x ? need : 0;
    return *x != NULL;
}

/* --- the index -------------------------------------------------------------------------------------------------------------------------------- */

/* All numbers are unknown again; costs what the line before had, not what there are numbers. */
static bool forget(heed_lcs *l, int64_t symbols)
{
    for (int64_t i = 0; i < l->columns.n; i++) l->symbol[l->columns.x[i]] = (struct heed_lcs_symbol){0};
    l->columns.n = 0;
    if (symbols <= l->symbols) return true;
    free(l->symbol);
    l->symbol = calloc((size_t)symbols, sizeof *l->symbol);
    l->symbols = l->symbol ? symbols : 0;
    return l->symbol != NULL;
}

static void set_bits(const heed_lcs *l, int32_t symbol, uint64_t *mask, bool on)
{
    for (int32_t c = l->symbol[symbol].last; c > 0; c = l->before.x[c - 1]) {
        const int32_t at = c - 1;
        if (on) mask[at / BITS] |= (uint64_t)1 << at % BITS;
        else mask[at / BITS] = 0;
    }
}

/* A number that stands in more columns than a row has words gets a mask of its own: there are at most BITS of them. */
static bool make_masks(heed_lcs *l)
{
    int32_t masks = 1;
    for (int64_t i = 0; i < l->columns.n; i++) {
        struct heed_lcs_symbol *s = &l->symbol[l->columns.x[i]];
        if (s->count > l->words && s->mask == 0) s->mask = ++masks;
    }
    if (!grow(&l->mask, &l->room, masks * l->words)) return false;
    memset(l->mask, 0, (size_t)(masks * l->words) * sizeof *l->mask);
    l->shown = -1;
    for (int64_t i = 0; i < l->columns.n; i++) {
        const struct heed_lcs_symbol *s = &l->symbol[l->columns.x[i]];
        if (s->mask) l->mask[(s->mask - 1) * l->words + i / BITS] |= (uint64_t)1 << i % BITS;
    }
    return true;
}

bool heed_lcs_index(heed_lcs *l, const int32_t *x, int64_t n, int64_t symbols)
{
    if (!forget(l, symbols) || !heed_codes_reserve(&l->columns, n) || !heed_codes_reserve(&l->before, n)) return false;
    for (int64_t i = 0; i < n; i++) {
        struct heed_lcs_symbol *s = &l->symbol[x[i]];
        l->columns.x[i] = x[i];
        l->before.x[i] = s->last;
        s->last = (int32_t)i + 1;
        s->count++;
    }
    l->columns.n = n;
    l->words = (n + BITS - 1) / BITS;
    return make_masks(l);
}

/* The columns of a number; NULL: none. */
static const uint64_t *columns_of(heed_lcs *l, int32_t symbol)
{
    const struct heed_lcs_symbol *s = &l->symbol[symbol];
    if (s->last == 0) return NULL;
    if (s->mask) return l->mask + (s->mask - 1) * l->words;
    if (l->shown != symbol) {
        if (l->shown >= 0) set_bits(l, l->shown, l->mask, false);
        set_bits(l, symbol, l->mask, true);
        l->shown = symbol;
    }
    return l->mask;
}

/* --- rows ------------------------------------------------------------------------------------------------------------------------------------- */

/* The row of a number below a row; they may be the same. A bit is set where the row rises. */
static void row_below(heed_lcs *l, const uint64_t *above, int32_t symbol, uint64_t *row)
{
    const uint64_t *match = columns_of(l, symbol);
    if (!match) {
        memmove(row, above, (size_t)l->words * sizeof *row);
        return;
    }
    uint64_t carry = 0;
    for (int64_t w = 0; w < l->words; w++) {
        const uint64_t flat = ~above[w], sum = flat + (flat & match[w]), all = sum + carry;
        carry = (sum < flat) | (all < sum);
        row[w] = ~(all | (flat & ~match[w]));
    }
}

/* How high a row is at a column: the bits before it. */
static int64_t height(const uint64_t *row, int64_t columns)
{
    int64_t bits = 0;
    for (int64_t w = 0; w < columns / BITS; w++) bits += __builtin_popcountll(row[w]);
    if (columns % BITS) bits += __builtin_popcountll(row[columns / BITS] & (((uint64_t)1 << columns % BITS) - 1));
    return bits;
}

static bool rises(const uint64_t *row, int64_t column) { return row[column / BITS] >> column % BITS & 1; }

bool heed_lcs_length(heed_lcs *l, const int32_t *y, int64_t n, int64_t *length)
{
    if (!grow(&l->rows, &l->rows_room, l->words)) return false;
    memset(l->rows, 0, (size_t)l->words * sizeof *l->rows);
    for (int64_t i = 0; i < n; i++) row_below(l, l->rows, y[i], l->rows);
    *length = height(l->rows, l->columns.n);
    return true;
}

/* --- a path ------------------------------------------------------------------------------------------------------------------------------------ */

/* From row `count` of rows [count + 1] back to the first; row 0 is that above y[0]. Returns the column that it comes to, having begun at `column`. */
static int64_t walk(const heed_lcs *l, const uint64_t *rows, const int32_t *y, int64_t count, int64_t column, bool *on)
{
    for (int64_t i = count; i > 0 && column > 0; i--) {
        const uint64_t *row = rows + i * l->words, *above = row - l->words;
        int64_t left = height(row, column), up = height(above, column);
        for (; column > 0; column--) {
            if (y[i - 1] == l->columns.x[column - 1]) {
                on[i - 1] = true;
                column--;
                break;
            }
            left -= rises(row, column - 1);
            if (left <= up) break;
            up -= rises(above, column - 1);
        }
    }
    return column;
}

/* Of all rows only every step-th is kept; those between are made once more when the path comes to them. */
bool heed_lcs_path(heed_lcs *l, const int32_t *y, int64_t n, bool *on)
{
    int64_t step = 1;
    while (step * step < n) step++;
    const int64_t kept = n / step + 1;
    if (!grow(&l->rows, &l->rows_room, (kept + step + 1) * l->words)) return false;
    uint64_t *const rows = l->rows + kept * l->words;
    const size_t size = (size_t)l->words * sizeof *rows;
    memset(l->rows, 0, size);
    memset(rows, 0, size);
    for (int64_t i = 1; i <= n; i++) {
        row_below(l, rows, y[i - 1], rows);
        if (i % step == 0) memcpy(l->rows + i / step * l->words, rows, size);
    }
    int64_t column = l->columns.n;
    for (int64_t k = n / step; k >= 0 && column > 0; k--) {
        const int64_t first = k * step, count = first + step < n ? step : n - first;
        memcpy(rows, l->rows + k * l->words, size);
        for (int64_t i = 0; i < count; i++) row_below(l, rows + i * l->words, y[first + i], rows + (i + 1) * l->words);
        column = walk(l, rows, y + first, count, column, on + first);
    }
    return true;
}
