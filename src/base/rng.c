/* Randomness from counters: base/rng.h. */
#include "base/rng.h"

#include <math.h>

__extension__ typedef unsigned __int128 uint128;

uint64_t heed_key_text(uint64_t key, const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) key = heed_key(key, *p);
    return heed_mix(key);
}

double heed_normal(uint64_t key, uint64_t i)
{
    double u = 1.0 - heed_uniform(key, 2 * i);   /* (0,1]: the logarithm stays finite */
    double angle = 6.283185307179586476925 * heed_uniform(key, 2 * i + 1);
    return sqrt(-2.0 * log(u)) * cos(angle);
}

/* The high half of a product: unlike a remainder it favours no small result, and its bias is below n / 2^64. */
uint64_t heed_below(uint64_t key, uint64_t i, uint64_t n)
{
    return (uint64_t)(((uint128)heed_key(key, i) * n) >> 64);
}

void heed_shuffle(uint64_t key, int64_t *items, int64_t n)
{
    for (int64_t i = n - 1; i > 0; i--) {
        int64_t j = (int64_t)heed_below(key, (uint64_t)i, (uint64_t)i + 1);
        int64_t item = items[i];
        items[i] = items[j];
        items[j] = item;
    }
}
