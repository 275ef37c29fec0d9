/* How fast attention is, on one thread, as a share of the f32 peak measured in the same run.
 *
 *   attend [WORD]    a line a shape, of those whose name has the word: microseconds, GF/s and per cent of the peak, forward alone and forward with backward
 *
 * Counted are the products that the mathematics asks for over the pairs that are seen: 4 d a pair and head forward, 8 d more backward; what is computed
 * anew, and keys that a causal query does not see, count nothing. */
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attn/score.h"
#include "kernels/peak.h"
#include "tensor/tape.h"

typedef struct shape { const char *what; int64_t B, queries, keys, H, key_heads, d; heed_align align; } shape;

static const shape shapes[] = {
    {"short sentences", 64, 5, 5, 4, 4, 32, HEED_ALIGN_everything},
    {"sentences", 64, 15, 15, 4, 4, 32, HEED_ALIGN_everything},
    {"sentences, causal", 64, 15, 15, 4, 4, 32, HEED_ALIGN_causal},
    {"sentences", 32, 30, 30, 4, 4, 32, HEED_ALIGN_everything},
    {"sentences, causal", 32, 30, 30, 4, 4, 32, HEED_ALIGN_causal},
    {"wider", 32, 30, 30, 8, 8, 64, HEED_ALIGN_everything},
    {"long sentences", 16, 64, 64, 4, 4, 64, HEED_ALIGN_everything},
    {"grouped key heads", 16, 64, 64, 8, 2, 64, HEED_ALIGN_everything},
    {"paragraphs", 4, 256, 256, 4, 4, 64, HEED_ALIGN_everything},
    {"paragraphs, causal", 4, 256, 256, 4, 4, 64, HEED_ALIGN_causal},
    {"pages", 1, 1024, 1024, 2, 2, 64, HEED_ALIGN_everything},
    {"pages, causal", 1, 1024, 1024, 2, 2, 64, HEED_ALIGN_causal},
    {"long pages", 1, 4096, 4096, 1, 1, 64, HEED_ALIGN_everything},
    {"a step", 64, 1, 15, 4, 4, 32, HEED_ALIGN_everything},
    {"a step", 64, 1, 30, 1, 1, 256, HEED_ALIGN_everything},
    {"a step, long", 1, 1, 8192, 1, 1, 64, HEED_ALIGN_everything},
};

static double pairs_of(const shape *s)
{
    double pairs = 0;
    for (int64_t i = 0; i < s->queries; i++) pairs += (double)(s->align == HEED_ALIGN_causal && i + 1 < s->keys ? i + 1 : s->keys);
    return pairs * (double)(s->B * s->H);
}

static heed_tensor *values(heed_tape *t, int64_t rows, int64_t cols, bool grad)
{
    heed_tensor *x = heed_input(t, rows, cols, NULL, grad);
    for (int64_t i = 0; i < rows * cols; i++) x->x[i] = sinf((float)(i % 1013));
    return x;
}

static void loss_back(heed_tape *t, heed_node *n)
{
    heed_tensor *y = n->saved;
    float *g = heed_tape_grad(t, y);
    for (int64_t i = 0; i < y->rows * y->cols; i++) g[i] = 1e-3F;
}

/* Seconds of one forward, and of one backward after it. */
typedef struct times { double forward, both; } times;

static times run(heed_tape *t, const shape *s, const int64_t *queries, const int64_t *keys, bool record)
{
    static const heed_pair_score dot = {.known = HEED_ATTENTION_DOT};
    heed_tape_reset(t, record, record, 1);
    heed_tensor *q = values(t, s->B * s->queries, s->H * s->d, record), *k = values(t, s->B * s->keys, s->key_heads * s->d, record);
    heed_tensor *v = values(t, s->B * s->keys, s->key_heads * s->d, record);
    const double began = omp_get_wtime();
    heed_tensor *out = heed_attend(t, &(heed_attend_args){.q = q, .k = k, .v = v, .heads = s->H, .key_heads = s->key_heads, .queries = {queries, s->B},
                                                          .keys = {keys, s->B}, .align = s->align, .score = &dot, .scale = 1 / sqrtf((float)s->d)}).out;
    const double middle = omp_get_wtime();
    if (record) heed_backward(t, heed_tape_node(t, "loss", heed_input(t, 1, 1, NULL, false), loss_back, out), NULL);
    return (times){middle - began, omp_get_wtime() - began};
}

/* The best of as many runs as fit into a fifth of a second, three at least. */
static times best_of(const shape *s, bool record)
{
    heed_tape *t = heed_tape_new(&(heed_tape_options){.record = record}, NULL);
    int64_t *queries = calloc((size_t)s->B + 1, sizeof *queries), *keys = calloc((size_t)s->B + 1, sizeof *keys);
    times best = {1e9, 1e9};
    for (int64_t b = 0; b < s->B; b++) queries[b + 1] = queries[b] + s->queries, keys[b + 1] = keys[b] + s->keys;
    const double began = omp_get_wtime();
    for (int i = 0; i < 4 || omp_get_wtime() - began < 0.2; i++) {
        const times x = run(t, s, queries, keys, record);
        best = (times){fmin(best.forward, x.forward), fmin(best.both, x.both)};
    }
    free(queries), free(keys);
    heed_tape_free(t);
    return best;
}

int main(int argc, char **argv)
{
    int bits = 512;
    const double peak = heed_peak_f32(1, &bits);
    printf("%s, peak %.1f GF/s (%d bits)\n%-20s %4s %5s %5s %3s %3s %4s %30s %30s\n", heed_kernels_get()->isa, peak, bits, "", "B", "Tq", "Tk", "H", "Hk", "d",
           "forward: us, GF/s, %", "forward and backward");
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const shape *s = &shapes[i];
        if (argc > 1 && !strstr(s->what, argv[1])) continue;
        const double work = 4e-9 * pairs_of(s) * (double)s->d, forward = best_of(s, false).forward, both = best_of(s, true).both;
        printf("%-20s %4lld %5lld %5lld %3lld %3lld %4lld %12.1f %8.1f %8.1f %12.1f %8.1f %8.1f\n", s->what, (long long)s->B, (long long)s->queries,
               (long long)s->keys, (long long)s->H, (long long)s->key_heads, (long long)s->d, forward * 1e6, work / forward, 100 * work / forward / peak,
               both * 1e6, 3 * work / both, 300 * work / both / peak);
    }
    return 0;
}
