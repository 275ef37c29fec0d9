/* Every kind of model: each score under each alignment and both fixed vectors, in every order of the decoder, where cells, layers and
 * directions take turns; and attention with a memory of where it looked, or that copies, under every order and cell. */
#ifndef HEED_TESTS_TASK_VARIANTS_H
#define HEED_TESTS_TASK_VARIANTS_H

#include "support/tiny.h"

enum { VARIANT_WINDOW = 2, VARIANT_LONGEST = 24 };   /* source symbols at most, for a score that cares */

int variant_count(void);
/* Number i; its name tells a failure. Valid until the next call. */
const tiny *variant_at(int i, const char **name);

#endif
