/* Batches for several workers: cut.h. */
#include "api/cut.h"

#include <string.h>

/* A step costs as much as so many hypotheses before it has one: weights are read, primitives called. By bench/translate, a line at a time beside batches: 2.5 (4 layers
 * of 128, int8) to 6 (6 layers of 512, f32). */
enum { STEP_COSTS = 4 };

/* Of the least time a worker ends at: what an estimate is worth. */
enum { EXACT_TO = 64 };

/* How many batches are meant, and whether they are even in work or in records. */
typedef struct way { int64_t batches; bool by_work; } way;

static int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

static int64_t size_of(const heed_load *x) { return x->length + 1; }   /* its end is written too */

static int64_t share_of(const heed_load *x, bool by_work) { return by_work ? x->width * size_of(x) : 1; }

/* Steps go with the longest, and each has the hypotheses of all that are not over. */
static int64_t cost_of(const heed_load *records, int64_t count)
{
    int64_t bytes = 0, longest = 0;
    for (int64_t i = 0; i < count; i++) {
        bytes += records[i].width * size_of(&records[i]);
        longest = most(longest, size_of(&records[i]));
    }
    return bytes + STEP_COSTS * longest;
}

/* How many of the records become a batch, when it should have one part in `parts` of what is left. */
static int64_t take(const heed_cut_options *o, const heed_load *records, int64_t count, bool by_work, int64_t left, int64_t parts)
{
    int64_t n = 0, bytes = 0, widest = 0, taken = 0;
    for (; n < count; n++) {
        const heed_load *x = &records[n];
        const int64_t share = share_of(x, by_work);
        widest = most(widest, x->width);
        bytes += x->length;
        if (n && ((n + 1) * widest > o->rows || bytes * widest > o->bytes || (2 * taken + share) * parts > 2 * left)) break;
        taken += share;
    }
    return n;
}

static int64_t cut(const heed_cut_options *o, const heed_load *records, int64_t count, way w, int64_t *start)
{
    int64_t batches = 0, left = 0;
    for (int64_t i = 0; i < count; i++) left += share_of(&records[i], w.by_work);
    for (int64_t at = 0; at < count;) {
        start[batches] = at;
        const int64_t end = at + take(o, records + at, count - at, w.by_work, left, most(w.batches - batches, 1));
        for (; at < end; at++) left -= share_of(&records[at], w.by_work);
        batches++;
    }
    start[batches] = count;
    return batches;
}

/* When the last worker ends. */
static int64_t time_of(const heed_cut_options *o, const heed_load *records, int64_t batches, const int64_t *start, int64_t *busy)
{
    int64_t end = 0;
    memset(busy, 0, (size_t)o->workers * sizeof *busy);
    for (int64_t b = 0; b < batches; b++) {
        int first = 0;
        for (int i = 1; i < o->workers && i <= b; i++)
            if (busy[i] < busy[first]) first = i;
        busy[first] += cost_of(records + start[b], start[b + 1] - start[b]);
        end = most(end, busy[first]);
    }
    return end;
}

int64_t heed_cut(const heed_cut_options *o, const heed_load *records, int64_t count, int64_t *start, int64_t *busy)
{
    const int64_t full = cut(o, records, count, (way){1, false}, start), even = (full + o->workers - 1) / o->workers * o->workers;
    const way ways[] = {{1, false}, {full, false}, {even, false}, {full, true}, {even, true}};
    enum { WAYS = sizeof ways / sizeof *ways };
    int64_t times[WAYS], least = INT64_MAX;
    for (int i = 0; i < WAYS; i++) {
        times[i] = time_of(o, records, cut(o, records, count, ways[i], start), start, busy);
        if (times[i] < least) least = times[i];
    }
    int best = 0;
    while (times[best] > least + least / EXACT_TO) best++;
    return cut(o, records, count, ways[best], start);
}
