#include "model/steps.h"

#include <assert.h>
#include <string.h>

#include "tensor/tape.h"

int32_t *heed_steps_before(heed_tape *t, const heed_side *target)
{
    int32_t *before = heed_tape_alloc(t, (size_t)(target->N + 1) * sizeof *before);
    for (int64_t b = 0; before && b < target->span.B; b++)
        for (int64_t i = target->span.start[b]; i < target->span.start[b + 1]; i++) before[i] = i == target->span.start[b] ? HEED_BOS : target->ids[i - 1];
    return before;
}

heed_tensor *heed_steps_drop(heed_tape *t, heed_tensor *x, const uint64_t *keys, uint64_t site, double p)
{
    heed_tensor *out = heed_dropout(t, x, keys, site, p);
    if (out != x) heed_tape_spend(t, x);
    return out;
}

heed_span heed_steps_span(heed_tape *t, int64_t n)
{
    int64_t *start = heed_tape_alloc(t, (size_t)(n + 1) * sizeof *start);
    for (int64_t i = 0; start && i <= n; i++) start[i] = i;
    return (heed_span){start, n};
}

heed_tensor *heed_steps_vectors(heed_tape *t, heed_tensor *vector, heed_span span, const int64_t *owner)
{
    const int64_t N = heed_tape_failed(t) ? 0 : span.start[span.B];
    int64_t *of = heed_tape_alloc(t, (size_t)(N + 1) * sizeof *of);
    if (heed_tape_failed(t)) return &t->poison;
    for (int64_t b = 0; b < span.B; b++)
        for (int64_t i = span.start[b]; i < span.start[b + 1]; i++) of[i] = owner ? owner[b] : b;
    return heed_gather(t, vector, of, N);
}

bool heed_steps_select(heed_tape *t, heed_state *s, const int64_t *rows, int64_t n)
{
    int64_t *owner = heed_tape_alloc(t, (size_t)(n + 1) * sizeof *owner);
    if (!owner) return false;
    for (int64_t i = 0; i < n; i++) owner[i] = s->owner ? s->owner[rows[i]] : rows[i];
    s->owner = owner;
    s->n = n;
    return true;
}

bool heed_steps_wants(const heed_state *s, int64_t l, bool weighs) { return weighs || !s->prospect.one_look || l == s->prospect.look; }

heed_attended heed_steps_room(heed_tape *t, const heed_attn *a, const heed_state *s, heed_span memory, bool weights)
{
    const int64_t n = s->n, H = a->is.heads;
    heed_attended kept = {.out = s->prospect.no_results ? NULL : heed_tape_tensor(t, n, heed_attn_width(a)),
                          .saved = heed_tape_alloc(t, (size_t)(n * H) * sizeof *kept.saved)};
    kept.args.q = heed_tape_tensor(t, n, a->query ? a->query->tensor.rows : a->is.width);
    if (a->centre) kept.args.centre = heed_tape_tensor(t, n, H);
    int64_t pairs = 0;
    for (int64_t i = 0; weights && i < n; i++) {
        const int64_t owner = s->owner ? s->owner[i] : i;
        pairs += memory.start[owner + 1] - memory.start[owner];
    }
    if (weights) kept.weights = heed_tape_tensor(t, pairs, H);
    return kept;
}

void heed_steps_take(heed_tensor *to, const heed_tensor *from) { memcpy(to->x, from->x, (size_t)(from->rows * from->cols) * sizeof *to->x); }

void heed_steps_remember(heed_attended *kept, const heed_attended *x)
{
    heed_tensor *q = kept->args.q, *centre = kept->args.centre;
    assert(!x->distances);   /* positions are self-attention's; what is looked at here is another text */
    if (kept->out) heed_steps_take(kept->out, x->out);
    heed_steps_take(q, x->args.q);
    if (centre) heed_steps_take(centre, x->args.centre);
    if (kept->weights) heed_steps_take(kept->weights, x->weights);
    memcpy(kept->saved, x->saved, (size_t)(q->rows * x->args.heads) * sizeof *kept->saved);
    kept->args = x->args;
    kept->args.q = q;
    kept->args.centre = centre;
}
