/* A linear layer. */
#include <stdio.h>

#include "heed/nn.h"
#include "tensor/tape.h"

void heed_dense_init(heed_dense *d, heed_params *p, const char *scope, int64_t in, int64_t out, bool bias)
{
    char name[sizeof d->weight->name];
    snprintf(name, sizeof name, "%s.weight", scope);
    d->weight = heed_params_add(p, name, 2, out, in, HEED_FILL_GLOROT, 1);
    heed_weight_product(d->weight);
    snprintf(name, sizeof name, "%s.bias", scope);
    d->bias = bias ? heed_params_add(p, name, 1, 1, out, HEED_FILL_ZERO, 0) : NULL;
}

heed_tensor *heed_dense_forward(heed_tape *t, const heed_dense *d, heed_tensor *x)
{
    return heed_linear(t, x, &d->weight->tensor, d->bias ? &d->bias->tensor : NULL);
}
