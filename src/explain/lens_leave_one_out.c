/* leave-one-out: ln p with a source symbol less ln p without it. The others move up, so the text is one that could have been given; the model is asked about it
 * in earnest, which no weight or gradient does. */
#include <string.h>

#include "explain/lens.h"

static void leave_out(const heed_lens_input *in, int64_t s, heed_variant *v, int32_t *ids, bool *flags)
{
    (void)flags;
    if (in->S == 1) return;   /* nothing would be left */
    memcpy(ids, in->source, (size_t)s * sizeof *ids);
    memcpy(ids + s, in->source + s + 1, (size_t)(in->S - s - 1) * sizeof *ids);
    v->source = ids;
    v->S = in->S - 1;
}

heed_status heed_lens_leave_one_out(const heed_lens_input *in, float *scores, heed_lens_note *note, heed_error *err)
{
    (void)note;
    return heed_lens_deletion(in, leave_out, scores, err);
}
