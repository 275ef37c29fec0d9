/* guide_loss: attention's weights are pulled towards given keys (Chen et al. 2016; Garg et al. 2019, section 4.3).
 *
 *   -1/n sum over the n keys of a row of ln a_j,   a: the weights of one head, or of several their mean
 *
 * Of an a that is 0 there is no logarithm. Below a floor e the tangent at e goes on, ln e - 1 + a/e, so the slope is 1 / max(a, e) and both stay finite. Under a
 * softmax a slope of 1/a meets a factor a on its way back, so e need only keep 1/e in a float: 1e-30, as copy_loss has it. Sparsemax and entmax let the slope
 * through as it is, or times the root of a; there e is a tenth of what n keys would have if all had the same, which no head that is of use for alignment is near. */
#include <math.h>

#include "heed/ops.h"
#include "kernels/align.h"
#include "tensor/tape.h"

typedef struct guided {
    heed_guide g;
    double weight;
} guided;

/* A row that has keys to look at. */
typedef struct view {
    int64_t look, pair;         /* pair: number of its first among those of its look */
    int64_t n, H;               /* keys of its sequence */
    const int32_t *key;
    int64_t count;
    double least;               /* e */
} view;

static double floor_of(const heed_attended *x, int64_t n)
{
    return heed_align_weighing(x->args.align) == HEED_WEIGHING_softmax ? 1e-30 : 0.1 / (double)n;
}

static double weight_of(const heed_guide *g, const view *v, int64_t key)
{
    const float *w = g->attended[v->look].weights->x + (v->pair + key) * v->H;
    double sum = 0;
    if (g->head >= 0) return (double)w[g->head];
    for (int64_t h = 0; h < v->H; h++) sum += (double)w[h];
    return sum / (double)v->H;
}

static void each_row(const heed_guide *g, void (*visit)(void *self, const view *v), void *self)
{
    const heed_keys_of_row *row = g->rows;
    for (int64_t l = 0; l < g->looks; l++) {
        const heed_attended *x = &g->attended[l];
        const heed_attend_args *a = &x->args;
        view v = {.look = l, .H = x->weights->cols};
        for (int64_t b = 0; b < a->queries.B; b++) {
            const int64_t owner = a->owner ? a->owner[b] : b;
            v.n = a->keys.start[owner + 1] - a->keys.start[owner];
            v.least = floor_of(x, v.n);
            for (int64_t i = a->queries.start[b]; i < a->queries.start[b + 1]; i++, row++, v.pair += v.n) {
                v.key = g->keys + row->first;
                v.count = row->count;
                if (v.count > 0) visit(self, &v);
            }
        }
    }
}

/* --- forward ---------------------------------------------------------------------------------------------------------------------------------- */

typedef struct judging { const heed_guide *g; double sum; } judging;

static void judge_visit(void *self, const view *v)
{
    judging *s = self;
    double sum = 0;
    for (int64_t i = 0; i < v->count; i++) {
        const double a = weight_of(s->g, v, v->key[i]);
        sum -= a >= v->least ? log(a) : log(v->least) - 1 + a / v->least;
    }
    s->sum += sum / (double)v->count;
}

/* --- backward ------------------------------------------------------------------------------------------------------------------------------- */

typedef struct returning { heed_tape *t; const guided *s; double by; } returning;

static void row_back(void *self, const view *v)
{
    const returning *r = self;
    const heed_guide *g = &r->s->g;
    heed_tensor *weights = g->attended[v->look].weights;
    float *to = heed_tape_grad(r->t, weights);
    const double each = -r->by / (double)v->count / (double)(g->head >= 0 ? 1 : v->H);
    for (int64_t i = 0; to && i < v->count; i++) {
        const float slope = (float)(each / fmax(weight_of(g, v, v->key[i]), v->least));
        float *at = to + (v->pair + v->key[i]) * v->H;
        if (g->head >= 0) at[g->head] += slope;
        else
            for (int64_t h = 0; h < v->H; h++) at[h] += slope;
    }
}

static void guide_loss_back(heed_tape *t, heed_node *n)
{
    const guided *s = n->saved;
    each_row(&s->g, row_back, &(returning){t, s, s->weight * (double)n->out->g[0]});
}

/* --- builder ---------------------------------------------------------------------------------------------------------------------------------- */

typedef struct checking { heed_tape *t; const heed_guide *g; } checking;

static void check_visit(void *self, const view *v)
{
    const checking *c = self;
    for (int64_t i = 0; i < v->count; i++)
        if (v->key[i] < 0 || v->key[i] >= v->n)
            heed_tape_fail(c->t, HEED_E_SHAPE, "guide_loss: key %d of a sequence of %lld", v->key[i], (long long)v->n);
}

static bool guide_fits(heed_tape *t, const heed_guide *g)
{
    for (int64_t l = 0; l < g->looks && !heed_tape_failed(t); l++) {
        const heed_tensor *w = g->attended[l].weights;
        if (!w) heed_tape_fail(t, HEED_E_SHAPE, "guide_loss: attention's weights were not asked for");
        else if (g->head >= w->cols) heed_tape_fail(t, HEED_E_SHAPE, "guide_loss: head %lld of %lld", (long long)g->head, (long long)w->cols);
    }
    if (!heed_tape_failed(t)) each_row(g, check_visit, &(checking){t, g});
    return !heed_tape_failed(t);
}

static bool wants(const heed_guide *g)
{
    for (int64_t l = 0; l < g->looks; l++)
        if (g->attended[l].weights->wants_grad) return true;
    return false;
}

heed_tensor *heed_guide_loss(heed_tape *t, const heed_guide *g, double weight, double *sum)
{
    if (heed_tape_failed(t) || !guide_fits(t, g)) return &t->poison;
    heed_tensor *out = heed_tape_tensor(t, 1, 1);
    guided *s = heed_tape_alloc(t, sizeof *s);
    judging j = {.g = g};
    if (heed_tape_failed(t)) return &t->poison;
    *s = (guided){*g, weight};
    each_row(g, judge_visit, &j);
    out->x[0] = (float)(weight * j.sum);
    if (sum) *sum = j.sum;
    return heed_tape_wants(t, wants(g)) ? heed_tape_node(t, "guide_loss", out, guide_loss_back, s) : out;
}
