/* Where tercom's heuristics leave a choice, the choice is sacreBLEU's. The costs of words against the reference are kept row by row: a candidate shares
 * the rows before the first word that it moves, and is given up as soon as no row can lead to fewer edits than are worth having. */
#include "metric/shifts.h"

#include <math.h>
#include <string.h>

enum { LONGEST_SHIFT = 10, FARTHEST_SHIFT = 50, BEAM = 25, MOST_CANDIDATES = 1000, FAR = INT32_MAX / 2 };
static const int64_t most_cells = (int64_t)1 << 24;

/* One line: n words against m. */
typedef struct pair {
    heed_shifts *s;
    const int32_t *reference;
    int64_t n, m, beam, width;    /* width: cells of a row's room */
    double slope;
    int candidates;
} pair;

/* Columns [from, to) of a row of the table. x NULL is row 0: j insertions in column j. */
typedef struct row { const int32_t *x; int64_t from, to; } row;

typedef struct shift { int64_t from, length, to; int32_t cost; } shift;

static void bounds(const pair *p, int64_t i, row *r)
{
    const int64_t diagonal = (int64_t)floor((double)i * p->slope);
    r->from = diagonal > p->beam ? diagonal - p->beam : 0;
    r->to = diagonal + p->beam < p->m + 1 && i < p->n ? diagonal + p->beam : p->m + 1;
}

static row row_at(const pair *p, int64_t i)
{
    row r = {NULL, 0, p->m + 1};
    if (i > 0) {
        bounds(p, i, &r);
        r.x = p->s->table.x + (i - 1) * p->width;
    }
    return r;
}

static int32_t cost_at(const row *r, int64_t j)
{
    if (j < r->from || j >= r->to)
        return FAR;
    return r->x ? r->x[j - r->from] : (int32_t)j;
}

/* Row i from the one before. Returns the least number of edits that any of its cells can end in. */
static int64_t fill_row(const pair *p, int64_t i, int32_t word, const row *before, int32_t *x, row *made)
{
    int64_t least = INT64_MAX;
    int32_t left = FAR;
    bounds(p, i, made);
    made->x = x;
    for (int64_t j = made->from; j < made->to; j++) {
        int32_t here = cost_at(before, j) + 1;
        if (j > 0) {
            const int32_t both = cost_at(before, j - 1) + (word != p->reference[j - 1]);
            here = both < here ? both : here;
            here = left + 1 < here ? left + 1 : here;
        }
        left = x[j - made->from] = here < FAR ? here : FAR;
        const int64_t uneven = (p->m - j) - (p->n - i), end = left + (uneven < 0 ? -uneven : uneven);
        least = end < least ? end : least;
    }
    return least;
}

static int32_t fill_table(const pair *p)
{
    row before = row_at(p, 0), made;
    for (int64_t i = 1; i <= p->n; i++) {
        fill_row(p, i, p->s->words.x[i - 1], &before, p->s->table.x + (i - 1) * p->width, &made);
        before = made;
    }
    return cost_at(&before, p->m);
}

/* The cost of s->moved, whose first `same` words stand where those of s->words stand; above `limit` it may be any number above. */
static int64_t cost_of_moved(const pair *p, int64_t same, int64_t limit)
{
    row before = row_at(p, same), made;
    for (int64_t i = same + 1; i <= p->n; i++) {
        if (fill_row(p, i, p->s->moved.x[i - 1], &before, p->s->row[i & 1].x, &made) > limit)
            return limit + 1;
        before = made;
    }
    return cost_at(&before, p->m);
}

/* Walks the table back, in cells of equal cost along the diagonal first, then up. */
static void trace(const pair *p)
{
    heed_shifts *s = p->s;
    for (int64_t i = p->n, j = p->m; i > 0 || j > 0;) {
        const row here = row_at(p, i), above = row_at(p, i > 0 ? i - 1 : 0);
        const int32_t cost = cost_at(&here, j);
        const bool differs = i > 0 && j > 0 && s->words.x[i - 1] != p->reference[j - 1];
        if (i > 0 && j > 0 && cost == cost_at(&above, j - 1) + differs) {
            s->where.x[j - 1] = (int32_t)i - 1;
            s->wrong.x[i - 1] = s->wrong_reference.x[j - 1] = differs;
            i--;
            j--;
        } else if (j == 0 || (i > 0 && cost == cost_at(&above, j) + 1)) {
            s->wrong.x[--i] = 1;
        } else {
            s->where.x[j - 1] = (int32_t)i - 1;
            s->wrong_reference.x[--j] = 1;
        }
    }
}

static int32_t *copy(int32_t *to, const int32_t *from, int64_t count)
{
    if (count > 0)
        memcpy(to, from, (size_t)count * sizeof *to);
    return to + count;
}

static void move_words(const pair *p, const shift *s)
{
    const int32_t *x = p->s->words.x;
    const int64_t after = s->from + s->length;
    int32_t *to = p->s->moved.x;
    if (s->to < s->from) {
        to = copy(to, x, s->to);
        to = copy(to, x + s->from, s->length);
        to = copy(to, x + s->to, s->from - s->to);
        copy(to, x + after, p->n - after);
        return;
    }
    int64_t until = s->to > after ? s->to : s->to + s->length;   /* a target inside the run itself: so many words beyond it */
    until = until < p->n ? until : p->n;
    to = copy(to, x, s->from);
    to = copy(to, x + after, until - after);
    to = copy(to, x + s->from, s->length);
    copy(to, x + until, p->n - until);
}

/* Of equal costs: the longer run, then the earlier, then the earlier target. */
static bool precedes(const shift *a, const shift *b)
{
    if (a->length != b->length)
        return a->length > b->length;
    return a->from != b->from ? a->from < b->from : a->to < b->to;
}

static void try_shift(const pair *p, shift *one, shift *best)
{
    if (one->to == one->from)
        return;
    const int64_t limit = best->length > 0 && precedes(one, best) ? best->cost : best->cost - 1;
    move_words(p, one);
    const int64_t cost = cost_of_moved(p, one->from < one->to ? one->from : one->to, limit);
    if (cost > limit)
        return;
    one->cost = (int32_t)cost;
    *best = *one;
    copy(p->s->best.x, p->s->moved.x, p->n);
}

/* All places for the run of words from h, which stands in the reference from r: before its first word and after each. */
static void try_targets(pair *p, int64_t h, int64_t r, int64_t length, shift *best)
{
    int64_t before = -1;
    for (int64_t at = r - 1; at < r + length; at++) {
        shift one = {.from = h, .length = length, .to = at < 0 ? 0 : p->s->where.x[at] + 1};
        if (one.to == before)
            continue;
        before = one.to;
        p->candidates++;
        try_shift(p, &one, best);
    }
}

/* Runs of words that stand at h and at r, the shorter first, where both are edited and the run does not stand where it belongs. */
static void try_runs(pair *p, int64_t h, int64_t r, shift *best)
{
    const heed_shifts *s = p->s;
    bool edited = false, missed = false;
    for (int64_t n = 1; n <= LONGEST_SHIFT && h + n <= p->n && r + n <= p->m && s->words.x[h + n - 1] == p->reference[r + n - 1]; n++) {
        edited |= s->wrong.x[h + n - 1] != 0;
        missed |= s->wrong_reference.x[r + n - 1] != 0;
        if (!edited || !missed || (s->where.x[r] >= h && s->where.x[r] < h + n))
            continue;
        try_targets(p, h, r, n, best);
        if (p->candidates >= MOST_CANDIDATES)
            return;
    }
}

/* The best move, or none that helps: length 0. */
static shift best_shift(pair *p, int32_t cost)
{
    shift best = {.cost = cost};
    trace(p);
    for (int64_t h = 0; h < p->n && p->candidates < MOST_CANDIDATES; h++) {
        const int64_t first = h > FARTHEST_SHIFT ? h - FARTHEST_SHIFT : 0, last = h + FARTHEST_SHIFT < p->m ? h + FARTHEST_SHIFT : p->m - 1;
        for (int64_t r = first; r <= last && p->candidates < MOST_CANDIDATES; r++)
            try_runs(p, h, r, &best);
    }
    return best;
}

static heed_status begin(pair *p, const heed_codes *hypothesis, heed_error *err)
{
    heed_shifts *s = p->s;
    p->slope = p->n ? (double)p->m / (double)p->n : 1;
    p->beam = BEAM < p->slope / 2 ? (int64_t)ceil(p->slope / 2 + BEAM) : BEAM;   /* so that a row overlaps the one before */
    p->width = 2 * p->beam + 2;
    if (p->n * p->width > most_cells)
        return heed_fail(err, HEED_E_LIMIT, "lines of %lld and %lld words are too long to look for shifts", (long long)p->n, (long long)p->m);
    const bool room = heed_codes_zeros(&s->words, p->n) && heed_codes_zeros(&s->moved, p->n) && heed_codes_zeros(&s->best, p->n) &&
                      heed_codes_zeros(&s->table, p->n * p->width) && heed_codes_zeros(&s->row[0], p->width) && heed_codes_zeros(&s->row[1], p->width) &&
                      heed_codes_zeros(&s->where, p->m) && heed_codes_zeros(&s->wrong, p->n) && heed_codes_zeros(&s->wrong_reference, p->m);
    if (!room)
        return heed_fail(err, HEED_E_NOMEM, "out of memory for comparing lines of %lld and %lld words", (long long)p->n, (long long)p->m);
    copy(s->words.x, hypothesis->x, p->n);
    return HEED_OK;
}

heed_status heed_shifts_count(heed_shifts *s, const heed_codes *hypothesis, const heed_codes *reference, int64_t *edits, heed_error *err)
{
    pair p = {.s = s, .reference = reference->x, .n = hypothesis->n, .m = reference->n};
    const bool equal = p.n == p.m && (p.n == 0 || memcmp(hypothesis->x, reference->x, (size_t)p.n * sizeof *reference->x) == 0);
    *edits = equal ? 0 : p.m == 0 ? p.n : p.m;
    if (equal || p.n == 0 || p.m == 0)
        return HEED_OK;
    heed_status status = begin(&p, hypothesis, err);
    if (status)
        return status;
    int64_t moves = 0;
    for (int32_t cost = fill_table(&p);; moves++) {
        const shift best = best_shift(&p, cost);
        *edits = moves + cost;
        if (best.length == 0 || p.candidates >= MOST_CANDIDATES)
            return HEED_OK;
        copy(s->words.x, s->best.x, p.n);
        cost = fill_table(&p);
    }
}

void heed_shifts_free(heed_shifts *s)
{
    heed_codes *const all[] = {&s->words, &s->moved, &s->best, &s->table, &s->row[0], &s->row[1], &s->where, &s->wrong, &s->wrong_reference};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        heed_codes_free(all[i]);
}
