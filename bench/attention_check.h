/* Whether a side of bench/attention.sh computes what it should: some of its results against float64, beside the error of the naive form in the cell's own type. */
#ifndef HEED_BENCH_ATTENTION_CHECK_H
#define HEED_BENCH_ATTENTION_CHECK_H

#include "attention_cell.h"

typedef struct place { int64_t b, h, hk, i, q; } place;   /* query i of sequence b under head h, and where its values stand */

typedef float eight_floats __attribute__((vector_size(32), aligned(4), may_alias));

#define REAL double
#define NAME(word) word##_double
#include "attention_rows.inc"
#undef REAL
#undef NAME
#define REAL float
#define NAME(word) word##_float
#include "attention_rows.inc"
#undef REAL
#undef NAME

enum { SAMPLES = 48, KEY_SAMPLES = 12, WIDEST = 1024 };

/* Where results of a kind stand in a side's file, what they should be, and what the naive form makes of them. */
typedef struct expectation {
    int64_t rows, at[SAMPLES];       /* of the first of D floats each */
    double want[SAMPLES][WIDEST];
    float naive[SAMPLES][WIDEST];
} expectation;

typedef struct expectations { expectation out, dq, dk, dv; } expectations;

typedef struct fault { double error, naive; } fault;   /* the greatest, as a part of the greatest value */

static inline place place_of(const cell *c, int64_t b, int64_t h, int64_t i)
{
    return (place){b, h, h / (c->H / c->Hk), i, ((b * c->Tq + i) * c->H + h) * c->D};
}

static inline bool cell_is_trained(const cell *c) { return c->pass == BACKWARD || c->pass == BOTH; }

/* Queries spread over sequences, heads and places, the first and the last among them. */
static void expect_queries(const cell *c, expectations *e, double *w, float *v)
{
    const int64_t all = c->B * c->H * c->Tq, n = all < SAMPLES ? all : SAMPLES;
    e->out.rows = n, e->dq.rows = cell_is_trained(c) ? n : 0;
    for (int64_t s = 0; s < n; s++) {
        const int64_t at = n > 1 ? s * (all - 1) / (n - 1) : 0;
        const place p = place_of(c, at / (c->H * c->Tq), at / c->Tq % c->H, at % c->Tq);
        forward_double(c, &p, w, e->out.want[s]);
        forward_float(c, &p, v, e->out.naive[s]);
        e->out.at[s] = e->dq.at[s] = p.q;
        if (!cell_is_trained(c)) continue;
        query_gradient_double(c, &p, w, e->out.want[s], e->dq.want[s]);
        query_gradient_float(c, &p, v, e->out.naive[s], e->dq.naive[s]);
    }
}

/* Weights of the sampled keys, and what comes to their scores, for every query of their head. */
typedef struct key_terms { double weight[KEY_SAMPLES], ds[KEY_SAMPLES]; float naive_weight[KEY_SAMPLES], naive_ds[KEY_SAMPLES]; } key_terms;

static void terms_of(const cell *c, const place *p, const int64_t *key, int64_t n, double *w, float *v, key_terms *to)
{
    double out[WIDEST];
    float naive_out[WIDEST];
    forward_double(c, p, w, out);
    forward_float(c, p, v, naive_out);
    for (int64_t s = 0; s < n; s++) {
        if (key[s] < cell_from(c, p->i) || key[s] >= cell_to(c, p->i)) continue;   /* stays 0 */
        to->weight[s] = w[key[s]], to->ds[s] = difference_double(c, p, w, out, key[s]);
        to->naive_weight[s] = rounded_float(c, v[key[s]]), to->naive_ds[s] = rounded_float(c, difference_float(c, p, v, naive_out, key[s]));
    }
}

static void sum_terms(const cell *c, expectations *e, const place *p, const key_terms *terms)
{
    for (int64_t s = 0; s < e->dk.rows; s++) {
        if (c->additive) {
            additive_gradient_double(c, e->dk.want[s], terms->ds[s], c->q + p->q, c->k + e->dk.at[s], p->h);
            additive_gradient_float(c, e->dk.naive[s], terms->naive_ds[s], c->q + p->q, c->k + e->dk.at[s], p->h);
        } else {
            add_double(e->dk.want[s], cell_scale(c) * terms->ds[s], c->q + p->q, c->D);
            add_float(e->dk.naive[s], (float)cell_scale(c) * terms->naive_ds[s], c->q + p->q, c->D);
        }
        add_double(e->dv.want[s], terms->weight[s], c->g + p->q, c->D);
        add_float(e->dv.naive[s], terms->naive_weight[s], c->g + p->q, c->D);
    }
}

/* Keys of the last sequence and key head: their gradients are sums over all of its queries, so a few keys cost nearly what all would. False without memory. */
static bool expect_keys(const cell *c, expectations *e)
{
    const int64_t n = c->Tk < KEY_SAMPLES ? c->Tk : KEY_SAMPLES, group = c->H / c->Hk, queries = group * c->Tq;
    int64_t key[KEY_SAMPLES];
    key_terms *terms = calloc((size_t)queries, sizeof *terms);
    bool good = terms != NULL;
    for (int64_t s = 0; s < n; s++) {
        key[s] = n > 1 ? s * (c->Tk - 1) / (n - 1) : 0;
        e->dk.at[s] = e->dv.at[s] = (((c->B - 1) * c->Tk + key[s]) * c->Hk + c->Hk - 1) * c->D;
    }
    e->dk.rows = e->dv.rows = n;
#pragma omp parallel
    {
        double *w = calloc((size_t)c->Tk, sizeof *w);
        float *v = calloc((size_t)c->Tk, sizeof *v);
        if (!w || !v) {
#pragma omp atomic write
            good = false;
        }
#pragma omp for
        for (int64_t i = 0; i < queries; i++) {
            const place p = place_of(c, c->B - 1, (c->Hk - 1) * group + i / c->Tq, i % c->Tq);
            if (good && w && v) terms_of(c, &p, key, n, w, v, &terms[i]);
        }
        free(w), free(v);
    }
    for (int64_t i = 0; good && i < queries; i++) {
        const place p = place_of(c, c->B - 1, (c->Hk - 1) * group + i / c->Tq, i % c->Tq);
        sum_terms(c, e, &p, &terms[i]);
    }
    free(terms);
    return good;
}

static bool expect(const cell *c, expectations *e)
{
    memset(e, 0, sizeof *e);
    double *w = calloc((size_t)c->Tk, sizeof *w);
    float *v = calloc((size_t)c->Tk, sizeof *v);
    const bool good = w && v;
    if (good) expect_queries(c, e, w, v);
    free(w), free(v);
    return good && (!cell_is_trained(c) || expect_keys(c, e));
}

/* Takes the errors of one kind of result into the worst so far. A NaN is an error without end. */
static void judge(const cell *c, const expectation *e, const float *got, fault *worst)
{
    double most = 0, error = 0, naive = 0;
    for (int64_t s = 0; s < e->rows; s++)
        for (int64_t d = 0; d < c->D; d++) {
            const double want = e->want[s][d], off = fabs((double)got[e->at[s] + d] - want);
            most = fmax(most, fabs(want));
            error = off >= 0 ? fmax(error, off) : INFINITY;
            naive = fmax(naive, fabs((double)rounded_float(c, e->naive[s][d]) - want));
        }
    if (most > 0 && error / most > worst->error) worst->error = error / most;
    if (most > 0 && naive / most > worst->naive) worst->naive = naive / most;
}

#endif
