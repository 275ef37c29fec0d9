#include "data/sample.h"

#include <math.h>
#include <string.h>

#include "base/rng.h"

enum { LONG_RUN = 48 };   /* bytes: sixteen Chinese characters, which no word has */
enum { SAMPLE = 0x73616d };   /* the key of its draws: no setting, since the same lines shall give the same pieces */

static bool belongs(const heed_sample *s, uint64_t place) { return heed_uniform(SAMPLE, place) < ldexp(1, -s->halvings); }

/* Of a line with its end. */
static double weigh(const heed_sample *s, const char *line, size_t size)
{
    const size_t text = size - 1;
    size_t heavy = 0;
    for (size_t at = 0; at < text;) {
        const char *space = memchr(line + at, ' ', text - at);
        const size_t run = space ? (size_t)(space - line) - at : text - at;
        heavy += run > LONG_RUN ? run : 0;
        at += run + 1;
    }
    return (double)(size - heavy) + s->run_weight * (double)heavy;
}

bool heed_sample_offer(heed_sample *s)
{
    s->last = s->lines.size;
    return belongs(s, s->offered++);
}

static void halve(heed_sample *s)
{
    uint64_t *place = (uint64_t *)(void *)s->places.data;
    const size_t count = s->places.size / sizeof *place;
    char *from = s->lines.data, *to = from;
    size_t kept = 0;
    s->halvings++;
    s->weight = 0;
    for (size_t i = 0; i < count; i++) {
        const char *end = memchr(from, '\n', (size_t)(s->lines.data + s->lines.size - from));
        const size_t size = (size_t)(end + 1 - from);
        if (belongs(s, place[i])) {
            memmove(to, from, size);
            s->weight += weigh(s, to, size);
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
    s->weight += weigh(s, s->lines.data + s->last, s->lines.size - s->last);
    while (s->weight > (double)s->most && s->places.size > sizeof place) halve(s);
    return true;
}

void heed_sample_free(heed_sample *s)
{
    heed_buf_free(&s->lines);
    heed_buf_free(&s->places);
}
