/* value-zeroing: ln p as it is less ln p where a symbol's value vectors are zero wherever it is a key. Weights are computed as always, so unlike leave-one-out
 * nothing else is crowded out or let in; what others had read of the symbol outside attention (a recurrent or convolutional encoder) they still know. */
#include "explain/lens.h"

static void mute(const heed_lens_input *in, int64_t s, heed_variant *v, int32_t *ids, bool *flags)
{
    (void)in, (void)ids;
    flags[s] = true;
    v->muted = flags;
}

heed_status heed_lens_value_zeroing(const heed_lens_input *in, float *scores, heed_lens_note *note, heed_error *err)
{
    (void)note;
    return heed_lens_deletion(in, mute, scores, err);
}
