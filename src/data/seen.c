#include "data/seen.h"

#include <stdlib.h>

#include "base/rng.h"

uint64_t heed_seen_hash(const int32_t *code, int64_t n)
{
    uint64_t h = (uint64_t)n;
    for (int64_t i = 0; i < n; i++) {
        h = (h ^ (uint32_t)code[i]) * 0x9E3779B97F4A7C15u;
        h ^= h >> 32;
    }
    return heed_mix(h);
}

static int64_t slot_of(const heed_seen *s, uint64_t hash)
{
    const int64_t mask = s->slots - 1;
    int64_t i = (int64_t)(hash & (uint64_t)mask);
    while (s->hash[i] && s->hash[i] != hash) i = (i + 1) & mask;
    return i;
}

static bool grow(heed_seen *s)
{
    const heed_seen old = *s;
    s->slots = old.slots ? old.slots * 2 : 1024;
    s->hash = calloc((size_t)s->slots, sizeof *s->hash);
    s->line = calloc((size_t)s->slots, sizeof *s->line);
    if (!s->hash || !s->line) {
        free(s->hash);
        free(s->line);
        *s = old;
        return false;
    }
    for (int64_t i = 0; i < old.slots; i++) {
        if (!old.hash[i]) continue;
        const int64_t at = slot_of(s, old.hash[i]);
        s->hash[at] = old.hash[i];
        s->line[at] = old.line[i];
    }
    free(old.hash);
    free(old.line);
    return true;
}

bool heed_seen_add(heed_seen *s, uint64_t hash, int64_t line, int64_t *first)
{
    if (4 * s->count >= 3 * s->slots && !grow(s)) return false;
    hash += hash == 0;
    const int64_t at = slot_of(s, hash);
    *first = s->hash[at] ? s->line[at] : 0;
    if (*first) return true;
    s->hash[at] = hash;
    s->line[at] = line < UINT32_MAX ? (uint32_t)line : UINT32_MAX;
    s->count++;
    return true;
}

void heed_seen_free(heed_seen *s)
{
    free(s->hash);
    free(s->line);
    *s = (heed_seen){0};
}
