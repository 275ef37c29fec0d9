/* What bench/attention.sh compares additive scores with: the straightforward form in vectors, a query after the other, a tanh a value. */
#ifndef HEED_BENCH_ATTENTION_PLAIN_H
#define HEED_BENCH_ATTENTION_PLAIN_H

#include "attention_check.h"
#include "kernels/kernels.h"

typedef struct plain_data { float *out, *dq, *dk, *dv, *additive; } plain_data;      /* of the cell; additive [H,D]: its gradient */

/* A query: its scores, their softmax w [Tk], the mixture of values. */
static void plain_forward(const cell *c, const plain_data *x, const place *p, float *w)
{
    const heed_kernels *k = heed_kernels_get();
    const int64_t wide = c->Hk * c->D, keys = p->b * c->Tk * wide + p->hk * c->D;
    k->scores_additive(w, c->q + p->q, c->k + keys, c->additive_v + p->h * c->D, c->Tk, wide, c->D, NULL);
    k->softmax(w, w, c->Tk);
    k->mix(x->out + p->q, w, c->v + keys, c->Tk, wide, c->D, NULL);
}

/* Its gradients, from weights that are made again; dw [Tk]. */
static void plain_backward(const cell *c, const plain_data *x, const place *p, float *w, float *dw)
{
    const heed_kernels *k = heed_kernels_get();
    const int64_t wide = c->Hk * c->D, keys = p->b * c->Tk * wide + p->hk * c->D;
    const float *g = c->g + p->q, *v = c->additive_v + p->h * c->D;
    k->scores_additive(w, c->q + p->q, c->k + keys, v, c->Tk, wide, c->D, NULL);
    k->softmax(w, w, c->Tk);
    k->scores_dot(dw, g, c->v + keys, c->Tk, wide, c->D, 1, NULL);
    const float delta = k->dot(w, dw, c->Tk);
    memset(x->dq + p->q, 0, (size_t)c->D * sizeof *x->dq);
    for (int64_t j = 0; j < c->Tk; j++) {
        const int64_t at = keys + j * wide;
        k->additive_back(x->dq + p->q, x->dk + at, x->additive + p->h * c->D, w[j] * (dw[j] - delta), c->q + p->q, c->k + at, v, c->D);
        k->axpy(x->dv + at, w[j], g, c->D);
    }
}

/* A head after the other in a thread, so that no two add to the same keys: every head has keys of its own. False without memory. */
static bool plain_additive(const cell *c, const plain_data *x, int threads)
{
    const bool back = c->pass == BACKWARD || c->pass == BOTH;
    bool good = true;
    if (back) memset(x->dk, 0, (size_t)cell_keys(c) * sizeof *x->dk), memset(x->dv, 0, (size_t)cell_keys(c) * sizeof *x->dv);
#pragma omp parallel num_threads(threads)
    {
        float *w = malloc(2 * (size_t)c->Tk * sizeof *w);
        if (!w) {
#pragma omp atomic write
            good = false;
        }
#pragma omp for
        for (int64_t head = 0; head < c->B * c->H; head++)
            for (int64_t i = 0; w && i < c->Tq; i++) {
                const place p = place_of(c, head / c->H, head % c->H, i);
                if (c->pass != BACKWARD) plain_forward(c, x, &p, w);
                if (back) plain_backward(c, x, &p, w, w + c->Tk);
            }
        free(w);
    }
    return good;
}

#endif
