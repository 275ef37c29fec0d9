/* gradient-x-input: the first term of Taylor's series of ln p from the source embeddings towards zero. */
#include <string.h>

#include "explain/lens.h"

heed_status heed_lens_gradient_x_input(const heed_lens_input *in, float *scores, heed_lens_note *note, heed_error *err)
{
    (void)note;
    memset(scores, 0, (size_t)(in->T * in->S) * sizeof *scores);
    return heed_lens_gradients(in, 1, 1, scores, err);
}
