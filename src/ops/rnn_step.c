/* rnn_step: one step of a recurrent layer with its products as one node, so that neither the joined gates nor the hidden product outlive it.
 *
 *   gx = gates + x Wx^T,  gh = h Wh^T + b,  h' and c' = cell(gx, gh, h, c) */
#include <string.h>

#include "heed/ops.h"
#include "tensor/tape.h"

typedef struct step {
    heed_step_args is;
    heed_lstm_state after;
    int64_t n, H, G;
    float *saved;                       /* [n, 4H or 5H] */
} step;

static int64_t saved_width(const step *s) { return s->is.cell == HEED_GRU ? 4 * s->H : 5 * s->H; }

static bool multiplied(heed_tape *t, heed_status status, const heed_error *err)
{
    if (status != HEED_OK) heed_tape_fail(t, status, "rnn_step: %s", err->text);
    return status == HEED_OK;
}

/* --- forward -------------------------------------------------------------------------------------------------------------------------- */

/* gates + x Wx^T; the gates themselves without x. NULL: the tape has failed. */
static const float *joined_gates(heed_tape *t, const step *s)
{
    const heed_step_args *a = &s->is;
    heed_error err;
    if (!a->x) return a->gates->x;
    const heed_pack *pack = heed_tape_pack(t, a->weight, false);
    float *gx = heed_tape_alloc(t, (size_t)(s->n * s->G) * sizeof *gx);
    if (!pack || !gx) return NULL;
    memcpy(gx, a->gates->x, (size_t)(s->n * s->G) * sizeof *gx);
    return multiplied(t, heed_gemm_forward(t->gemm, pack, s->n, a->x->x, a->x->cols, NULL, gx, s->G, true, &err), &err) ? gx : NULL;
}

static const float *hidden_product(heed_tape *t, const step *s)
{
    const heed_step_args *a = &s->is;
    heed_error err;
    const heed_pack *pack = heed_tape_pack(t, a->hidden, false);
    float *gh = heed_tape_alloc(t, (size_t)(s->n * s->G) * sizeof *gh);
    if (!pack || !gh) return NULL;
    return multiplied(t, heed_gemm_forward(t->gemm, pack, s->n, a->before.h->x, s->H, a->bias ? a->bias->x : NULL, gh, s->G, false, &err), &err) ? gh : NULL;
}

static void run(heed_tape *t, const step *s)
{
    const heed_mark mark = heed_arena_mark(t->arena);
    const heed_lstm_state *before = &s->is.before;
    const float *gx = joined_gates(t, s), *gh = gx ? hidden_product(t, s) : NULL;
    if (gh && s->is.cell == HEED_GRU) t->k->gru(s->after.h->x, s->saved, gx, gh, before->h->x, s->n, s->H);
    else if (gh) t->k->lstm(s->after.h->x, s->after.c->x, s->saved, gx, gh, before->c->x, s->n, s->H);
    heed_arena_rewind(t->arena, mark);
}

/* --- backward ------------------------------------------------------------------------------------------------------------------------- */

/* Gradients of gx and gh, which are one for an LSTM. Those of the gates are gx's. */
typedef struct slopes { float *gx, *gh; } slopes;

static slopes cell_back(heed_tape *t, const step *s)
{
    const size_t gates = (size_t)(s->n * s->G) * sizeof(float), state = (size_t)(s->n * s->H) * sizeof(float);
    const heed_lstm_state *before = &s->is.before;
    const bool gru = s->is.cell == HEED_GRU;
    float *dgates = heed_tape_grad(t, s->is.gates);
    slopes d = {.gx = dgates ? dgates : heed_tape_alloc(t, gates)};
    d.gh = gru ? heed_tape_room(t, gates) : d.gx;
    float *dh_out = heed_tape_grad(t, s->after.h), *dc_out = gru ? NULL : heed_tape_grad(t, s->after.c);
    float *carried = heed_tape_grad(t, gru ? before->h : before->c);
    const heed_mark mark = heed_arena_mark(t->arena);
    if (!carried) carried = heed_tape_alloc(t, state);
    if (heed_tape_failed(t)) return d;
    if (gru) t->k->gru_back(d.gx, d.gh, carried, dh_out, s->saved, before->h->x, s->n, s->H);
    else t->k->lstm_back(d.gx, carried, dh_out, dc_out, s->saved, before->c->x, s->n, s->H);
    heed_arena_rewind(t->arena, mark);
    heed_tape_spare(t, s->saved, (size_t)(s->n * saved_width(s)) * sizeof *s->saved);
    return d;
}

/* dx += dy W, and what comes to W; dy may be the gates' gradient. */
static void product_back(heed_tape *t, const step *s, const float *dy, heed_tensor *x, heed_tensor *weight)
{
    float *dx = heed_tape_grad(t, x);
    const heed_pack *pack = dx ? heed_tape_pack(t, weight, true) : NULL;
    heed_error err;
    if (pack && !multiplied(t, heed_gemm_data(t->gemm, pack, s->n, dy, s->G, dx, x->cols, true, &err), &err)) return;
    const heed_gemm_rows rows = {.dy = dy, .x = x->x, .rows = s->n, .ldy = s->G, .ldx = x->cols};
    heed_tape_pend(t, weight, &(heed_pending){.kind = HEED_PENDING_PRODUCT, .rows = rows}, x, s->is.gates);
}

static void rnn_step_back(heed_tape *t, heed_node *node)
{
    const step *s = node->saved;
    const heed_step_args *a = &s->is;
    const slopes d = cell_back(t, s);
    if (heed_tape_failed(t)) return;
    product_back(t, s, d.gh, a->before.h, a->hidden);
    if (a->x) product_back(t, s, d.gx, a->x, a->weight);
    const heed_gemm_rows rows = {.dy = d.gh, .rows = s->n, .ldy = s->G};
    if (a->bias) heed_tape_pend(t, a->bias, &(heed_pending){.kind = HEED_PENDING_COLUMNS, .rows = rows}, NULL, a->gates);
}

/* --- builder -------------------------------------------------------------------------------------------------------------------------- */

static bool step_fits(heed_tape *t, const step *s)
{
    const heed_step_args *a = &s->is;
    const heed_tensor *h = a->before.h, *c = a->before.c;
    bool fits = s->G == (a->cell == HEED_GRU ? 3 : 4) * s->H && h->rows == s->n && a->hidden->rows == s->G && a->hidden->cols == s->H;
    fits = fits && (!a->bias || (a->bias->rows == 1 && a->bias->cols == s->G)) && (a->cell == HEED_GRU || (c && c->rows == s->n && c->cols == s->H));
    fits = fits && (!a->x || (a->x->rows == s->n && a->weight->rows == s->G && a->weight->cols == a->x->cols));
    if (!fits)
        heed_tape_fail(t, HEED_E_SHAPE, "rnn_step: gates [%lld,%lld], state [%lld,%lld], hidden [%lld,%lld] or what is joined do not fit", (long long)s->n,
                       (long long)s->G, (long long)h->rows, (long long)h->cols, (long long)a->hidden->rows, (long long)a->hidden->cols);
    return fits && !heed_tape_failed(t);
}

static bool wants(const heed_step_args *a)
{
    const heed_tensor *const all[] = {a->gates, a->x, a->weight, a->before.h, a->before.c, a->hidden, a->bias};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i] && all[i]->wants_grad) return true;
    return false;
}

heed_lstm_state heed_rnn_step(heed_tape *t, const heed_step_args *a)
{
    const heed_lstm_state failed = {&t->poison, &t->poison};
    step *s = heed_tape_alloc(t, sizeof *s);
    if (!s) return failed;
    *s = (step){.is = *a, .n = a->gates->rows, .G = a->gates->cols, .H = a->before.h->cols};
    if (!step_fits(t, s)) return failed;
    const bool records = heed_tape_wants(t, wants(a));
    s->after.h = heed_tape_tensor(t, s->n, s->H);
    if (a->cell == HEED_LSTM) s->after.c = heed_tape_tensor(t, s->n, s->H);
    if (records) s->saved = heed_tape_room(t, (size_t)(s->n * saved_width(s)) * sizeof *s->saved);
    if (!heed_tape_failed(t)) run(t, s);
    if (heed_tape_failed(t)) return failed;
    if (records && heed_tape_node(t, "rnn_step", s->after.h, rnn_step_back, s) == s->after.h && s->after.c) {
        t->last->other = s->after.c;
        s->after.c->wants_grad = true;
    }
    return s->after;
}
