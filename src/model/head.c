/* The output layer: features to logits over target symbols, and with copying to the chance of each, made or copied. */
#include <stdlib.h>
#include <string.h>

#include "model/model.h"
#include "tensor/tape.h"

static heed_tensor *projected(heed_tape *t, const heed_head *h, heed_tensor *features)
{
    heed_tape_scope(t, "head");
    return h->project ? heed_linear(t, features, &h->project->tensor, NULL) : features;
}

heed_tensor *heed_head_forward(heed_tape *t, const heed_head *h, heed_tensor *features)
{
    return heed_linear(t, projected(t, h, features), &h->weight->tensor, &h->bias->tensor);
}

heed_ranked heed_head_rank(heed_tape *t, const heed_head *h, heed_tensor *features, int64_t k)
{
    return heed_linear_rank(t, projected(t, h, features), &h->weight->tensor, &h->bias->tensor, k);
}

const int32_t *heed_head_arg_max(heed_tape *t, const heed_head *h, heed_tensor *features)
{
    return heed_linear_arg_max(t, projected(t, h, features), &h->weight->tensor, &h->bias->tensor);
}

/* --- with a shortlist ------------------------------------------------------------------------------------------------------------------------ */

void heed_head_among(heed_tape *t, const heed_head *h, const uint64_t *marks, int64_t lists, int64_t words, heed_among *a)
{
    heed_tape_scope(t, "head");
    heed_among_init(a, t, &h->weight->tensor, &h->bias->tensor, marks, lists, words);
}

heed_tensor *heed_head_among_forward(heed_tape *t, const heed_head *h, const heed_among *a, heed_tensor *features, const int64_t *list, const float **norm)
{
    return heed_among_linear(t, a, projected(t, h, features), list, norm);
}

heed_ranked heed_head_among_rank(heed_tape *t, const heed_head *h, const heed_among *a, heed_tensor *features, const int64_t *list, int64_t k)
{
    return heed_among_rank(t, a, projected(t, h, features), list, k);
}

/* --- copying ------------------------------------------------------------------------------------------------------------------------------- */

static const heed_copying *copying_of(heed_tape *t, const heed_head *h, heed_tensor *features, const heed_attended *attended, int64_t looks,
                                      const heed_side *source)
{
    heed_copying *c = heed_tape_alloc(t, sizeof *c);
    int32_t *symbols = heed_tape_alloc(t, (size_t)(source->N + 1) * sizeof *symbols);
    if (heed_tape_failed(t)) return NULL;
    for (int64_t j = 0; j < source->N; j++) symbols[j] = h->copies[source->ids[j]];
    heed_tape_scope(t, "head.gate");
    *c = (heed_copying){heed_dense_forward(t, &h->gate, features), attended, looks, symbols};
    return c;
}

heed_tensor *heed_head_choices(heed_tape *t, const heed_head *h, heed_tensor *features, const heed_attended *attended, int64_t looks, const heed_side *source)
{
    heed_tensor *logits = heed_head_forward(t, h, features);
    const heed_copying *c = h->copies ? copying_of(t, h, features, attended, looks, source) : NULL;
    return c ? heed_copy_mix(t, logits, c) : logits;
}

heed_tensor *heed_head_copy_loss(heed_tape *t, const heed_head *h, const heed_forced *f, const heed_side *source, double smoothing, double weight,
                                 heed_loss_counts *counts)
{
    heed_tensor *logits = heed_head_forward(t, h, f->features);
    const heed_copying *c = copying_of(t, h, f->features, f->attended, f->looks, source);
    return c ? heed_copy_loss(t, logits, c, f->targets, smoothing, weight, counts) : &t->poison;
}

/* --- which symbol of the target a symbol of the source is ------------------------------------------------------------------------------------ */

typedef struct named { const char *text; int32_t id; } named;

static int by_text(const void *a, const void *b) { return strcmp(((const named *)a)->text, ((const named *)b)->text); }

int32_t *heed_head_copies(heed_arena *arena, const heed_text *source, const heed_text *target)
{
    const int64_t Vs = heed_text_size(source), Vt = heed_text_size(target), n = Vt - HEED_SPECIALS;
    int32_t *copies = heed_arena_alloc(arena, (size_t)Vs * sizeof *copies);
    named *known = malloc((size_t)(n + 1) * sizeof *known);
    for (int32_t i = 0; known && i < n; i++) known[i] = (named){heed_text_symbol(target, i + HEED_SPECIALS), i + HEED_SPECIALS};
    if (known) qsort(known, (size_t)n, sizeof *known, by_text);
    for (int32_t i = 0; copies && known && i < Vs; i++) {
        const named key = {heed_text_symbol(source, i), 0}, *twin = i < HEED_SPECIALS ? NULL : bsearch(&key, known, (size_t)n, sizeof *known, by_text);
        copies[i] = i == HEED_EOS ? HEED_EOS : twin ? twin->id : HEED_UNK;
    }
    const bool good = known != NULL;
    free(known);
    return good ? copies : NULL;
}
