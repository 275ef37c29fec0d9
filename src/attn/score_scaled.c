/* scaled: the dot product of two projections, divided by sqrt(D) so that its spread does not grow with the width. */
#include <math.h>

#include "attn/score.h"

static heed_status init(heed_attn *a, heed_params *p, const char *scope, heed_error *err)
{
    (void)err;
    a->query = heed_attn_projection(p, scope, "query", a->width, a->query_width);
    a->key = heed_attn_projection(p, scope, "key", a->width, a->memory_width);
    return HEED_OK;
}

static heed_tensor *keys(heed_tape *t, const heed_attn *a, heed_tensor *memory) { return heed_linear(t, memory, &a->key->tensor, NULL); }

static heed_tensor *queries(heed_tape *t, const heed_attn *a, heed_tensor *q) { return heed_linear(t, q, &a->query->tensor, NULL); }

static double scale(const heed_attn *a) { return 1 / sqrt((double)a->width); }

const heed_score heed_score_scaled = {"scaled", init, keys, queries, scale, {heed_pair_dot, heed_pair_dot_back}};
