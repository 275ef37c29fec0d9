/* embed: rows of a table by number. */
#include <string.h>

#include "heed/ops.h"
#include "tensor/tape.h"

typedef struct lookup { heed_tensor *weight; int32_t *ids; } lookup;

static void embed_back(heed_tape *t, heed_node *n)
{
    const lookup *s = n->saved;
    const heed_gemm_rows rows = {.dy = n->out->g, .rows = n->out->rows, .ldy = n->out->cols};
    heed_tape_pend(t, s->weight, &(heed_pending){.kind = HEED_PENDING_EMBED, .rows = rows, .ids = s->ids}, NULL, n->out);
}

heed_tensor *heed_embed(heed_tape *t, heed_tensor *weight, const int32_t *ids, int64_t n)
{
    const int64_t d = weight->cols;
    heed_tensor *out = heed_tape_tensor(t, n, d);
    lookup *s = heed_tape_alloc(t, sizeof *s);
    int32_t *copy = heed_tape_alloc(t, (size_t)n * sizeof *copy);
    if (heed_tape_failed(t)) return &t->poison;
    for (int64_t i = 0; i < n; i++) {
        if (ids[i] < 0 || ids[i] >= weight->rows)
            return heed_tape_fail(t, HEED_E_SHAPE, "embed: id %d at row %lld, the table has %lld rows", ids[i], (long long)i, (long long)weight->rows);
        memcpy(out->x + i * d, weight->x + ids[i] * d, (size_t)d * sizeof *out->x);
        copy[i] = ids[i];
    }
    *s = (lookup){weight, copy};
    if (heed_tape_wants(t, weight->wants_grad)) out = heed_tape_node(t, "embed", out, embed_back, s);
    return t->hooks && t->hooks->embed ? t->hooks->embed(t->hooks->self, t, out) : out;
}
