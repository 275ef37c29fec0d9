#include "decode/greedy.h"

#include <stdlib.h>

#include "kernels/kernels.h"

/* Who is alive: row r of the model is hypothesis item[r], whose last symbol is before[r]. */
typedef struct rows { int64_t *item, *keep; int32_t *before; int64_t n; } rows;

static void take(const heed_search *s, heed_hypothesis *h, const float *logits)
{
    const heed_kernels *k = heed_kernels_get();
    const int32_t id = h->forced ? h->forced[h->n] : (int32_t)k->arg_max(logits, s->V);
    const float logp = logits[id] - k->log_sum_exp(logits, s->V);
    h->ids[h->n] = id;
    h->logp[h->n++] = logp;
    h->score += logp;
    h->ended = id == s->last;
}

static bool over(const heed_hypothesis *h) { return h->ended || h->n >= h->limit; }

static bool drop_finished(const heed_search *s, rows *r, const heed_hypothesis *h)
{
    int64_t n = 0;
    for (int64_t i = 0; i < r->n; i++) {
        const heed_hypothesis *x = &h[r->item[i]];
        if (over(x)) continue;
        r->keep[n] = i;
        r->before[n] = x->n ? x->ids[x->n - 1] : s->first;
        r->item[n++] = r->item[i];
    }
    const bool same = n == r->n;
    r->n = n;
    return same || n == 0 || s->select(s->self, r->keep, n);
}

static bool run(const heed_search *s, rows *r, heed_hypothesis *h)
{
    if (!drop_finished(s, r, h)) return false;
    while (r->n > 0) {
        const float *logits = s->logits(s->self, r->before, r->n);
        if (!logits) return false;
        for (int64_t i = 0; i < r->n; i++) take(s, &h[r->item[i]], logits + i * s->V);
        if (!drop_finished(s, r, h)) return false;
    }
    return true;
}

bool heed_greedy(const heed_search *s, heed_hypothesis *h, int64_t B)
{
    rows r = {malloc((size_t)B * sizeof *r.item + 1), malloc((size_t)B * sizeof *r.keep + 1), malloc((size_t)B * sizeof *r.before + 1), B};
    bool good = r.item && r.keep && r.before;
    for (int64_t i = 0; good && i < B; i++) {
        r.item[i] = i;
        h[i].n = 0;
        h[i].score = 0;
        h[i].ended = false;
    }
    good = good && run(s, &r, h);
    free(r.item);
    free(r.keep);
    free(r.before);
    return good;
}
