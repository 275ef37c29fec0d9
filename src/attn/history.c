#include "attn/history.h"

#include <string.h>

#include "tensor/tape.h"

enum { FIRST_MOMENTS = 16 };   /* that fit before anything grows */

/* Room for `rows` rows in every slab: twice what there was at least, so that a row is moved once on the average. */
static bool grow_slabs(heed_tape *t, heed_history *h, int64_t rows)
{
    if (rows <= h->capacity) return true;
    h->capacity = rows > 2 * h->capacity ? rows : 2 * h->capacity;
    for (int i = 0; i < h->slabs; i++) {
        const heed_tensor *old = h->slab[i];
        heed_tensor *x = heed_tape_tensor(t, h->capacity, old->cols);
        if (heed_tape_failed(t)) return false;
        memcpy(x->x, old->x, (size_t)(h->rows * old->cols) * sizeof *x->x);
        h->slab[i] = x;
    }
    return true;
}

/* Room for n paths of that many moments; path keeps what it holds. */
static bool grow_paths(heed_tape *t, heed_history *h, int64_t n, int64_t moments)
{
    if (n > h->most) {
        h->start = heed_tape_alloc(t, (size_t)(n + 1) * sizeof *h->start);
        h->most = n;
    }
    if (n * moments > h->room) {
        const int64_t *old = h->path;
        h->room = 2 * n * moments;
        h->path = heed_tape_alloc(t, (size_t)h->room * sizeof *h->path);
        h->spare = heed_tape_alloc(t, (size_t)h->room * sizeof *h->spare);
        if (!heed_tape_failed(t)) memcpy(h->path, old, (size_t)(h->n * h->moments) * sizeof *h->path);
    }
    return !heed_tape_failed(t);
}

static void swap_paths(heed_history *h, int64_t n, int64_t moments)
{
    int64_t *path = h->spare;
    h->spare = h->path;
    h->path = path;
    h->n = n;
    h->moments = moments;
    for (int64_t b = 0; b <= n; b++) h->start[b] = b * moments;
    h->span = (heed_span){h->start, n};
}

bool heed_history_start(heed_tape *t, heed_history *h, const int64_t *width, int slabs, int64_t n, int64_t rows)
{
    *h = (heed_history){.slabs = slabs, .n = n, .capacity = rows ? rows : (n + 1) * FIRST_MOMENTS};
    h->slab = heed_tape_alloc(t, (size_t)slabs * sizeof *h->slab);
    for (int i = 0; h->slab && i < slabs; i++) h->slab[i] = heed_tape_tensor(t, h->capacity, width[i]);
    h->path = heed_tape_alloc(t, sizeof *h->path);
    return !heed_tape_failed(t) && grow_paths(t, h, n, FIRST_MOMENTS);
}

bool heed_history_step(heed_tape *t, heed_history *h)
{
    const int64_t n = h->n, moments = h->moments;
    if (heed_tape_failed(t) || !grow_slabs(t, h, h->rows + n) || !grow_paths(t, h, n, moments + 1)) return false;
    for (int64_t b = 0; b < n; b++) {
        memcpy(h->spare + b * (moments + 1), h->path + b * moments, (size_t)moments * sizeof *h->path);
        h->spare[b * (moments + 1) + moments] = h->rows + b;
    }
    h->rows += n;
    swap_paths(h, n, moments + 1);
    return true;
}

heed_tensor *heed_history_write(heed_tape *t, heed_history *h, int slab, const heed_tensor *x)
{
    if (heed_tape_failed(t)) return &t->poison;
    heed_tensor *all = h->slab[slab];
    memcpy(all->x + (h->rows - h->n) * all->cols, x->x, (size_t)(h->n * all->cols) * sizeof *all->x);
    return all;
}

bool heed_history_select(heed_tape *t, heed_history *h, const int64_t *rows, int64_t n)
{
    if (heed_tape_failed(t) || !grow_paths(t, h, n, h->moments)) return false;
    for (int64_t i = 0; i < n; i++) memcpy(h->spare + i * h->moments, h->path + rows[i] * h->moments, (size_t)h->moments * sizeof *h->path);
    swap_paths(h, n, h->moments);
    return true;
}
