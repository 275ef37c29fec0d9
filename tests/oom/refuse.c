#include "oom/refuse.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *p, size_t size);
void *__real_aligned_alloc(size_t align, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_aligned_alloc(size_t align, size_t size);
char *__wrap_strdup(const char *text);

static _Atomic int64_t asked;    /* allocations since the run began */
static int64_t first = -1;       /* the one to refuse, -1: none */
static bool only;

static bool refused(void)
{
    int64_t i = asked++;
    return first >= 0 && (only ? i == first : i >= first);
}

void *__wrap_malloc(size_t size) { return refused() ? NULL : __real_malloc(size); }
void *__wrap_calloc(size_t count, size_t size) { return refused() ? NULL : __real_calloc(count, size); }
void *__wrap_realloc(void *p, size_t size) { return refused() ? NULL : __real_realloc(p, size); }
void *__wrap_aligned_alloc(size_t align, size_t size) { return refused() ? NULL : __real_aligned_alloc(align, size); }
char *__wrap_strdup(const char *text) { return refused() ? NULL : __real_strdup(text); }

int64_t refuse_asked(void) { return asked; }

int64_t refuse_each(bool (*run)(void *data), void *data, bool lone, int64_t most)
{
    only = lone;
    for (int64_t i = 0; i < most; i++) {
        asked = 0;
        first = i;
        bool done = run(data);
        first = -1;
        if (asked <= i) return done ? i : -1;
    }
    return -2;
}
