/* What embeddings are told of their place. Positions that enter the scores of attention (rotary, relative, alibi) add nothing here. */
#include <stdio.h>

#include "heed/nn.h"
#include "tensor/tape.h"

heed_status heed_position_init(heed_position *x, heed_params *p, const char *scope, int64_t width, float scale, bool sinusoid, int64_t longest, double spread,
                               heed_error *err)
{
    char name[sizeof x->table->name];
    *x = (heed_position){.scale = scale, .sinusoid = sinusoid};
    if (sinusoid && width % 2)
        return heed_fail(err, HEED_E_USAGE, "%s: sinusoids come in pairs, so the width must be even, and it is %lld", scope, (long long)width);
    snprintf(name, sizeof name, "%s.weight", scope);
    if (longest) x->table = heed_params_add(p, name, 2, longest, width, HEED_FILL_NORMAL, spread);
    return HEED_OK;
}

static heed_tensor *look_up(heed_tape *t, heed_weight *table, heed_span span, int64_t position)
{
    const int64_t N = span.start[span.B], longest = table->tensor.rows;
    int32_t *place = heed_tape_alloc(t, (size_t)(N + 1) * sizeof *place);
    if (!place) return &t->poison;
    for (int64_t b = 0; b < span.B; b++)
        for (int64_t i = span.start[b], at = position; i < span.start[b + 1]; i++, at++) {
            if (at >= longest)
                return heed_tape_fail(t, HEED_E_LIMIT, "more than %lld symbols: %s has learnt no further positions; cut the text, or train with a larger `longest`",
                                      (long long)longest, table->name);
            place[i] = (int32_t)at;
        }
    return heed_embed(t, &table->tensor, place, N);
}

heed_tensor *heed_position_forward(heed_tape *t, const heed_position *x, heed_tensor *embedded, heed_span span, int64_t position)
{
    if (x->sinusoid) return heed_sinusoid(t, embedded, x->scale, span, position);
    heed_tensor *scaled = x->scale == 1 ? embedded : heed_scale(t, embedded, x->scale);
    return x->table ? heed_add(t, scaled, look_up(t, x->table, span, position)) : scaled;
}
