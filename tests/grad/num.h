/* A number of the reference, and how far float arithmetic may end from it.
 *
 * Every reference of this folder computes in double and carries beside each value a bound on the error that the same formula meets in float:
 * running error analysis (Higham 2002, section 3.3). The bound is rigorous, not fitted:
 *   - one rounding to nearest errs by U = 2^-24 of the result, and a function passes its argument's error on by its steepest slope nearby;
 *   - a sum of n terms, added in any order, in any tree, with fused products or without, errs by less than n U times the sum of magnitudes;
 *   - exp, tanh, sigmoid and log of the kernels err by the ulps named below, which tests/isa holds them to.
 * So a float result is right when it lies within num_error() of the value. */
#ifndef HEED_TESTS_NUM_H
#define HEED_TESTS_NUM_H

#include <float.h>
#include <math.h>
#include <stdint.h>

#define NUM_U 0x1p-24
#define NUM_FUNCTION 6           /* exp, tanh, sigmoid, log: 3 ulp (kernels/vec.h), and an ulp is at most 2 U of the value */

typedef struct num {
    double v;                    /* the value, in double */
    double e;                    /* bound on the error of its parts */
    double a;                    /* of a sum: the magnitudes of its terms ... */
    int64_t n;                   /* ... and how many were added */
} num;

static inline num num_exact(double v) { return (num){.v = v}; }

static inline double num_error(num x) { return x.e + (double)x.n * NUM_U / (1 - (double)x.n * NUM_U) * x.a; }

/* A result v whose arguments' errors move it by e, rounded k times. */
static inline num num_rounded(double v, double e, double k) { return (num){.v = v, .e = e + k * NUM_U * (fabs(v) + e)}; }

/* One more term of a sum. */
static inline void num_gather(num *sum, num term)
{
    if (!sum->n) sum->a = fabs(sum->v);
    sum->v += term.v;
    sum->e += num_error(term);
    sum->a += fabs(term.v) + num_error(term);
    sum->n++;
}

static inline num num_add(num a, num b) { return num_rounded(a.v + b.v, num_error(a) + num_error(b), 1); }
static inline num num_sub(num a, num b) { return num_rounded(a.v - b.v, num_error(a) + num_error(b), 1); }

static inline num num_mul(num a, num b)
{
    const double ea = num_error(a), eb = num_error(b);
    return num_rounded(a.v * b.v, fabs(a.v) * eb + fabs(b.v) * ea + ea * eb, 1);
}

static inline num num_div(num a, num b)
{
    const double eb = num_error(b), least = fabs(b.v) - eb;
    return num_rounded(a.v / b.v, (num_error(a) + fabs(a.v / b.v) * eb) / least, 1);
}

static inline num num_exp(num x) { return num_rounded(exp(x.v), exp(x.v) * expm1(num_error(x)), NUM_FUNCTION); }
static inline num num_log(num x) { return num_rounded(log(x.v), -log1p(-num_error(x) / x.v), NUM_FUNCTION); }
static inline num num_sqrt(num x) { return num_rounded(sqrt(x.v), sqrt(x.v) - sqrt(fmax(0, x.v - num_error(x))), 1); }

/* Both are steepest at 0. */
static inline num num_tanh(num x)
{
    const double flat = tanh(fmax(0, fabs(x.v) - num_error(x)));
    return num_rounded(tanh(x.v), (1 - flat * flat) * num_error(x), NUM_FUNCTION);
}

static inline num num_sigmoid(num x)
{
    const double flat = 1 / (1 + exp(fmax(0, fabs(x.v) - num_error(x))));
    return num_rounded(1 / (1 + exp(-x.v)), flat * (1 - flat) * num_error(x), NUM_FUNCTION);
}

static inline num num_dot(const num *a, const num *b, int64_t n)
{
    num sum = {0};
    for (int64_t i = 0; i < n; i++) num_gather(&sum, num_mul(a[i], b[i]));
    return sum;
}

/* Softmax of n scores into p, returns the log-sum-exp. The maximum is subtracted as a constant: any constant gives the same p. The log-sum-exp
 * moves no more than the score that moves most. */
static inline num num_softmax(num *p, const num *s, int64_t n)
{
    double most = -INFINITY, moved = 0;
    num sum = {0};
    for (int64_t j = 0; j < n; j++) {
        most = fmax(most, s[j].v);
        moved = fmax(moved, num_error(s[j]));
    }
    for (int64_t j = 0; j < n; j++) {
        p[j] = num_exp(num_sub(s[j], num_exact(most)));
        num_gather(&sum, p[j]);
    }
    for (int64_t j = 0; j < n; j++) p[j] = num_mul(p[j], num_div(num_exact(1), sum));
    if (!n) return num_exact(-INFINITY);
    num lse = num_add(num_exact(most), num_log(sum));
    lse.e += moved;
    return lse;
}

#endif
