/* heed's attention inside an engine of one's own, whose layer has made queries, keys and values side by side in one array [T, (H + 2 Hk) d]. Nothing is copied or
 * allocated by the call; afterwards one row of weights is asked for. It sees nothing but heed/attention.h:
 *
 *   cc engine.c $(pkg-config --cflags --libs heed) -lm -o engine && ./engine 1000
 */
#include <heed/attention.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { H = 8, HK = 2, D = 64, WIDE = (H + 2 * HK) * D };   /* heads, key heads that each serve four of them, values of a head */

static int fail(const char *why) { return fprintf(stderr, "engine: %s\n", why), 1; }

int main(int argc, char **argv)
{
    const int64_t T = argc > 1 ? strtol(argv[1], NULL, 10) : 0, start[] = {0, T};
    if (T < 1) return fputs("usage: engine TOKENS\n", stderr), 2;
    float *x = malloc((size_t)T * WIDE * sizeof *x), *out = malloc((size_t)T * H * D * sizeof *out), *saved = malloc((size_t)T * H * sizeof *saved);
    float *weights = malloc((size_t)T * sizeof *weights);
    for (int64_t i = 0; x && i < T * WIDE; i++) x[i] = sinf((float)(i % 7919) * 0.37F);   /* what the layer's product would have made */

    heed_attention a = {.heads = H, .key_heads = HK, .width = D, .align = HEED_ALIGN_causal, .sequences = 1, .query_start = start, .key_start = start, .rotary = 10000};
    heed_attention_data data = {.q = {x, 0, WIDE, D}, .k = {x + H * D, 0, WIDE, D}, .v = {x + (H + HK) * D, 0, WIDE, D}, .out = {out, 0, H * D, D}, .saved = saved};
    heed_attention_plan plan;
    heed_error err = {0};
    if (heed_attention_plan_of(&a, &plan, &err)) return fail(err.text);
    void *scratch = malloc(plan.forward);
    if (!x || !out || !saved || !weights || !scratch) return fail("out of memory");
    printf("%s, %zu bytes of scratch, %.2f GFLOP\n", plan.kernel, plan.forward, plan.forward_flop / 1e9);

    if (heed_attention_forward(&a, &data, scratch, plan.forward, &err)) return fail(err.text);
    if (heed_attention_weights(&a, &data, 0, 0, T - 1, 1, weights, NULL, scratch, plan.forward, &err)) return fail(err.text);
    int64_t best = 0;
    double sum = 0;
    for (int64_t j = 0; j < T; j++) sum += (double)weights[j], best = weights[j] > weights[best] ? j : best;
    printf("the last token looks at token %lld most, with %.4f of %.4f\n", (long long)best, (double)weights[best], sum);
    free(x), free(out), free(saved), free(weights), free(scratch);
    return 0;
}
