/* Arenas: base/arena.h. A list of blocks filled from first to last. When an arena falls empty its blocks are joined into one of their total
 * size, so that rounds of other shapes, but no more bytes, never grow it again. */
#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_ASAN 1
#endif
#endif

#ifdef ARENA_ASAN   /* what is not handed out is poisoned: use after a reset or past an end is caught */
#include <sanitizer/asan_interface.h>
#define HIDE(p, n) ASAN_POISON_MEMORY_REGION(p, n)
#define SHOW(p, n) ASAN_UNPOISON_MEMORY_REGION(p, n)
#else
#define HIDE(p, n) ((void)(p), (void)(n))
#define SHOW(p, n) ((void)(p), (void)(n))
#endif

enum { ALIGN = 64, LEAST_BLOCK = 64 * 1024 };

typedef struct block {
    unsigned char *data;
    size_t size;
} block;

struct heed_arena {
    block *blocks;
    size_t count, room;       /* blocks held, entries the list has room for */
    size_t current, used;     /* where the next bytes come from */
    size_t held, limit;
    int64_t grown;
};

heed_arena *heed_arena_new(size_t limit)
{
    heed_arena *a = calloc(1, sizeof *a);
    if (a) a->limit = limit;
    return a;
}

static void free_blocks(heed_arena *a)
{
    for (size_t i = 0; i < a->count; i++) {
        SHOW(a->blocks[i].data, a->blocks[i].size);
        free(a->blocks[i].data);
    }
    a->count = a->held = 0;
}

void heed_arena_free(heed_arena *a)
{
    if (!a) return;
    free_blocks(a);
    free(a->blocks);
    free(a);
}

static bool list_has_room(heed_arena *a)
{
    if (a->count < a->room) return true;
    size_t room = a->room ? 2 * a->room : 8;
    block *blocks = realloc(a->blocks, room * sizeof *blocks);
    if (!blocks) return false;
    a->blocks = blocks;
    a->room = room;
    return true;
}

static bool add_block(heed_arena *a, size_t size)
{
    if (!list_has_room(a)) return false;
    unsigned char *data = aligned_alloc(ALIGN, size);
    if (!data) return false;
    HIDE(data, size);
    a->blocks[a->count++] = (block){data, size};
    a->held += size;
    a->grown++;
    return true;
}

/* Asks for as much again as is held, so that blocks stay few; for just what is needed when there is no more. */
static bool grow(heed_arena *a, size_t need)
{
    size_t left = (a->limit ? a->limit : SIZE_MAX) - a->held;
    left -= left % ALIGN;
    if (need > left) return false;
    size_t wish = a->held < LEAST_BLOCK ? LEAST_BLOCK : a->held;
    if (wish < need) wish = need;
    if (wish > left) wish = left;
    return add_block(a, wish) || (wish > need && add_block(a, need));
}

/* Moves to the next block that can give `need` bytes; all blocks behind the current one are empty. */
static bool find_room(heed_arena *a, size_t need)
{
    if (a->current < a->count && need <= a->blocks[a->current].size - a->used) return true;
    size_t next = a->count ? a->current + 1 : 0;
    while (next < a->count && a->blocks[next].size < need) next++;
    if (next == a->count && !grow(a, need)) return false;
    a->current = next;
    a->used = 0;
    return true;
}

void heed_arena_reuse(void *p, size_t bytes) { SHOW(p, bytes); }
void heed_arena_hide(void *p, size_t bytes) { HIDE(p, bytes); }

void *heed_arena_alloc(heed_arena *a, size_t bytes)
{
    if (bytes > SIZE_MAX / 2) return NULL;
    size_t need = bytes ? (bytes + ALIGN - 1) / ALIGN * ALIGN : ALIGN;
    if (!find_room(a, need)) return NULL;
    unsigned char *p = a->blocks[a->current].data + a->used;
    a->used += need;
    SHOW(p, bytes);
    return p;
}

void *heed_arena_zero(heed_arena *a, size_t bytes)
{
    void *p = heed_arena_alloc(a, bytes);
    return p ? memset(p, 0, bytes) : NULL;
}

char *heed_arena_text(heed_arena *a, const char *text)
{
    size_t size = strlen(text) + 1;
    char *p = heed_arena_alloc(a, size);
    return p ? memcpy(p, text, size) : NULL;
}

static void join_blocks(heed_arena *a)
{
    size_t held = a->held;
    if (a->count < 2) return;
    free_blocks(a);
    (void)add_block(a, held);   /* refused: the arena is merely empty and grows again by need */
}

void heed_arena_reset(heed_arena *a)
{
    heed_arena_rewind(a, (heed_mark){0, 0});
}

heed_mark heed_arena_mark(const heed_arena *a)
{
    return (heed_mark){a->current, a->used};
}

void heed_arena_rewind(heed_arena *a, heed_mark m)
{
    if (m.block == 0 && m.used == 0) join_blocks(a);
    a->current = m.block;
    a->used = m.used;
    for (size_t i = m.block; i < a->count; i++) {
        size_t from = i == m.block ? m.used : 0;
        HIDE(a->blocks[i].data + from, a->blocks[i].size - from);
    }
}

size_t heed_arena_bytes(const heed_arena *a)
{
    return a->held;
}

int64_t heed_arena_grown(const heed_arena *a)
{
    return a->grown;
}
