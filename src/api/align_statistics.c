/* heed_files_align without a model. */
#include "api/align.h"

heed_status heed_align_by_statistics(heed_aligning *a, heed_error *err)
{
    (void)a;
    return heed_fail(err, HEED_E_USAGE, "a session is needed: this heed links words by models only");
}
