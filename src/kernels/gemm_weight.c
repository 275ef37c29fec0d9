/* Gradients of weights: sums of our own kernels, as oneDNN turns one side and lays out the other anew for every tile. */
#include "kernels/gemm_inside.h"
#include "kernels/kernels.h"

/* Rows that are summed in registers before they are added to the gradient, as steps of one row or of a pair; what of x stands in the second cache meanwhile;
 * panels of dy that are laid out at a time, so that whole lines of its rows are read. */
enum { STEPS = 128, X_PANELS = 21, DY_PANELS = 16 };

/* The next rows of the pieces, by side. */
typedef struct chunk {
    const float *dy[2 * STEPS], *x[2 * STEPS];
    int64_t rows;
} chunk;

typedef struct cursor { const heed_gemm_rows *piece, *end; int64_t row; } cursor;

static void take_chunk(cursor *c, int64_t most, chunk *out)
{
    out->rows = 0;
    for (; c->piece < c->end && out->rows < most; c->piece++, c->row = 0) {
        const heed_gemm_rows *p = c->piece;
        for (; c->row < p->rows && out->rows < most; c->row++, out->rows++) {
            out->dy[out->rows] = p->dy + c->row * p->ldy;
            out->x[out->rows] = p->x + c->row * p->ldx;
        }
        if (c->row < p->rows) break;
    }
}

/* Rows n0 .. n1 of dw, columns first .. first + columns. */
typedef struct share { int64_t n0, n1, first, columns, K; bool pairs; float *dw; uint32_t *dy, *x; } share;

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

static void add_chunk(const share *s, const chunk *c)
{
    const heed_kernels *k = heed_kernels_get();
    const int64_t steps = s->pairs ? (c->rows + 1) / 2 : c->rows, R = HEED_GRADIENT_ROWS, C = HEED_GRADIENT_COLUMNS;
    k->panels(s->x, C, c->x, c->rows, s->first, s->columns, s->pairs);
    for (int64_t n = s->n0; n < s->n1; n += DY_PANELS * R) {
        const int64_t end = least(n + DY_PANELS * R, s->n1);
        k->panels(s->dy, R, c->dy, c->rows, n, end - n, s->pairs);
        for (int64_t i = n; i < end; i += R)
            for (int64_t j = 0; j < s->columns; j += C)
                k->outer(s->dw + i * s->K + s->first + j, s->K, s->dy + (i - n) * steps, s->x + j * steps, steps, least(R, end - i), least(C, s->columns - j), s->pairs);
    }
}

heed_status heed_gemm_weight(heed_gemm *g, heed_number number, int64_t N, int64_t K, int64_t n0, int64_t n1, const heed_gemm_rows *pieces, int64_t count,
                             float *dw, heed_error *err)
{
    if (n1 <= n0 || K == 0 || count == 0) return HEED_OK;
    const int64_t C = HEED_GRADIENT_COLUMNS, panels = (K + C - 1) / C, blocks = (panels + X_PANELS - 1) / X_PANELS, width = (panels + blocks - 1) / blocks * C;
    share part = {.n0 = n0, .n1 = n1, .K = K, .pairs = number == HEED_BF16, .dw = dw};
    part.dy = heed_buffer_room(&g->y, (size_t)(DY_PANELS * HEED_GRADIENT_ROWS * STEPS) * sizeof *part.dy, &g->dnnl.grown);
    part.x = heed_buffer_room(&g->x, (size_t)(width * STEPS) * sizeof *part.x, &g->dnnl.grown);
    if (!part.dy || !part.x) return heed_gemm_failed(err, dnnl_out_of_memory, "the gradient of a weight");
    int64_t rows = 0;
    chunk next;
    heed_stopwatch_enter(g->watch);
    for (cursor c = {pieces, pieces + count, 0}; take_chunk(&c, part.pairs ? 2 * STEPS : STEPS, &next), next.rows > 0; rows += next.rows)
        for (part.first = 0; part.first < K; part.first += width) {
            part.columns = least(width, K - part.first);
            add_chunk(&part, &next);
        }
    heed_stopwatch_leave(g->watch, (heed_part){"product", "weight", N, K, number}, 2 * (double)rows * (double)(n1 - n0) * (double)K);
    return HEED_OK;
}
