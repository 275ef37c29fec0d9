/* Expectation over all pairs, in parallel: counts are whole numbers, so their order does not matter. align/pass.h */
#include "align/pass.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 16384 };   /* pairs between two questions whether to stop */
static const float least_count = 1e-6f;
static const float least_link = 0.09f;   /* of the product of both directions: 0.3 each */

struct heed_desk {
    heed_markov *markov;
    float *given[2], *posterior[2], *empty[2];   /* of direction 0: [target words, source words], of direction 1 the other way, rows padded */
    double *sum[2];                              /* [words] what was counted for a word */
    int64_t *pair;                               /* [source words, target words] its place in the lexicon */
    heed_link *link;                             /* [words] */
};

static void desk_free(heed_desk *d)
{
    if (!d) return;
    heed_markov_free(d->markov);
    free(d->given[0]);
    free(d->sum[0]);
    free(d->pair);
    free(d->link);
    free(d);
}

static heed_desk *desk_new(int64_t longest)
{
    const size_t n = (size_t)heed_padded(longest > 0 ? longest : 1), square = n * n;
    heed_desk *d = calloc(1, sizeof *d);
    if (!d) return NULL;
    d->markov = heed_markov_new((int64_t)n);
    float *x = d->given[0] = malloc((4 * square + 2 * n) * sizeof *x);
    d->sum[0] = malloc(2 * n * sizeof *d->sum[0]);
    d->pair = malloc(square * sizeof *d->pair);
    d->link = malloc(n * sizeof *d->link);
    if (!d->markov || !x || !d->sum[0] || !d->pair || !d->link) {
        desk_free(d);
        return NULL;
    }
    d->given[1] = x + square;
    d->posterior[0] = x + 2 * square;
    d->posterior[1] = x + 3 * square;
    d->empty[0] = x + 4 * square;
    d->empty[1] = x + 4 * square + n;
    d->sum[1] = d->sum[0] + n;
    return d;
}

static int64_t longest_of(const heed_side side[2])
{
    int64_t longest = 0;
    for (int d = 0; d < 2; d++)
        for (int64_t t = 0; t < side[d].texts; t++)
            if (side[d].start[t + 1] - side[d].start[t] > longest) longest = side[d].start[t + 1] - side[d].start[t];
    return longest;
}

heed_status heed_pass_begin(heed_pass *p, const heed_side side[2], int threads, heed_error *err)
{
    *p = (heed_pass){.side = side};
    const int64_t longest = longest_of(side);
    bool ok = (p->desks = calloc((size_t)threads, sizeof *p->desks)) != NULL;
    for (; ok && p->threads < threads; p->threads++) ok = (p->desks[p->threads] = desk_new(longest)) != NULL;
    heed_status status = ok ? heed_lexicon_begin(&p->lexicon, side, threads, err) :
                              heed_fail(err, HEED_E_NOMEM, "out of memory for %d threads that align texts of up to %lld words", threads, (long long)longest);
    for (int d = 0; d < 2; d++) heed_jumps_begin(&p->jumps[d]);
    if (status) heed_pass_end(p);
    return status;
}

void heed_pass_end(heed_pass *p)
{
    for (int i = 0; p->desks && i < p->threads; i++) desk_free(p->desks[i]);
    free(p->desks);
    heed_lexicon_free(&p->lexicon);
    *p = (heed_pass){0};
}

/* --- one pair -------------------------------------------------------------------------------------------------------------------------------- */

typedef struct here { const int32_t *word[2]; int64_t n[2], wide[2]; } here;   /* words of either side, their number padded */

static here text_at(const heed_pass *p, int64_t t)
{
    here h;
    for (int d = 0; d < 2; d++) {
        h.word[d] = p->side[d].word + p->side[d].start[t];
        h.n[d] = p->side[d].start[t + 1] - p->side[d].start[t];
        h.wide[d] = heed_padded(h.n[d]);
    }
    return h;
}

static void look_up(const heed_pass *p, heed_desk *d, const here *h)
{
    const heed_lexicon *l = &p->lexicon;
    memset(d->given[0], 0, (size_t)(h->n[1] * h->wide[0]) * sizeof *d->given[0]);
    memset(d->given[1], 0, (size_t)(h->n[0] * h->wide[1]) * sizeof *d->given[1]);
    for (int64_t i = 0; i < h->n[0]; i++)
        for (int64_t j = 0; j < h->n[1]; j++) {
            const int64_t k = heed_lexicon_find(l, h->word[0][i], h->word[1][j]);
            d->pair[i * h->n[1] + j] = k;
            d->given[0][j * h->wide[0] + i] = l->given[0][k];
            d->given[1][i * h->wide[1] + j] = l->given[1][k];
        }
    for (int side = 0; side < 2; side++)
        for (int64_t i = 0; i < h->n[1 - side]; i++) d->empty[side][i] = l->empty[side][h->word[1 - side][i]];
}

/* Both directions' posteriors; counted: what the words and jumps were worth goes to the pass. */
static void consider(heed_pass *p, heed_desk *d, const here *h, bool counted)
{
    look_up(p, d, h);
    for (int side = 0; side < 2; side++) {
        const heed_markov_pair pair = {h->n[side], h->n[1 - side], d->given[side], d->empty[side], d->posterior[side]};
        heed_jump_counts jumped = {{0}};
        const double log_p = p->markov ? heed_markov_run(d->markov, &p->jumps[side], &pair, counted ? jumped : NULL) : heed_model1_run(&pair);
        if (!counted) continue;
        heed_count_add(&p->surprise[side], -log_p);
        for (int kind = 0; p->markov && kind < HEED_JUMP_KINDS; kind++)
            for (int b = 0; b < HEED_JUMP_BUCKETS; b++) heed_count_add(&p->jumped[side][kind][b], jumped[kind][b]);
    }
}

static void count_pair(heed_pass *p, heed_desk *d, const here *h)
{
    heed_lexicon *l = &p->lexicon;
    memset(d->sum[0], 0, (size_t)h->n[1] * sizeof *d->sum[0]);
    memset(d->sum[1], 0, (size_t)h->n[0] * sizeof *d->sum[1]);
    for (int64_t i = 0; i < h->n[0]; i++)
        for (int64_t j = 0; j < h->n[1]; j++) {
            const int64_t k = d->pair[i * h->n[1] + j];
            float forward = d->posterior[0][j * h->wide[0] + i], reverse = d->posterior[1][i * h->wide[1] + j];
            if (p->agree) forward = reverse = forward * reverse;
            d->sum[0][j] += forward;
            d->sum[1][i] += reverse;
            if (forward > least_count) heed_count_add(&l->count[0][k], forward);
            if (reverse > least_count && !p->agree) heed_count_add(&l->count[1][k], reverse);
        }
    for (int side = 0; side < 2; side++)
        for (int64_t i = 0; i < h->n[1 - side]; i++)
            if (d->sum[side][i] < 1) heed_count_add(&l->empty_count[side][h->word[1 - side][i]], 1 - d->sum[side][i]);
}

/* --- all of them ------------------------------------------------------------------------------------------------------------------------------ */

heed_status heed_pass_count(heed_pass *p, heed_error *err)
{
    const int64_t texts = p->side[0].texts;
    heed_lexicon_clear(&p->lexicon, p->side);
    memset(p->jumped, 0, sizeof p->jumped);
    memset(p->surprise, 0, sizeof p->surprise);
    p->lexicon.agreed = p->agree;
    for (int64_t from = 0; from < texts; from += BLOCK) {
        const int64_t to = texts - from < BLOCK ? texts : from + BLOCK;
        if (p->stop && p->stop(p->user)) return heed_fail(err, HEED_E_STOPPED, "stopped while the links between words were learnt");
#pragma omp parallel for schedule(dynamic, 16) num_threads(p->threads)
        for (int64_t t = from; t < to; t++) {
            const here h = text_at(p, t);
            heed_desk *d = p->desks[omp_get_thread_num()];
            if (h.n[0] == 0 || h.n[1] == 0) continue;
            consider(p, d, &h, true);
            count_pair(p, d, &h);
        }
    }
    return HEED_OK;
}

void heed_pass_learn(heed_pass *p, const heed_prior *prior)
{
    heed_lexicon_learn(&p->lexicon, p->side, prior, p->threads);
    for (int side = 0; p->markov && side < 2; side++) {
        heed_jump_counts count;
        for (int kind = 0; kind < HEED_JUMP_KINDS; kind++)
            for (int b = 0; b < HEED_JUMP_BUCKETS; b++) count[kind][b] = heed_count_get(&p->jumped[side][kind][b]);
        heed_jumps_learn(&p->jumps[side], count);
    }
}

/* The best partner of each word of one side, where both directions think it probable. side 0: of each target word. */
static int64_t best_links(const heed_desk *d, const here *h, int side)
{
    int64_t count = 0;
    for (int64_t a = 0; a < h->n[1 - side]; a++) {
        float best = least_link;
        int64_t partner = -1;
        for (int64_t b = 0; b < h->n[side]; b++) {
            const float both = d->posterior[side][a * h->wide[side] + b] * d->posterior[1 - side][b * h->wide[1 - side] + a];
            if (both > best) best = both, partner = b;
        }
        if (partner >= 0) d->link[count++] = side ? (heed_link){a, partner} : (heed_link){partner, a};
    }
    return count;
}

heed_status heed_pass_link(heed_pass *p, heed_links *forward, heed_links *reverse, heed_error *err)
{
    const int64_t texts = p->side[0].texts;
    bool failed = false;
    for (int64_t from = 0; !failed && from < texts; from += BLOCK) {
        const int64_t to = texts - from < BLOCK ? texts : from + BLOCK;
        if (p->stop && p->stop(p->user)) return heed_fail(err, HEED_E_STOPPED, "stopped while words were linked");
#pragma omp parallel for schedule(dynamic, 16) num_threads(p->threads) reduction(|| : failed)
        for (int64_t t = from; t < to; t++) {
            const here h = text_at(p, t);
            heed_desk *d = p->desks[omp_get_thread_num()];
            const bool linked = h.n[0] > 0 && h.n[1] > 0;
            if (linked) consider(p, d, &h, false);
            if (forward) failed = heed_links_set(&forward[t], d->link, linked ? best_links(d, &h, 0) : 0, NULL) != HEED_OK || failed;
            if (reverse) failed = heed_links_set(&reverse[t], d->link, linked ? best_links(d, &h, 1) : 0, NULL) != HEED_OK || failed;
        }
    }
    return failed ? heed_fail(err, HEED_E_NOMEM, "out of memory for the links of %lld pairs", (long long)texts) : HEED_OK;
}
