/* For those who put weights of their own in the place of attention's:
 *
 *   blend     y = keep x + given, number by number
 *   context   out_i = sum_j w_ij v_j, head by head: the third step of attention alone (Bahdanau et al. 2015, eq. 5) */
#include <string.h>

#include "heed/ops.h"
#include "tensor/tape.h"

/* --- blend --------------------------------------------------------------------------------------------------------------------------------- */

typedef struct blended { heed_tensor *x; const float *keep; } blended;

static void blend_back(heed_tape *t, heed_node *n)
{
    const blended *s = n->saved;
    float *dx = heed_tape_grad(t, s->x);
    for (int64_t i = 0; dx && i < n->out->rows * n->out->cols; i++) dx[i] += s->keep[i] * n->out->g[i];
}

heed_tensor *heed_blend(heed_tape *t, heed_tensor *x, const float *keep, const float *given)
{
    heed_tensor *out = heed_tape_tensor(t, x->rows, x->cols);
    blended *s = heed_tape_alloc(t, sizeof *s);
    if (heed_tape_failed(t)) return &t->poison;
    for (int64_t i = 0; i < x->rows * x->cols; i++) out->x[i] = keep[i] * x->x[i] + (given ? given[i] : 0);
    *s = (blended){x, keep};
    return heed_tape_wants(t, x->wants_grad) ? heed_tape_node(t, "blend", out, blend_back, s) : out;
}

/* --- context ------------------------------------------------------------------------------------------------------------------------------- */

typedef struct summed { heed_tensor *weights, *v; const int64_t *owner, *key_row; heed_span queries, keys; int64_t H, Hk; } summed;

/* One head of one query, whose sequence has n keys from number `key` on; its first pair. */
typedef struct sum_of { int64_t row, head, pair, key, n; } sum_of;

static void each_sum(const summed *s, void (*visit)(void *self, const sum_of *one), void *self)
{
    sum_of one = {.pair = 0};
    for (int64_t b = 0; b < s->queries.B; b++) {
        const int64_t owner = s->owner ? s->owner[b] : b;
        one.key = s->keys.start[owner];
        one.n = s->keys.start[owner + 1] - one.key;
        for (one.row = s->queries.start[b]; one.row < s->queries.start[b + 1]; one.row++, one.pair += one.n)
            for (one.head = 0; one.head < s->H; one.head++) visit(self, &one);
    }
}

typedef struct summing { heed_tape *t; const summed *s; const heed_tensor *out; float *dw, *dv; } summing;

static int64_t width(const summed *s) { return s->v->cols / s->Hk; }
static int64_t value_at(const summed *s, const sum_of *one, int64_t j)
{
    const int64_t row = s->key_row ? s->key_row[one->key + j] : one->key + j;
    return row * s->v->cols + one->head / (s->H / s->Hk) * width(s);
}
static int64_t out_at(const summed *s, const sum_of *one) { return (one->row * s->H + one->head) * width(s); }

static void sum_visit(void *self, const sum_of *one)
{
    const summing *m = self;
    const summed *s = m->s;
    const float *w = s->weights->x + one->pair * s->H + one->head;
    float *out = m->out->x + out_at(s, one);
    memset(out, 0, (size_t)width(s) * sizeof *out);
    for (int64_t j = 0; j < one->n; j++)
        if (w[j * s->H] != 0) m->t->k->axpy(out, w[j * s->H], s->v->x + value_at(s, one, j), width(s));
}

static void back_visit(void *self, const sum_of *one)
{
    const summing *m = self;
    const summed *s = m->s;
    const float *dout = m->out->g + out_at(s, one);
    const int64_t w = one->pair * s->H + one->head;
    for (int64_t j = 0; j < one->n; j++) {
        if (m->dw) m->dw[w + j * s->H] += m->t->k->dot(dout, s->v->x + value_at(s, one, j), width(s));
        if (m->dv) m->t->k->axpy(m->dv + value_at(s, one, j), s->weights->x[w + j * s->H], dout, width(s));
    }
}

static void context_back(heed_tape *t, heed_node *n)
{
    const summed *s = n->saved;
    each_sum(s, back_visit, &(summing){t, s, n->out, heed_tape_grad(t, s->weights), heed_tape_grad(t, s->v)});
}

static bool context_fits(heed_tape *t, const summed *s)
{
    int64_t pairs = 0;
    if (heed_tape_failed(t)) return false;
    for (int64_t b = 0; b < s->queries.B; b++) {
        const int64_t owner = s->owner ? s->owner[b] : b;
        if (owner < 0 || owner >= s->keys.B) {
            heed_tape_fail(t, HEED_E_SHAPE, "context: no sequence %lld of %lld", (long long)owner, (long long)s->keys.B);
            return false;
        }
        pairs += (s->queries.start[b + 1] - s->queries.start[b]) * (s->keys.start[owner + 1] - s->keys.start[owner]);
    }
    if (s->weights->rows == pairs && s->weights->cols == s->H && s->H % s->Hk == 0 && s->v->cols % s->Hk == 0 &&
        (s->key_row || s->keys.start[s->keys.B] == s->v->rows)) return true;
    heed_tape_fail(t, HEED_E_SHAPE, "context: weights [%lld,%lld] of %lld pairs, v [%lld,%lld], %lld and %lld heads do not fit", (long long)s->weights->rows,
                   (long long)s->weights->cols, (long long)pairs, (long long)s->v->rows, (long long)s->v->cols, (long long)s->H, (long long)s->Hk);
    return false;
}

heed_tensor *heed_context(heed_tape *t, heed_tensor *weights, const heed_attend_args *a)
{
    const int64_t H = a->heads ? a->heads : 1;
    summed *s = heed_tape_alloc(t, sizeof *s);
    if (!s) return &t->poison;
    *s = (summed){weights, a->v, a->owner, a->key_row, a->queries, a->keys, H, a->key_heads ? a->key_heads : H};
    if (!context_fits(t, s)) return &t->poison;
    heed_tensor *out = heed_tape_tensor(t, s->queries.start[s->queries.B], H * width(s));
    if (heed_tape_failed(t)) return &t->poison;
    each_sum(s, sum_visit, &(summing){.t = t, .s = s, .out = out});
    return heed_tape_wants(t, weights->wants_grad || a->v->wants_grad) ? heed_tape_node(t, "context", out, context_back, s) : out;
}
