/* Two directions made one. "grow-diag" begins with the links that both have and adds, round by round, those of either that touch one taken and cover a word
 * not yet covered; "final-and" then adds those between two words that no link covers, of the forward direction first (Koehn, Och and Marcu 2003). */
#include <stdlib.h>
#include <string.h>

#include "align/links.h"

static const char *const names[HEED_SYMMETRY_COUNT] = {"intersect", "union", "grow-diag", "grow-diag-final-and"};

const char *heed_symmetry_name(heed_symmetry s)
{
    return names[s];
}

bool heed_symmetry_find(const char *name, heed_symmetry *s)
{
    for (int i = 0; i < HEED_SYMMETRY_COUNT; i++) {
        if (strcmp(name, names[i]) != 0) continue;
        *s = (heed_symmetry)i;
        return true;
    }
    return false;
}

/* The links of either direction, in order, with the ranks of their words among all words that any of them has. */
typedef struct growth {
    heed_links either;
    int64_t *row, *column;                 /* [n] of the source word, of the target word */
    int64_t *queue, waiting;               /* [n] links taken, in the order of taking */
    int64_t *targets;                      /* [n] target words, sorted */
    bool *taken, *row_covered, *column_covered;
} growth;

static int by_number(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void rank_words(growth *g)
{
    const heed_link *link = g->either.link;
    const int64_t n = g->either.count;
    int64_t kept = 0;
    for (int64_t i = 0; i < n; i++) {
        g->row[i] = i == 0 ? 0 : g->row[i - 1] + (link[i].source != link[i - 1].source);
        g->targets[i] = link[i].target;
    }
    qsort(g->targets, (size_t)n, sizeof *g->targets, by_number);
    for (int64_t i = 0; i < n; i++)
        if (kept == 0 || g->targets[kept - 1] != g->targets[i]) g->targets[kept++] = g->targets[i];
    for (int64_t i = 0; i < n; i++)
        g->column[i] = (const int64_t *)bsearch(&link[i].target, g->targets, (size_t)kept, sizeof *g->targets, by_number) - g->targets;
}

static void take(growth *g, int64_t i)
{
    g->taken[i] = g->row_covered[g->row[i]] = g->column_covered[g->column[i]] = true;
    g->queue[g->waiting++] = i;
}

/* The first link that does not stand before `one`. */
static int64_t find(const heed_links *l, heed_link one)
{
    int64_t low = 0, high = l->count;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        const heed_link *m = &l->link[middle];
        if (m->source < one.source || (m->source == one.source && m->target < one.target)) low = middle + 1;
        else high = middle;
    }
    return low;
}

static void grow_around(growth *g, int64_t centre)
{
    const heed_link at = g->either.link[centre];
    for (int64_t row = at.source - 1; row <= at.source + 1; row++) {
        int64_t i = find(&g->either, (heed_link){row, at.target - 1});
        for (; i < g->either.count && g->either.link[i].source == row && g->either.link[i].target <= at.target + 1; i++)
            if (!g->taken[i] && !(g->row_covered[g->row[i]] && g->column_covered[g->column[i]])) take(g, i);
    }
}

static void take_uncovered(growth *g, const heed_links *from)
{
    for (int64_t k = 0; k < from->count; k++) {
        const int64_t i = find(&g->either, from->link[k]);
        if (!g->row_covered[g->row[i]] && !g->column_covered[g->column[i]]) take(g, i);
    }
}

static bool begin(growth *g)
{
    const size_t n = (size_t)g->either.count, numbers = 4 * n * sizeof(int64_t);
    g->row = calloc(1, numbers + 3 * n);
    if (!g->row) return false;
    g->column = g->row + n;
    g->queue = g->column + n;
    g->targets = g->queue + n;
    g->taken = (bool *)(g->targets + n);
    g->row_covered = g->taken + n;
    g->column_covered = g->row_covered + n;
    rank_words(g);
    return true;
}

static heed_status grow(growth *g, const heed_links *forward, const heed_links *reverse, bool final, heed_links *out, heed_error *err)
{
    if (g->either.count == 0) return heed_links_set(out, NULL, 0, err);
    if (!begin(g)) return heed_fail(err, HEED_E_NOMEM, "out of memory for joining %lld links", (long long)g->either.count);
    for (int64_t i = 0; i < g->either.count; i++)
        if (heed_links_have(forward, g->either.link[i]) && heed_links_have(reverse, g->either.link[i])) take(g, i);
    for (int64_t next = 0; next < g->waiting; next++) grow_around(g, g->queue[next]);
    if (final) {
        take_uncovered(g, forward);
        take_uncovered(g, reverse);
    }
    int64_t kept = 0;
    for (int64_t i = 0; i < g->either.count; i++)
        if (g->taken[i]) g->either.link[kept++] = g->either.link[i];
    return heed_links_set(out, g->either.link, kept, err);
}

static heed_status unite(const heed_links *a, const heed_links *b, heed_links *out, heed_error *err)
{
    const size_t n = (size_t)(a->count + b->count);
    heed_link *all = malloc((n ? n : 1) * sizeof *all);
    if (!all) return heed_fail(err, HEED_E_NOMEM, "out of memory for joining %zu links", n);
    if (a->count) memcpy(all, a->link, (size_t)a->count * sizeof *all);
    if (b->count) memcpy(all + a->count, b->link, (size_t)b->count * sizeof *all);
    heed_status status = heed_links_set(out, all, (int64_t)n, err);
    free(all);
    return status;
}

static heed_status intersect(const heed_links *a, const heed_links *b, heed_links *out, heed_error *err)
{
    heed_status status = heed_links_set(out, a->link, a->count, err);
    int64_t kept = 0;
    for (int64_t i = 0; !status && i < a->count; i++)
        if (heed_links_have(b, a->link[i])) out->link[kept++] = a->link[i];
    out->count = kept;
    return status;
}

heed_status heed_links_join(const heed_links *forward, const heed_links *reverse, heed_symmetry how, heed_links *out, heed_error *err)
{
    if (how == HEED_SYMMETRY_INTERSECT) return intersect(forward, reverse, out, err);
    if (how == HEED_SYMMETRY_UNION) return unite(forward, reverse, out, err);
    growth g = {0};
    heed_status status = unite(forward, reverse, &g.either, err);
    if (!status) status = grow(&g, forward, reverse, how == HEED_SYMMETRY_GROW_DIAG_FINAL_AND, out, err);
    free(g.row);
    heed_links_free(&g.either);
    return status;
}

heed_status heed_links_agree(const float *forward, const float *reverse, int64_t source_words, int64_t target_words, double least, heed_links *out, heed_error *err)
{
    heed_buf found = {0};
    for (int64_t i = 0; i < source_words; i++)
        for (int64_t j = 0; j < target_words; j++)
            if ((double)forward[j * source_words + i] * (double)reverse[i * target_words + j] >= least * least) heed_buf_add(&found, &(heed_link){i, j}, sizeof(heed_link));
    const heed_status status = found.failed ? heed_fail(err, HEED_E_NOMEM, "out of memory for links")
                                            : heed_links_set(out, (const heed_link *)(const void *)found.data, (int64_t)(found.size / sizeof(heed_link)), err);
    heed_buf_free(&found);
    return status;
}
