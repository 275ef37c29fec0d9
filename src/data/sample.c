#include "data/sample.h"

#include <math.h>
#include <string.h>

#include "base/rng.h"

enum { SAMPLE = 0x73616d };   /* the key of its draws: no setting, since the same lines shall give the same pieces */

static bool belongs(const heed_sample *s, uint64_t place) { return heed_uniform(SAMPLE, place) < ldexp(1, -s->halvings); }

bool heed_sample_offer(heed_sample *s) { return belongs(s, s->offered++); }

static void halve(heed_sample *s)
{
    uint64_t *place = (uint64_t *)(void *)s->places.data;
    const size_t count = s->places.size / sizeof *place;
    char *from = s->lines.data, *to = from;
    size_t kept = 0;
    s->halvings++;
    for (size_t i = 0; i < count; i++) {
        const char *end = memchr(from, '\n', (size_t)(s->lines.data + s->lines.size - from));
        const size_t size = (size_t)(end + 1 - from);
        if (belongs(s, place[i])) {
            memmove(to, from, size);
            to += size;
            place[kept++] = place[i];
        }
        from += size;
    }
    s->lines.size = (size_t)(to - s->lines.data);
    s->places.size = kept * sizeof *place;
}

bool heed_sample_keep(heed_sample *s)
{
    const uint64_t place = s->offered - 1;
    heed_buf_char(&s->lines, '\n');
    heed_buf_add(&s->places, &place, sizeof place);
    if (s->lines.failed || s->places.failed) return false;
    while (s->lines.size > s->most && s->places.size > sizeof place) halve(s);
    return true;
}

void heed_sample_free(heed_sample *s)
{
    heed_buf_free(&s->lines);
    heed_buf_free(&s->places);
}
