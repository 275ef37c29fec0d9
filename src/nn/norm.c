/* Layer normalisation as a layer. */
#include <stdio.h>

#include "heed/nn.h"

void heed_layer_norm_init(heed_layer_norm *n, heed_params *p, const char *scope, int64_t width)
{
    char name[sizeof n->gain->name];
    snprintf(name, sizeof name, "%s.gain", scope);
    n->gain = heed_params_add(p, name, 1, 1, width, HEED_FILL_ONE, 0);
    snprintf(name, sizeof name, "%s.bias", scope);
    n->bias = heed_params_add(p, name, 1, 1, width, HEED_FILL_ZERO, 0);
}

heed_tensor *heed_layer_norm_forward(heed_tape *t, const heed_layer_norm *n, heed_tensor *x)
{
    return heed_norm(t, x, &n->gain->tensor, &n->bias->tensor);
}
