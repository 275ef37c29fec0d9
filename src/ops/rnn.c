/* rnn: a whole recurrent layer over ragged sequences as one node.
 *
 * Inside, sequences stand longest first and time runs outside: the rows of one moment lie together ("in time order"), and those still alive are
 * the first of them, so every step is one product over exactly the rows that exist. place[] maps a row in time order to its row outside. */
#include <stdlib.h>
#include <string.h>

#include "heed/ops.h"
#include "tensor/tape.h"

typedef struct layer {
    heed_cell_kind cell;
    heed_tensor *gates, *hidden, *bias;
    heed_tensor *h, *c;                 /* results, rows as outside */
    int64_t N, H, G, B, T;              /* G: gates' width, T: the longest sequence */
    int64_t *first, *alive;             /* [T] of each moment: its first row in time order, and how many */
    int64_t *place;                     /* [N] */
    float *ht, *ct, *saved;             /* [N,H], [N,H] (LSTM), [N,4H or 5H] in time order */
} layer;

static int64_t saved_width(const layer *s) { return s->cell == HEED_GRU ? 4 * s->H : 5 * s->H; }

/* --- the order of time ---------------------------------------------------------------------------------------------------------------- */

typedef struct length { int64_t n, b; } length;

static int longest_first(const void *a, const void *b)
{
    const length *x = a, *y = b;
    if (x->n != y->n) return x->n < y->n ? 1 : -1;
    return (x->b > y->b) - (x->b < y->b);
}

static bool lay_out(heed_tape *t, layer *s, heed_span span, bool reverse)
{
    length *order = heed_tape_alloc(t, (size_t)span.B * sizeof *order);
    if (!order) return false;
    for (int64_t b = 0; b < span.B; b++) order[b] = (length){span.start[b + 1] - span.start[b], b};
    qsort(order, (size_t)span.B, sizeof *order, longest_first);
    s->T = span.B ? order[0].n : 0;
    s->first = heed_tape_alloc(t, (size_t)s->T * sizeof *s->first);
    s->alive = heed_tape_alloc(t, (size_t)s->T * sizeof *s->alive);
    s->place = heed_tape_alloc(t, (size_t)s->N * sizeof *s->place);
    if (heed_tape_failed(t)) return false;
    int64_t row = 0, alive = span.B;
    for (int64_t i = 0; i < s->T; i++) {
        while (order[alive - 1].n <= i) alive--;
        s->first[i] = row;
        s->alive[i] = alive;
        for (int64_t j = 0; j < alive; j++, row++) {
            const int64_t begin = span.start[order[j].b], end = span.start[order[j].b + 1];
            s->place[row] = reverse ? end - 1 - i : begin + i;
        }
    }
    return true;
}

/* Rows of one moment, which lie together in time order, from where they lie outside, and back there. */
static void take_moment(float *out, const float *x, const layer *s, int64_t moment, int64_t d)
{
    const int64_t *place = s->place + s->first[moment];
    for (int64_t j = 0; j < s->alive[moment]; j++) memcpy(out + j * d, x + place[j] * d, (size_t)d * sizeof *out);
}

static void give_moment(float *out, const float *x, const layer *s, int64_t moment, int64_t d)
{
    const int64_t *place = s->place + s->first[moment];
    for (int64_t j = 0; j < s->alive[moment]; j++) memcpy(out + place[j] * d, x + j * d, (size_t)d * sizeof *out);
}

/* State of the moment before; zeros before the first. */
static const float *before(const layer *s, const float *states, const float *zero, int64_t moment)
{
    return moment ? states + s->first[moment - 1] * s->H : zero;
}

/* --- forward -------------------------------------------------------------------------------------------------------------------------- */

/* Before the first moment the state is zero, so the hidden product is its bias alone. */
static bool hidden_product(heed_tape *t, const layer *s, const heed_pack *pack, int64_t moment, float *gh)
{
    const int64_t n = s->alive[moment];
    const float *bias = s->bias ? s->bias->x : NULL;
    heed_error err;
    if (moment == 0) {
        memset(gh, 0, (size_t)(n * s->G) * sizeof *gh);
        if (bias) t->k->bias(gh, bias, n, s->G);
        return true;
    }
    const float *before = s->ht + s->first[moment - 1] * s->H;
    if (heed_gemm_forward(t->gemm, pack, n, before, s->H, bias, gh, s->G, false, &err) == HEED_OK) return true;
    heed_tape_fail(t, err.status, "rnn: %s", err.text);
    return false;
}

static void run_forward(heed_tape *t, layer *s, const heed_pack *pack)
{
    const heed_mark mark = heed_arena_mark(t->arena);
    const size_t step = (size_t)s->B * sizeof(float);
    float *gx = heed_tape_alloc(t, step * (size_t)s->G), *gh = heed_tape_alloc(t, step * (size_t)s->G), *zero = heed_tape_alloc(t, step * (size_t)s->H);
    if (zero) memset(zero, 0, step * (size_t)s->H);
    for (int64_t i = 0; i < s->T && !heed_tape_failed(t); i++) {
        const int64_t at = s->first[i], n = s->alive[i];
        float *h = s->ht + at * s->H, *c = s->ct + at * s->H, *saved = s->saved ? s->saved + at * saved_width(s) : NULL;
        take_moment(gx, s->gates->x, s, i, s->G);
        if (!hidden_product(t, s, pack, i, gh)) break;
        if (s->cell == HEED_GRU) t->k->gru(h, saved, gx, gh, before(s, s->ht, zero, i), n, s->H);
        else t->k->lstm(h, c, saved, gx, gh, before(s, s->ct, zero, i), n, s->H);
        give_moment(s->h->x, h, s, i, s->H);
        if (s->c) give_moment(s->c->x, c, s, i, s->H);
    }
    heed_arena_rewind(t->arena, mark);
}

/* --- backward ------------------------------------------------------------------------------------------------------------------------- */

/* dgh [N,G] is kept, for the gradient of the hidden weight; all else is of one moment. It may lie at the end of what was saved: rows are wider there, so those of a
 * moment, made apart, never reach what moments before it have saved. */
typedef struct way_back { float *dgh, *dgh_now, *dgx, *dh, *dc, *sum_h, *sum_c, *zero; } way_back;

static bool way_back_room(heed_tape *t, const layer *s, way_back *w)
{
    const size_t step = (size_t)(s->B * s->H) * sizeof(float);
    float **const states[] = {&w->dh, &w->dc, &w->sum_h, &w->sum_c, &w->zero};
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        if ((*states[i] = heed_tape_alloc(t, step))) memset(*states[i], 0, step);
    w->dgx = heed_tape_alloc(t, (size_t)(s->B * s->G) * sizeof(float));
    w->dgh_now = heed_tape_alloc(t, (size_t)(s->B * s->G) * sizeof(float));
    return !heed_tape_failed(t);
}

/* out = d, and what came to the results x from outside. */
static void add_outer(heed_tape *t, const layer *s, int64_t moment, float *out, const float *d, const heed_tensor *x)
{
    const int64_t *place = s->place + s->first[moment], H = s->H;
    for (int64_t j = 0; j < s->alive[moment]; j++) {
        if (x->g) t->k->add(out + j * H, d + j * H, x->g + place[j] * H, H);
        else memcpy(out + j * H, d + j * H, (size_t)H * sizeof *out);
    }
}

/* One moment, from the gradient of its results (that of later moments in dh and dc) to that of its gates, and its share in dh and dc of the moment before. */
static void step_back(heed_tape *t, const layer *s, const way_back *w, float *gates, int64_t i)
{
    const int64_t at = s->first[i], n = s->alive[i], size = n * s->H;
    const float *saved = s->saved + at * saved_width(s), *dgx = s->cell == HEED_GRU ? w->dgx : w->dgh_now;
    add_outer(t, s, i, w->sum_h, w->dh, s->h);
    memset(w->dh, 0, (size_t)size * sizeof(float));
    if (s->cell == HEED_GRU) {
        t->k->gru_back(w->dgx, w->dgh_now, w->dh, w->sum_h, saved, before(s, s->ht, w->zero, i), n, s->H);
    } else {
        add_outer(t, s, i, w->sum_c, w->dc, s->c);
        memset(w->dc, 0, (size_t)size * sizeof(float));
        t->k->lstm_back(w->dgh_now, w->dc, w->sum_h, w->sum_c, saved, before(s, s->ct, w->zero, i), n, s->H);
    }
    for (int64_t j = 0; gates && j < n; j++) t->k->axpy(gates + s->place[at + j] * s->G, 1, dgx + j * s->G, s->G);
}

static void run_back(heed_tape *t, const layer *s, const heed_pack *pack, float *gates, float *dgh)
{
    const heed_mark mark = heed_arena_mark(t->arena);
    way_back w = {.dgh = dgh};
    heed_error err;
    for (int64_t i = way_back_room(t, s, &w) ? s->T - 1 : -1; i >= 0; i--) {
        step_back(t, s, &w, gates, i);
        memcpy(dgh + s->first[i] * s->G, w.dgh_now, (size_t)(s->alive[i] * s->G) * sizeof *dgh);
        if (i && heed_gemm_data(t->gemm, pack, s->alive[i], w.dgh_now, s->G, w.dh, s->H, true, &err) != HEED_OK) {
            heed_tape_fail(t, err.status, "rnn: %s", err.text);
            break;
        }
    }
    heed_arena_rewind(t->arena, mark);
}

static void pend_hidden(heed_tape *t, const layer *s, const float *dgh)
{
    for (int64_t i = 1; i < s->T; i++) {
        const heed_gemm_rows rows = {.dy = dgh + s->first[i] * s->G, .x = s->ht + s->first[i - 1] * s->H, .rows = s->alive[i], .ldy = s->G, .ldx = s->H};
        heed_tape_pend(t, s->hidden, &(heed_pending){.kind = HEED_PENDING_PRODUCT, .rows = rows}, NULL, NULL);
    }
    const heed_gemm_rows all = {.dy = dgh, .rows = s->N, .ldy = s->G};
    if (s->bias) heed_tape_pend(t, s->bias, &(heed_pending){.kind = HEED_PENDING_COLUMNS, .rows = all}, NULL, NULL);
}

static void rnn_back(heed_tape *t, heed_node *node)
{
    const layer *s = node->saved;
    const int64_t over = s->N * (saved_width(s) - s->G);
    float *gates = heed_tape_grad(t, s->gates), *dgh = t->thrifty ? s->saved + over : heed_tape_alloc(t, (size_t)(s->N * s->G) * sizeof *dgh);
    const heed_pack *pack = heed_tape_pack(t, s->hidden, true);
    if (!dgh || !pack) return;
    run_back(t, s, pack, gates, dgh);
    if (heed_tape_failed(t)) return;
    pend_hidden(t, s, dgh);
    heed_tape_spare(t, s->saved, (size_t)over * sizeof *dgh / HEED_LINE * HEED_LINE);
}

/* --- builder -------------------------------------------------------------------------------------------------------------------------- */

static bool layer_fits(heed_tape *t, const layer *s, heed_span span)
{
    const int64_t gates = s->cell == HEED_GRU ? 3 : 4;
    const bool fits = s->G == gates * s->H && s->hidden->rows == s->G && span.start[span.B] == s->N && (!s->bias || s->bias->cols == s->G);
    if (!fits)
        heed_tape_fail(t, HEED_E_SHAPE, "rnn: gates [%lld,%lld], hidden [%lld,%lld], %lld rows in the span: gates are %lld states wide", (long long)s->N,
                       (long long)s->G, (long long)s->hidden->rows, (long long)s->H, (long long)span.start[span.B], (long long)gates);
    return fits && !heed_tape_failed(t);
}

static bool layer_room(heed_tape *t, layer *s, bool wants)
{
    const size_t all = (size_t)s->N * sizeof(float);
    s->h = heed_tape_tensor(t, s->N, s->H);
    s->c = s->cell == HEED_LSTM ? heed_tape_tensor(t, s->N, s->H) : NULL;
    s->ht = heed_tape_room(t, all * (size_t)s->H);
    s->ct = s->c ? heed_tape_room(t, all * (size_t)s->H) : s->ht;
    s->saved = wants ? heed_tape_room(t, all * (size_t)saved_width(s)) : NULL;
    return !heed_tape_failed(t);
}

heed_lstm_state heed_rnn(heed_tape *t, heed_cell_kind cell, heed_tensor *gates, heed_tensor *hidden, heed_tensor *bias, heed_span span, bool reverse)
{
    const heed_lstm_state failed = {&t->poison, &t->poison};
    layer *s = heed_tape_alloc(t, sizeof *s);
    if (!s) return failed;
    *s = (layer){.cell = cell, .gates = gates, .hidden = hidden, .bias = bias, .N = gates->rows, .H = hidden->cols, .G = gates->cols, .B = span.B};
    const bool wants = heed_tape_wants(t, gates->wants_grad || hidden->wants_grad || (bias && bias->wants_grad));
    if (!layer_fits(t, s, span) || !lay_out(t, s, span, reverse) || !layer_room(t, s, wants)) return failed;
    const heed_pack *pack = heed_tape_pack(t, hidden, false);
    if (pack) run_forward(t, s, pack);
    if (heed_tape_failed(t)) return failed;
    if (wants && heed_tape_node(t, "rnn", s->h, rnn_back, s) == s->h && s->c) {
        t->last->other = s->c;
        s->c->wants_grad = true;
    }
    return (heed_lstm_state){s->h, s->c};
}
