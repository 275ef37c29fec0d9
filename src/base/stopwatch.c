/* Laps by part: base/stopwatch.h. */
#include "base/stopwatch.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static const double long_lap = 2e-4;   /* seconds: a thread that loses its core loses it for longer; the time on a core takes ten times as long to read as a clock */

static double read_clock(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double heed_clock(void) { return read_clock(CLOCK_MONOTONIC); }
double heed_core_clock(void) { return read_clock(CLOCK_THREAD_CPUTIME_ID); }

void heed_stopwatch_free(heed_stopwatch *w)
{
    if (!w) return;
    free(w->lap);
    *w = (heed_stopwatch){0};
}

static bool same_text(const char *a, const char *b) { return a == b || (a && b && !strcmp(a, b)); }

static bool same_part(const heed_part *a, const heed_part *b)
{
    return a->n == b->n && a->k == b->k && a->number == b->number && same_text(a->name, b->name) && same_text(a->way, b->way);
}

/* NULL: out of memory. */
static heed_lap *lap_of(heed_stopwatch *w, const heed_part *part)
{
    for (int64_t i = 0; i < w->count; i++)
        if (same_part(&w->lap[i].part, part)) return &w->lap[i];
    if (w->count == w->room) {
        const int64_t room = w->room ? 2 * w->room : 64;
        heed_lap *grown = realloc(w->lap, (size_t)room * sizeof *grown);
        if (!grown) {
            w->failed = true;
            return NULL;
        }
        w->lap = grown;
        w->room = room;
    }
    w->lap[w->count] = (heed_lap){.part = *part};
    return &w->lap[w->count++];
}

void heed_stopwatch_add(heed_stopwatch *w, const heed_lap *lap)
{
    heed_lap *to = w ? lap_of(w, &lap->part) : NULL;
    if (!to) return;
    to->calls += lap->calls;
    to->seconds += lap->seconds;
    to->effort.flop += lap->effort.flop;
    to->effort.bytes += lap->effort.bytes;
    to->effort.size += lap->effort.size;
}

void heed_stopwatch_join(heed_stopwatch *w, const heed_stopwatch *other)
{
    if (!w || !other) return;
    for (int64_t i = 0; i < other->count; i++) heed_stopwatch_add(w, &other->lap[i]);
    w->away += other->away;
    w->failed = w->failed || other->failed;
}

void heed_stopwatch_start(heed_stopwatch *w)
{
    if (!w) return;
    w->held = 0;
    w->counted = (heed_effort){0};
    w->since = heed_clock();
    if (w->by_wall) return;
    w->read = w->since;
    w->core = heed_core_clock();
}

/* Of the seconds up to now, those without a core. Laps since the last reading were all too short to hold any. */
static double seconds_away(heed_stopwatch *w, double seconds)
{
    const double core = heed_core_clock(), away = w->since - w->read - (core - w->core);
    w->read = w->since;
    w->core = core;
    return away < 0 ? 0 : away > seconds ? seconds : away;
}

/* Seconds since the last event. */
static double turn(heed_stopwatch *w)
{
    const double now = heed_clock(), seconds = now - w->since;
    w->since = now;
    if (w->by_wall || seconds < long_lap) return seconds;
    const double away = seconds_away(w, seconds);
    w->away += away;
    return seconds - away;
}

void heed_stopwatch_lap(heed_stopwatch *w, heed_part part, double size)
{
    if (!w) return;
    w->counted.size += size;
    heed_stopwatch_add(w, &(heed_lap){.part = part, .calls = 1, .seconds = w->held + turn(w), .effort = w->counted});
    w->held = 0;
    w->counted = (heed_effort){0};
}

void heed_stopwatch_enter(heed_stopwatch *w)
{
    if (w) w->held += turn(w);
}

void heed_stopwatch_leave(heed_stopwatch *w, heed_part part, double flop)
{
    if (w) heed_stopwatch_add(w, &(heed_lap){.part = part, .calls = 1, .seconds = turn(w), .effort = {.flop = flop}});
}

void heed_stopwatch_count(heed_stopwatch *w, double flop, double bytes)
{
    if (!w) return;
    w->counted.flop += flop;
    w->counted.bytes += bytes;
}

double heed_stopwatch_seconds(const heed_stopwatch *w)
{
    double sum = 0;
    for (int64_t i = 0; w && i < w->count; i++) sum += w->lap[i].seconds;
    return sum;
}
