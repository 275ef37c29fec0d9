#include "ops/among.h"

#include <math.h>
#include <string.h>

#include "kernels/top.h"
#include "tensor/tape.h"

/* --- what is wanted ------------------------------------------------------------------------------------------------------------------------- */

static int64_t count_bits(const uint64_t *marks, int64_t words)
{
    int64_t n = 0;
    for (int64_t i = 0; i < words; i++) n += __builtin_popcountll(marks[i]);
    return n;
}

/* Their numbers, or the places that these have, rising. */
static int32_t *spread(const uint64_t *marks, int64_t words, const int32_t *place, int32_t *out)
{
    for (int64_t i = 0; i < words; i++)
        for (uint64_t x = marks[i]; x; x &= x - 1) {
            const int32_t id = (int32_t)(64 * i + __builtin_ctzll(x));
            *out++ = place ? place[id] : id;
        }
    return out;
}

static void lay_lists(heed_among *a, const uint64_t *marks, int64_t lists, int64_t words, const int32_t *place)
{
    for (int64_t i = 0; i < lists; i++) {
        const int64_t n = spread(marks + i * words, words, place, a->place + a->start[i]) - (a->place + a->start[i]);
        a->start[i + 1] = a->start[i] + n;
        if (n > a->widest) a->widest = n;
    }
}

static bool join_lists(heed_among *a, heed_tape *t, const uint64_t *marks, int64_t lists, int64_t words)
{
    uint64_t *any = heed_tape_alloc(t, (size_t)words * sizeof *any);
    int32_t *place = heed_tape_alloc(t, (size_t)(64 * words) * sizeof *place);
    const int64_t all = count_bits(marks, lists * words);
    a->start = heed_tape_alloc(t, (size_t)(lists + 1) * sizeof *a->start);
    a->place = heed_tape_alloc(t, (size_t)(all + 1) * sizeof *a->place);
    if (heed_tape_failed(t)) return false;
    memset(any, 0, (size_t)words * sizeof *any);
    for (int64_t i = 0; i < lists * words; i++) any[i % words] |= marks[i];
    a->count = count_bits(any, words);
    a->ids = heed_tape_alloc(t, (size_t)(a->count + 1) * sizeof *a->ids);
    if (!a->ids) return false;
    spread(any, words, NULL, a->ids);
    for (int64_t i = 0; i < a->count; i++) place[a->ids[i]] = (int32_t)i;
    a->start[0] = 0;
    lay_lists(a, marks, lists, words, place);
    return true;
}

/* --- its rows packed --------------------------------------------------------------------------------------------------------------------------- */

static int64_t rounded(int64_t n) { return (n + HEED_NARROW_STEP - 1) / HEED_NARROW_STEP * HEED_NARROW_STEP; }

static void pack_rows(heed_among *a, heed_tape *t, const heed_tensor *weight, const heed_tensor *bias)
{
    const int64_t K = a->depth, n = rounded(a->count);
    a->bias = heed_tape_alloc(t, (size_t)n * sizeof *a->bias);
    const heed_mark mark = heed_arena_mark(t->arena);
    float *w = heed_tape_alloc(t, (size_t)(n * K) * sizeof *w);
    heed_error err;
    if (heed_tape_failed(t)) return;
    for (int64_t i = 0; i < n; i++) {
        if (i < a->count) memcpy(w + i * K, weight->x + a->ids[i] * K, (size_t)K * sizeof *w);
        else memset(w + i * K, 0, (size_t)K * sizeof *w);
        a->bias[i] = i < a->count ? bias->x[a->ids[i]] : 0;
    }
    a->pack = heed_pack_new_cut(heed_tape_number((heed_tensor *)weight), n, K, HEED_NARROW, &err);
    if (!a->pack || heed_pack_fill(t->gemm, a->pack, w, false, &err) != HEED_OK) heed_tape_fail(t, err.status, "among: %s", err.text);
    heed_arena_rewind(t->arena, mark);
}

void heed_among_init(heed_among *a, heed_tape *t, const heed_tensor *weight, const heed_tensor *bias, const uint64_t *marks, int64_t lists, int64_t words)
{
    *a = (heed_among){.columns = weight->rows, .depth = weight->cols};
    if (join_lists(a, t, marks, lists, words)) pack_rows(a, t, weight, bias);
}

void heed_among_free(heed_among *a)
{
    heed_pack_free(a->pack);
    a->pack = NULL;
}

/* --- products ------------------------------------------------------------------------------------------------------------------------------------ */

/* Rows of a product without what their lists lack. */
typedef struct picking { const heed_among *a; const int64_t *list; float *y; int64_t *taken; } picking;

static int64_t list_of(const int64_t *list, int64_t row) { return list ? list[row] : row; }

static int64_t width_of(const heed_among *a, const int64_t *list, int64_t row)
{
    const int64_t l = list_of(list, row);
    return a->start[l + 1] - a->start[l];
}

static void pick(void *self, int64_t row, int64_t first, const float *y, int64_t n)
{
    const picking *p = self;
    const int32_t *place = p->a->place + p->a->start[list_of(p->list, row)];
    const int64_t width = width_of(p->a, p->list, row), end = first + n;
    float *out = p->y + row * p->a->widest;
    int64_t at = p->taken[row];
    for (; at < width && place[at] < end; at++) out[at] = y[place[at] - first];
    p->taken[row] = at;
}

/* [rows, widest]; NULL: the tape has failed. */
static float *picked(heed_tape *t, const heed_among *a, const heed_tensor *x, const int64_t *list)
{
    const int64_t n = x->rows;
    picking p = {a, list, heed_tape_alloc(t, (size_t)(n * a->widest + 1) * sizeof *p.y), heed_tape_alloc(t, (size_t)(n + 1) * sizeof *p.taken)};
    heed_error err;
    if (heed_tape_failed(t)) return NULL;
    memset(p.taken, 0, (size_t)n * sizeof *p.taken);
    if (heed_gemm_forward_look(t->gemm, a->pack, n, x->x, a->depth, a->bias, pick, &p, &err) == HEED_OK) return p.y;
    heed_tape_fail(t, err.status, "among: %s", err.text);
    return NULL;
}

static bool fits(heed_tape *t, const heed_among *a, const heed_tensor *x)
{
    if (x->cols == a->depth) return true;
    heed_tape_fail(t, HEED_E_SHAPE, "among: [%lld,%lld] x [%lld,%lld]^T: sizes differ", (long long)x->rows, (long long)x->cols, (long long)a->columns, (long long)a->depth);
    return false;
}

heed_ranked heed_among_rank(heed_tape *t, const heed_among *a, heed_tensor *x, const int64_t *list, int64_t k)
{
    const heed_ranked failed = {.count = NULL};
    const int64_t n = x->rows;
    if (!fits(t, a, x)) return failed;
    int32_t *ids = heed_tape_alloc(t, (size_t)(n * k) * sizeof *ids);
    float *best = heed_tape_alloc(t, (size_t)(n * k) * sizeof *best), *norm = heed_tape_alloc(t, (size_t)n * sizeof *norm);
    int64_t *count = heed_tape_alloc(t, (size_t)n * sizeof *count);
    const float *y = picked(t, a, x, list);
    if (!y) return failed;
    for (int64_t i = 0; i < n; i++) {
        heed_ranking one = heed_ranking_begin(ids + i * k, best + i * k, k);
        const int64_t width = width_of(a, list, i);
        for (int64_t first = 0; first < width; first += HEED_PIECE)
            t->k->rank(&one, y + i * a->widest + first, width - first < HEED_PIECE ? width - first : HEED_PIECE, first);
        const int32_t *place = a->place + a->start[list_of(list, i)];
        for (int64_t c = 0; c < one.n; c++) one.ids[c] = a->ids[place[one.ids[c]]];
        count[i] = one.n;
        norm[i] = heed_ranking_norm(&one);
    }
    return (heed_ranked){n, k, ids, best, count, norm};
}

heed_tensor *heed_among_linear(heed_tape *t, const heed_among *a, heed_tensor *x, const int64_t *list, const float **norm)
{
    const int64_t n = x->rows;
    if (!fits(t, a, x)) return &t->poison;
    heed_tensor *out = heed_tape_tensor(t, n, a->columns);
    float *norms = heed_tape_alloc(t, (size_t)(n + 1) * sizeof *norms);
    const float *y = picked(t, a, x, list);
    if (!y) return &t->poison;
    for (int64_t i = 0; i < n; i++) {
        const int32_t *place = a->place + a->start[list_of(list, i)];
        const int64_t width = width_of(a, list, i);
        float *row = out->x + i * a->columns;
        for (int64_t c = 0; c < a->columns; c++) row[c] = -INFINITY;
        for (int64_t c = 0; c < width; c++) row[a->ids[place[c]]] = y[i * a->widest + c];
        norms[i] = t->k->log_sum_exp(y + i * a->widest, width);
    }
    *norm = norms;
    return out;
}
