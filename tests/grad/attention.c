/* The cases score x align: every row of attn/scores.def with every row of heed/aligns.def. */
#include "attention.h"

#include <stdio.h>
#include <string.h>

#include "lay.h"

/* --- for the references of scores -------------------------------------------------------------------------------------------------------- */

void ref_project(num *y, const num *W, const num *x, int64_t rows, int64_t cols)
{
    for (int64_t o = 0; o < rows; o++) y[o] = W ? num_dot(W + o * cols, x, cols) : x[o];
}

/* Term by term, so that a gradient's bound covers any order of summing over outputs, queries and keys. */
void ref_project_back(num *dW, num *dx, const num *dy, const num *W, const num *x, int64_t rows, int64_t cols)
{
    for (int64_t o = 0; o < rows; o++) {
        if (!W) num_gather(&dx[o], dy[o]);
        for (int64_t i = 0; W && i < cols; i++) {
            num_gather(&dW[o * cols + i], num_mul(dy[o], x[i]));
            num_gather(&dx[i], num_mul(dy[o], W[o * cols + i]));
        }
    }
}

/* --- a problem ------------------------------------------------------------------------------------------------------------------------------ */

static const attention_pair *pair_of(const problem *p) { return p->c->subject; }

static num score_of(const void *subject, int64_t i, int64_t j)
{
    const attention *own = subject;
    ref_pair x = own->x;
    x.q += i * x.Dq;
    x.k += j * x.Dm;
    return own->score->forward(&x);
}

static void score_back_of(const void *subject, int64_t i, int64_t j, num ds)
{
    const attention *own = subject;
    ref_pair x = own->x, g = own->g;
    x.q += i * x.Dq, g.q += i * x.Dq;
    x.k += j * x.Dm, g.k += j * x.Dm;
    own->score->backward(&x, ds, &g);
}

/* The weights that a score declared, in the order of heed_attn. */
static int weights_of(const heed_attn *a, heed_weight **w)
{
    heed_weight *const all[] = {a->query, a->key, a->bias, a->extra};
    int n = 0;
    for (int i = 0; i < 4; i++)
        if (all[i]) w[n++] = all[i];
    return n;
}

static heed_status declare_attn(const problem *p, heed_attn *a, heed_params *params, int64_t Dq, int64_t Dm, int64_t D, heed_error *err)
{
    const attention *own = p->own;
    return heed_attn_init(a, params, "attention", pair_of(p)->heed, pair_of(p)->which, own->ref.window, Dq, Dm, D, err);
}

static void lay_weights(problem *p, int64_t Dq, int64_t Dm, int64_t D)
{
    attention *own = p->own;
    heed_error err;
    heed_weight *w[4];
    heed_params *params = heed_params_new(&err);
    declare_attn(p, &own->attn, params, Dq, Dm, D, &err);
    const int n = weights_of(&own->attn, w);
    for (int i = 0; i < n; i++) grad_in(p, w[i]->product ? BLOCK_PRODUCT : BLOCK_WEIGHT, w[i]->tensor.rows, w[i]->tensor.cols, 0.7);
    num **x[] = {&own->x.query, &own->x.key, &own->x.bias, &own->x.extra}, **g[] = {&own->g.query, &own->g.key, &own->g.bias, &own->g.extra};
    const heed_weight *const all[] = {own->attn.query, own->attn.key, own->attn.bias, own->attn.extra};
    for (int i = 0, at = 2; i < 4; i++)
        if (all[i]) {
            *x[i] = p->in[at].x;
            *g[i] = p->in[at++].g;
        }
    own->x.D = own->g.D = own->attn.query ? own->attn.query->tensor.rows : Dq;
    heed_params_free(params);
}

void grad_lay_attention(problem *p, heed_span queries, heed_span keys, int64_t window, int64_t Dq, int64_t Dm, int64_t D)
{
    attention *own = p->own = grad_room(p, sizeof *own);
    own->score = pair_of(p)->ref;
    const block *q = grad_in(p, BLOCK_INPUT, queries.start[queries.B], Dq, 1), *m = grad_in(p, BLOCK_INPUT, keys.start[keys.B], Dm, 1);
    own->ref = (ref_attend){.queries = queries, .keys = keys, .window = window, .align = pair_of(p)->which, .score = score_of,
                            .score_back = score_back_of, .subject = own, .v = m->x, .dv = m->g, .Dv = Dm, .s = grad_nums(p, 8), .p = grad_nums(p, 8)};
    own->x = (ref_pair){.q = q->x, .k = m->x, .Dq = Dq, .Dm = Dm};
    own->g = (ref_pair){.q = q->g, .k = m->g, .Dq = Dq, .Dm = Dm};
    lay_weights(p, Dq, Dm, D);
    grad_out(p, queries.start[queries.B], Dm);
}

/* Queries outnumber keys in some sequences, so that windows leave some without a key; some sequences have no query, and the last has a query
 * and no key. */
static void draw_spans(problem *p, heed_span *queries, heed_span *keys)
{
    const int64_t B = grad_draw(p, 2, 5);
    *queries = grad_draw_span(p, B, 0, 6);
    *keys = grad_draw_span(p, B, 0, 6);
    ((int64_t *)queries->start)[B] = queries->start[B - 1] + 1;
    ((int64_t *)keys->start)[B] = keys->start[B - 1];
}

static void draw(problem *p)
{
    heed_span queries, keys;
    draw_spans(p, &queries, &keys);
    const int64_t window = grad_draw(p, 0, 2), Dq = grad_draw(p, 2, 7), Dm = pair_of(p)->ref->equal_widths ? Dq : grad_draw(p, 2, 7);
    grad_lay_attention(p, queries, keys, window, Dq, Dm, grad_draw(p, 2, 7));
}

static void forward(problem *p)
{
    const attention *own = p->own;
    ref_attend_forward(&own->ref, p->out->x);
}

static void backward(problem *p)
{
    const attention *own = p->own;
    ref_attend_backward(&own->ref, p->out->x, p->out->g);
}

/* --- the same by the library ------------------------------------------------------------------------------------------------------------- */

static void declare(problem *p)
{
    attention *own = p->own;
    heed_weight *w[4];
    heed_error err;
    declare_attn(p, &own->attn, p->params, own->x.Dq, own->x.Dm, own->attn.width, &err);
    const int n = weights_of(&own->attn, w);
    for (int i = 0; i < n; i++) p->in[2 + i].weight = w[i];
}

heed_attended attention_attend(problem *p, heed_tape *t, heed_tensor *const *in, heed_memory *m)
{
    const attention *own = p->own;
    const heed_attn *a = &own->attn;
    *m = (heed_memory){.values = in[1], .keys = heed_attn_keys(t, a, in[1]), .span = own->ref.keys};
    return heed_attend(t, &(heed_attend_args){.q = a->score->queries(t, a, in[0]), .k = m->keys, .v = m->values, .extra = a->extra ? &a->extra->tensor : NULL,
                                              .queries = own->ref.queries, .keys = m->span, .align = a->align, .window = a->window,
                                              .score = &a->score->pair, .scale = a->score->scale ? (float)a->score->scale(a) : 1});
}

static void run(problem *p, heed_tape *t, heed_tensor *const *in, heed_tensor **out)
{
    heed_memory m;
    out[0] = attention_attend(p, t, in, &m).out;
}

/* --- the table ------------------------------------------------------------------------------------------------------------------------------ */

#define HEED_SCORE(name, formula, paper) extern const ref_score ref_score_##name;
#include "attn/scores.def"
#undef HEED_SCORE

const attention_pair *attention_pair_at(int i)
{
    static const ref_score *const scores[] = {
#define HEED_SCORE(name, formula, paper) &ref_score_##name,
#include "attn/scores.def"
#undef HEED_SCORE
    };
    static const char *const aligns[] = {
#define HEED_ALIGN(name, ...) #name,
#include "heed/aligns.def"
#undef HEED_ALIGN
    };
    static attention_pair table[sizeof scores / sizeof scores[0] * HEED_ALIGN_COUNT];
    static char names[sizeof table / sizeof table[0]][64];
    if (i >= (int)(sizeof table / sizeof table[0])) return NULL;
    const int s = i / HEED_ALIGN_COUNT, a = i % HEED_ALIGN_COUNT;
    const heed_score *h = heed_score_at(s);
    snprintf(names[i], sizeof names[i], "%s x %s", h->name, aligns[a]);
    table[i] = (attention_pair){.score = h->name, .align = aligns[a], .ref = scores[s], .heed = h, .which = (heed_align)a,
                                .c = {names[i], h->name, draw, forward, backward, run, declare, &table[i]}};
    return &table[i];
}
