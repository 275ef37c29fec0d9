#include "kernels/screen.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/top.h"

/* NEAR: numbers of a row that are multiplied out at most, K of them as quick as one in a thousand of a product's. */
enum { NEAR = 256, MOST_DEPTH = 4096 };

struct heed_screen {
    heed_number number;
    const float *w;
    int64_t N, K;
    pthread_mutex_t lock;
    bool tried;
    heed_pack *pack;          /* NULL: none */
    double norm, error;       /* the most that |w| and |w - w'| are of its rows */
};

/* Every constant of the bounds is in here. A rounding is 2^-24 of a number at most; 15 are left for what is done besides a sum of products. */
static double rounding(int64_t K) { return (double)(K + 16) * 0x1p-24; }
/* What numbers below 2^-126 may lose that become 0: of products of rows of these lengths, and of scales, each 2^-107 at least, times whole numbers of 2^14 at most. */
static double lost(int64_t K, double w, double x) { return (double)K * 0x1p-110 * (1 + w + x); }
static const double most_size = 1e30;   /* so that no product and no sum of them overflows */

/* --- the copy ------------------------------------------------------------------------------------------------------------------------------ */

heed_screen *heed_screen_new(heed_number number, const float *w, int64_t N, int64_t K, heed_error *err)
{
    heed_screen *s = calloc(1, sizeof *s);
    if (!s) return heed_fail(err, HEED_E_NOMEM, "out of memory for the screen of a weight"), NULL;
    *s = (heed_screen){.number = number, .w = w, .N = N, .K = K};
    pthread_mutex_init(&s->lock, NULL);
    return s;
}

void heed_screen_free(heed_screen *s)
{
    if (!s) return;
    pthread_mutex_destroy(&s->lock);
    heed_pack_free(s->pack);
    free(s);
}

/* Room for a row: as it is multiplied, what its bytes leave of it, they, and its halves. */
typedef struct line { float *x, *left; uint8_t *whole; uint16_t *half; } line;

static bool take_line(line *l, heed_arena *a, int64_t K)
{
    *l = (line){.x = heed_arena_alloc(a, (size_t)K * sizeof *l->x), .left = heed_arena_alloc(a, (size_t)K * sizeof *l->left),
                .whole = heed_arena_alloc(a, (size_t)K * sizeof *l->whole), .half = heed_arena_alloc(a, (size_t)K * sizeof *l->half)};
    return l->x && l->left && l->whole && l->half;
}

/* As the product takes it. */
static const float *rounded(const heed_screen *s, const float *x, const line *l, float *room)
{
    if (s->number == HEED_F32) return x;
    heed_kernels_get()->to_bf16(l->half, x, s->K);
    heed_kernels_get()->from_bf16(room, l->half, s->K);
    return room;
}

/* |x| and |x - x'|, no less than they are; NaN of what is not finite. */
static void measure(const heed_screen *s, const float *x, const line *l, double *norm, double *error)
{
    const heed_kernels *k = heed_kernels_get();
    const float scale = k->quantize(l->whole, x, s->K), *as_is = rounded(s, x, l, l->x);
    for (int64_t i = 0; i < s->K; i++) l->left[i] = as_is[i] - scale * ((float)l->whole[i] - 128);
    *norm = sqrt(k->sum_squares(as_is, s->K)) * (1 + rounding(s->K));
    *error = sqrt(k->sum_squares(l->left, s->K)) * (1 + rounding(s->K)) + *norm * rounding(s->K);
}

static bool measure_rows(heed_screen *s)
{
    heed_arena *a = heed_arena_new(0);
    line l;
    const bool good = a && take_line(&l, a, s->K);
    for (int64_t n = 0; good && n < s->N; n++) {
        double norm, error;
        measure(s, s->w + n * s->K, &l, &norm, &error);
        if (!(norm <= s->norm)) s->norm = norm;
        if (!(error <= s->error)) s->error = error;
        if (isnan(error)) break;   /* which stays */
    }
    heed_arena_free(a);
    return good && s->norm + s->error < most_size;
}

static void make(heed_screen *s)
{
    if (!heed_gemm_has(HEED_INT8) || s->K > MOST_DEPTH || !measure_rows(s)) return;
    heed_gemm *g = heed_gemm_new(NULL);   /* what it takes to pack is as large as the copy, and goes */
    heed_pack *pack = g ? heed_pack_new_cut(HEED_INT8, s->N, s->K, HEED_PIECE, NULL) : NULL;
    if (pack && heed_pack_fill(g, pack, s->w, false, NULL) == HEED_OK) {
        s->pack = pack;
        pack = NULL;
    }
    heed_pack_free(pack);
    heed_gemm_free(g);
}

bool heed_screen_ready(heed_screen *s)
{
    pthread_mutex_lock(&s->lock);
    if (!s->tried) make(s);
    s->tried = true;
    const bool ready = s->pack != NULL;
    pthread_mutex_unlock(&s->lock);
    return ready;
}

size_t heed_screen_bytes(heed_screen *s)
{
    pthread_mutex_lock(&s->lock);
    const size_t bytes = s->pack ? heed_pack_bytes(s->pack) : 0;
    pthread_mutex_unlock(&s->lock);
    return bytes;
}

/* --- a row's candidates --------------------------------------------------------------------------------------------------------------------- */

/* What is known of a row. */
typedef struct candidates {
    heed_nearing near;
    double norm;              /* of x */
    bool whole;               /* any number may be the greatest */
} candidates;

/* How far from each other the greatest of the pack's numbers and the greatest y of whole numbers can be: with e and d as below each is within e + 2 d |y| of the other's. */
static void reach_of(const heed_screen *s, const float *x, const line *l, candidates *c)
{
    double error;
    const double d = rounding(s->K), w = s->norm + s->error;
    measure(s, x, l, &c->norm, &error);
    const double size = w * (c->norm + error), e = s->error * c->norm + w * error + 3 * d * size + lost(s->K, w, c->norm);
    c->whole = !(size < most_size);
    c->near.reach = c->whole ? 0 : (float)(2.01 * e);
    c->near.share = (float)(6 * d);
}

static void look(void *self, int64_t row, int64_t first, const float *y, int64_t n)
{
    heed_kernels_get()->near(&((candidates *)self + row)->near, y, n, first);
}

/* Leaves those that can be the greatest of the pack's: in double they are within `slack` of it, and of each other's order. */
static void multiply_out(const heed_screen *s, const float *x, const float *bias, const line *l, candidates *c)
{
    const double d = rounding(s->K);
    const float *row = rounded(s, x, l, l->left);
    double sum[NEAR], slack[NEAR], least = -INFINITY;
    int64_t kept = 0;
    for (int64_t i = 0; i < c->near.n; i++) {
        const int32_t id = c->near.ids[i];
        sum[i] = heed_kernels_get()->dot_double(rounded(s, s->w + id * s->K, l, l->x), row, s->K) + (double)bias[id];
        slack[i] = d * (s->norm * c->norm + fabs((double)bias[id])) + lost(s->K, s->norm, c->norm);
        if (sum[i] - slack[i] > least) least = sum[i] - slack[i];
    }
    for (int64_t i = 0; i < c->near.n; i++)
        if (sum[i] + slack[i] >= least) c->near.ids[kept++] = c->near.ids[i];
    c->near.n = kept;
}

/* Whether one is left. */
static bool decide(const heed_screen *s, const float *x, const float *bias, const line *l, candidates *c)
{
    heed_near_settle(&c->near);
    c->whole |= c->near.over || c->near.n == 0 || !(fabsf(c->near.most) < most_size);
    if (!c->whole && c->near.n > 1) multiply_out(s, x, bias, l, c);
    return !c->whole && c->near.n == 1;
}

/* --- what the pack decides -------------------------------------------------------------------------------------------------------------------- */

/* Rows that are left: their numbers, their x side by side, the best so far of each. */
typedef struct rest {
    int64_t n, *row, *some;   /* some: [n] those that a piece matters to */
    float *x, *y;             /* [n,K], [n, the widest piece] */
    heed_ranking *best;       /* k = 1 */
    int32_t *ids;
    float *greatest;
} rest;

static bool take_rest(rest *r, const heed_screen *s, int64_t n, int64_t widest, heed_arena *a)
{
    const size_t rows = (size_t)n;
    *r = (rest){.row = heed_arena_alloc(a, rows * sizeof *r->row),
                .some = heed_arena_alloc(a, rows * sizeof *r->some),
                .x = heed_arena_alloc(a, rows * (size_t)s->K * sizeof *r->x),
                .y = heed_arena_alloc(a, rows * (size_t)widest * sizeof *r->y),
                .best = heed_arena_alloc(a, rows * sizeof *r->best),
                .ids = heed_arena_alloc(a, rows * sizeof *r->ids),
                .greatest = heed_arena_alloc(a, rows * sizeof *r->greatest)};
    return r->row && r->some && r->x && r->y && r->best && r->ids && r->greatest;
}

static bool matters(const candidates *c, int64_t first, int64_t end)
{
    bool any = c->whole;
    for (int64_t i = 0; i < c->near.n && !any; i++) any = c->near.ids[i] >= first && c->near.ids[i] < end;
    return any;
}

static void read_piece(const candidates *c, const float *y, int64_t first, int64_t end, heed_ranking *best)
{
    if (c->whole) heed_kernels_get()->rank(best, y, end - first, first);
    for (int64_t i = 0; !c->whole && i < c->near.n; i++) {
        const int32_t id = c->near.ids[i];
        if (id >= first && id < end) heed_ranking_enter(best, y[id - first], id);
    }
}

static heed_status read_pieces(const heed_screen *s, heed_gemm *g, const heed_pack *pack, const float *x, const float *bias, const candidates *all, rest *r, heed_error *err)
{
    heed_status status = HEED_OK;
    for (int64_t p = 0, first = 0, end; first < s->N && !status; p++, first = end) {
        int64_t n = 0;
        end = heed_pack_first(pack, p + 1);
        for (int64_t i = 0; i < r->n; i++) {
            if (!matters(&all[r->row[i]], first, end)) continue;
            memcpy(r->x + n * s->K, x + r->row[i] * s->K, (size_t)s->K * sizeof *x);
            r->some[n++] = i;
        }
        if (n) status = heed_gemm_forward_piece(g, pack, p, n, r->x, bias, r->y, err);
        for (int64_t i = 0; i < n && !status; i++) read_piece(&all[r->row[r->some[i]]], r->y + i * (end - first), first, end, &r->best[r->some[i]]);
    }
    return status;
}

/* --- all rows -------------------------------------------------------------------------------------------------------------------------------- */

static candidates *begin(const heed_screen *s, int64_t M, const float *x, const line *l, heed_arena *room)
{
    candidates *all = heed_arena_zero(room, (size_t)M * sizeof *all);
    int32_t *ids = heed_arena_alloc(room, (size_t)(M * NEAR) * sizeof *ids);
    float *values = heed_arena_alloc(room, (size_t)(M * NEAR) * sizeof *values);
    if (!all || !ids || !values) return NULL;
    for (int64_t i = 0; i < M; i++) {
        reach_of(s, x + i * s->K, l, &all[i]);
        all[i].near.most = -INFINITY;
        all[i].near.room = NEAR;
        all[i].near.ids = ids + i * NEAR;
        all[i].near.values = values + i * NEAR;
    }
    return all;
}

static heed_status decide_rest(const heed_screen *s, heed_gemm *g, const heed_pack *pack, const float *x, const float *bias, const candidates *all, rest *r, int32_t *ids,
                               heed_error *err)
{
    for (int64_t i = 0; i < r->n; i++) {
        r->best[i] = heed_ranking_begin(r->ids + i, r->greatest + i, 1);
        r->best[i].unsummed = true;
    }
    const heed_status status = read_pieces(s, g, pack, x, bias, all, r, err);
    for (int64_t i = 0; i < r->n; i++) ids[r->row[i]] = r->best[i].n ? r->ids[i] : 0;
    return status;
}

static heed_status arg_max(const heed_screen *s, heed_gemm *g, const heed_pack *pack, int64_t M, const float *x, const float *bias, heed_arena *room, int32_t *ids,
                           heed_screen_counts *counts, heed_error *err)
{
    line l;
    rest r;
    candidates *all = take_line(&l, room, s->K) ? begin(s, M, x, &l, room) : NULL;
    if (!all) return heed_fail(err, HEED_E_NOMEM, "out of memory for the screen of a product");
    const heed_status status = heed_gemm_forward_look(g, s->pack, M, x, s->K, bias, look, all, err);
    if (status) return status;
    int64_t left = 0;
    for (int64_t i = 0; i < M; i++) {
        const bool decided = decide(s, x + i * s->K, bias, &l, &all[i]);
        ids[i] = decided ? all[i].near.ids[0] : -1;
        left += !decided;
        if (counts) *counts = (heed_screen_counts){counts->rows + 1, counts->pieces + (!decided && !all[i].whole), counts->whole + all[i].whole};
    }
    if (!left) return HEED_OK;
    if (!take_rest(&r, s, left, heed_pack_first(pack, 1), room)) return heed_fail(err, HEED_E_NOMEM, "out of memory for rows of a product");
    for (int64_t i = 0; i < M; i++)
        if (ids[i] < 0) r.row[r.n++] = i;
    return decide_rest(s, g, pack, x, bias, all, &r, ids, err);
}

heed_status heed_screen_arg_max(const heed_screen *s, heed_gemm *g, const heed_pack *pack, int64_t M, const float *x, const float *bias, heed_arena *room, int32_t *ids,
                                heed_screen_counts *counts, heed_error *err)
{
    const heed_mark mark = heed_arena_mark(room);
    const heed_status status = arg_max(s, g, pack, M, x, bias, room, ids, counts, err);
    heed_arena_rewind(room, mark);
    return status;
}
