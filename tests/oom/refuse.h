/* Refuses our allocations one after the other. The linker sends malloc, calloc, realloc, aligned_alloc and strdup of the code under test here
 * (--wrap, tests/CMakeLists.txt); libraries of others are left alone. */
#ifndef HEED_TESTS_OOM_REFUSE_H
#define HEED_TESTS_OOM_REFUSE_H

#include <stdbool.h>
#include <stdint.h>

/* Calls `run` with the first allocation refused, then with the second, and so on until one is never reached. `run` gives back all that it
 * took and returns whether it did its work; it must say false whenever it could not. Returns how many allocations were refused, -1 when a
 * run failed though nothing was refused, -2 when there was no end after `most` runs. `lone`: only that allocation is refused; else all after
 * it too. */
int64_t refuse_each(bool (*run)(void *data), void *data, bool lone, int64_t most);
/* Allocations so far, since the last refuse_each() counted anew. */
int64_t refuse_asked(void);

#endif
