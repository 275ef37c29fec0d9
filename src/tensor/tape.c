/* The tape: what ops leave behind, and the walk back. The whole autodiff; its idea is in heed/tensor.h. */
#include "tensor/tape.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char unnamed[] = "model";

enum { LEAST_SPARE = 4096 };   /* bytes: less lies apart, is not used again and does not part what is */

heed_tape *heed_tape_new(const heed_tape_options *options, heed_error *err)
{
    heed_tape *t = calloc(1, sizeof *t);
    if (t) t->arena = heed_arena_new(options->limit);
    if (t) t->small = heed_arena_new(options->limit);
    if (!t || !t->arena || !t->small) {
        heed_fail(err, HEED_E_NOMEM, "out of memory for a tape");
        heed_tape_free(t);
        return NULL;
    }
    t->gemm = heed_gemm_new(err);
    if (!t->gemm) {
        heed_tape_free(t);
        return NULL;
    }
    t->k = heed_kernels_get();
    heed_tape_reset(t, options->record, options->train, options->seed);
    return t;
}

void heed_tape_free(heed_tape *t)
{
    if (!t) return;
    heed_gemm_free(t->gemm);
    heed_arena_free(t->arena);
    heed_arena_free(t->small);
    for (int i = 0; i < HEED_WAVES; i++) free(t->waves[i].table);
    free(t);
}

void heed_tape_reset(heed_tape *t, bool record, bool train, uint64_t key)
{
    heed_arena_reset(t->arena);
    heed_arena_reset(t->small);
    t->record = record;
    t->train = train;
    t->key = key;
    t->last = NULL;
    t->error = (heed_error){.status = HEED_OK};
    t->scope = unnamed;
    t->pending = t->pending_tail = NULL;
    t->pending_count = 0;
    t->thrifty = false;
    t->spare = NULL;
    t->poison = (heed_tensor){.rows = 0, .cols = 0};
}

heed_status heed_tape_status(const heed_tape *t, heed_error *err)
{
    if (t->error.status != HEED_OK && err) *err = t->error;
    return t->error.status;
}

void heed_tape_scope(heed_tape *t, const char *scope) { t->scope = scope ? scope : unnamed; }

size_t heed_tape_bytes(const heed_tape *t) { return heed_arena_bytes(t->arena) + heed_arena_bytes(t->small); }

void heed_tape_watch(heed_tape *t, heed_stopwatch *w)
{
    t->watch = w;
    heed_gemm_watch(t->gemm, w);
}

int64_t heed_tape_grown(const heed_tape *t) { return heed_arena_grown(t->arena) + heed_arena_grown(t->small) + heed_gemm_grown(t->gemm); }

heed_tensor *heed_tape_fail(heed_tape *t, heed_status status, const char *format, ...)
{
    if (!heed_tape_failed(t)) {
        char text[sizeof t->error.text];
        va_list list;
        va_start(list, format);
        vsnprintf(text, sizeof text, format, list);
        va_end(list);
        heed_fail(&t->error, status, "%s   (in %s)", text, t->scope);
    }
    return &t->poison;
}

void *heed_tape_alloc(heed_tape *t, size_t bytes)
{
    if (heed_tape_failed(t)) return NULL;
    void *p = heed_arena_alloc(t->thrifty && bytes < LEAST_SPARE ? t->small : t->arena, bytes);
    if (!p) heed_tape_fail(t, HEED_E_NOMEM, "out of memory: %zu bytes more than the %zu in use", bytes, heed_tape_bytes(t));
    return p;
}

/* --- memory used again ---------------------------------------------------------------------------------------------------------------------------- */

static size_t whole_lines(size_t bytes) { return (bytes + HEED_LINE - 1) / HEED_LINE * HEED_LINE; }

static const void *end_of(const void *piece, size_t bytes) { return (const unsigned char *)piece + bytes; }

/* Pieces stand in the order of their places, and neighbours become one. */
void heed_tape_spare(heed_tape *t, void *memory, size_t bytes)
{
    heed_spare **at = &t->spare, *piece = memory, *before = NULL;
    bytes = whole_lines(bytes);
    if (!t->thrifty || !memory || bytes < LEAST_SPARE) return;
    for (; *at && *at < piece; at = &(*at)->next) before = *at;
    heed_spare whole = {*at, bytes};
    heed_arena_hide(piece, bytes);
    if (end_of(piece, bytes) == *at) {
        whole = (heed_spare){(*at)->next, bytes + (*at)->bytes};
        heed_arena_hide(*at, sizeof **at);
    }
    if (before && end_of(before, before->bytes) == piece) {
        *before = (heed_spare){whole.next, before->bytes + whole.bytes};
        return;
    }
    heed_arena_reuse(piece, sizeof *piece);
    *piece = whole;
    *at = piece;
}

/* Of the smallest piece that holds so many bytes; what is left of it stays spare, unless it is too little. */
static void *use_spare(heed_tape *t, size_t bytes)
{
    heed_spare **best = NULL;
    if (!t->record || bytes < LEAST_SPARE) return NULL;   /* what is not recorded may be rewound */
    for (heed_spare **s = &t->spare; *s; s = &(*s)->next)
        if ((*s)->bytes >= bytes && (!best || (*s)->bytes < (*best)->bytes)) best = s;
    if (!best) return NULL;
    heed_spare *found = *best, *next = found->next;
    const size_t left = found->bytes - bytes;
    if (left >= LEAST_SPARE) {
        heed_spare *rest = (heed_spare *)(void *)((unsigned char *)found + bytes);
        heed_arena_reuse(rest, sizeof *rest);
        *rest = (heed_spare){next, left};
        next = rest;
    }
    *best = next;
    heed_arena_reuse(found, bytes);
    return found;
}

void *heed_tape_room(heed_tape *t, size_t bytes)
{
    void *p = heed_tape_failed(t) ? NULL : use_spare(t, whole_lines(bytes));
    return p ? p : heed_tape_alloc(t, bytes);
}

void heed_tape_thrift(heed_tape *t) { t->thrifty = true; }

static size_t bytes_of(const heed_tensor *x) { return (size_t)(x->rows * x->cols) * sizeof(float); }

void heed_tape_spend(heed_tape *t, heed_tensor *x)
{
    if (!t->thrifty || !t->record || x->base || x->weight || !x->x) return;
    heed_tape_spare(t, x->x, bytes_of(x));
    x->x = NULL;
}

/* --- tensors and nodes ---------------------------------------------------------------------------------------------------------------------------- */

heed_tensor *heed_tape_tensor(heed_tape *t, int64_t rows, int64_t cols)
{
    heed_tensor *x = heed_tape_alloc(t, sizeof *x);
    float *values = heed_tape_room(t, (size_t)(rows * cols) * sizeof *values);
    if (!x || !values) return &t->poison;
    *x = (heed_tensor){.x = values, .rows = rows, .cols = cols};
    return x;
}

heed_tensor *heed_input(heed_tape *t, int64_t rows, int64_t cols, const float *values, bool grad)
{
    heed_tensor *x = heed_tape_tensor(t, rows, cols);
    if (heed_tape_failed(t)) return x;
    size_t bytes = (size_t)(rows * cols) * sizeof *values;
    if (values) memcpy(x->x, values, bytes);
    else memset(x->x, 0, bytes);
    x->wants_grad = grad && t->record;
    return x;
}

bool heed_tape_wants(const heed_tape *t, bool wants) { return t->record && wants && !heed_tape_failed(t); }

heed_tensor *heed_tape_node(heed_tape *t, const char *op, heed_tensor *out, void (*back)(heed_tape *, heed_node *), void *saved)
{
    heed_node *n = heed_tape_alloc(t, sizeof *n);
    if (!n) return &t->poison;
    *n = (heed_node){.op = op, .scope = t->scope, .out = out, .back = back, .saved = saved, .before = t->last};
    t->last = n;
    out->wants_grad = back != NULL;
    heed_stopwatch_lap(t->watch, (heed_part){.name = op, .way = "forward"}, (double)(out->rows * out->cols));
    return out;
}

static bool grow_pending(heed_tape *t, int64_t count)
{
    size_t bytes = (size_t)count * sizeof *t->pending;
    t->pending = heed_tape_alloc(t, bytes);
    t->pending_tail = heed_tape_alloc(t, bytes);
    if (heed_tape_failed(t)) return false;
    memset(t->pending, 0, bytes);
    memset(t->pending_tail, 0, bytes);
    t->pending_count = count;
    return true;
}

static heed_tensor *root_of(heed_tensor *x)
{
    while (x->base) x = x->base;
    return x;
}

void heed_tape_pend(heed_tape *t, heed_tensor *weight, const heed_pending *piece, heed_tensor *x, heed_tensor *dy)
{
    const heed_weight *w = weight->weight;
    if (w->frozen) return;
    if (x) root_of(x)->lists_x = true;
    if (dy) root_of(dy)->lists_g = true;
    if (!t->pending && !grow_pending(t, heed_params_count(w->params))) return;
    heed_pending *p = heed_tape_alloc(t, sizeof *p);
    if (!p) return;
    *p = *piece;
    p->next = NULL;
    if (t->pending_tail[w->id]) t->pending_tail[w->id]->next = p;
    else t->pending[w->id] = p;
    t->pending_tail[w->id] = p;
}

/* A weight met outside a product: its whole gradient, as a piece of its own. */
static float *dense_piece(heed_tape *t, heed_tensor *weight)
{
    const size_t bytes = (size_t)(weight->rows * weight->cols) * sizeof(float);
    float *g = heed_tape_alloc(t, bytes);
    if (!g) return NULL;
    memset(g, 0, bytes);
    heed_tape_pend(t, weight, &(heed_pending){.kind = HEED_PENDING_DENSE, .dense = g}, NULL, NULL);
    return g;
}

/* What the way back has passed: nobody before it reads its values, nobody behind it adds to its gradient. */
static void leave(heed_tape *t, heed_tensor *x)
{
    if (!x || x->base || x->weight) return;
    if (x->x && !x->lists_x) {
        heed_tape_spare(t, x->x, bytes_of(x));
        x->x = NULL;
    }
    if (x->g && !x->lists_g) {
        heed_tape_spare(t, x->g, bytes_of(x));
        x->g = NULL;
    }
}

/* --- gradients ------------------------------------------------------------------------------------------------------------------------------------ */

float *heed_tape_grad_fresh(heed_tape *t, heed_tensor *x, bool *fresh)
{
    *fresh = false;
    if (!x->wants_grad) return NULL;
    if (x->weight) return dense_piece(t, x);
    if (x->base) {
        float *g = heed_tape_grad(t, x->base);
        return g ? g + x->first * x->cols : NULL;
    }
    if (x->g) return x->g;
    *fresh = true;
    x->g = heed_tape_room(t, bytes_of(x));
    return x->g;
}

float *heed_tape_grad(heed_tape *t, heed_tensor *x)
{
    bool fresh;
    float *g = heed_tape_grad_fresh(t, x, &fresh);
    if (g && fresh) memset(g, 0, (size_t)(x->rows * x->cols) * sizeof *g);
    return g;
}

float *heed_tape_grad_take(heed_tape *t, heed_tensor *x, heed_tensor *out)
{
    if (!t->thrifty || !x->wants_grad || x->weight || x->base || x->g || out->lists_g) return NULL;
    x->g = out->g;
    out->g = NULL;
    return x->g;
}

heed_status heed_backward(heed_tape *t, heed_tensor *loss, heed_error *err)
{
    if (!heed_tape_failed(t) && (loss->rows != 1 || loss->cols != 1 || !loss->wants_grad))
        heed_tape_fail(t, HEED_E_SHAPE, "backward: the loss is [%lld,%lld] and %s a gradient; it must be [1,1] and depend on a weight",
                       (long long)loss->rows, (long long)loss->cols, loss->wants_grad ? "wants" : "wants no");
    if (!heed_tape_failed(t)) {
        float *g = heed_tape_grad(t, loss);
        if (g) g[0] = 1;
        for (heed_node *n = t->last; n && !heed_tape_failed(t); n = n->before) {
            if (n->back && (n->out->g || (n->other && n->other->g))) {
                n->back(t, n);
                heed_stopwatch_lap(t->watch, (heed_part){.name = n->op, .way = "backward"}, (double)(n->out->rows * n->out->cols));
            }
            if (!t->thrifty) continue;
            leave(t, n->out);
            leave(t, n->other);
        }
    }
    return heed_tape_status(t, err);
}

static bool all_finite(const heed_tape *t, const heed_tensor *x, const float *values)
{
    return !values || t->k->all_finite(values, x->rows * x->cols);
}

bool heed_tape_find_nonfinite(const heed_tape *t, const char **op, const char **scope)
{
    const heed_node *found = NULL;
    for (const heed_node *n = t->last; n; n = n->before)
        if (!all_finite(t, n->out, n->out->x) || (n->other && !all_finite(t, n->other, n->other->x))) found = n;
    for (const heed_node *n = found ? NULL : t->last; n && !found; n = n->before)
        if (!all_finite(t, n->out, n->out->g) || (n->other && !all_finite(t, n->other, n->other->g))) found = n;
    if (!found) return false;
    *op = found->op;
    *scope = found->scope;
    return true;
}
