/* The feed-forward layer of a Transformer. */
#include <stdio.h>

#include "heed/nn.h"

void heed_ffn_init(heed_ffn *f, heed_params *p, const char *scope, int64_t width, int64_t inner, heed_activation activation)
{
    char part[sizeof f->inner.weight->name];
    f->activation = activation;
    snprintf(part, sizeof part, "%s.inner", scope);
    heed_dense_init(&f->inner, p, part, width, inner, true);
    snprintf(part, sizeof part, "%s.outer", scope);
    heed_dense_init(&f->outer, p, part, inner, width, true);
}

heed_tensor *heed_ffn_forward(heed_tape *t, const heed_ffn *f, heed_tensor *x)
{
    return heed_dense_forward(t, &f->outer, heed_activate(t, heed_dense_forward(t, &f->inner, x), f->activation));
}
