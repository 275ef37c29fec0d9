/* A cell of bench/attention.sh: one shape of attention, its inputs, and what can be counted about it beforehand. */
#ifndef HEED_BENCH_ATTENTION_CELL_H
#define HEED_BENCH_ATTENTION_CELL_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <heed/attention.h>

#include "base/rng.h"

typedef enum pass { FORWARD, BACKWARD, BOTH, WEIGHTS, DECODE, PASSES } pass;

typedef struct cell {
    bool bf16, int8, additive;       /* int8: of keys and values that are kept, with a scale a row and head; q is of 16 bits then */
    pass pass;
    heed_align align;
    int64_t window, B, H, Hk, Tq, Tk, D;
    float *q, *k, *v, *g;            /* [B,Tq,H,D], [B,Tk,Hk,D] twice, and what comes to out: exact in the cell's type */
    float *additive_v;               /* [H,D], with additive scores */
} cell;

static inline int64_t cell_queries(const cell *c) { return c->B * c->Tq * c->H * c->D; }
static inline int64_t cell_keys(const cell *c) { return c->B * c->Tk * c->Hk * c->D; }

/* The first key that query i sees, and the first behind the last. */
static inline int64_t cell_from(const cell *c, int64_t i) { return c->align == HEED_ALIGN_window && i > c->window ? i - c->window : 0; }
static inline int64_t cell_to(const cell *c, int64_t i)
{
    const int64_t to = c->align == HEED_ALIGN_causal ? i + 1 : c->align == HEED_ALIGN_window ? i + c->window + 1 : c->Tk;
    return to < c->Tk ? to : c->Tk;
}

/* Operations that the mathematics asks for over pairs that are seen: two products forward, five backward, where the scores are made anew; a multiply-add is two. */
static inline double cell_flop(const cell *c)
{
    static const double products[PASSES] = {[FORWARD] = 2, [BACKWARD] = 5, [BOTH] = 7, [DECODE] = 2};
    double pairs = 0;
    for (int64_t i = 0; i < c->Tq; i++) pairs += (double)(cell_to(c, i) > cell_from(c, i) ? cell_to(c, i) - cell_from(c, i) : 0);
    return 2 * products[c->pass] * pairs * (double)(c->B * c->H * c->D);
}

/* Bytes of the keys and values that a query of every head and sequence sees. */
static inline double cell_bytes(const cell *c)
{
    return 2 * ((c->int8 ? 1 : c->bf16 ? 2 : 4) * (double)c->D + (c->int8 ? 4 : 0)) * (double)(c->B * c->Hk * c->Tk);
}

static inline double cell_scale(const cell *c) { return c->additive ? 1 : 1 / sqrt((double)c->D); }

/* bf16 as heed has it: the upper half of a float, rounded to even. */
static inline uint16_t bf16_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return (uint16_t)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
}

static inline float float_of(uint16_t x)
{
    const uint32_t bits = (uint32_t)x << 16;
    float y;
    memcpy(&y, &bits, sizeof y);
    return y;
}

/* Bytes that lie as tensors do, heed's and its peers': from a cache line on. */
static inline void *cell_room(size_t bytes)
{
    enum { LINE_BYTES = 64 };
    return aligned_alloc(LINE_BYTES, (bytes + LINE_BYTES) / LINE_BYTES * LINE_BYTES);
}

static inline float *cell_values(const cell *c, uint64_t seed, int64_t n, double size)
{
    float *x = cell_room((size_t)n * sizeof *x);
    if (!x) return NULL;
#pragma omp parallel for
    for (int64_t i = 0; i < n; i++) {
        const float value = (float)(size * heed_normal(seed, (uint64_t)i));
        x[i] = c->bf16 ? float_of(bf16_of(value)) : value;
    }
    return x;
}

/* Rounds rows of D numbers, n in all, to whole steps of which the greatest of a row is so many. */
static inline void cell_quantise(const cell *c, float *x, int64_t n, float steps)
{
    for (float *end = x + n; x && x < end; x += c->D) {
        float most = 0;
        for (int64_t d = 0; d < c->D; d++) most = fmaxf(most, fabsf(x[d]));
        for (int64_t d = 0; most > 0 && d < c->D; d++) x[d] = nearbyintf(x[d] * (steps / most)) * (most / steps);
    }
}

static inline void cell_free(cell *c)
{
    free(c->q), free(c->k), free(c->v), free(c->g), free(c->additive_v);
    *c = (cell){0};
}

/* "everything", "causal", "windowW": both sides of the query, "additive": everything, under that score. */
static inline bool cell_kind(cell *c, const char *word)
{
    c->additive = !strcmp(word, "additive");
    c->window = !strncmp(word, "window", 6) ? strtol(word + 6, NULL, 10) : 0;
    c->align = !strcmp(word, "causal") ? HEED_ALIGN_causal : c->window > 0 ? HEED_ALIGN_window : HEED_ALIGN_everything;
    return c->additive || c->align != HEED_ALIGN_everything || !strcmp(word, "everything");
}

/* "TYPE PASS KIND B H HK TQ TK D": false when it is no such thing, or memory runs out. */
static inline bool cell_read(cell *c, const char *line)
{
    static const char *const passes[PASSES] = {"forward", "backward", "both", "weights", "decode"};
    char type[8], pass_word[16], kind[24];
    long long size[6];
    cell_free(c);
    if (sscanf(line, "%7s %15s %23s %lld %lld %lld %lld %lld %lld", type, pass_word, kind, &size[0], &size[1], &size[2], &size[3], &size[4], &size[5]) != 9) return false;
    while (c->pass < PASSES && strcmp(pass_word, passes[c->pass])) c->pass++;
    c->bf16 = !strcmp(type, "bf16"), c->int8 = !strcmp(type, "int8");
    c->B = size[0], c->H = size[1], c->Hk = size[2], c->Tq = size[3], c->Tk = size[4], c->D = size[5];
    if (!cell_kind(c, kind) || c->pass == PASSES || c->D < 8 || c->D % 8 || c->Hk < 1 || c->H % c->Hk || c->B < 1 || c->Tq < 1 || c->Tk < 1) return false;
    if ((c->pass == DECODE) != (c->Tq == 1) || (c->int8 && c->pass != DECODE)) return false;
    c->q = cell_values(c, 1, cell_queries(c), 1);
    c->k = cell_values(c, 2, cell_keys(c), 1);
    c->v = cell_values(c, 3, cell_keys(c), 1);
    if (c->int8) cell_quantise(c, c->q, cell_queries(c), 32639), cell_quantise(c, c->k, cell_keys(c), 127), cell_quantise(c, c->v, cell_keys(c), 127);
    c->g = c->pass == BACKWARD || c->pass == BOTH ? cell_values(c, 4, cell_queries(c), 1) : malloc(1);
    c->additive_v = c->additive ? cell_values(c, 5, c->H * c->D, 0.3) : malloc(1);
    return c->q && c->k && c->v && c->g && c->additive_v;
}

/* Floats side by side: queries, keys, values, and with a pass backward what comes to out. */
static inline bool cell_write(const cell *c, const char *path)
{
    FILE *out = fopen(path, "wb");
    if (!out) return false;
    const size_t queries = (size_t)cell_queries(c), keys = (size_t)cell_keys(c);
    bool good = fwrite(c->q, sizeof(float), queries, out) == queries && fwrite(c->k, sizeof(float), keys, out) == keys &&
                fwrite(c->v, sizeof(float), keys, out) == keys;
    if (c->pass == BACKWARD || c->pass == BOTH) good = good && fwrite(c->g, sizeof(float), queries, out) == queries;
    return !fclose(out) && good;
}

#endif
