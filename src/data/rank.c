/* Heap sort: data/rank.h. */
#include "data/rank.h"

static bool before(const heed_rank *a, const heed_rank *b)
{
    for (int i = 0; i < 2; i++)
        if (a->key[i] != b->key[i])
            return a->key[i] < b->key[i];
    return a->key[2] < b->key[2];
}

/* Puts `held` into the heap of n below place i, whose own item is void. */
static void sink(heed_rank *r, int64_t i, int64_t n, heed_rank held)
{
    for (int64_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && before(&r[child], &r[child + 1]))
            child++;
        if (!before(&held, &r[child]))
            break;
        r[i] = r[child];
    }
    r[i] = held;
}

void heed_rank_sort(heed_rank *r, int64_t n)
{
    for (int64_t i = n / 2 - 1; i >= 0; i--)
        sink(r, i, n, r[i]);
    for (int64_t i = n - 1; i > 0; i--) {
        heed_rank held = r[i];
        r[i] = r[0];
        sink(r, 0, i, held);
    }
}
