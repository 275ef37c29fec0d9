/* The output layer: features to logits over target symbols. */
#include "model/model.h"

heed_tensor *heed_head_forward(heed_tape *t, const heed_head *h, heed_tensor *features)
{
    heed_tape_scope(t, "head");
    if (h->project) features = heed_linear(t, features, &h->project->tensor, NULL);
    return heed_linear(t, features, &h->weight->tensor, &h->bias->tensor);
}
