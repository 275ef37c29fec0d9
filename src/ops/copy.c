/* copy_loss: a symbol is made or copied (pointer-generator), and what training minimises then.
 *
 *   p(w) = g' softmax(x)_w + (1-g) c_w,   g = sigmoid(u),   c_w = sum of the weights at keys where w stands     (See et al. 2017, eqs. 8 and 9)
 *
 * g' = g + (1-g) lacks, where `lacks` is what the weights lack in a sum of 1: nothing but for local-p and a query that saw no key. All is kept as
 * logarithms: of g and 1-g they are -ln(1 + e^-u) and -ln(1 + e^u), never of 0, and a symbol of the source gains by the copying
 *
 *   r_w = ln p(w) - ln(g' softmax(x)_w) = ln(1 + e^d),   d = ln(1-g) + ln c_w - ln g' - ln softmax(x)_w
 *
 * while any other has r = 0. So nothing has to be floored but p(w) in the slope 1/p(w) towards a weight, at 1e-30, where a weight that small takes it to 0
 * again. As in output_loss the logits' memory becomes their gradient in the pass that computes the loss. */
#include <math.h>
#include <string.h>

#include "heed/ops.h"
#include "kernels/align.h"
#include "tensor/tape.h"

#define STEEPEST 69   /* ln 1e30: of the slope towards a weight */

/* A symbol that stands in the source. */
typedef struct word { int32_t symbol; double c, gain, made, copied; } word;   /* gain: r_w; made, copied: the shares of either in p(w) */

typedef struct mixer {
    const heed_kernels *k;
    int64_t V;
    int32_t *place;             /* [V] 1 + the place among words, 0: none */
    word *words;                /* [keys of the longest source] of the row at hand */
    float *again;               /* [keys of the longest source, H + 1] weights that were not asked for, and room */
    int64_t count;
    double log_g, log_copy, lacks, log_made;   /* of the row at hand: ln g, ln(1-g), ln g' */
    double lse;
} mixer;

/* One row of the logits, and the query whose weights copy into it. */
typedef struct view {
    const float *weights;       /* [n,H] */
    const int32_t *symbols;     /* [n] */
    int64_t row, n, H, pair;    /* pair: number of its first among those of all looks */
    bool loose;                 /* its weights may sum to less than 1 */
} view;

/* --- the mixture of one row -------------------------------------------------------------------------------------------------------------- */

static double softplus(double x) { return fmax(x, 0) + log1p(exp(-fabs(x))); }

static double mean_weight(const view *v, int64_t j)
{
    double a = 0;
    for (int64_t h = 0; h < v->H; h++) a += (double)v->weights[j * v->H + h];
    return a / (double)v->H;
}

static void gather_words(mixer *m, const view *v, double *sum)
{
    m->count = 0;
    *sum = 0;
    for (int64_t j = 0; j < v->n; j++) {
        const double a = mean_weight(v, j);
        int32_t *place = &m->place[v->symbols[j]];
        if (!*place) {
            m->words[m->count] = (word){.symbol = v->symbols[j], .made = 1};
            *place = (int32_t)++m->count;
        }
        m->words[*place - 1].c += a;
        *sum += a;
    }
}

/* x: the row's logits, whose log-sum-exp is m->lse already. */
static void mix_row(mixer *m, const view *v, const float *x, float u)
{
    double sum;
    gather_words(m, v, &sum);
    m->log_g = -softplus(-(double)u);
    m->log_copy = -softplus((double)u);
    m->lacks = sum == 0 ? 1 : v->loose ? fmax(0, 1 - sum) : 0;
    m->log_made = m->lacks > 0 ? m->log_g + softplus(m->log_copy + log(m->lacks) - m->log_g) : m->log_g;
    for (int64_t i = 0; i < m->count; i++) {
        word *w = &m->words[i];
        if (!(w->c > 0)) continue;
        const double d = m->log_copy + log(w->c) - m->log_made - ((double)x[w->symbol] - m->lse);
        w->gain = softplus(d);
        w->made = exp(-w->gain);
        w->copied = exp(d - w->gain);
    }
}

static void leave_row(mixer *m)
{
    for (int64_t i = 0; i < m->count; i++) m->place[m->words[i].symbol] = 0;
}

/* --- rows of all looks ---------------------------------------------------------------------------------------------------------------------- */

static int64_t rows_of(const heed_attended *a) { return a->args.queries.start[a->args.queries.B]; }

static bool copying_fits(heed_tape *t, const heed_tensor *logits, const heed_copying *c)
{
    int64_t rows = 0;
    for (int64_t l = 0; l < c->looks; l++) rows += rows_of(&c->attended[l]);
    if (rows != logits->rows || c->gate->rows != rows || c->gate->cols != 1)
        heed_tape_fail(t, HEED_E_SHAPE, "copy_loss: logits [%lld,%lld], gate [%lld,%lld] and %lld queries do not fit", (long long)logits->rows,
                       (long long)logits->cols, (long long)c->gate->rows, (long long)c->gate->cols, (long long)rows);
    for (int64_t j = 0; c->looks && j < c->attended[0].args.keys.start[c->attended[0].args.keys.B]; j++)
        if (c->symbols[j] < 0 || c->symbols[j] >= logits->cols)
            heed_tape_fail(t, HEED_E_SHAPE, "copy_loss: key %lld is symbol %d of %lld", (long long)j, c->symbols[j], (long long)logits->cols);
    return !heed_tape_failed(t);
}

static int64_t heads_of(const heed_attended *a) { return a->weights ? a->weights->cols : a->args.heads ? a->args.heads : 1; }

static bool mixer_init(mixer *m, heed_tape *t, const heed_copying *c, int64_t V)
{
    int64_t most = 0, heads = 0;
    for (int64_t l = 0; l < c->looks; l++) {
        const heed_span keys = c->attended[l].args.keys;
        for (int64_t b = 0; b < keys.B; b++) most = keys.start[b + 1] - keys.start[b] > most ? keys.start[b + 1] - keys.start[b] : most;
        heads = heads_of(&c->attended[l]) > heads ? heads_of(&c->attended[l]) : heads;
    }
    *m = (mixer){.k = t->k, .V = V, .place = heed_tape_alloc(t, (size_t)(V + 1) * sizeof *m->place)};
    m->words = heed_tape_alloc(t, (size_t)(most + 1) * sizeof *m->words);
    m->again = heed_tape_alloc(t, (size_t)(most * (heads + 1) + 1) * sizeof *m->again);
    if (heed_tape_failed(t)) return false;
    memset(m->place, 0, (size_t)V * sizeof *m->place);
    return true;
}

static const float *weights_again(const heed_attended *x, int64_t group, int64_t row, const view *v, float *again)
{
    float *one = again + v->n * v->H;
    for (int64_t h = 0; h < v->H; h++) {
        heed_attend_weights(x, group, row, h, one, NULL);
        for (int64_t j = 0; j < v->n; j++) again[j * v->H + h] = one[j];
    }
    return again;
}

/* Calls visit for every row, in order; returns the number of pairs. visit NULL: only that. */
static int64_t each_row(const heed_copying *c, float *again, void (*visit)(void *self, const view *v), void *self)
{
    view v = {.row = 0};
    for (int64_t l = 0; l < c->looks; l++) {
        const heed_attended *x = &c->attended[l];
        const heed_attend_args *a = &x->args;
        const float *weights = x->weights ? x->weights->x : NULL;
        v.H = heads_of(x);
        v.loose = heed_align_has_centre(a->align);
        for (int64_t b = 0; b < a->queries.B; b++) {
            const int64_t owner = a->owner ? a->owner[b] : b;
            v.n = a->keys.start[owner + 1] - a->keys.start[owner];
            v.symbols = c->symbols + a->keys.start[owner];
            for (int64_t i = a->queries.start[b]; i < a->queries.start[b + 1]; i++, v.row++, v.pair += v.n) {
                v.weights = weights || !visit ? weights : weights_again(x, b, i, &v, again);
                if (visit) visit(self, &v);
                if (weights) weights += v.n * v.H;
            }
        }
    }
    return v.pair;
}

/* --- ln p(w) -------------------------------------------------------------------------------------------------------------------------------- */

typedef struct mixing { mixer m; heed_tensor *logits; const heed_tensor *gate; } mixing;

static void mix_visit(void *self, const view *v)
{
    mixing *s = self;
    mixer *m = &s->m;
    float *x = s->logits->x + v->row * m->V;
    m->lse = (double)m->k->log_sum_exp(x, m->V);
    mix_row(m, v, x, s->gate->x[v->row]);
    const float by = (float)(m->log_made - m->lse);
    for (int64_t w = 0; w < m->V; w++) x[w] += by;
    for (int64_t i = 0; i < m->count; i++) x[m->words[i].symbol] += (float)m->words[i].gain;
    leave_row(m);
}

heed_tensor *heed_copy_mix(heed_tape *t, heed_tensor *logits, const heed_copying *c)
{
    mixing s = {.logits = logits, .gate = c->gate};
    const heed_mark mark = heed_arena_mark(t->arena);
    if (heed_tape_failed(t) || !copying_fits(t, logits, c) || !mixer_init(&s.m, t, c, logits->cols)) return &t->poison;
    each_row(c, s.m.again, mix_visit, &s);
    heed_arena_rewind(t->arena, mark);
    return logits;
}

/* --- the loss ---------------------------------------------------------------------------------------------------------------------------------- */

typedef struct judging {
    mixer m;
    heed_copying c;
    heed_tensor *logits;
    const int32_t *targets;
    double sharp, flat, weight, loss;   /* of p[target], of every p */
    float *p;                           /* [V] of the row at hand */
    float *dgate, *dpair;               /* [N], [pairs]; NULL: no gradient is wanted */
    heed_loss_counts sum;
} judging;

static double part_of(const judging *s, int32_t symbol, int32_t target) { return s->flat + (symbol == target ? s->sharp : 0); }

/* What the row's logits, gate and weights get. b_w: the part of ln p(w) in the loss; Q: what of it goes to the softmax. */
typedef struct shares { double Q, copied; } shares;

static shares shares_of(const judging *s, int32_t target)
{
    const mixer *m = &s->m;
    double parts = 0, made = 0, copied = 0;
    for (int64_t i = 0; i < m->count; i++) {
        const double part = part_of(s, m->words[i].symbol, target);
        parts += part;
        made += part * m->words[i].made;
        copied += part * m->words[i].copied;
    }
    return (shares){fmax(0, 1 - parts) + made, copied};
}

/* -sum_w b_w ln p(w):  dx_v = Q softmax_v - b_v made_v */
static void logits_back(const judging *s, double Q, float *x, int32_t target)
{
    const mixer *m = &s->m;
    m->k->scale(x, (float)(s->weight * Q), s->p, m->V);
    for (int64_t w = 0; s->flat > 0 && w < m->V; w++) x[w] -= (float)(s->weight * s->flat);
    if (!m->place[target]) x[target] = (float)(s->weight * (Q * (double)s->p[target] - part_of(s, target, target)));
    for (int64_t i = 0; i < m->count; i++) {
        const word *w = &m->words[i];
        x[w->symbol] = (float)(s->weight * (Q * (double)s->p[w->symbol] - part_of(s, w->symbol, target) * w->made));
    }
}

/* g' = g + (1-g) lacks:  du = copied g - Q g (1-g) (1 - lacks) / g',  da_j = Q (1-g)/g' where a_j is lacking, - b_w (1-g)/p(w) */
static void row_back(judging *s, const view *v, float *x, int32_t target)
{
    const mixer *m = &s->m;
    const shares b = shares_of(s, target);
    s->dgate[v->row] = (float)(s->weight * (b.copied * exp(m->log_g) - b.Q * (1 - m->lacks) * exp(m->log_g + m->log_copy - m->log_made)));
    const double lacking = v->loose && m->lacks > 0 ? b.Q * exp(fmin(m->log_copy - m->log_made, STEEPEST)) : 0;
    for (int64_t j = 0; j < v->n; j++) {
        const word *w = &m->words[m->place[v->symbols[j]] - 1];
        const double log_p = m->log_made + (double)x[w->symbol] - m->lse + w->gain, part = part_of(s, w->symbol, target);
        s->dpair[v->pair + j] = (float)(s->weight * (lacking - part * exp(fmin(m->log_copy - log_p, STEEPEST))));
    }
    logits_back(s, b.Q, x, target);
}

/* A symbol of the source only gains, so the greatest is one of those, or was the greatest before. Of equals the first. */
static bool is_hit(const mixer *m, const float *x, int32_t target)
{
    const int32_t greatest = (int32_t)m->k->arg_max(x, m->V);
    word best = {.symbol = greatest, .gain = m->place[greatest] ? m->words[m->place[greatest] - 1].gain : 0};
    for (int64_t i = 0; i < m->count; i++) {
        const word *w = &m->words[i];
        const double more = ((double)x[w->symbol] + w->gain) - ((double)x[best.symbol] + best.gain);
        if (more > 0 || (more == 0 && w->symbol < best.symbol)) best = *w;
    }
    return best.symbol == target;
}

static void judge_visit(void *self, const view *v)
{
    judging *s = self;
    mixer *m = &s->m;
    float *x = s->logits->x + v->row * m->V;
    const int32_t target = s->targets[v->row];
    m->lse = (double)m->k->log_sum_exp(x, m->V);   /* not softmax's, which adds up in another order: a loss has the same bits with its gradient and without */
    if (s->dgate) m->k->softmax(s->p, x, m->V);
    mix_row(m, v, x, s->c.gate->x[v->row]);
    const double made = (double)x[target] - m->lse;
    double all = 0, gain = 0;
    for (int64_t w = 0; s->flat > 0 && w < m->V; w++) all += (double)x[w] - m->lse;
    for (int64_t i = 0; i < m->count; i++) gain += part_of(s, m->words[i].symbol, target) * m->words[i].gain;
    s->loss -= s->weight * (s->sharp * made + s->flat * all + m->log_made + gain);
    s->sum.log_p += made + m->log_made + (m->place[target] ? m->words[m->place[target] - 1].gain : 0);
    s->sum.hits += is_hit(m, x, target);
    if (s->dgate) row_back(s, v, x, target);
    leave_row(m);
}

/* Both were made for a gradient of 1 at the loss. */
static void copy_loss_back(heed_tape *t, heed_node *n)
{
    const judging *s = n->saved;
    const float by = n->out->g[0];
    const int64_t size = s->logits->rows * s->logits->cols;
    float *dgate = heed_tape_grad(t, s->c.gate), *dx;
    if (dgate) t->k->axpy(dgate, by, s->dgate, s->logits->rows);
    if (!s->logits->g && !s->logits->base) {
        if (by != 1) t->k->scale(s->logits->x, by, s->logits->x, size);
        s->logits->g = s->logits->x;
        s->logits->x = NULL;      /* one memory, which is a gradient now: the list of a weight may point at it */
    } else if ((dx = heed_tape_grad(t, s->logits))) {
        t->k->axpy(dx, by, s->logits->x, size);
    }
    const float *from = s->dpair;
    for (int64_t l = 0; l < s->c.looks; l++) {
        heed_tensor *weights = s->c.attended[l].weights;
        const int64_t H = weights->cols;
        float *to = heed_tape_grad(t, weights);
        for (int64_t i = 0; to && i < weights->rows * H; i++) to[i] += by * from[i / H] / (float)H;
        from += weights->rows;
    }
}

static bool wants(const heed_tensor *logits, const heed_copying *c)
{
    bool wanted = logits->wants_grad || c->gate->wants_grad;
    for (int64_t l = 0; l < c->looks; l++) wanted = wanted || c->attended[l].weights->wants_grad;
    return wanted;
}

static bool weights_are_there(heed_tape *t, const heed_copying *c)
{
    for (int64_t l = 0; l < c->looks; l++)
        if (!c->attended[l].weights) heed_tape_fail(t, HEED_E_SHAPE, "copy_loss: attention's weights were not asked for");
    return !heed_tape_failed(t);
}

static bool targets_fit(heed_tape *t, const heed_tensor *logits, const int32_t *targets)
{
    for (int64_t i = 0; i < logits->rows; i++)
        if (targets[i] < 0 || targets[i] >= logits->cols)
            heed_tape_fail(t, HEED_E_SHAPE, "copy_loss: target %d at row %lld of [%lld,%lld]", targets[i], (long long)i, (long long)logits->rows,
                           (long long)logits->cols);
    return !heed_tape_failed(t);
}

heed_tensor *heed_copy_loss(heed_tape *t, heed_tensor *logits, const heed_copying *c, const int32_t *targets, double smoothing, double weight,
                            heed_loss_counts *counts)
{
    if (heed_tape_failed(t) || !copying_fits(t, logits, c) || !weights_are_there(t, c) || !targets_fit(t, logits, targets)) return &t->poison;
    heed_tensor *out = heed_tape_tensor(t, 1, 1);
    judging *s = heed_tape_alloc(t, sizeof *s);
    if (heed_tape_failed(t)) return &t->poison;
    *s = (judging){.c = *c, .logits = logits, .targets = targets, .sharp = 1 - smoothing, .flat = smoothing / (double)logits->cols, .weight = weight,
                   .sum = {.symbols = logits->rows}};
    const bool grad = heed_tape_wants(t, wants(logits, c));
    if (grad) {
        s->dgate = heed_tape_alloc(t, (size_t)(logits->rows + 1) * sizeof *s->dgate);
        s->dpair = heed_tape_alloc(t, (size_t)(each_row(c, NULL, NULL, NULL) + 1) * sizeof *s->dpair);
        s->p = heed_tape_alloc(t, (size_t)(logits->cols + 1) * sizeof *s->p);
    }
    if (!mixer_init(&s->m, t, c, logits->cols)) return &t->poison;
    each_row(c, s->m.again, judge_visit, s);
    out->x[0] = (float)s->loss;
    if (counts) *counts = s->sum;
    return grad ? heed_tape_node(t, "copy_loss", out, copy_loss_back, s) : out;
}
