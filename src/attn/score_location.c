/* location: s_j = row j of W q: where to look follows from the query alone, whatever stands there. W has a row for each place up to `longest`. */
#include "attn/score.h"

static heed_status init(heed_attn *a, heed_params *p, const char *scope, heed_error *err)
{
    (void)err;
    const heed_attn_settings *s = &a->is;
    a->query = heed_attn_projection(p, scope, "query", s->longest * s->heads, s->query_width);
    return HEED_OK;
}

static heed_tensor *keys(heed_tape *t, const heed_attn *a, heed_tensor *memory)
{
    (void)t, (void)a;
    return memory;
}

static heed_tensor *queries(heed_tape *t, const heed_attn *a, heed_tensor *q) { return heed_linear(t, q, &a->query->tensor, NULL); }

static void forward(const heed_meeting *m, float *s)
{
    for (int64_t j = 0; j < m->n; j++) s[j] = m->first + j < m->d ? m->q[m->first + j] : 0;
}

static void backward(const heed_meeting *m, const float *ds, float *dq, float *dk, float *dextra)
{
    (void)dk, (void)dextra;
    for (int64_t j = 0; j < m->n && m->first + j < m->d; j++) dq[m->first + j] += ds[j];
}

const heed_score heed_score_location = {"location", init, keys, queries, NULL, {forward, backward, true}};
