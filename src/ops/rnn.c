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
    float *ht, *ct, *saved;             /* [N,H], [N,H], [N,4H or 5H] in time order */
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

static void to_time(float *out, const float *x, const layer *s, int64_t d)
{
    for (int64_t i = 0; i < s->N; i++) memcpy(out + i * d, x + s->place[i] * d, (size_t)d * sizeof *out);
}

static void from_time(float *out, const float *x, const layer *s, int64_t d)
{
    for (int64_t i = 0; i < s->N; i++) memcpy(out + s->place[i] * d, x + i * d, (size_t)d * sizeof *out);
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

static void run_forward(heed_tape *t, layer *s, const heed_pack *pack, const float *gx, float *gh, const float *zero)
{
    for (int64_t i = 0; i < s->T; i++) {
        const int64_t at = s->first[i], n = s->alive[i];
        const float *h = i ? s->ht + s->first[i - 1] * s->H : zero, *c = i ? s->ct + s->first[i - 1] * s->H : zero;
        float *saved = s->saved ? s->saved + at * saved_width(s) : NULL;
        if (!hidden_product(t, s, pack, i, gh)) return;
        if (s->cell == HEED_GRU) t->k->gru(s->ht + at * s->H, saved, gx + at * s->G, gh, h, n, s->H);
        else t->k->lstm(s->ht + at * s->H, s->ct + at * s->H, saved, gx + at * s->G, gh, c, n, s->H);
    }
}

/* --- backward ------------------------------------------------------------------------------------------------------------------------- */

typedef struct way_back { float *dht, *dct, *dgx, *dgh, *dh, *dc, *sum_h, *sum_c; } way_back;

static bool way_back_room(heed_tape *t, const layer *s, way_back *w)
{
    const size_t all = (size_t)s->N * sizeof(float), step = (size_t)(s->B * s->H) * sizeof(float);
    const bool lstm = s->cell == HEED_LSTM;
    w->dgx = heed_tape_alloc(t, all * (size_t)s->G);
    w->dgh = lstm ? w->dgx : heed_tape_alloc(t, all * (size_t)s->G);
    w->dht = heed_tape_alloc(t, all * (size_t)s->H);
    w->dct = heed_tape_alloc(t, all * (size_t)s->H);
    w->dh = heed_tape_alloc(t, step);
    w->dc = heed_tape_alloc(t, step);
    w->sum_h = heed_tape_alloc(t, step);
    w->sum_c = heed_tape_alloc(t, step);
    if (heed_tape_failed(t)) return false;
    memset(w->dh, 0, step);
    memset(w->dc, 0, step);
    memset(w->dht, 0, all * (size_t)s->H);
    memset(w->dct, 0, all * (size_t)s->H);
    return true;
}

/* One moment, from the gradient of its results (that of later moments in dh and dc, that from outside in dht and dct) to dh and dc of the
 * moment before. */
static void step_back(heed_tape *t, const layer *s, const way_back *w, const float *zero, int64_t i)
{
    const int64_t at = s->first[i], n = s->alive[i], size = n * s->H;
    const float *h = i ? s->ht + s->first[i - 1] * s->H : zero, *c = i ? s->ct + s->first[i - 1] * s->H : zero;
    const float *saved = s->saved + at * saved_width(s);
    t->k->add(w->sum_h, w->dh, w->dht + at * s->H, size);
    memset(w->dh, 0, (size_t)size * sizeof(float));
    if (s->cell == HEED_GRU) {
        t->k->gru_back(w->dgx + at * s->G, w->dgh + at * s->G, w->dh, w->sum_h, saved, h, n, s->H);
    } else {
        t->k->add(w->sum_c, w->dc, w->dct + at * s->H, size);
        memset(w->dc, 0, (size_t)size * sizeof(float));
        t->k->lstm_back(w->dgx + at * s->G, w->dc, w->sum_h, w->sum_c, saved, c, n, s->H);
    }
}

static void pend_hidden(heed_tape *t, const layer *s, const way_back *w)
{
    for (int64_t i = 0; i < s->T; i++) {
        const float *dy = w->dgh + s->first[i] * s->G;
        const heed_gemm_rows rows = {.dy = dy, .x = i ? s->ht + s->first[i - 1] * s->H : NULL, .rows = s->alive[i], .ldy = s->G, .ldx = s->H};
        if (i) heed_tape_pend(t, s->hidden, &(heed_pending){.kind = HEED_PENDING_PRODUCT, .rows = rows}, NULL, NULL);
    }
    const heed_gemm_rows all = {.dy = w->dgh, .rows = s->N, .ldy = s->G};
    if (s->bias) heed_tape_pend(t, s->bias, &(heed_pending){.kind = HEED_PENDING_COLUMNS, .rows = all}, NULL, NULL);
}

static void rnn_back(heed_tape *t, heed_node *node)
{
    const layer *s = node->saved;
    way_back w;
    float *gx = heed_tape_grad(t, s->gates);
    float *zero = heed_tape_alloc(t, (size_t)(s->B * s->H) * sizeof *zero);
    const heed_pack *pack = heed_tape_pack(t, s->hidden, true);
    if (!zero || !pack || !way_back_room(t, s, &w)) return;
    memset(zero, 0, (size_t)(s->B * s->H) * sizeof *zero);
    if (s->h->g) to_time(w.dht, s->h->g, s, s->H);
    if (s->c && s->c->g) to_time(w.dct, s->c->g, s, s->H);
    for (int64_t i = s->T - 1; i >= 0; i--) {
        heed_error err;
        step_back(t, s, &w, zero, i);
        if (i && heed_gemm_data(t->gemm, pack, s->alive[i], w.dgh + s->first[i] * s->G, s->G, w.dh, s->H, true, &err) != HEED_OK) {
            heed_tape_fail(t, err.status, "rnn: %s", err.text);
            return;
        }
    }
    for (int64_t i = 0; gx && i < s->N; i++) t->k->axpy(gx + s->place[i] * s->G, 1, w.dgx + i * s->G, s->G);
    pend_hidden(t, s, &w);
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
    s->ht = heed_tape_alloc(t, all * (size_t)s->H);
    s->ct = s->c ? heed_tape_alloc(t, all * (size_t)s->H) : s->ht;
    s->saved = wants ? heed_tape_alloc(t, all * (size_t)saved_width(s)) : NULL;
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
    float *gx = heed_tape_alloc(t, (size_t)(s->N * s->G) * sizeof *gx), *gh = heed_tape_alloc(t, (size_t)(s->B * s->G) * sizeof *gh);
    float *zero = heed_tape_alloc(t, (size_t)(s->B * s->H) * sizeof *zero);
    if (heed_tape_failed(t)) return failed;
    memset(zero, 0, (size_t)(s->B * s->H) * sizeof *zero);
    to_time(gx, gates->x, s, s->G);
    run_forward(t, s, pack, gx, gh, zero);
    from_time(s->h->x, s->ht, s, s->H);
    if (s->c) from_time(s->c->x, s->ct, s, s->H);
    if (heed_tape_failed(t)) return failed;
    if (wants && heed_tape_node(t, "rnn", s->h, rnn_back, s) == s->h && s->c) {
        t->last->other = s->c;
        s->c->wants_grad = true;
    }
    return (heed_lstm_state){s->h, s->c};
}
