/* What training minimises: output_loss, and variation_loss where the target is what another model says. A block of logits at a time is made, judged and turned
 * into its gradient where it stands, and used for all that comes of it while it is near: so no [N,V] is ever filled twice, and none exists where it would be larger
 * than the weight. */
#include <math.h>
#include <string.h>

#include "heed/ops.h"
#include "tensor/tape.h"

enum { BLOCK = 256 };   /* rows of logits */

/* By what a row is judged: its target, or another's logits for it. */
typedef struct criterion {
    const int32_t *targets;
    double smoothing;
    const heed_logits *to;             /* NULL: targets */
    float *q;                          /* [V] with `to`: its distribution in one row */
    double w;
} criterion;

typedef struct judged {
    heed_tensor *x, *weight, *bias;
    int64_t N, D, V;
    const heed_pack *forward, *data;   /* the weight; data NULL: x wants no gradient */
    float *logits;                     /* stays: [N,V], later all of their gradient; else [BLOCK,V], used again and again */
    bool grad, stay;
    float *dx;                         /* [N,D] */
    float *dweight, *dbias;            /* [V,D], [V] unless the gradient of the logits stays */
} judged;

static heed_pending product_of(const judged *s)
{
    return (heed_pending){.kind = HEED_PENDING_PRODUCT, .rows = {.dy = s->logits, .x = s->x->x, .rows = s->N, .ldy = s->V, .ldx = s->D}};
}

/* All gradients were found on the way forward, for a loss that counts once. */
static void scale_gradients(heed_tape *t, const judged *s, float factor)
{
    if (factor == 1) return;
    if (s->dx) t->k->scale(s->dx, factor, s->dx, s->N * s->D);
    if (s->stay) {
        t->k->scale(s->logits, factor, s->logits, s->N * s->V);
        return;
    }
    t->k->scale(s->dweight, factor, s->dweight, s->V * s->D);
    t->k->scale(s->dbias, factor, s->dbias, s->V);
}

static void output_loss_back(heed_tape *t, heed_node *n)
{
    const judged *s = n->saved;
    scale_gradients(t, s, n->out->g[0]);
    heed_pending piece = product_of(s);
    if (!s->stay) piece = (heed_pending){.kind = HEED_PENDING_DENSE, .dense = s->dweight};
    heed_tape_pend(t, s->weight, &piece, s->stay ? s->x : NULL, NULL);
    if (s->stay) piece.kind = HEED_PENDING_COLUMNS;
    else piece.dense = s->dbias;
    heed_tape_pend(t, s->bias, &piece, NULL, NULL);
    if (!s->dx) return;
    if (!s->x->g && !s->x->base && !s->x->weight) {
        s->x->g = s->dx;   /* nobody has added to it: no second [N,D] is needed */
        return;
    }
    float *dx = heed_tape_grad(t, s->x);
    if (dx) t->k->axpy(dx, 1, s->dx, s->N * s->D);
}

/* dx, and unless the logits stay what this block brings to the weight and its bias. */
static heed_status block_back(heed_tape *t, const judged *s, int64_t first, int64_t rows, const float *dy, heed_error *err)
{
    const int64_t D = s->D, V = s->V;
    const heed_gemm_rows piece = {.dy = dy, .x = s->x->x + first * D, .rows = rows, .ldy = V, .ldx = D};
    heed_status status = HEED_OK;
    if (s->dx) status = heed_gemm_data(t->gemm, s->data, rows, dy, V, s->dx + first * D, D, false, err);
    if (s->stay) return status;
    if (status == HEED_OK) status = heed_gemm_weight(t->gemm, heed_tape_number(s->weight), V, D, 0, V, &piece, 1, s->dweight, err);
    t->k->colsum(s->dbias, dy, rows, V);
    return status;
}

static double judge_row(heed_tape *t, const judged *s, const criterion *c, float *x, int32_t target, heed_loss_counts *sum)
{
    float log_p;
    bool hit;
    const double loss = (double)t->k->cross_entropy(x, s->V, target, (float)c->smoothing, (float)c->w, s->grad, &log_p, &hit);
    sum->log_p += log_p;
    sum->hits += hit;
    return loss;
}

/* p, a softmax, becomes half the gradient of sum |p - q| towards its scores: p_j (s_j - sum s p) / 2, s: the signs of p - q, 0 where both are the same. */
static void vary_back(float *p, const float *q, int64_t V, double w)
{
    double mean = 0;
    for (int64_t j = 0; j < V; j++) mean += p[j] > q[j] ? (double)p[j] : p[j] < q[j] ? -(double)p[j] : 0;
    for (int64_t j = 0; j < V; j++) {
        const double sign = (p[j] > q[j]) - (p[j] < q[j]);
        p[j] = (float)(w / 2 * (double)p[j] * (sign - mean));
    }
}

static double vary_row(heed_tape *t, const judged *s, const criterion *c, float *x, const float *to, heed_loss_counts *sum)
{
    double distance = 0;
    sum->hits += t->k->arg_max(x, s->V) == t->k->arg_max(to, s->V);
    t->k->softmax(x, x, s->V);
    t->k->softmax(c->q, to, s->V);
    for (int64_t j = 0; j < s->V; j++) distance += fabs((double)x[j] - (double)c->q[j]);
    if (s->grad) vary_back(x, c->q, s->V, c->w);
    sum->log_p -= distance / 2;
    return distance / 2;
}

static double judge_rows(heed_tape *t, const judged *s, const criterion *c, float *x, int64_t first, int64_t rows, heed_loss_counts *sum)
{
    double loss = 0;
    const float *to = c->to ? c->to->rows(c->to->self, first, rows) : NULL;
    if (c->to && !to) heed_tape_fail(t, HEED_E_NOMEM, "variation_loss: the logits to compare with could not be made");
    heed_stopwatch_count(t->watch, 0, (s->grad ? 2.0 : 1.0) * (double)(rows * s->V) * sizeof(float));
    for (int64_t i = 0; i < rows && !heed_tape_failed(t); i++)
        loss += c->w * (to ? vary_row(t, s, c, x + i * s->V, to + i * s->V, sum) : judge_row(t, s, c, x + i * s->V, c->targets[first + i], sum));
    return loss;
}

/* Room for what outlives the call; the block that does not comes last, so that it can be given back. */
static bool make_room(heed_tape *t, judged *s)
{
    const size_t V = (size_t)s->V, D = (size_t)s->D, N = (size_t)s->N;
    s->forward = heed_tape_pack(t, s->weight, false);
    s->stay = s->grad && s->N <= s->D;
    if (s->grad && s->x->wants_grad) {
        s->data = heed_tape_pack(t, s->weight, true);
        s->dx = heed_tape_room(t, N * D * sizeof(float));
    }
    if (s->grad && !s->stay) {
        s->dweight = heed_tape_alloc(t, V * D * sizeof(float));
        s->dbias = heed_tape_alloc(t, V * sizeof(float));
        if (heed_tape_failed(t)) return false;
        memset(s->dweight, 0, V * D * sizeof(float));
        memset(s->dbias, 0, V * sizeof(float));
    }
    s->logits = heed_tape_failed(t) || !s->stay ? NULL : heed_tape_room(t, N * V * sizeof(float));
    return !heed_tape_failed(t);
}

static heed_status judge(heed_tape *t, const judged *s, const criterion *c, float *loss, heed_loss_counts *sum, heed_error *err)
{
    const heed_mark mark = heed_arena_mark(t->arena);
    float *block = s->stay ? s->logits : heed_tape_alloc(t, (size_t)((s->N < BLOCK ? s->N : BLOCK) * s->V) * sizeof *block);
    if (!block) return heed_tape_status(t, err);
    heed_status status = HEED_OK;
    double total = 0;
    for (int64_t first = 0; first < s->N && status == HEED_OK; first += BLOCK) {
        const int64_t rows = s->N - first < BLOCK ? s->N - first : BLOCK;
        float *y = s->stay ? block + first * s->V : block;
        status = heed_gemm_forward(t->gemm, s->forward, rows, s->x->x + first * s->D, s->D, s->bias->x, y, s->V, false, err);
        if (status != HEED_OK) break;
        total += judge_rows(t, s, c, y, first, rows, sum);
        status = heed_tape_status(t, err);
        if (s->grad && status == HEED_OK) status = block_back(t, s, first, rows, y, err);
    }
    if (!s->stay) heed_arena_rewind(t->arena, mark);
    *loss = (float)total;
    return status;
}

static bool fits(heed_tape *t, const judged *s, const char *op, const int32_t *targets)
{
    if (s->weight->cols != s->D || s->bias->rows != 1 || s->bias->cols != s->V) {
        heed_tape_fail(t, HEED_E_SHAPE, "%s: [%lld,%lld] x [%lld,%lld]^T + [%lld,%lld]: sizes differ", op, (long long)s->N, (long long)s->D,
                       (long long)s->V, (long long)s->weight->cols, (long long)s->bias->rows, (long long)s->bias->cols);
        return false;
    }
    for (int64_t i = 0; targets && i < s->N; i++)
        if (targets[i] < 0 || targets[i] >= s->V) {
            heed_tape_fail(t, HEED_E_SHAPE, "%s: target %d at row %lld of [%lld,%lld]", op, targets[i], (long long)i, (long long)s->N, (long long)s->V);
            return false;
        }
    return true;
}

static heed_tensor *loss_of(heed_tape *t, const char *op, heed_tensor *x, heed_tensor *weight, heed_tensor *bias, criterion *c, heed_loss_counts *counts)
{
    heed_loss_counts sum = {.symbols = x->rows};
    heed_tensor *out = heed_tape_tensor(t, 1, 1);
    judged *s = heed_tape_alloc(t, sizeof *s);
    if (c->to) c->q = heed_tape_alloc(t, (size_t)weight->rows * sizeof *c->q);
    if (heed_tape_failed(t)) return &t->poison;
    *s = (judged){.x = x, .weight = weight, .bias = bias, .N = x->rows, .D = x->cols, .V = weight->rows, .grad = heed_tape_wants(t, true)};
    if (!fits(t, s, op, c->targets) || !make_room(t, s)) return &t->poison;
    heed_error err = {.status = HEED_OK};
    if (judge(t, s, c, out->x, &sum, &err) != HEED_OK) return heed_tape_fail(t, err.status, "%s: %s", op, err.text);
    if (counts) *counts = sum;
    return s->grad ? heed_tape_node(t, op, out, output_loss_back, s) : out;
}

heed_tensor *heed_output_loss(heed_tape *t, heed_tensor *x, heed_tensor *weight, heed_tensor *bias, const int32_t *targets, double smoothing, double w,
                              heed_loss_counts *counts)
{
    return loss_of(t, "output_loss", x, weight, bias, &(criterion){.targets = targets, .smoothing = smoothing, .w = w}, counts);
}

heed_tensor *heed_variation_loss(heed_tape *t, heed_tensor *x, heed_tensor *weight, heed_tensor *bias, const heed_logits *to, double w, heed_loss_counts *counts)
{
    return loss_of(t, "variation_loss", x, weight, bias, &(criterion){.to = to, .w = w}, counts);
}
