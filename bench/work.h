/* Useful work of a batch: multiply-adds of the products and of attention that the model needs for its symbols, without padding. Gates, tanh, norms and
 * the optimizer are not counted, and what is the same at every step of a sentence (a fixed vector's product) is counted once a sentence. */
#ifndef HEED_BENCH_WORK_H
#define HEED_BENCH_WORK_H

#include "data/batch.h"
#include "settings.h"

/* Sums over the sentences of a batch. */
typedef struct extent { double sentences, source, target, source_source, target_before, source_target; } extent;

static extent extent_of(const heed_batch *b)
{
    extent x = {.sentences = (double)b->B, .source = (double)b->source.N, .target = (double)b->target.N};
    for (int64_t i = 0; i < b->B; i++) {
        const double S = (double)(b->source.span.start[i + 1] - b->source.span.start[i]), T = (double)(b->target.span.start[i + 1] - b->target.span.start[i]);
        x.source_source += S * S;
        x.target_before += T * (T + 1) / 2;
        x.source_target += S * T;
    }
    return x;
}

static double work_of_recurrent(const settings *s, const extent *x)
{
    const double E = s->embed, H = s->width, L = s->layers, G = s->gates * H, M = s->directions * H, V = s->target;
    const bool attends = s->vector == 0;
    const double context = s->vector == 1 ? 0 : M;
    const double encoder = s->directions * G * (E + H + (L - 1) * (M + H)), decoder = G * (E + H + (L - 1) * 2 * H) + (H + context + E) * V;
    const double bridges = M * H * L * (s->gates > 3 ? 2 : 1), joined = s->vector == 2 ? M * M + G * M : 0;
    const double attention = attends ? M * H * x->source + (H * H + G * M) * x->target + (H + M) * x->source_target : 0;
    return encoder * x->source + decoder * x->target + (bridges + joined) * x->sentences + attention;
}

static double work_of_convolutions(const settings *s, const extent *x)
{
    const double E = s->embed, D = s->width, L = s->layers, side = 2 * E * D + L * s->kernel * D * 2 * D;
    return side * (x->source + x->target) + (L * 2 * D * E + E * s->target) * x->target + L * 2 * E * x->source_target;
}

static double work_of_transformer(const settings *s, const extent *x)
{
    const double L = s->layers, D = s->width, F = s->inner, V = s->target;
    const double encoder = L * (4 * D * D + 2 * D * F), decoder = L * (6 * D * D + 2 * D * F) + D * V, memory = L * 2 * D * D;
    return (encoder + memory) * x->source + decoder * x->target + 2 * D * L * (x->source_source + x->target_before + x->source_target);
}

/* 1e9 operations of an update's batch: a multiply-add is two, the way back twice the way there. */
static double work_of(const settings *s, const heed_batch *b)
{
    const extent x = extent_of(b);
    return 6 / 1e9 * (s->heads > 0 ? work_of_transformer(s, &x) : s->kernel > 0 ? work_of_convolutions(s, &x) : work_of_recurrent(s, &x));
}

#endif
