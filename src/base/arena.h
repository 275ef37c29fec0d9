/* An arena hands out memory that is given back all at once. Four lifetimes live in four arenas: model, session, step, scratch
 * (docs/architecture.md). Blocks are kept over heed_arena_reset(), so a loop that has seen its largest round allocates no more. */
#ifndef HEED_BASE_ARENA_H
#define HEED_BASE_ARENA_H

#include "heed/base.h"

typedef struct heed_arena heed_arena;
typedef struct heed_mark { size_t block, used; } heed_mark;

heed_arena *heed_arena_new(size_t limit);              /* limit in bytes, 0: none; NULL when out of memory */
void heed_arena_free(heed_arena *a);                   /* NULL is fine */
void *heed_arena_alloc(heed_arena *a, size_t bytes);   /* 64-byte aligned, not cleared; NULL at the limit or out of memory */
void *heed_arena_zero(heed_arena *a, size_t bytes);    /* the same, cleared */
/* For sanitizers: memory of the arena that its owner hands out again; so many bytes from p on may be used, up to the next multiple of 64 past what was asked for. */
void heed_arena_reuse(void *p, size_t bytes);
void heed_arena_hide(void *p, size_t bytes);           /* until then nobody may touch them */
char *heed_arena_text(heed_arena *a, const char *text);/* a copy of a string */
void heed_arena_reset(heed_arena *a);                  /* everything handed out is void; blocks stay */
heed_mark heed_arena_mark(const heed_arena *a);        /* remember the place ... */
void heed_arena_rewind(heed_arena *a, heed_mark m);    /* ... and give back all that was handed out since */
size_t heed_arena_bytes(const heed_arena *a);          /* bytes held from the system */
int64_t heed_arena_grown(const heed_arena *a);         /* how often a block was asked of the system: constant in a steady state */

#endif
