/* The table behind a text's vocabulary: open addressing, linear probes. */
#include "data/vocabulary.h"

#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/unicode.h"

void heed_vocabulary_free(heed_vocabulary *v)
{
    free(v->item);
    free(v->slot);
    heed_buf_free(&v->pool);
    *v = (heed_vocabulary){0};
}

const char *heed_vocabulary_text(const heed_vocabulary *v, int64_t number)
{
    return v->pool.data + v->item[number].at;
}

static uint32_t hash_of(const heed_token *code, int64_t n)
{
    uint64_t h = 0;
    for (int64_t i = 0; i < n; i++)
        h = (h ^ (uint32_t)code[i].id) * 0x9E3779B97F4A7C15u;
    return (uint32_t)(heed_mix(h) >> 32);
}

static bool same(const heed_vocabulary *v, const heed_symbol *s, const heed_token *code, int64_t n)
{
    const char *text = v->pool.data + s->at;
    size_t at = 0;
    char bytes[4];
    for (int64_t i = 0; i < n; i++) {
        size_t size = (size_t)heed_utf8_put(code[i].id, bytes);
        if (at + size > s->size || memcmp(text + at, bytes, size) != 0)
            return false;
        at += size;
    }
    return at == s->size;
}

/* The slot of a symbol, or the free one where it belongs. The table is never full. */
static int64_t slot_of(const heed_vocabulary *v, const heed_token *code, int64_t n, uint32_t hash)
{
    int64_t mask = v->slots - 1;
    for (int64_t i = hash & mask;; i = (i + 1) & mask) {
        if (v->slot[i] == 0)
            return i;
        const heed_symbol *s = &v->item[v->slot[i] - 1];
        if (s->hash == hash && same(v, s, code, n))
            return i;
    }
}

/* Puts every symbol into free slots. */
static void fill(int32_t *slot, int64_t slots, const heed_symbol *item, int64_t count)
{
    for (int64_t k = 0; k < count; k++) {
        int64_t i = item[k].hash & (slots - 1);
        while (slot[i] != 0)
            i = (i + 1) & (slots - 1);
        slot[i] = (int32_t)k + 1;
    }
}

static bool grow(heed_vocabulary *v)
{
    int64_t capacity = v->capacity ? v->capacity * 2 : 64, slots = capacity * 2;
    heed_symbol *item = realloc(v->item, (size_t)capacity * sizeof *item);
    if (!item)
        return false;
    v->item = item;
    int32_t *slot = calloc((size_t)slots, sizeof *slot);
    if (!slot)
        return false;
    fill(slot, slots, item, v->count);
    free(v->slot);
    v->slot = slot;
    v->slots = slots;
    v->capacity = capacity;
    return true;
}

int64_t heed_vocabulary_find(const heed_vocabulary *v, const heed_token *code, int64_t n)
{
    if (v->count == 0)
        return -1;
    return (int64_t)v->slot[slot_of(v, code, n, hash_of(code, n))] - 1;
}

int64_t heed_vocabulary_add(heed_vocabulary *v, const heed_token *code, int64_t n)
{
    if (v->count == v->capacity && (v->count > INT32_MAX / 4 || !grow(v)))
        return -1;
    uint32_t hash = hash_of(code, n);
    int64_t i = slot_of(v, code, n, hash);
    if (v->slot[i] != 0)
        return v->slot[i] - 1;
    heed_symbol s = {.at = v->pool.size, .hash = hash};
    char bytes[4];
    for (int64_t k = 0; k < n; k++)
        heed_buf_add(&v->pool, bytes, (size_t)heed_utf8_put(code[k].id, bytes));
    s.size = (uint32_t)(v->pool.size - s.at);
    heed_buf_char(&v->pool, 0);
    if (v->pool.failed)
        return -1;
    v->item[v->count++] = s;
    v->slot[i] = (int32_t)v->count;
    return v->count - 1;
}

void heed_vocabulary_prune(heed_vocabulary *v, int64_t least)
{
    int64_t kept = 0;
    size_t used = 0;
    for (int64_t k = 0; k < v->count; k++) {
        heed_symbol s = v->item[k];
        if (s.count < least)
            continue;
        memmove(v->pool.data + used, v->pool.data + s.at, (size_t)s.size + 1);   /* symbols lie in the order of their numbers */
        s.at = used;
        used += (size_t)s.size + 1;
        v->item[kept++] = s;
    }
    v->count = kept;
    v->pool.size = used;
    if (v->slots == 0)
        return;
    memset(v->slot, 0, (size_t)v->slots * sizeof *v->slot);
    fill(v->slot, v->slots, v->item, kept);
}
