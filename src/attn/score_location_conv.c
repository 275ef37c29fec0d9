/* location_conv: v . tanh(Wq q + Wk k + U f + b), f = F * w_before: convolutions of the weights of the step before, so that the next step can
 * move on from there. The layer adds U f to the keys of each pair (attn/layer.c). */
#include "attn/additive.h"

static heed_status init(heed_attn *a, heed_params *p, const char *scope, heed_error *err)
{
    const heed_attn_settings *s = &a->is;
    if (s->filters < 1) return heed_fail(err, HEED_E_USAGE, "%s: score location_conv needs filters, the number of its convolutions", scope);
    if (s->filter_width % 2 == 0)
        return heed_fail(err, HEED_E_USAGE, "%s: filter_width is %lld; it must be odd, so that a filter has a middle", scope, (long long)s->filter_width);
    a->filter = heed_attn_projection(p, scope, "filter", s->filters, s->filter_width * s->heads);
    return heed_additive_init(a, p, scope, err);
}

const heed_score heed_score_location_conv = {"location_conv", init, heed_additive_keys, heed_additive_queries, NULL, {.known = HEED_ATTENTION_ADDITIVE}};
