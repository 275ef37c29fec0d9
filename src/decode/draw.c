#include "decode/draw.h"

#include <math.h>
#include <stdlib.h>

#include "kernels/kernels.h"

static int largest_first(const void *a, const void *b)
{
    const heed_chance *x = a, *y = b;
    if (x->logit > y->logit || x->logit < y->logit) return x->logit > y->logit ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

static double sum_of(const heed_chance *c, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += c[i].weight;
    return sum;
}

/* How many of the first hold the share; *sum becomes theirs. */
static int64_t nucleus(const heed_chance *c, int64_t n, double share, double *sum)
{
    const double wanted = share * *sum;
    double so_far = 0;
    int64_t count = 0;
    while (count < n && so_far < wanted) so_far += c[count++].weight;
    *sum = so_far;
    return count;
}

int32_t heed_draw(const heed_draw_options *o, const float *logits, int64_t V, double u, heed_chance *room)
{
    const int64_t best = heed_kernels_get()->arg_max(logits, V), most = o->top_k > 0 && o->top_k < V ? o->top_k : V;
    const bool part = o->top_p > 0 && o->top_p < 1;
    if (!isfinite(logits[best])) return (int32_t)best;
    for (int64_t i = 0; i < V; i++) {
        const float x = isnan(logits[i]) ? -INFINITY : logits[i];
        room[i] = (heed_chance){exp(((double)x - (double)logits[best]) / o->temperature), x, (int32_t)i};
    }
    if (most < V || part) qsort(room, (size_t)V, sizeof *room, largest_first);
    double sum = sum_of(room, most), so_far = 0;
    const int64_t n = part ? nucleus(room, most, o->top_p, &sum) : most;
    for (int64_t i = 0; i < n; i++) {
        so_far += room[i].weight;
        if (u * sum < so_far) return room[i].id;
    }
    return (int32_t)best;   /* where rounding left u a hair above the whole */
}
