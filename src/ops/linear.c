/* Products with a weight: linear, linear_add. The gradient of the weight is listed on the tape, not summed here (tensor/tape.h). */
#include <string.h>

#include "heed/ops.h"
#include "kernels/screen.h"
#include "kernels/top.h"
#include "tensor/tape.h"

typedef struct product { heed_tensor *base, *x, *weight, *bias; } product;

/* Many rows are summed while they are near: the sum is then no larger than they are, and they need not stay. Few wait for more, of other moments. */
enum { MANY_ROWS = 32 };
static bool sums_at_once(int64_t rows, int64_t K) { return rows >= MANY_ROWS && rows >= 2 * K; }

static float *cleared(heed_tape *t, int64_t n)
{
    float *x = heed_tape_alloc(t, (size_t)n * sizeof *x);
    return x ? memset(x, 0, (size_t)n * sizeof *x) : NULL;
}

static void weight_back(heed_tape *t, const product *s, heed_tensor *y, const heed_gemm_rows *rows)
{
    const int64_t N = s->weight->rows, K = s->weight->cols;
    heed_error err;
    if (!s->weight->wants_grad) return;
    if (!sums_at_once(rows->rows, K)) {
        heed_tape_pend(t, s->weight, &(heed_pending){.kind = HEED_PENDING_PRODUCT, .rows = *rows}, s->x, y);
        return;
    }
    float *sum = cleared(t, N * K);
    if (sum && heed_gemm_weight(t->gemm, heed_tape_number(s->weight), N, K, 0, N, rows, 1, sum, &err) != HEED_OK) heed_tape_fail(t, err.status, "linear: %s", err.text);
    if (sum) heed_tape_pend(t, s->weight, &(heed_pending){.kind = HEED_PENDING_DENSE, .dense = sum}, NULL, NULL);
}

static void bias_back(heed_tape *t, const product *s, heed_tensor *y, const heed_gemm_rows *rows)
{
    if (!s->bias || !s->bias->wants_grad) return;
    if (rows->rows < MANY_ROWS) {
        heed_tape_pend(t, s->bias, &(heed_pending){.kind = HEED_PENDING_COLUMNS, .rows = *rows}, NULL, y);
        return;
    }
    float *sum = cleared(t, y->cols);
    if (!sum) return;
    t->k->colsum(sum, y->g, y->rows, y->cols);
    heed_tape_pend(t, s->bias, &(heed_pending){.kind = HEED_PENDING_DENSE, .dense = sum}, NULL, NULL);
}

/* y = base + x W^T + b:  dbase += dy,  dx += dy W,  dW += dy^T x,  db += columns of dy */
static void linear_back(heed_tape *t, heed_node *n)
{
    const product *s = n->saved;
    heed_tensor *y = n->out;
    bool fresh;
    float *dbase = s->base ? heed_tape_grad(t, s->base) : NULL, *dx = heed_tape_grad_fresh(t, s->x, &fresh);
    if (dbase) t->k->axpy(dbase, 1, y->g, y->rows * y->cols);
    if (dx) {
        const heed_pack *pack = heed_tape_pack(t, s->weight, true);
        heed_error err;
        if (pack && heed_gemm_data(t->gemm, pack, y->rows, y->g, y->cols, dx, s->x->cols, !fresh, &err) != HEED_OK)
            heed_tape_fail(t, err.status, "linear: %s", err.text);
    }
    const heed_gemm_rows rows = {.dy = y->g, .x = s->x->x, .rows = y->rows, .ldy = y->cols, .ldx = s->x->cols};
    weight_back(t, s, y, &rows);
    bias_back(t, s, y, &rows);
}

/* --- equal rows --------------------------------------------------------------------------------------------------------------------------- */

/* Rows that stand for all: row [n], and for each row of x its place among them. */
typedef struct distinct { int64_t *row, *place, n; } distinct;

static bool equal(const heed_tensor *x, int64_t a, int64_t b)
{
    return !x || memcmp(x->x + a * x->cols, x->x + b * x->cols, (size_t)x->cols * sizeof *x->x) == 0;
}

/* false: nobody knows of equal rows, or they are not half of all. */
static bool find_distinct(heed_tape *t, const product *p, distinct *d)
{
    const int64_t N = p->x->rows, *twin = t->hooks && t->hooks->twins ? t->hooks->twins(t->hooks->self, t, N) : NULL;
    if (!twin) return false;
    *d = (distinct){.row = heed_tape_alloc(t, (size_t)N * sizeof *d->row), .place = heed_tape_alloc(t, (size_t)N * sizeof *d->place)};
    if (heed_tape_failed(t)) return false;
    for (int64_t i = 0; i < N && 2 * d->n <= N; i++) {
        const bool again = twin[i] < i && equal(p->x, i, twin[i]) && equal(p->base, i, twin[i]);
        d->place[i] = again ? d->place[twin[i]] : d->n;
        if (!again) d->row[d->n++] = i;
    }
    return 2 * d->n <= N;
}

static void take(float *to, const heed_tensor *x, const distinct *d)
{
    for (int64_t i = 0; i < d->n; i++) memcpy(to + i * x->cols, x->x + d->row[i] * x->cols, (size_t)x->cols * sizeof *to);
}

static heed_status multiply_distinct(heed_tape *t, const heed_pack *pack, const product *p, const distinct *d, heed_tensor *out, heed_error *err)
{
    const int64_t K = p->x->cols, N = out->cols;
    float *x = heed_tape_alloc(t, (size_t)(d->n * K) * sizeof *x), *y = heed_tape_alloc(t, (size_t)(d->n * N) * sizeof *y);
    if (heed_tape_failed(t)) return heed_tape_status(t, err);
    take(x, p->x, d);
    if (p->base) take(y, p->base, d);
    const heed_status status = heed_gemm_forward(t->gemm, pack, d->n, x, K, p->bias ? p->bias->x : NULL, y, N, p->base != NULL, err);
    for (int64_t i = 0; i < out->rows && !status; i++) memcpy(out->x + i * N, y + d->place[i] * N, (size_t)N * sizeof *y);
    return status;
}

static heed_status multiply(heed_tape *t, const heed_pack *pack, const product *p, heed_tensor *out, heed_error *err)
{
    const heed_mark mark = heed_arena_mark(t->arena);
    distinct d;
    heed_status status;
    if (find_distinct(t, p, &d)) {
        status = multiply_distinct(t, pack, p, &d, out, err);
    } else {
        if (p->base) memcpy(out->x, p->base->x, (size_t)(out->rows * out->cols) * sizeof *out->x);
        status = heed_gemm_forward(t->gemm, pack, out->rows, p->x->x, p->x->cols, p->bias ? p->bias->x : NULL, out->x, out->cols, p->base != NULL, err);
    }
    heed_arena_rewind(t->arena, mark);
    return status;
}

/* --- builder ------------------------------------------------------------------------------------------------------------------------------- */

static heed_tensor *linear(heed_tape *t, const char *op, product p)
{
    const heed_tensor *w = p.weight;
    if (p.x->cols != w->cols || (p.bias && p.bias->cols != w->rows) || (p.base && (p.base->rows != p.x->rows || p.base->cols != w->rows)))
        return heed_tape_fail(t, HEED_E_SHAPE, "%s: [%lld,%lld] x [%lld,%lld]^T: sizes differ (or those of bias or base do)", op, (long long)p.x->rows,
                              (long long)p.x->cols, (long long)w->rows, (long long)w->cols);
    heed_tensor *out = heed_tape_tensor(t, p.x->rows, w->rows);
    const heed_pack *pack = heed_tape_failed(t) ? NULL : heed_tape_pack(t, p.weight, false);
    if (!pack) return &t->poison;
    heed_error err;
    if (multiply(t, pack, &p, out, &err) != HEED_OK) return heed_tape_fail(t, err.status, "%s: %s", op, err.text);
    if (heed_tape_failed(t)) return &t->poison;
    const bool wants = p.x->wants_grad || w->wants_grad || (p.bias && p.bias->wants_grad) || (p.base && p.base->wants_grad);
    if (!heed_tape_wants(t, wants)) return out;
    product *s = heed_tape_alloc(t, sizeof *s);
    if (!s) return &t->poison;
    *s = p;
    return heed_tape_node(t, op, out, linear_back, s);
}

heed_tensor *heed_linear(heed_tape *t, heed_tensor *x, heed_tensor *weight, heed_tensor *bias)
{
    return linear(t, "linear", (product){NULL, x, weight, bias});
}

heed_tensor *heed_linear_add(heed_tape *t, heed_tensor *base, heed_tensor *x, heed_tensor *weight)
{
    return linear(t, "linear_add", (product){base, x, weight, NULL});
}

/* --- the greatest of each row ------------------------------------------------------------------------------------------------------------- */

static void rank_piece(void *self, int64_t row, int64_t first, const float *y, int64_t n)
{
    heed_kernels_get()->rank((heed_ranking *)self + row, y, n, first);
}

static bool fits(heed_tape *t, const char *op, const heed_tensor *x, const heed_tensor *weight, const heed_tensor *bias)
{
    if (x->cols == weight->cols && bias->cols == weight->rows) return true;
    heed_tape_fail(t, HEED_E_SHAPE, "%s: [%lld,%lld] x [%lld,%lld]^T + [%lld]: sizes differ", op, (long long)x->rows, (long long)x->cols, (long long)weight->rows,
                   (long long)weight->cols, (long long)bias->cols);
    return false;
}

heed_ranked heed_linear_rank(heed_tape *t, heed_tensor *x, heed_tensor *weight, heed_tensor *bias, int64_t k)
{
    const heed_ranked failed = {.count = NULL};
    const int64_t n = x->rows;
    if (!fits(t, "linear_rank", x, weight, bias)) return failed;
    int32_t *ids = heed_tape_alloc(t, (size_t)(n * k) * sizeof *ids);
    float *best = heed_tape_alloc(t, (size_t)(n * k) * sizeof *best), *norm = heed_tape_alloc(t, (size_t)n * sizeof *norm);
    int64_t *count = heed_tape_alloc(t, (size_t)n * sizeof *count);
    heed_ranking *all = heed_tape_alloc(t, (size_t)n * sizeof *all);
    const heed_pack *pack = heed_tape_failed(t) ? NULL : heed_tape_pack(t, weight, false);
    if (!pack) return failed;
    for (int64_t i = 0; i < n; i++) all[i] = heed_ranking_begin(ids + i * k, best + i * k, k);
    heed_error err;
    if (heed_gemm_forward_look(t->gemm, pack, n, x->x, x->cols, bias->x, rank_piece, all, &err) != HEED_OK)
        return heed_tape_fail(t, err.status, "linear_rank: %s", err.text), failed;
    for (int64_t i = 0; i < n; i++) {
        count[i] = all[i].n;
        norm[i] = heed_ranking_norm(&all[i]);
    }
    return (heed_ranked){n, k, ids, best, count, norm};
}

/* Of all numbers. */
static heed_status look_for_greatest(heed_tape *t, const heed_pack *pack, const heed_tensor *x, const heed_tensor *bias, int32_t *ids, heed_error *err)
{
    const int64_t n = x->rows;
    heed_ranking *all = heed_tape_alloc(t, (size_t)n * sizeof *all);
    float *best = heed_tape_alloc(t, (size_t)n * sizeof *best);
    if (heed_tape_failed(t)) return heed_tape_status(t, err);
    for (int64_t i = 0; i < n; i++) {
        all[i] = heed_ranking_begin(ids + i, best + i, 1);
        all[i].unsummed = true;
        ids[i] = 0;
    }
    return heed_gemm_forward_look(t->gemm, pack, n, x->x, x->cols, bias->x, rank_piece, all, err);
}

const int32_t *heed_linear_arg_max(heed_tape *t, heed_tensor *x, heed_tensor *weight, heed_tensor *bias)
{
    int32_t *ids = fits(t, "linear_arg_max", x, weight, bias) ? heed_tape_alloc(t, (size_t)x->rows * sizeof *ids) : NULL;
    const heed_pack *pack = heed_tape_failed(t) ? NULL : heed_tape_pack(t, weight, false);
    if (!pack) return NULL;
    const heed_screen *screen = heed_tape_screen(weight, pack);
    heed_error err;
    const heed_status status = screen ? heed_screen_arg_max(screen, t->gemm, pack, x->rows, x->x, bias->x, t->arena, ids, NULL, &err)
                                      : look_for_greatest(t, pack, x, bias, ids, &err);
    if (status != HEED_OK) heed_tape_fail(t, status, "linear_arg_max: %s", err.text);
    return heed_tape_failed(t) ? NULL : ids;
}
