/* A model to search that is made of random numbers. */
#ifndef HEED_TESTS_UNIT_ORACLE_H
#define HEED_TESTS_UNIT_ORACLE_H

#include <string.h>

#include "base/rng.h"
#include "decode/search.h"
#include "kernels/top.h"

enum { V = 7, QUESTS = 9, LONGEST = 12, FIRST = 1, LAST = 2, WIDEST = 300, ROWS = QUESTS * WIDEST };

/* A model whose logits are a function of a row's own past. */
typedef struct oracle {
    uint64_t past[ROWS], other[ROWS];
    float logits[ROWS * V], best[ROWS * V], norm[ROWS];
    int32_t ids[ROWS * V];
    int64_t count[ROWS], rows, calls, fail_at;
} oracle;

static inline float oracle_logit(uint64_t past, int64_t v) { return (float)(3 * heed_normal(past, (uint64_t)v)); }

static inline float *oracle_logits(void *self, const int32_t *before, int64_t n)
{
    oracle *o = self;
    assert_int_equal(n, o->rows);
    if (++o->calls == o->fail_at) return NULL;
    for (int64_t r = 0; r < n; r++) {
        o->past[r] = heed_key(o->past[r], (uint64_t)before[r]);
        for (int64_t v = 0; v < V; v++) o->logits[r * V + v] = oracle_logit(o->past[r], v);
    }
    return o->logits;
}

/* The likeliest of oracle_logits(). */
static inline heed_ranked oracle_rank(void *self, const int32_t *before, int64_t n, int64_t k)
{
    oracle *o = self;
    const float *x = oracle_logits(o, before, n);
    assert_true(k <= V);
    for (int64_t r = 0; x && r < n; r++) {
        heed_ranking ranking = heed_ranking_begin(o->ids + r * k, o->best + r * k, k);
        heed_kernels_get()->rank(&ranking, x + r * V, V, 0);
        o->count[r] = ranking.n;
        o->norm[r] = heed_ranking_norm(&ranking);
    }
    return (heed_ranked){n, k, o->ids, o->best, x ? o->count : NULL, o->norm};
}

static inline bool oracle_select(void *self, const int64_t *rows, int64_t n)
{
    oracle *o = self;
    if (++o->calls == o->fail_at) return false;
    for (int64_t r = 0; r < n; r++) {
        assert_true(rows[r] >= 0 && rows[r] < o->rows);
        o->other[r] = o->past[rows[r]];
    }
    memcpy(o->past, o->other, sizeof o->past);
    o->rows = n;
    return true;
}

#endif
