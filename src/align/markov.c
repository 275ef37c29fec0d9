/* Forward and backward over one pair, in single precision with a scale a word. Sums over states are written as "row += number * row", which vectorises
 * without changing the order of any sum. */
#include "align/markov.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    MIDDLE = HEED_LONGEST_SIDE + 2 * HEED_LANES,   /* where distance 0 stands */
    NOMINAL = 45                                   /* distances that the last bucket of either side is thought to have */
};
static const int64_t bucket_ends[] = {HEED_NEAR_JUMPS + 2, HEED_NEAR_JUMPS + 5, HEED_NEAR_JUMPS + 10};
static const double smoothing = 0.1;               /* jumps seen beforehand, spread over all distances, for each one seen */
/* Below it a probability within a pair counts as none: no path that runs through such a state can win again, since any jump has a weight above 1e-9 of the
 * largest; and numbers too small for single precision would make the arithmetic slow. */
static const float least = 1e-15f;
static const double least_weight = 1e-9;

struct heed_markov {
    float *chosen, *nowhere;                       /* [m,n] forward, scaled */
    float *reach, *next, *future, *spare, *norm;   /* [n] */
    float *jumped;                                 /* by distance, from MIDDLE */
    float *scale;                                  /* [m] */
};

int heed_jump_bucket(int64_t distance)
{
    const int64_t far = llabs(distance);
    int64_t b = far;
    if (far > HEED_NEAR_JUMPS) {
        b = HEED_NEAR_JUMPS + 1;
        for (size_t i = 0; i < sizeof bucket_ends / sizeof *bucket_ends && far > bucket_ends[i]; i++) b++;
    }
    return (int)(HEED_JUMP_BUCKETS / 2 + (distance < 0 ? -b : b));
}

static int64_t distances_in(int bucket)
{
    const int64_t b = llabs((int64_t)bucket - HEED_JUMP_BUCKETS / 2) - HEED_NEAR_JUMPS - 1;
    if (b < 0) return 1;
    if (b == sizeof bucket_ends / sizeof *bucket_ends) return NOMINAL;
    return bucket_ends[b] - (b ? bucket_ends[b - 1] : HEED_NEAR_JUMPS);
}

static void set_between(heed_jumps *j, const double weight[HEED_JUMP_BUCKETS])
{
    double sum = 0;
    for (int64_t i = 0; i < 2 * MIDDLE; i++) {
        const double w = weight[heed_jump_bucket(i - MIDDLE)];
        j->ahead[i] = (float)w;
        j->back[2 * MIDDLE - 1 - i] = (float)w;
        j->below[i] = sum;
        sum += (float)w;
    }
}

static void set_border(float *x, double *all, const double weight[HEED_JUMP_BUCKETS])
{
    x[0] = 0;
    all[0] = 0;
    for (int64_t d = 1; d <= HEED_LONGEST_SIDE; d++) {
        x[d] = (float)weight[heed_jump_bucket(d)];
        all[d] = all[d - 1] + x[d];
    }
}

static void set(heed_jumps *j, heed_jump_counts weight)
{
    set_between(j, weight[HEED_JUMP_BETWEEN]);
    set_border(j->first, j->all_first, weight[HEED_JUMP_FIRST]);
    set_border(j->last, j->all_last, weight[HEED_JUMP_LAST]);
}

void heed_jumps_begin(heed_jumps *j)
{
    heed_jump_counts weight;
    for (int kind = 0; kind < HEED_JUMP_KINDS; kind++)
        for (int b = 0; b < HEED_JUMP_BUCKETS; b++) weight[kind][b] = exp(-0.3 * fabs(b - HEED_JUMP_BUCKETS / 2 - 1.0));
    set(j, weight);
}

static void learn_kind(const double count[HEED_JUMP_BUCKETS], double weight[HEED_JUMP_BUCKETS])
{
    double seen = 0, distances = 0;
    for (int b = 0; b < HEED_JUMP_BUCKETS; b++) seen += count[b], distances += (double)distances_in(b);
    const double unseen = 1 + smoothing * seen;
    for (int b = 0; b < HEED_JUMP_BUCKETS; b++)
        weight[b] = (count[b] / (double)distances_in(b) + unseen / distances) / (seen + unseen) + least_weight;
}

void heed_jumps_learn(heed_jumps *j, heed_jump_counts count)
{
    heed_jump_counts weight;
    for (int kind = 0; kind < HEED_JUMP_KINDS; kind++) learn_kind(count[kind], weight[kind]);
    set(j, weight);
}

/* --- room ----------------------------------------------------------------------------------------------------------------------------------- */

heed_markov *heed_markov_new(int64_t longest)
{
    const size_t n = (size_t)heed_padded(longest), rows = 6 * n, by_distance = 2 * MIDDLE;
    heed_markov *w = calloc(1, sizeof *w);
    float *x = w ? calloc(2 * n * n + rows + by_distance, sizeof *x) : NULL;
    if (!x) {
        free(w);
        return NULL;
    }
    w->chosen = x;
    w->nowhere = x + n * n;
    float **row[] = {&w->reach, &w->next, &w->future, &w->spare, &w->norm, &w->scale};
    x += 2 * n * n;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) *row[i] = x + i * n;
    w->jumped = x + rows;
    return w;
}

void heed_markov_free(heed_markov *w)
{
    if (w) free(w->chosen);
    free(w);
}

/* --- the recursions --------------------------------------------------------------------------------------------------------------------------- */

static void add_row(int64_t padded, float by, const float *restrict x, float *restrict y)
{
    for (int64_t k = 0; k < padded; k += HEED_LANES)
        for (int l = 0; l < HEED_LANES; l++) y[k + l] += by * x[k + l];
}

static float not_tiny(float x) { return x < least ? 0 : x; }

/* Into w->norm: one over the sum of weights from each state. */
static void set_norms(heed_markov *w, const heed_jumps *j, int64_t n)
{
    for (int64_t i = 0; i < n; i++) w->norm[i] = (float)(1 / (j->below[MIDDLE + n - i] - j->below[MIDDLE - i]));
}

/* Word 0 of the forward recursion, or word m from the one before it. */
static void reach_states(heed_markov *w, const heed_jumps *j, int64_t n, int64_t m)
{
    const int64_t padded = heed_padded(n);
    const float *chosen = w->chosen + (m - 1) * padded, *nowhere = w->nowhere + (m - 1) * padded;
    memset(w->next, 0, (size_t)padded * sizeof *w->next);
    if (m == 0) {
        for (int64_t k = 0; k < n; k++) {
            w->next[k] = j->first[k + 1] / (float)j->all_first[n];
            w->spare[k] = 1 / (float)n;
        }
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        w->spare[i] = chosen[i] + nowhere[i];
        if (w->spare[i] > 0) add_row(padded, w->spare[i] * w->norm[i], j->ahead + MIDDLE - i, w->next);
    }
}

static double forward(heed_markov *w, const heed_jumps *j, const heed_markov_pair *p)
{
    const int64_t n = p->n, padded = heed_padded(n);
    double log_p = 0;
    for (int64_t m = 0; m < p->m; m++) {
        float *chosen = w->chosen + m * padded, *nowhere = w->nowhere + m * padded, sum = 0;
        reach_states(w, j, n, m);
        for (int64_t k = 0; k < n; k++) {
            chosen[k] = w->next[k] * (float)(1 - HEED_EMPTY_SHARE) * p->t[m * padded + k];
            nowhere[k] = w->spare[k] * (float)HEED_EMPTY_SHARE * p->empty[m];
            sum += chosen[k] + nowhere[k];
        }
        w->scale[m] = 1 / sum;
        log_p += log(sum);
        for (int64_t k = 0; k < n; k++) {
            chosen[k] = not_tiny(chosen[k] * w->scale[m]);
            nowhere[k] = not_tiny(nowhere[k] * w->scale[m]);
        }
    }
    return log_p;
}

/* The last jump, into w->future; returns the logarithm of its probability. */
static double stop(heed_markov *w, const heed_jumps *j, const heed_markov_pair *p, heed_jump_counts jumped)
{
    const int64_t n = p->n, padded = heed_padded(n);
    const float *chosen = w->chosen + (p->m - 1) * padded, *nowhere = w->nowhere + (p->m - 1) * padded;
    float sum = 0;
    for (int64_t k = 0; k < n; k++) {
        w->future[k] = j->last[n - k] / (float)j->all_last[n];
        sum += w->future[k] * (chosen[k] + nowhere[k]);
    }
    for (int64_t k = 0; k < n; k++) {
        w->future[k] /= sum;
        if (jumped) jumped[HEED_JUMP_LAST][heed_jump_bucket(n - k)] += w->future[k] * (chosen[k] + nowhere[k]);
    }
    return log(sum);
}

/* From what follows word m, w->future (the same for a state and its twin), to what follows the word before it; jumps between the two go to w->jumped. */
static void look_back(heed_markov *w, const heed_jumps *j, const heed_markov_pair *p, int64_t m, bool count)
{
    const int64_t n = p->n, padded = heed_padded(n);
    const float *chosen = w->chosen + (m - 1) * padded, *nowhere = w->nowhere + (m - 1) * padded;
    memset(w->next, 0, (size_t)padded * sizeof *w->next);
    for (int64_t k = 0; k < n; k++) w->reach[k] = not_tiny((float)(1 - HEED_EMPTY_SHARE) * p->t[m * padded + k] * w->scale[m] * w->future[k]);
    for (int64_t k = n; k < padded; k++) w->reach[k] = 0;
    for (int64_t k = 0; k < n; k++)
        if (w->reach[k] > 0) add_row(padded, w->reach[k], j->back + MIDDLE - 1 - k, w->next);
    for (int64_t i = 0; count && i < n; i++) {
        const float from = (chosen[i] + nowhere[i]) * w->norm[i];
        if (from > 0) add_row(padded, from, w->reach, w->jumped + MIDDLE - i);
    }
    for (int64_t i = 0; i < n; i++) w->future[i] = w->next[i] * w->norm[i] + (float)HEED_EMPTY_SHARE * p->empty[m] * w->scale[m] * w->future[i];
}

static void backward(heed_markov *w, const heed_jumps *j, const heed_markov_pair *p, bool count)
{
    const int64_t n = p->n, padded = heed_padded(n);
    for (int64_t m = p->m - 1; m >= 0; m--) {
        for (int64_t k = 0; k < n; k++) p->posterior[m * padded + k] = w->chosen[m * padded + k] * w->future[k];
        for (int64_t k = n; k < padded; k++) p->posterior[m * padded + k] = 0;
        if (m > 0) look_back(w, j, p, m, count);
    }
}

double heed_markov_run(heed_markov *w, const heed_jumps *j, const heed_markov_pair *p, heed_jump_counts jumped)
{
    const int64_t n = p->n, padded = heed_padded(n);
    set_norms(w, j, n);
    double log_p = forward(w, j, p);
    log_p += stop(w, j, p, jumped);
    if (jumped) memset(w->jumped + MIDDLE - n, 0, (size_t)(n + padded) * sizeof *w->jumped);
    backward(w, j, p, jumped != NULL);
    for (int64_t d = 1 - n; jumped && d < n; d++) jumped[HEED_JUMP_BETWEEN][heed_jump_bucket(d)] += (double)w->jumped[MIDDLE + d] * j->ahead[MIDDLE + d];
    for (int64_t k = 0; jumped && k < n; k++) jumped[HEED_JUMP_FIRST][heed_jump_bucket(k + 1)] += p->posterior[k];
    return log_p;
}

double heed_model1_run(const heed_markov_pair *p)
{
    const int64_t n = p->n, padded = heed_padded(n);
    const float share = (float)((1 - HEED_EMPTY_SHARE) / (double)n);
    double log_p = 0;
    for (int64_t m = 0; m < p->m; m++) {
        const float *t = p->t + m * padded;
        float *posterior = p->posterior + m * padded, sum = (float)HEED_EMPTY_SHARE * p->empty[m];
        for (int64_t k = 0; k < n; k++) sum += share * t[k];
        for (int64_t k = 0; k < padded; k++) posterior[k] = share * t[k] / sum;
        log_p += log(sum);
    }
    return log_p;
}
