/* Matrix products: kernels/gemm.h. Where the layout of a packed weight is known a kernel of our own multiplies it; else oneDNN, with rows cut into tiles of a few fixed
 * heights, because each height is a primitive. */
#include "kernels/gemm_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/kernels.h"
#include "kernels/lines.h"
#include "kernels/top.h"

/* A height is usable when a row's bits are the same at every place of the tile and in every other tile; tests/isa/test_gemm.c holds them to it.
 * AVX-512 products are so at any height: these waste few rows, and none of beams of up to 6 hypotheses. The others compute rows in sixes, and
 * a rest of 1 to 3 rows in another order: multiples of six have no rest. */
static const int64_t any_heights[] = {1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 30, 32, 40, 48, 50, 56, 60, 64, 128, 256};
static const int64_t six_heights[] = {6, 12, 18, 24, 36, 48, 96, 192};
enum { ANY_HEIGHTS = sizeof any_heights / sizeof *any_heights, SIX_HEIGHTS = sizeof six_heights / sizeof *six_heights };
enum { PAD_BELOW = 64, SIX_PAD_BELOW = 48 };   /* fewer rows than this are padded to the next height, more are cut */

heed_status heed_gemm_failed(heed_error *err, dnnl_status_t s, const char *what)
{
    if (s == dnnl_success) return HEED_OK;
    if (s == dnnl_out_of_memory) return heed_fail(err, HEED_E_NOMEM, "out of memory for %s", what);
    return heed_fail(err, HEED_E_USAGE, "oneDNN refuses %s (its status is %d)", what, (int)s);
}

heed_gemm *heed_gemm_new(heed_error *err)
{
    heed_gemm *g = calloc(1, sizeof *g);
    if (!g) {
        heed_fail(err, HEED_E_NOMEM, "out of memory for matrix products");
        return NULL;
    }
    heed_dnnl_bound();
    if (heed_gemm_failed(err, heed_dnnl_open(&g->dnnl), "matrix products") != HEED_OK) {
        free(g);
        return NULL;
    }
    const bool any = heed_dnnl_is_avx512();
    g->heights = any ? any_heights : six_heights;
    g->height_count = any ? ANY_HEIGHTS : SIX_HEIGHTS;
    g->pad_below = any ? PAD_BELOW : SIX_PAD_BELOW;
    g->dots = heed_gemm_has_dots();
    return g;
}

void heed_gemm_free(heed_gemm *g)
{
    if (!g) return;
    heed_dnnl_close(&g->dnnl);
    free(g->x.data);
    free(g->y.data);
    free(g->whole.data);
    free(g->row_scale.data);
    free(g->line.data);
    free(g->panel.data);
    free(g);
}

int64_t heed_gemm_grown(const heed_gemm *g) { return g->dnnl.grown; }
void heed_gemm_watch(heed_gemm *g, heed_stopwatch *w) { g->watch = w; }

/* --- packing ---------------------------------------------------------------------------------------------------------------------- */

bool heed_gemm_has(heed_number number)
{
    heed_dnnl_bound();
    return heed_dnnl_has(number);
}

heed_pack *heed_pack_new_cut(heed_number number, int64_t N, int64_t K, int64_t width, heed_error *err)
{
    heed_pack *p = calloc(1, sizeof *p);
    const int64_t pieces = N < width ? 1 : (N + width - 1) / width;
    const bool whole = number == HEED_INT8 && N > 0;
    if (p) p->forward = calloc((size_t)pieces, sizeof *p->forward);
    if (p && whole) {
        p->scale = malloc((size_t)N * sizeof *p->scale);
        p->shift = malloc((size_t)N * sizeof *p->shift);
    }
    if (!p || !p->forward || (whole && (!p->scale || !p->shift))) {
        heed_pack_free(p);
        heed_fail(err, HEED_E_NOMEM, "out of memory for a weight [%lld,%lld]", (long long)N, (long long)K);
        return NULL;
    }
    p->number = number;
    p->N = N;
    p->K = K;
    p->pieces = pieces;
    p->width = width;
    return p;
}

heed_pack *heed_pack_new(heed_number number, int64_t N, int64_t K, heed_error *err) { return heed_pack_new_cut(number, N, K, N ? N : 1, err); }

void heed_pack_free(heed_pack *p)
{
    if (!p) return;
    for (int64_t i = 0; i < p->pieces; i++) heed_packed_close(&p->forward[i]);
    free(p->forward);
    heed_packed_close(&p->data);
    free(p->scale);
    free(p->shift);
    free(p);
}

size_t heed_pack_bytes(const heed_pack *p)
{
    const size_t rows = p->scale ? (size_t)p->N * (sizeof *p->scale + sizeof *p->shift) : 0;
    size_t bytes = p->data.buffer.bytes + rows;
    for (int64_t i = 0; i < p->pieces; i++) bytes += p->forward[i].buffer.bytes;
    return bytes;
}

/* Rows of w as whole numbers, their scales, and 128 times their sums. A row that is not finite keeps a scale of NaN. */
static const int8_t *to_whole(heed_gemm *g, heed_pack *p, const float *w)
{
    const heed_kernels *k = heed_kernels_get();
    uint8_t *q = heed_buffer_room(&g->whole, (size_t)(p->N * p->K), &g->dnnl.grown);
    for (int64_t n = 0; q && n < p->N; n++) {
        uint8_t *row = q + n * p->K;
        int32_t sum = 0;
        p->scale[n] = k->quantize(row, w + n * p->K, p->K);
        for (int64_t i = 0; i < p->K; i++) {
            const int value = row[i] - 128;
            row[i] = (uint8_t)value;
            sum += value;
        }
        p->shift[n] = 128 * sum;
    }
    return (const int8_t *)q;
}

/* half: [k,n], of a weight stored the other way round when transposed. */
static dnnl_status_t fill(heed_gemm *g, const heed_pack *p, heed_packed *half, int64_t n, int64_t k, bool transposed, const void *w)
{
    dnnl_status_t s = half->memory ? dnnl_success : heed_packed_open(half, p->number, n, k);   /* what was lent is nobody's to free */
    if (s) return s;
    if (heed_packed_lays(half, transposed)) {
        uint16_t *room = heed_buffer_room(&g->whole, (size_t)(HEED_LAY_ROWS * k) * sizeof *room, &g->dnnl.grown);
        if (room) heed_packed_lay(half, transposed, w, room);
        return room ? dnnl_success : dnnl_out_of_memory;
    }
    const heed_shape shape = {.kind = transposed ? HEED_REORDER_TRANSPOSED : HEED_REORDER, .number = p->number, .n = n, .k = k, .ld_weights = transposed ? k : n};
    heed_product *reorder;
    s = heed_product_get(&g->dnnl, &shape, half, &reorder);
    return s ? s : heed_product_run(&g->dnnl, reorder, half, w, NULL, NULL);
}

int64_t heed_pack_first(const heed_pack *p, int64_t piece) { return piece < p->pieces ? piece * p->width : p->N; }

static int64_t width_of(const heed_pack *p, int64_t piece) { return heed_pack_first(p, piece + 1) - heed_pack_first(p, piece); }

heed_status heed_pack_fill(heed_gemm *g, heed_pack *p, const float *w, bool data, heed_error *err)
{
    if (p->N == 0 || p->K == 0) return HEED_OK;
    if (data && p->number == HEED_INT8) return heed_fail(err, HEED_E_USAGE, "a weight of whole numbers has no gradient");
    const char *from = p->number == HEED_INT8 ? (const char *)to_whole(g, p, w) : (const char *)w;
    const size_t row = (size_t)p->K * (p->number == HEED_INT8 ? 1 : sizeof *w);
    const int threads = heed_dnnl_alone();
    dnnl_status_t s = from ? dnnl_success : dnnl_out_of_memory;
    for (int64_t i = 0; i < p->pieces && !s; i++) {
        const char *piece = from + (size_t)heed_pack_first(p, i) * row;
        if (data && p->lends_forward) heed_packed_lend(&p->forward[i], p->number, width_of(p, i), p->K, (const float *)(const void *)piece, true);
        else s = fill(g, p, &p->forward[i], width_of(p, i), p->K, true, piece);
    }
    bool lines = true;
    for (int64_t i = 0; i < p->pieces; i++) lines &= p->forward[i].lines;
    for (int64_t i = 0; i < p->pieces; i++) p->forward[i].lines = lines;   /* rows are laid for all pieces alike */
    if (data && p->lends) heed_packed_lend(&p->data, p->number, p->K, p->N, w, false);
    else if (!s && data) s = fill(g, p, &p->data, p->K, p->N, false, from);
    heed_dnnl_restore(threads);
    return heed_gemm_failed(err, s, "a packed weight");
}

/* --- products with a packed weight ------------------------------------------------------------------------------------------------ */

/* One call: dst [m,n] (+)= src [m,k] w + bias. */
typedef struct product {
    const heed_pack *pack;
    const heed_packed *w;           /* of that pack; NULL: its pieces one after the other */
    int64_t first;                  /* row of the weight, where w begins */
    const float *src, *bias;
    float *dst;
    int64_t m, ld_src, ld_dst;
    bool sum;
} product;

/* The tile that comes next when `left` rows are left: never higher than left, or padded to the least height that holds them. */
static int64_t tile_height(const heed_gemm *g, int64_t left)
{
    int64_t i = 0;
    if (left < g->pad_below) {
        while (g->heights[i] < left) i++;
        return g->heights[i];
    }
    while (i + 1 < g->height_count && g->heights[i + 1] <= left) i++;
    return g->heights[i];
}

static void copy_rows(float *to, int64_t ld_to, const float *from, int64_t ld_from, int64_t rows, int64_t width)
{
    if (ld_to == width && ld_from == width) {
        memcpy(to, from, (size_t)(rows * width) * sizeof *to);
        return;
    }
    for (int64_t i = 0; i < rows; i++) memcpy(to + i * ld_to, from + i * ld_from, (size_t)width * sizeof *to);
}

static size_t size_of(heed_number number) { return number == HEED_BF16 ? sizeof(uint16_t) : sizeof(float); }

/* The same into floats or bf16. */
static void lay_rows(heed_number number, void *to, int64_t ld_to, const float *from, int64_t ld_from, int64_t rows, int64_t width)
{
    if (number == HEED_F32) copy_rows(to, ld_to, from, ld_from, rows, width);
    else if (ld_to == width && ld_from == width) heed_kernels_get()->to_bf16(to, from, rows * width);
    else
        for (int64_t i = 0; i < rows; i++) heed_kernels_get()->to_bf16((uint16_t *)to + i * ld_to, from + i * ld_from, width);
}

/* oneDNN's part of a tile. */
static dnnl_status_t multiply(heed_gemm *g, const product *p, int64_t height, const void *x, void *y)
{
    const int64_t n = p->w->n, k = p->w->k;
    const bool whole = p->w->number == HEED_INT8;
    const heed_shape shape = {HEED_PRODUCT_PACKED, p->w->number, height, n, k, k, 0, n, p->bias && !whole, p->sum && !whole};
    heed_product *made;
    const dnnl_status_t s = heed_product_get(&g->dnnl, &shape, p->w, &made);
    return s ? s : heed_product_run(&g->dnnl, made, p->w, x, whole ? NULL : p->bias, y);
}

/* Floats that fill their tile and have no gaps are used where they stand. All others go through buffers, because with gaps oneDNN takes another
 * way through, with other bits or without a fast kernel. NULL: out of memory. */
static const void *lay_floats(heed_gemm *g, const product *p, int64_t rows, int64_t height)
{
    const heed_number number = p->pack->number;
    const int64_t k = p->w->k;
    if (number == HEED_F32 && rows == height && (p->ld_src == k || rows == 1)) return p->src;
    char *x = heed_buffer_room(&g->x, (size_t)(height * k) * size_of(number), &g->dnnl.grown);
    if (!x) return NULL;
    lay_rows(number, x, k, p->src, p->ld_src, rows, k);
    memset(x + (size_t)(rows * k) * size_of(number), 0, (size_t)((height - rows) * k) * size_of(number));
    return x;
}

/* Their scales are in g->row_scale. NULL: out of memory. */
static const void *lay_whole(heed_gemm *g, const product *p, int64_t rows, int64_t height)
{
    const int64_t k = p->w->k;
    uint8_t *x = heed_buffer_room(&g->x, (size_t)(height * k), &g->dnnl.grown);
    float *scale = heed_buffer_room(&g->row_scale, (size_t)height * sizeof *scale, &g->dnnl.grown);
    if (!x || !scale) return NULL;
    for (int64_t i = 0; i < rows; i++) scale[i] = heed_kernels_get()->quantize(x + i * k, p->src + i * p->ld_src, k);
    memset(x + rows * k, 0, (size_t)((height - rows) * k));
    return x;
}

static dnnl_status_t run_floats(heed_gemm *g, const product *p, int64_t rows, int64_t height)
{
    const int64_t n = p->w->n;
    const bool copy_dst = rows < height || (p->ld_dst != n && rows > 1);
    const void *x = lay_floats(g, p, rows, height);
    float *y = copy_dst ? heed_buffer_room(&g->y, (size_t)(height * n) * sizeof *y, &g->dnnl.grown) : p->dst;
    if (!x || !y) return dnnl_out_of_memory;
    if (copy_dst && p->sum) copy_rows(y, n, p->dst, p->ld_dst, rows, n);
    const dnnl_status_t s = multiply(g, p, height, x, y);
    if (!s && copy_dst) copy_rows(p->dst, p->ld_dst, y, n, rows, n);
    return s;
}

/* Sums of whole numbers are exact, so a row's bits depend on nothing but the row. */
static dnnl_status_t run_whole(heed_gemm *g, const product *p, int64_t rows, int64_t height)
{
    const heed_kernels *kernels = heed_kernels_get();
    const int64_t n = p->w->n;
    const void *x = lay_whole(g, p, rows, height);
    int32_t *y = heed_buffer_room(&g->y, (size_t)(height * n) * sizeof *y, &g->dnnl.grown);
    const float *scale = g->row_scale.data;
    if (!x || !y) return dnnl_out_of_memory;
    const dnnl_status_t s = multiply(g, p, height, x, y);
    for (int64_t i = 0; i < rows && !s; i++)
        kernels->dequantize(p->dst + i * p->ld_dst, y + i * n, p->pack->shift + p->first, scale[i], p->pack->scale + p->first, p->bias, p->sum, n);
    return s;
}

/* --- weights in lines: kernels/lines.h ----------------------------------------------------------------------------------------------- */

/* Rows that meet a panel before the next comes, at most: they are read anew for each. Sums are cut as oneDNN 2.6 cuts them, so the bits are those of its kernels. */
enum { LINES_ROWS = 256, LINES_LOOKED = 64, CHUNK = 512, LONG_CHUNK = 1024 };

/* The address sanitizer's checks make the kernel's sums twenty times as long; only tests/isa and weights that are not packed call it there, and oneDNN gives the same bits. */
#if defined(__SANITIZE_ADDRESS__)
enum { OWN_KERNEL = 0 };
#else
enum { OWN_KERNEL = 1 };
#endif

static bool lies_in_lines(const heed_gemm *g, const heed_packed *w) { return w->lines && (OWN_KERNEL || w->floats) && (w->number == HEED_F32 || g->dots); }

static int64_t chunk_of(int64_t k) { return k > LONG_CHUNK ? LONG_CHUNK : CHUNK; }

static heed_follower *follower_of(heed_gemm *g, const void *w) { return &g->followers[((uintptr_t)w >> 12 ^ (uintptr_t)w >> 20) % HEED_FOLLOWERS]; }

/* What came after w when it was multiplied last, NULL: unknown. */
static const void *foresee(heed_gemm *g, const void *w)
{
    *follower_of(g, g->last) = (heed_follower){g->last, w};
    g->last = w;
    const heed_follower *f = follower_of(g, w);
    return f->w == w ? f->next : NULL;
}

/* Floats as they stand; others as rows of whole lines, the scales of bytes in g->row_scale. NULL: out of memory. */
static const void *lay_beside_lines(heed_gemm *g, const product *p, int64_t rows, int64_t *ld)
{
    const heed_number number = p->w->number;
    const int64_t k = p->w->k, each = heed_lines_each(number), width = (k + each - 1) / each * each;
    *ld = number == HEED_F32 ? p->ld_src : width;
    if (number == HEED_F32) return p->src;
    void *x = heed_buffer_room(&g->x, (size_t)(rows * width) * (number == HEED_BF16 ? 2 : 1), &g->dnnl.grown);
    float *scale = heed_buffer_room(&g->row_scale, (size_t)rows * sizeof *scale, &g->dnnl.grown);
    if (!x || !scale) return NULL;
    for (int64_t i = 0; i < rows; i++) {
        if (number == HEED_INT8) scale[i] = heed_kernels_get()->quantize((uint8_t *)x + i * width, p->src + i * p->ld_src, k);
        else heed_kernels_get()->to_bf16((uint16_t *)x + i * width, p->src + i * p->ld_src, k);
        if (number == HEED_BF16 && width > k) ((uint16_t *)x)[i * width + k] = 0;
    }
    return x;
}

static dnnl_status_t multiply_lines(heed_gemm *g, const product *p, int64_t rows, const void *x, int64_t ldx, float *y, int64_t ldy, bool add)
{
    const heed_packed *w = p->w;
    heed_lines l = {.number = w->number, .m = rows, .n = w->n, .k = w->k, .chunk = chunk_of(w->k), .x = x, .ldx = ldx, .w = w->buffer.data, .next = w->floats ? NULL : foresee(g, w->buffer.data),
                    .y = y, .ldy = ldy, .add = add, .bias = p->bias};
    if (w->number == HEED_INT8) {
        l.row_scale = g->row_scale.data;
        l.scale = p->pack->scale + p->first;
        l.shift = p->pack->shift + p->first;
    }
    if (w->floats) return heed_gemm_lent(g, &l, w);
    heed_kernels_get()->lines(&l);
    return dnnl_success;
}

/* What is added to waits until sums of several chunks are complete. */
static dnnl_status_t run_lines(heed_gemm *g, const product *p, int64_t rows)
{
    const int64_t n = p->w->n;
    const bool apart = p->sum && p->w->number != HEED_INT8 && p->w->k > chunk_of(p->w->k);
    int64_t ldx;
    const void *x = lay_beside_lines(g, p, rows, &ldx);
    float *y = apart ? heed_buffer_room(&g->y, (size_t)(rows * n) * sizeof *y, &g->dnnl.grown) : p->dst;
    if (!x || !y) return dnnl_out_of_memory;
    const dnnl_status_t s = multiply_lines(g, p, rows, x, ldx, y, apart ? n : p->ld_dst, p->sum && !apart);
    for (int64_t i = 0; i < rows && apart && !s; i++) heed_kernels_get()->add(p->dst + i * p->ld_dst, p->dst + i * p->ld_dst, y + i * n, n);
    return s;
}

/* --- products ------------------------------------------------------------------------------------------------------------------------ */

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

static dnnl_status_t run_product(heed_gemm *g, product p)
{
    dnnl_status_t s = dnnl_success;
    const bool lines = lies_in_lines(g, p.w);
    while (p.m > 0 && !s) {
        const int64_t height = lines ? LINES_ROWS : tile_height(g, p.m), rows = least(height, p.m);
        s = lines ? run_lines(g, &p, rows) : p.w->number == HEED_INT8 ? run_whole(g, &p, rows, height) : run_floats(g, &p, rows, height);
        p.src += rows * p.ld_src;
        p.dst += rows * p.ld_dst;
        p.m -= rows;
    }
    return s;
}

static dnnl_status_t run_pieces(heed_gemm *g, const product *p)
{
    dnnl_status_t s = dnnl_success;
    for (int64_t i = 0; i < p->pack->pieces && !s; i++) {
        product one = *p;
        one.w = &p->pack->forward[i];
        one.first = heed_pack_first(p->pack, i);
        one.dst = p->dst + one.first;
        if (p->bias) one.bias = p->bias + one.first;
        s = run_product(g, one);
    }
    return s;
}

static heed_status run_alone(heed_gemm *g, const product *p, const char *way, heed_error *err)
{
    if (!heed_packed_is(p->w ? p->w : p->pack->forward)) return heed_fail(err, HEED_E_USAGE, "a product with a weight that was not packed for it");
    heed_stopwatch_enter(g->watch);
    const int threads = heed_dnnl_alone();
    dnnl_status_t s = p->w ? run_product(g, *p) : run_pieces(g, p);
    heed_dnnl_restore(threads);
    const heed_pack *w = p->pack;
    heed_stopwatch_leave(g->watch, (heed_part){"product", way, w->N, w->K, w->number}, 2 * (double)p->m * (double)w->N * (double)w->K);
    return heed_gemm_failed(err, s, "a matrix product");
}

heed_status heed_gemm_forward(heed_gemm *g, const heed_pack *p, int64_t M, const float *x, int64_t ldx, const float *bias,
                              float *y, int64_t ldy, bool accumulate, heed_error *err)
{
    if (M == 0 || p->N == 0) return HEED_OK;
    return run_alone(g, &(product){p, NULL, 0, x, bias, y, M, ldx, ldy, accumulate}, "forward", err);
}

heed_status heed_gemm_forward_piece(heed_gemm *g, const heed_pack *p, int64_t piece, int64_t M, const float *x, const float *bias, float *y, heed_error *err)
{
    const int64_t first = heed_pack_first(p, piece);
    return run_alone(g, &(product){p, &p->forward[piece], first, x, bias ? bias + first : NULL, y, M, p->K, width_of(p, piece), false}, "forward", err);
}

heed_status heed_gemm_data(heed_gemm *g, const heed_pack *p, int64_t M, const float *dy, int64_t ldy, float *dx, int64_t ldx,
                           bool accumulate, heed_error *err)
{
    if (M == 0 || p->K == 0) return HEED_OK;
    return run_alone(g, &(product){p, &p->data, 0, dy, NULL, dx, M, ldy, ldx, accumulate}, "data", err);
}

/* --- products that are looked at and not kept -------------------------------------------------------------------------------------------- */

typedef struct looking { heed_gemm_look *look; void *self; int64_t row; } looking;

/* Columns from .. from+n-1 of a tile's product, whose row i begins at y + i * p->w->n; whole: whole numbers still. */
static dnnl_status_t look_at(heed_gemm *g, const product *p, int64_t rows, const float *y, int64_t from, int64_t n, bool whole, const looking *l)
{
    const int64_t first = p->first + from;
    float *line = whole ? heed_buffer_room(&g->line, HEED_PIECE * sizeof *line, &g->dnnl.grown) : NULL;
    if (whole && !line) return dnnl_out_of_memory;
    for (int64_t i = 0; i < rows; i++) {
        const float *row = y + i * p->w->n + from, *scale = g->row_scale.data;
        if (whole)
            heed_kernels_get()->dequantize(line, (const int32_t *)(const void *)row, p->pack->shift + first, scale[i], p->pack->scale + first,
                                           p->bias ? p->bias + from : NULL, false, n);
        l->look(l->self, l->row + i, first, whole ? line : row, n);
    }
    return dnnl_success;
}

/* x: rows [height] laid for the product, ldx apart. */
static dnnl_status_t look_at_piece(heed_gemm *g, const product *p, int64_t rows, int64_t height, const void *x, int64_t ldx, const looking *l)
{
    const int64_t n = p->w->n;
    const bool lines = lies_in_lines(g, p->w), whole = p->pack->number == HEED_INT8 && !lines;
    float *y = heed_buffer_room(&g->y, (size_t)(height * n) * sizeof *y, &g->dnnl.grown);
    if (!y) return dnnl_out_of_memory;
    dnnl_status_t s = dnnl_success;
    if (lines) s = multiply_lines(g, p, rows, x, ldx, y, n, false);
    else s = multiply(g, p, height, x, y);
    for (int64_t from = 0; from < n && !s; from += HEED_PIECE) s = look_at(g, p, rows, y, from, least(n - from, HEED_PIECE), whole, l);
    return s;
}

static dnnl_status_t look_at_tile(heed_gemm *g, const product *all, int64_t rows, int64_t height, const looking *l)
{
    product p = *all;
    p.w = p.pack->forward;
    int64_t ldx = p.w->k;
    const void *x = lies_in_lines(g, p.w) ? lay_beside_lines(g, &p, rows, &ldx) : p.pack->number == HEED_INT8 ? lay_whole(g, &p, rows, height) : lay_floats(g, &p, rows, height);
    dnnl_status_t s = x ? dnnl_success : dnnl_out_of_memory;
    for (int64_t i = 0; i < p.pack->pieces && !s; i++) {
        p.w = &p.pack->forward[i];
        p.first = heed_pack_first(p.pack, i);
        if (all->bias) p.bias = all->bias + p.first;
        s = look_at_piece(g, &p, rows, height, x, ldx, l);
    }
    return s;
}

heed_status heed_gemm_forward_look(heed_gemm *g, const heed_pack *pack, int64_t M, const float *x, int64_t ldx, const float *bias, heed_gemm_look *look, void *self,
                                   heed_error *err)
{
    if (M == 0 || pack->N == 0) return HEED_OK;
    if (!heed_packed_is(pack->forward)) return heed_fail(err, HEED_E_USAGE, "a product with a weight that was not packed for it");
    product p = {.pack = pack, .src = x, .bias = bias, .m = M, .ld_src = ldx};
    looking l = {look, self, 0};
    heed_stopwatch_enter(g->watch);
    const int threads = heed_dnnl_alone();
    dnnl_status_t s = dnnl_success;
    while (l.row < M && !s) {
        const int64_t left = M - l.row, height = lies_in_lines(g, pack->forward) ? least(left, LINES_LOOKED) : tile_height(g, left), rows = least(height, left);
        s = look_at_tile(g, &p, rows, height, &l);
        p.src += rows * ldx;
        l.row += rows;
    }
    heed_dnnl_restore(threads);
    heed_stopwatch_leave(g->watch, (heed_part){"product", "forward", pack->N, pack->K, pack->number}, 2 * (double)M * (double)pack->N * (double)pack->K);
    return heed_gemm_failed(err, s, "a matrix product");
}
