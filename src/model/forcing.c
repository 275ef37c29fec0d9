#include "model/forcing.h"

#include "tensor/tape.h"

static bool room(heed_forcing *f, heed_tape *t)
{
    f->first = heed_tape_alloc(t, (size_t)f->T * sizeof *f->first);
    f->alive = heed_tape_alloc(t, (size_t)f->T * sizeof *f->alive);
    f->before = heed_tape_alloc(t, (size_t)f->N * sizeof *f->before);
    f->targets = heed_tape_alloc(t, (size_t)f->N * sizeof *f->targets);
    f->keys = heed_tape_alloc(t, (size_t)f->N * sizeof *f->keys);
    return !heed_tape_failed(t);
}

bool heed_forcing_lay(heed_forcing *f, heed_tape *t, const heed_side *target)
{
    const int64_t *start = target->span.start, B = target->span.B;
    *f = (heed_forcing){.N = target->N, .T = B ? start[1] - start[0] : 0};
    for (int64_t b = 1; b < B; b++)
        if (start[b + 1] - start[b] > start[b] - start[b - 1]) {
            heed_tape_fail(t, HEED_E_SHAPE, "batch: target %lld is longer than the one before it; sort by length, longest first", (long long)b);
            return false;
        }
    if (!room(f, t)) return false;
    int64_t row = 0, alive = B;
    for (int64_t i = 0; i < f->T; i++) {
        while (start[alive] - start[alive - 1] <= i) alive--;
        f->first[i] = row;
        f->alive[i] = alive;
        for (int64_t b = 0; b < alive; b++, row++) {
            const int64_t at = start[b] + i;
            f->before[row] = i ? target->ids[at - 1] : HEED_BOS;
            f->targets[row] = target->ids[at];
            f->keys[row] = target->keys[at];
        }
    }
    return true;
}
