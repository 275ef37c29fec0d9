/* The numbering of words and n-grams: metric/intern.h. */
#include "metric/intern.h"

#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/unicode.h"

void heed_intern_reset(heed_intern *t)
{
    t->count = 0;
    if (++t->round == 0) {   /* after 2^32 rounds old marks would look new */
        if (t->slot)
            memset(t->slot, 0, (size_t)t->slots * sizeof *t->slot);
        t->round = 1;
    }
}

void heed_intern_free(heed_intern *t)
{
    free(t->slot);
    *t = (heed_intern){0};
}

static struct heed_intern_slot *slot_of(struct heed_intern_slot *slot, int64_t slots, uint32_t round, uint64_t key)
{
    uint64_t mask = (uint64_t)slots - 1;
    for (uint64_t i = heed_mix(key) & mask;; i = (i + 1) & mask)
        if (slot[i].round != round || slot[i].key == key)
            return &slot[i];
}

static bool grow(heed_intern *t)
{
    int64_t slots = t->slots ? t->slots * 2 : 256;
    struct heed_intern_slot *slot = calloc((size_t)slots, sizeof *slot);
    if (!slot)
        return false;
    for (int64_t i = 0; i < t->slots; i++)
        if (t->slot[i].round == t->round)
            *slot_of(slot, slots, t->round, t->slot[i].key) = t->slot[i];
    free(t->slot);
    t->slot = slot;
    t->slots = slots;
    return true;
}

int32_t heed_intern_number(heed_intern *t, uint64_t key)
{
    if (t->round == 0)
        heed_intern_reset(t);
    if (t->count * 2 >= t->slots && (t->count == INT32_MAX || !grow(t)))
        return -1;
    struct heed_intern_slot *s = slot_of(t->slot, t->slots, t->round, key);
    if (s->round != t->round)
        *s = (struct heed_intern_slot){key, t->round, (int32_t)t->count++};
    return s->number;
}

/* A beginning and what follows it. 0 begins a word: numbers are shifted by one. */
static uint64_t pair(int32_t begun, int32_t next)
{
    return (uint64_t)(uint32_t)(begun + 1) << 32 | (uint32_t)next;
}

bool heed_intern_words(heed_intern *t, const heed_codes *text, heed_codes *words)
{
    int32_t begun = -1;
    words->n = 0;
    for (int64_t i = 0; i < text->n; i++) {
        bool space = heed_unicode_space(text->x[i]);
        if (space && begun >= 0)
            heed_codes_add(words, begun);
        begun = space ? -1 : heed_intern_number(t, pair(begun, text->x[i]));
        if (!space && begun < 0)
            return false;
    }
    if (begun >= 0)
        heed_codes_add(words, begun);
    return !words->failed;
}

bool heed_intern_grams(heed_intern *t, const heed_codes *unit, int n, heed_codes *gram)
{
    int64_t count = unit->n - n + 1 > 0 ? unit->n - n + 1 : 0;
    if (!heed_codes_reserve(gram, count))
        return false;
    for (int64_t i = 0; i < count; i++) {
        int32_t number = heed_intern_number(t, pair(n == 1 ? -1 : gram->x[i], unit->x[i + n - 1]));
        if (number < 0)
            return false;
        gram->x[i] = number;
    }
    gram->n = count;
    return true;
}
