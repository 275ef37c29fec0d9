/* Where the time of one thread goes. Work is done part after part, and whoever ends one says which it was:
 *
 *   start .......... lap(norm) ...... enter .... leave(product) ... lap(linear)
 *
 * A lap takes the time since the last one (or start), less what lay between enter and leave, which belongs to the part that leave names: so all time is somebody's,
 * and parts add up to the whole. Time in which other programs had the core is told from long laps and kept apart, unless the watch goes by the wall. Every
 * function takes NULL for a watch and then does nothing: code that may be watched costs a test for NULL when it is not. A watch belongs to one thread at a time. */
#ifndef HEED_BASE_STOPWATCH_H
#define HEED_BASE_STOPWATCH_H

#include "heed/base.h"

double heed_clock(void);                 /* seconds of a clock that only goes forward */
double heed_core_clock(void);            /* seconds that this thread had a core */

/* What was done. Texts are constants of the program. */
typedef struct heed_part {
    const char *name, *way;              /* "norm", "forward"; way: NULL: there is but one */
    int64_t n, k;                        /* a product's weight [n,k], else 0 */
    heed_number number;                  /* what it multiplies */
} heed_part;

/* How much of it: operations (a multiply-add is two), bytes that pass, numbers in the result. */
typedef struct heed_effort { double flop, bytes, size; } heed_effort;

typedef struct heed_lap {
    heed_part part;
    int64_t calls;
    double seconds;
    heed_effort effort;
} heed_lap;

typedef struct heed_stopwatch {
    heed_lap *lap;                       /* [count], in the order in which parts were first met */
    int64_t count, room;
    double since, held;                  /* the last event; seconds before `enter` that the next lap takes */
    heed_effort counted;                 /* effort of the part under way */
    bool by_wall;                        /* for a thread that also waits */
    double away;                         /* seconds that are no lap's: the thread wanted to run and could not */
    double read, core;                   /* when the time on a core was last read, and what it was */
    bool failed;                         /* out of memory: laps are missing */
} heed_stopwatch;

void heed_stopwatch_free(heed_stopwatch *w);
void heed_stopwatch_start(heed_stopwatch *w);
void heed_stopwatch_lap(heed_stopwatch *w, heed_part part, double size);
void heed_stopwatch_enter(heed_stopwatch *w);
void heed_stopwatch_leave(heed_stopwatch *w, heed_part part, double flop);
void heed_stopwatch_count(heed_stopwatch *w, double flop, double bytes);   /* adds to the effort of the next lap */
/* Adds a lap that was measured elsewhere, or all of another watch, the time away too. */
void heed_stopwatch_add(heed_stopwatch *w, const heed_lap *lap);
void heed_stopwatch_join(heed_stopwatch *w, const heed_stopwatch *other);
double heed_stopwatch_seconds(const heed_stopwatch *w);              /* of all laps */

#endif
