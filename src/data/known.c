#include "data/known.h"

#include <stdlib.h>

enum { BITS = 16 };   /* for each text, at least: so one in sixteen others is looked up in vain */

bool heed_known_add(heed_known *k, uint64_t hash, int64_t line)
{
    if (k->count == k->capacity) {
        const int64_t capacity = k->capacity ? k->capacity * 2 : 256;
        heed_known_text *text = realloc(k->text, (size_t)capacity * sizeof *text);
        if (!text) return false;
        k->text = text;
        k->capacity = capacity;
    }
    k->text[k->count++] = (heed_known_text){.hash = hash, .line = line < UINT32_MAX ? (uint32_t)line : UINT32_MAX};
    return true;
}

static int by_hash(const void *a, const void *b)
{
    const heed_known_text *x = a, *y = b;
    if (x->hash != y->hash) return x->hash < y->hash ? -1 : 1;
    return x->line < y->line ? -1 : x->line > y->line;
}

bool heed_known_sort(heed_known *k)
{
    uint64_t bits = 64;
    while (bits < (uint64_t)k->count * BITS) bits *= 2;
    k->bits = calloc((size_t)(bits / 64), sizeof *k->bits);
    if (!k->bits) return false;
    k->mask = bits - 1;
    for (int64_t i = 0; i < k->count; i++) {
        const uint64_t at = k->text[i].hash & k->mask;
        k->bits[at / 64] |= (uint64_t)1 << at % 64;
    }
    if (k->count) qsort(k->text, (size_t)k->count, sizeof *k->text, by_hash);
    return true;
}

void heed_known_meet(heed_known *k, uint64_t hash, int64_t line)
{
    const uint64_t at = hash & k->mask;
    if (!(k->bits[at / 64] >> at % 64 & 1)) return;
    int64_t low = 0, high = k->count;
    while (low < high) {
        const int64_t middle = (low + high) / 2;
        if (k->text[middle].hash < hash) low = middle + 1;
        else high = middle;
    }
    for (; low < k->count && k->text[low].hash == hash && k->text[low].met == 0; low++) k->text[low].met = line < UINT32_MAX ? (uint32_t)line : UINT32_MAX;
}

void heed_known_free(heed_known *k)
{
    free(k->text);
    free(k->bits);
    *k = (heed_known){0};
}
