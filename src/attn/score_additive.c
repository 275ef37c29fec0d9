/* additive: v . tanh(Wq q + Wk k + b). Luong's `concat` is the same function, written with one matrix over [q; k]. */
#include <stdio.h>

#include "attn/score.h"
#include "kernels/kernels.h"

static heed_status init(heed_attn *a, heed_params *p, const char *scope, heed_error *err)
{
    (void)err;
    char name[sizeof a->extra->name];
    a->query = heed_attn_projection(p, scope, "query", a->width, a->query_width);
    a->key = heed_attn_projection(p, scope, "key", a->width, a->memory_width);
    snprintf(name, sizeof name, "%s.key.bias", scope);
    a->bias = heed_params_add(p, name, 1, 1, a->width, HEED_FILL_ZERO, 0);
    snprintf(name, sizeof name, "%s.v", scope);
    a->extra = heed_params_add(p, name, 1, 1, a->width, HEED_FILL_GLOROT, 1);
    return HEED_OK;
}

static heed_tensor *keys(heed_tape *t, const heed_attn *a, heed_tensor *memory) { return heed_linear(t, memory, &a->key->tensor, &a->bias->tensor); }

static heed_tensor *queries(heed_tape *t, const heed_attn *a, heed_tensor *q) { return heed_linear(t, q, &a->query->tensor, NULL); }

static void forward(float *s, const float *q, const float *rows, int64_t n, int64_t d, const float *v, float scale)
{
    (void)scale;
    heed_kernels_get()->scores_additive(s, q, rows, v, n, d, d);
}

static void backward(const float *ds, const float *q, const float *rows, int64_t n, int64_t d, const float *v, float scale, float *dq, float *drows, float *dv)
{
    (void)scale;
    const heed_kernels *k = heed_kernels_get();
    for (int64_t j = 0; j < n; j++) k->additive_back(dq, drows + j * d, dv, ds[j], q, rows + j * d, v, d);
}

const heed_score heed_score_additive = {"additive", init, keys, queries, NULL, {forward, backward}};
