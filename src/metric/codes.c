/* Runs of numbers and their interning: metric/codes.h. */
#include "metric/codes.h"

#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/unicode.h"

static bool reserve(heed_codes *c, int64_t n)
{
    if (n <= c->room)
        return true;
    int64_t room = c->room * 2 > n ? c->room * 2 : n + 64;
    int32_t *x = realloc(c->x, (size_t)room * sizeof *x);
    if (!x) {
        c->failed = true;
        return false;
    }
    c->x = x;
    c->room = room;
    return true;
}

void heed_codes_add(heed_codes *c, int32_t code)
{
    if (reserve(c, c->n + 1))
        c->x[c->n++] = code;
}

bool heed_codes_zeros(heed_codes *c, int64_t n)
{
    if (!reserve(c, n))
        return false;
    if (n > 0)
        memset(c->x, 0, (size_t)n * sizeof *c->x);
    c->n = n;
    return true;
}

void heed_codes_free(heed_codes *c)
{
    free(c->x);
    *c = (heed_codes){0};
}

heed_status heed_codes_read(heed_codes *out, const char *text, bool lower, heed_error *err)
{
    size_t size = strlen(text);
    out->n = 0;
    for (size_t at = 0; at < size;) {
        int32_t code;
        int bytes = heed_utf8_next(text + at, size - at, &code);
        if (bytes == 0) {
            char complaint[64];
            heed_utf8_complaint(complaint, sizeof complaint, text, size, at);
            return heed_fail(err, HEED_E_DATA, "%s", complaint);
        }
        at += (size_t)bytes;
        bool dotted = lower && code == 0x130;
        heed_codes_add(out, dotted ? 'I' : code);
        if (dotted)
            heed_codes_add(out, 0x307);
    }
    if (out->failed)
        return heed_fail(err, HEED_E_NOMEM, "out of memory for a line of %zu bytes", size);
    if (lower && out->n > 0)
        heed_unicode_lower(out->x, out->n, 1);
    return HEED_OK;
}

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
    if (!reserve(gram, count))
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
