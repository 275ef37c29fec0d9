/* References of the alignments: which keys a query sees, one pair at a time. */
#include <stdlib.h>

#include "attention.h"

static bool sees_everything(int64_t i, int64_t j, int64_t w)
{
    (void)i, (void)j, (void)w;
    return true;
}

static bool sees_causal(int64_t i, int64_t j, int64_t w)
{
    (void)w;
    return j <= i;
}

static bool sees_window(int64_t i, int64_t j, int64_t w) { return llabs((long long)(i - j)) <= w; }

bool ref_sees(heed_align align, int64_t i, int64_t j, int64_t window)
{
    static bool (*const table[])(int64_t, int64_t, int64_t) = {
#define HEED_ALIGN(name, ...) sees_##name,
#include "heed/aligns.def"
#undef HEED_ALIGN
    };
    return table[align](i, j, window);
}
