/* Probabilities from counts. With a prior they are exp(digamma(count + prior)) over exp(digamma(their sum)), the mean field of a Dirichlet: what was counted
 * half a time or less is worth next to nothing, so that rare words do not gather what nothing else explains. */
#include "align/learn.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

static const double chance_floor = 1e-7;   /* of likenesses: one counted by neither says nothing */
static const float least_given = 1e-30f;   /* smaller ones are zero: arithmetic with numbers too small for single precision is slow */

heed_sums *heed_sums_new(const heed_side side[2], const heed_stems *stems, int threads)
{
    const size_t words = (size_t)side[1].words.count + 1, target_stems = (size_t)stems->count[1] + 1;
    heed_sums *s = calloc(1, sizeof *s);
    if (!s) return NULL;
    s->target = malloc(words * sizeof *s->target);
    s->target_prior = malloc(words * sizeof *s->target_prior);
    s->target_norm = malloc(words * sizeof *s->target_norm);
    s->stem = malloc(target_stems * sizeof *s->stem);
    s->by_stem = calloc((size_t)threads, sizeof *s->by_stem);
    bool ok = s->target && s->target_prior && s->target_norm && s->stem && s->by_stem;
    for (; ok && s->threads < threads; s->threads++) ok = (s->by_stem[s->threads] = calloc(target_stems, sizeof **s->by_stem)) != NULL;
    if (ok) return s;
    heed_sums_free(s);
    return NULL;
}

void heed_sums_free(heed_sums *s)
{
    if (!s) return;
    free(s->target);
    free(s->target_prior);
    free(s->target_norm);
    free(s->stem);
    for (int i = 0; i < s->threads; i++) free(s->by_stem[i]);
    free(s->by_stem);
    free(s);
}

/* exp(digamma(x)): the asymptotic series from 6 on, the recurrence below. */
static double exp_digamma(double x)
{
    double less = 0;
    for (; x < 6; x += 1) less += 1 / x;
    const double f = 1 / (x * x);
    return x * exp(-0.5 / x - f * (1.0 / 12 - f * (1.0 / 120 - f / 252)) - less);
}

static double weigh(double count, bool plain) { return plain ? count : exp_digamma(count); }

static float share(double count, double norm, bool plain)
{
    const float p = norm > 0 ? (float)(weigh(count, plain) / norm) : 0;
    return p < least_given ? 0 : p;
}

typedef struct learning {
    heed_lexicon *l;
    const heed_prior *prior;
    const heed_count *count[2];
    double odds[HEED_LIKENESSES];
    bool plain;
    int threads;
    int64_t source_words, target_words;
} learning;

static int64_t counted(const learning *g, int64_t k)   /* in both directions */
{
    return atomic_load_explicit(&g->count[0][k], memory_order_relaxed) + atomic_load_explicit(&g->count[1][k], memory_order_relaxed);
}

/* The sums over target words and their stems, and the odds of words as much alike to be translations. */
static void sum_up(learning *g)
{
    heed_sums *s = g->l->sums;
    const heed_lexicon *l = g->l;
    int64_t alike[HEED_LIKENESSES] = {0};
    memset(s->target, 0, (size_t)g->target_words * sizeof *s->target);
    memset(s->target_prior, 0, (size_t)g->target_words * sizeof *s->target_prior);
    memset(s->stem, 0, (size_t)l->stems->count[1] * sizeof *s->stem);
#pragma omp parallel for schedule(dynamic, 64) num_threads(g->threads) reduction(+ : alike[:HEED_LIKENESSES])
    for (int64_t w = 0; w < g->source_words; w++)
        for (int64_t k = l->row[w]; k < l->row[w + 1]; k++) {
            const int64_t both = counted(g, k), mine = atomic_load_explicit(&g->count[1][k], memory_order_relaxed);
            if (both == 0) continue;
            alike[l->alike[k]] += both;
            atomic_fetch_add_explicit(&s->target[l->target[k]], mine, memory_order_relaxed);
            atomic_fetch_add_explicit(&s->stem[l->stems->of[1][l->target[k]]], both, memory_order_relaxed);
        }
    double all = 0, chance = 0;
    for (int b = 0; b < HEED_LIKENESSES; b++) all += (double)alike[b], chance += heed_count_get(&l->chance[b]);
    for (int b = 0; b < HEED_LIKENESSES; b++)
        g->odds[b] = all > 0 && chance > 0 ? pow(((double)alike[b] / all + chance_floor) / (heed_count_get(&l->chance[b]) / chance + chance_floor), g->prior->spelling) : 1;
}

/* Of the words of one source stem: what it translates to, as counts by target stem, then the priors of their pairs, into l->given. */
static void set_priors(const learning *g, int64_t stem, int64_t *by_stem)
{
    heed_lexicon *l = g->l;
    const heed_stems *s = l->stems;
    int64_t all = 0;
    for (int64_t i = s->first[stem]; i < s->first[stem + 1]; i++)
        for (int64_t k = l->row[s->member[i]]; k < l->row[s->member[i] + 1]; k++) {
            const int64_t both = counted(g, k);
            by_stem[s->of[1][l->target[k]]] += both;
            all += both;
        }
    for (int64_t i = s->first[stem]; i < s->first[stem + 1]; i++) {
        const int32_t w = s->member[i];
        for (int64_t k = l->row[w]; k < l->row[w + 1]; k++) {
            const int32_t t = l->target[k], other = s->of[1][t];
            const double base = g->prior->each * g->odds[l->alike[k]], both = g->prior->stem * (double)by_stem[other];
            const double of_other = (double)atomic_load_explicit(&l->sums->stem[other], memory_order_relaxed);
            l->given[0][k] = (float)(base + (all > 0 ? both / (double)all * s->share[1][t] : 0));
            l->given[1][k] = (float)(base + (of_other > 0 ? both / of_other * s->share[0][w] : 0));
        }
    }
    for (int64_t i = s->first[stem]; i < s->first[stem + 1]; i++)
        for (int64_t k = l->row[s->member[i]]; k < l->row[s->member[i] + 1]; k++) by_stem[s->of[1][l->target[k]]] = 0;
}

/* Priors are in l->given; those of the forward direction become probabilities, those of the other are summed. */
static void learn_forward(const learning *g, int32_t word)
{
    heed_lexicon *l = g->l;
    double sum = 0;
    for (int64_t k = l->row[word]; k < l->row[word + 1]; k++) {
        sum += heed_count_get(&g->count[0][k]) + l->given[0][k];
        heed_count_add(&l->sums->target_prior[l->target[k]], l->given[1][k]);
    }
    const double norm = weigh(sum, g->plain);
    for (int64_t k = l->row[word]; k < l->row[word + 1]; k++)
        l->given[0][k] = share(heed_count_get(&g->count[0][k]) + l->given[0][k], norm, g->plain);
}

static void learn_pairs(const learning *g)
{
    heed_lexicon *l = g->l;
    heed_sums *sums = l->sums;
#pragma omp parallel for schedule(dynamic, 16) num_threads(g->threads)
    for (int64_t stem = 0; stem < l->stems->count[0]; stem++) {
        set_priors(g, stem, sums->by_stem[omp_get_thread_num()]);
        for (int64_t i = l->stems->first[stem]; i < l->stems->first[stem + 1]; i++) learn_forward(g, l->stems->member[i]);
    }
    for (int64_t w = 0; w < g->target_words; w++)
        sums->target_norm[w] = weigh(heed_count_get(&sums->target[w]) + heed_count_get(&sums->target_prior[w]), g->plain);
#pragma omp parallel for schedule(dynamic, 64) num_threads(g->threads)
    for (int64_t w = 0; w < g->source_words; w++)
        for (int64_t k = l->row[w]; k < l->row[w + 1]; k++)
            l->given[1][k] = share(heed_count_get(&g->count[1][k]) + l->given[1][k], sums->target_norm[l->target[k]], g->plain);
}

static void learn_empty(heed_lexicon *l, int direction, int64_t words, double prior)
{
    double sum = 0;
    for (int64_t w = 0; w < words; w++) sum += heed_count_get(&l->empty_count[direction][w]) + prior;
    for (int64_t w = 0; sum > 0 && w < words; w++) l->empty[direction][w] = (float)((heed_count_get(&l->empty_count[direction][w]) + prior) / sum);
}

void heed_lexicon_learn(heed_lexicon *l, const heed_side side[2], const heed_prior *prior, int threads)
{
    learning g = {.l = l, .prior = prior, .count = {l->count[0], l->count[l->agreed ? 0 : 1]}, .plain = prior->each == 0, .threads = threads,
                  .source_words = side[0].words.count, .target_words = side[1].words.count};
    sum_up(&g);
    learn_pairs(&g);
    learn_empty(l, 0, g.target_words, prior->empty);
    learn_empty(l, 1, g.source_words, prior->empty);
}
