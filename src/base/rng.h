/* Randomness from counters: a number is a pure function of its key and its place, so nothing depends on the order of work, on threads or
 * on the place in a batch, and a resumed run needs no state but its seed. The mixing function is splitmix64's finaliser
 * (Steele, Lea, Flood 2014). */
#ifndef HEED_BASE_RNG_H
#define HEED_BASE_RNG_H

#include "heed/base.h"

static inline uint64_t heed_mix(uint64_t x)
{
    x += 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

static inline uint64_t heed_key(uint64_t a, uint64_t b) { return heed_mix(heed_mix(a) ^ (b * 0xD6E8FEB86659FD93u)); }

uint64_t heed_key_text(uint64_t key, const char *text);          /* a key for a name: weights, dropout sites */
static inline double heed_uniform(uint64_t key, uint64_t i) { return (double)(heed_key(key, i) >> 11) * 0x1p-53; }   /* [0,1) */
double heed_normal(uint64_t key, uint64_t i);                    /* mean 0, deviation 1 (Box and Muller) */
uint64_t heed_below(uint64_t key, uint64_t i, uint64_t n);       /* 0 .. n-1, n > 0 */
void heed_shuffle(uint64_t key, int64_t *items, int64_t n);      /* Fisher and Yates */

#endif
