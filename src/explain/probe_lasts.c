/* The last symbol of every variant alone: its ln p, and the way back from it to the embeddings of the source. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "explain/probe_state.h"
#include "heed/ops.h"

/* The row of each variant's last symbol: by variant, and rising. */
typedef struct lasts { int64_t *row, *rising; } lasts;

static int by_number(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static lasts find_lasts(heed_probing *p, const heed_batch *b, const heed_forced *f)
{
    const size_t size = (size_t)b->B * sizeof(int64_t);
    lasts l = {heed_tape_alloc(p->tape, size), heed_tape_alloc(p->tape, size)};
    if (heed_tape_failed(p->tape)) return l;
    for (int64_t v = 0; v < b->B; v++) l.row[v] = heed_probing_row(f, b, v, p->variant[v]->T - 1);
    memcpy(l.rising, l.row, size);
    qsort(l.rising, (size_t)b->B, sizeof *l.rising, by_number);
    return l;
}

/* Of one look, whose first query is row `first` of the features, the groups and queries that are last rows. */
static heed_attended last_look(heed_probing *p, const heed_attended *x, const lasts *l, int64_t first)
{
    heed_tape *t = p->tape;
    const heed_attend_args *a = &x->args;
    heed_attended last = {.args = *a};
    int64_t *index = heed_tape_alloc(t, (size_t)(a->keys.start[a->keys.B] + 1) * sizeof *index), groups = 0, pairs = 0;
    int64_t *start = heed_tape_alloc(t, (size_t)(p->B + 1) * sizeof *start), *owner = heed_tape_alloc(t, (size_t)(p->B + 1) * sizeof *owner);
    if (heed_tape_failed(t)) return last;
    for (int64_t b = 0, pair = 0; b < a->queries.B; b++) {
        const int64_t n = a->keys.start[b + 1] - a->keys.start[b];
        for (int64_t q = a->queries.start[b]; q < a->queries.start[b + 1]; q++, pair += n) {
            if (first + q != l->row[b]) continue;
            for (int64_t j = 0; j < n; j++) index[pairs++] = pair + j;
            start[groups] = groups;
            owner[groups++] = b;
        }
    }
    start[groups] = groups;
    last.weights = heed_gather(t, x->weights, index, pairs);
    last.args.queries = (heed_span){start, groups};
    last.args.owner = owner;
    return last;
}

/* The last rows alone, in the order in which they lie. */
static heed_forced take_lasts(heed_probing *p, const heed_forced *f, const lasts *l)
{
    heed_tape *t = p->tape;
    heed_forced last = {.features = heed_gather(t, f->features, l->rising, p->B), .looks = f->looks};
    int32_t *targets = heed_tape_alloc(t, (size_t)p->B * sizeof *targets);
    heed_attended *looks = heed_tape_alloc(t, (size_t)(f->looks + 1) * sizeof *looks);
    if (heed_tape_failed(t)) return last;
    for (int64_t i = 0; i < p->B; i++) targets[i] = f->targets[l->rising[i]];
    for (int64_t k = 0, first = 0; p->probe->model->head.copies && k < f->looks; k++) {
        looks[k] = last_look(p, &f->attended[k], l, first);
        first += f->attended[k].args.queries.start[f->attended[k].args.queries.B];
    }
    last.targets = targets;
    last.attended = looks;
    return last;
}

heed_status heed_probing_lasts(heed_probing *p, const heed_batch *b, heed_error *err)
{
    float *logp = heed_tape_alloc(p->tape, (size_t)b->B * sizeof *logp);
    const heed_forced f = heed_probing_pass(p, b);
    if (heed_tape_failed(p->tape)) return heed_tape_status(p->tape, err);
    const lasts l = find_lasts(p, b, &f);
    if (heed_tape_failed(p->tape)) return heed_tape_status(p->tape, err);
    const heed_forced last = take_lasts(p, &f, &l);
    if (!heed_tape_failed(p->tape)) heed_probing_judge(p, b, &last, b->B, NULL, logp);
    if (heed_tape_failed(p->tape)) return heed_tape_status(p->tape, err);
    for (int64_t v = 0; v < b->B; v++) {
        const int64_t *at = bsearch(&l.row[v], l.rising, (size_t)b->B, sizeof *at, by_number);
        if (isnan(logp[at - l.rising])) return heed_probing_not_finite(err);
        p->variant[v]->logp[0] = logp[at - l.rising];
    }
    return HEED_OK;
}

/* The sum of -ln p of the last rows. */
static heed_tensor *loss_of(heed_probing *p, const heed_batch *b, const heed_forced *last)
{
    heed_tape *t = p->tape;
    const heed_head *h = &p->probe->model->head;
    heed_tape_scope(t, "head");
    if (heed_tape_failed(t)) return &t->poison;
    if (h->copies) return heed_head_copy_loss(t, h, last, &b->source, 0, 1, NULL);
    heed_tensor *x = h->project ? heed_linear(t, last->features, &h->project->tensor, NULL) : last->features;
    return heed_output_loss(t, x, &h->weight->tensor, &h->bias->tensor, last->targets, 0, 1, NULL);
}

/* g of the embeddings is that of -ln p. */
static heed_status give_gradients(heed_probing *p, const heed_taking *to, heed_error *err)
{
    heed_tape *t = p->tape;
    const heed_tensor *e = p->embedded;
    const int64_t size = e->rows * e->cols;
    float *g = heed_tape_alloc(t, (size_t)(size + 1) * sizeof *g);
    if (!g) return heed_tape_status(t, err);
    for (int64_t i = 0; i < size; i++) g[i] = e->g ? -e->g[i] : 0;
    if (!t->k->all_finite(g, size)) return heed_probing_not_finite(err);
#pragma omp critical(heed_probe_take)
    for (int64_t b = 0; b < p->B; b++) to->take(to->self, p->number[b], e->x + p->source.start[b] * e->cols, g + p->source.start[b] * e->cols, e->cols);
    return HEED_OK;
}

heed_status heed_probing_gradients(heed_probing *p, const heed_batch *b, const heed_taking *to, heed_error *err)
{
    const heed_forced f = heed_probing_pass(p, b);
    if (heed_tape_failed(p->tape)) return heed_tape_status(p->tape, err);
    const lasts l = find_lasts(p, b, &f);
    if (heed_tape_failed(p->tape)) return heed_tape_status(p->tape, err);
    const heed_forced last = take_lasts(p, &f, &l);
    heed_status status = heed_backward(p->tape, loss_of(p, b, &last), err);
    return status ? status : give_gradients(p, to, err);
}
