/* general: q^T W k. The query alone is projected, to the memory's width, so keys cost nothing. */
#include "attn/score.h"

static heed_status init(heed_attn *a, heed_params *p, const char *scope, heed_error *err)
{
    (void)err;
    a->query = heed_attn_projection(p, scope, "query", a->is.width, a->is.query_width);
    return HEED_OK;
}

static heed_tensor *queries(heed_tape *t, const heed_attn *a, heed_tensor *q) { return heed_linear(t, q, &a->query->tensor, NULL); }

const heed_score heed_score_general = {"general", init, NULL, queries, NULL, {.known = HEED_ATTENTION_DOT}};
