/* Links learnt from the training data themselves: train/guide.h. */
#include "train/run.h"

heed_status heed_guide_learn(heed_guide_store *s, const heed_guide_source *from, int symmetry, heed_error *err)
{
    (void)from, (void)symmetry;
    *s = (heed_guide_store){.link = NULL};
    return heed_fail(err, HEED_E_USAGE, "train.guided_alignment.links: statistical: this heed has no aligner yet; name a file of links");
}
