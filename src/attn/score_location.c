/* location: s_j = row j of W q: where to look follows from the query alone, whatever stands there. W has a row for each place up to `longest`, of
 * each head. */
#include "attn/score.h"

static heed_status init(heed_attn *a, heed_params *p, const char *scope, heed_error *err)
{
    const heed_attn_settings *s = &a->is;
    if (s->longest < 1) return heed_fail(err, HEED_E_USAGE, "%s: score location needs longest, the number of keys a sequence may have", scope);
    a->query = heed_attn_projection(p, scope, "query", s->longest * s->heads, s->query_width);
    return HEED_OK;
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

const heed_score heed_score_location = {"location", init, NULL, queries, NULL, {.forward = forward, .backward = backward, .blind = true}};
