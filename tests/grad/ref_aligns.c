/* References of the alignments: which keys a query sees, one pair at a time, and how scores become weights. */
#include <stdlib.h>

#include "attention.h"
#include "grad.h"

/* --- which keys -------------------------------------------------------------------------------------------------------------------------- */

static bool sees_all(const ref_place *x)
{
    (void)x;
    return true;
}

static bool sees_causal(const ref_place *x) { return x->at <= x->position; }
static bool sees_window(const ref_place *x) { return llabs((long long)(x->position - x->at)) <= x->window; }
static bool sees_causal_window(const ref_place *x) { return sees_causal(x) && sees_window(x); }
static bool sees_near(const ref_place *x) { return fabs((double)x->at - x->centre.v) <= (double)x->window; }

static bool sees_blocks(const ref_place *x)
{
    const int64_t size = x->window > 1 ? x->window : 1, mine = x->position / size, its = x->at / size;
    return its == 0 || llabs((long long)(mine - its)) <= 1;
}

/* --- scores to weights and back ------------------------------------------------------------------------------------------------------------ */

/* Weights are made once with the sum of exponentials at hand and again from the log-sum-exp that was kept: the wider bound holds for both. */
static num softmax(problem *p, num *w, const num *s, int64_t n)
{
    (void)p;
    const num saved = num_softmax(w, s, n);
    for (int64_t j = 0; j < n; j++) {
        const double again = num_error(num_exp(num_sub(s[j], saved)));
        if (again > num_error(w[j])) w[j] = (num){.v = w[j].v, .e = again};
    }
    return saved;
}

/* ds = w (dw - sum w dw) */
static void softmax_back(num *ds, const num *w, const num *dw, int64_t n)
{
    const num mean = num_dot(w, dw, n);
    for (int64_t j = 0; j < n; j++) ds[j] = num_mul(w[j], num_sub(dw[j], mean));
}

static double most_moved(const num *s, int64_t n)
{
    double moved = 0;
    for (int64_t j = 0; j < n; j++) moved = fmax(moved, num_error(s[j]));
    return moved;
}

/* Where sum f((s - t)+) = 1, f convex and growing: between the greatest score less 1, where f of it alone is 1, and the greatest. */
static double threshold(const num *s, int64_t n, double part, double power)
{
    double high = -INFINITY;
    for (int64_t j = 0; j < n; j++) high = fmax(high, part * s[j].v);
    double low = high - 1;
    for (int i = 0; i < 60; i++) {
        const double middle = (low + high) / 2;
        double sum = 0;
        for (int64_t j = 0; j < n; j++) sum += pow(fmax(0, part * s[j].v - middle), power);
        if (sum > 1) low = middle;
        else high = middle;
    }
    return low;
}

/* A threshold moves no more than the score that moves most. In double it is found to 2^-50 or so, which one rounding to float covers. */
static num above(problem *p, num *x, const num *s, int64_t n, double part, double power)
{
    const num tau = num_rounded(threshold(s, n, part, power), part * most_moved(s, n), 2);
    for (int64_t j = 0; j < n; j++) {
        x[j] = num_sub(num_mul(num_exact(part), s[j]), tau);
        grad_decide(p, x[j].v > 0, fabs(x[j].v) <= num_error(x[j]));
        if (!(x[j].v > 0)) x[j] = num_exact(0);
    }
    return tau;
}

static num sparsemax(problem *p, num *w, const num *s, int64_t n) { return above(p, w, s, n, 1, 1); }

/* Over those with a weight: ds = dw - their mean */
static void sparsemax_back(num *ds, const num *w, const num *dw, int64_t n)
{
    num sum = {0}, count = {0};
    for (int64_t j = 0; j < n; j++)
        if (w[j].v > 0) num_gather(&sum, dw[j]), count.v++;
    for (int64_t j = 0; j < n; j++) ds[j] = w[j].v > 0 ? num_sub(dw[j], num_div(sum, count)) : num_exact(0);
}

static num entmax(problem *p, num *w, const num *s, int64_t n)
{
    const num tau = above(p, w, s, n, 0.5, 2);
    for (int64_t j = 0; j < n; j++) w[j] = num_mul(w[j], w[j]);
    return tau;
}

/* ds = r (dw - sum r dw / sum r), r = sqrt(w) */
static void entmax_back(num *ds, const num *w, const num *dw, int64_t n)
{
    num share = {0}, all = {0};
    for (int64_t j = 0; j < n; j++)
        if (w[j].v > 0) num_gather(&share, num_mul(num_sqrt(w[j]), dw[j])), num_gather(&all, num_sqrt(w[j]));
    for (int64_t j = 0; j < n; j++) ds[j] = w[j].v > 0 ? num_mul(num_sqrt(w[j]), num_sub(dw[j], num_div(share, all))) : num_exact(0);
}

static num hard(problem *p, num *w, const num *s, int64_t n)
{
    int64_t best = 0;
    for (int64_t j = 1; j < n; j++)
        if (s[j].v > s[best].v) best = j;
    for (int64_t j = 0; j < n; j++) {
        w[j] = num_exact(j == best);
        grad_decide(p, j == best, j != best && s[best].v - s[j].v <= num_error(s[best]) + num_error(s[j]));
    }
    return num_exact((double)best);
}

static void hard_back(num *ds, const num *w, const num *dw, int64_t n)
{
    (void)w, (void)dw;
    for (int64_t j = 0; j < n; j++) ds[j] = num_exact(0);
}

/* --- the table -------------------------------------------------------------------------------------------------------------------------------- */

static const ref_align ref_everything = {sees_all, softmax, softmax_back, false}, ref_causal = {sees_causal, softmax, softmax_back, false},
                       ref_window = {sees_window, softmax, softmax_back, false}, ref_causal_window = {sees_causal_window, softmax, softmax_back, false},
                       ref_local_p = {sees_near, softmax, softmax_back, true}, ref_block_sparse = {sees_blocks, softmax, softmax_back, false},
                       ref_sparsemax = {sees_all, sparsemax, sparsemax_back, false}, ref_entmax = {sees_all, entmax, entmax_back, false},
                       ref_hard = {sees_all, hard, hard_back, false};

const ref_align *ref_align_of(heed_align align)
{
    static const ref_align *const table[] = {
#define HEED_ALIGN(name, ...) &ref_##name,
#include "heed/aligns.def"
#undef HEED_ALIGN
    };
    return table[align];
}
