/* Whose attention: look.h. */
#include "look.h"

#include <limits.h>

static int clamp(int64_t given) { return given > INT_MAX ? INT_MAX : (int)given; }

heed_look cli_look_of(const cli_look *given, const heed_model *m)
{
    heed_look look = heed_model_look(m);
    if (given->layer >= 0 || given->head >= 0)
        look = (heed_look){.layer = clamp(given->layer), .head = clamp(given->head)};
    if (given->shift)
        look.shift = *given->shift == '1';
    if (given->empty)
        look.empty = *given->empty == '1';
    if (given->threshold >= 0)
        look.threshold = given->threshold;
    return look;
}
