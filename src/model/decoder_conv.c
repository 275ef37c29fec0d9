/* The convolutional decoder: causal convolutions, and a look at the source in every layer     (Gehring et al. 2017, section 3)
 *
 *   h = glu(conv(x));   d = W h + b + g;   c = attend(d);   h = (h + V c + v) sqrt(0.5);   x = (x + h) sqrt(0.5);   features = out(x)
 *
 * g: the target embedding with its position. The sum c is not multiplied by the root of the source's length as there, which guesses that weights are about
 * equal: V learns the size. Without attention a projection of the encoder's vector is added to every g, and no layer looks anywhere.
 *
 * A step reads the last rows of each layer's input from a history (attn/history.h): choosing among hypotheses moves none of them. */
#include <stdio.h>
#include <string.h>

#include "attn/history.h"
#include "base/rng.h"
#include "model/conv.h"
#include "model/steps.h"
#include "tensor/tape.h"

typedef struct decoder {
    heed_convs conv;
    heed_attn attn[HEED_MAX_LAYERS];
    heed_dense query[HEED_MAX_LAYERS], context[HEED_MAX_LAYERS];   /* W [E,D], V [D,context] */
    heed_dense vector;                                              /* score none: [E,Dv] */
    bool attends, copies;
} decoder;

typedef struct state {
    heed_memory memory[HEED_MAX_LAYERS];
    heed_tensor *vector;                        /* score none: [B,E], of the memory's sequences */
    heed_history history;                       /* a slab a layer: what its convolution sees, [D] a row */
} state;

/* Rows of one call: every one of a batch, or one a hypothesis. */
typedef struct rows {
    heed_tensor *g;                             /* [N,E] */
    const heed_memory *memory;
    heed_gaze gaze;
    heed_attended *looked;                      /* [layers] */
    int64_t guided;                             /* layer whose weights are wanted beside those that are copied by, -1: none */
} rows;

/* --- weights -------------------------------------------------------------------------------------------------------------------------- */

static heed_status init_attention(decoder *d, heed_params *p, const heed_recipe *r, heed_error *err)
{
    const heed_attn_settings looks = heed_recipe_attention(r);
    for (int64_t l = 0; l < d->conv.layers; l++) {
        char scope[48];
        snprintf(scope, sizeof scope, "%s.attention", d->conv.scope[l]);
        heed_status status = heed_attn_init(&d->attn[l], p, scope, &looks, err);
        if (status) return status;
        snprintf(scope, sizeof scope, "%s.query", d->conv.scope[l]);
        heed_convs_map(&d->query[l], p, scope, d->conv.width, d->conv.embed, 1);
        snprintf(scope, sizeof scope, "%s.context", d->conv.scope[l]);
        heed_convs_map(&d->context[l], p, scope, heed_attn_width(&d->attn[l]), d->conv.width, 1);
    }
    return HEED_OK;
}

static void *init(heed_arena *arena, heed_params *p, const heed_recipe *r, heed_weight *embedding, int64_t memory_width, heed_error *err)
{
    decoder *d = heed_arena_zero(arena, sizeof *d);
    if (!d) return heed_fail(err, HEED_E_NOMEM, "out of memory for the decoder"), NULL;
    d->attends = r->model.attention.score != HEED_ATTENTION_NONE;
    d->copies = r->model.attention.copy;
    if (heed_convs_init(&d->conv, p, "decoder", r, embedding, err) != HEED_OK) return NULL;
    if (!d->attends) heed_convs_map(&d->vector, p, "decoder.vector", memory_width, d->conv.embed, 1);
    return !d->attends || init_attention(d, p, r, err) == HEED_OK ? d : NULL;
}

static int64_t features_width(const void *self)
{
    const decoder *d = self;
    return d->conv.embed;
}

/* --- rows through the layers ------------------------------------------------------------------------------------------------------------- */

static void read_memory(heed_tape *t, const decoder *d, const heed_encoded *memory, state *s)
{
    heed_tape_scope(t, "decoder.vector");
    if (!d->attends) s->vector = heed_dense_forward(t, &d->vector, memory->vector);
    for (int64_t l = 0; d->attends && l < d->conv.layers; l++) {
        heed_tape_scope(t, d->conv.scope[l]);
        s->memory[l] = heed_attn_memory(t, &d->attn[l], memory->values, memory->keyed, memory->span, 0);
    }
}

static rows embed_rows(heed_tape *t, const decoder *d, const state *s, const int32_t *ids, const heed_gaze *gaze, const uint64_t *keys)
{
    rows r = {.g = &t->poison, .memory = s->memory, .gaze = *gaze, .guided = -1, .looked = heed_tape_alloc(t, (size_t)d->conv.layers * sizeof *r.looked)};
    heed_tape_scope(t, "decoder.embedding");
    if (heed_tape_failed(t)) return r;
    r.g = heed_convs_embed(t, &d->conv, ids, gaze->queries, gaze->position);
    if (s->vector) r.g = heed_add(t, r.g, heed_steps_vectors(t, s->vector, gaze->queries, gaze->owner));
    r.g = heed_dropout(t, r.g, keys, heed_mix(11), d->conv.dropout);
    return r;
}

/* The highest layer's weights are what is copied by. */
static bool weighs(const decoder *d, int64_t l) { return d->copies && l == d->conv.layers - 1; }

/* V c + v of layer l, whose convolution gave h. */
static heed_tensor *look(heed_tape *t, const decoder *d, int64_t l, heed_tensor *h, rows *r)
{
    r->gaze.weights = weighs(d, l) || l == r->guided;
    heed_tensor *query = heed_add(t, heed_dense_forward(t, &d->query[l], h), r->g);
    r->looked[l] = heed_attn_forward(t, &d->attn[l], query, &r->memory[l], &r->gaze);
    return heed_dense_forward(t, &d->context[l], r->looked[l].out);
}

/* near: the neighbourhoods of x */
static heed_tensor *run_layer(heed_tape *t, const decoder *d, int64_t l, heed_tensor *x, heed_tensor *near, rows *r)
{
    heed_tensor *h = heed_convs_gate(t, &d->conv, l, near);
    if (d->attends) h = heed_convs_join(t, h, look(t, d, l, h, r));
    return heed_convs_join(t, x, h);
}

/* --- one step ------------------------------------------------------------------------------------------------------------------------- */

static state *own(const heed_state *s) { return s->own; }

static void start(heed_tape *t, const void *self, const heed_encoded *memory, heed_state *s)
{
    const decoder *d = self;
    int64_t width[HEED_MAX_LAYERS];
    *s = (heed_state){.n = memory->vector->rows, .own = heed_tape_alloc(t, sizeof(state)), .prospect = s->prospect};
    if (!s->own) return;
    *own(s) = (state){.vector = NULL};
    read_memory(t, d, memory, own(s));
    for (int64_t l = 0; l < d->conv.layers; l++) width[l] = d->conv.width;
    heed_history_start(t, &own(s)->history, width, (int)d->conv.layers, s->n, s->prospect.rows * s->prospect.steps);
}

/* The last `kernel` rows of each hypothesis side by side, the one under way at the end; zeros before the first. */
static heed_tensor *window(heed_tape *t, const heed_history *h, const heed_tensor *slab, int64_t kernel)
{
    const int64_t D = slab->cols, M = h->moments;
    heed_tensor *near = heed_tape_tensor(t, h->n, kernel * D);
    if (heed_tape_failed(t)) return &t->poison;
    float *to = near->x;
    for (int64_t b = 0; b < h->n; b++)
        for (int64_t i = M - kernel; i < M; i++, to += D) {
            if (i < 0) memset(to, 0, (size_t)D * sizeof *to);
            else memcpy(to, slab->x + h->path[b * M + i] * D, (size_t)D * sizeof *to);
        }
    return near;
}

/* Puts x through a layer, in place: of all that it takes on the way only what was looked at is remembered, so a step's memory is that of one layer. */
static void step_layer(heed_tape *t, const decoder *d, int64_t l, heed_tensor *x, heed_history *past, rows *r, heed_attended *kept)
{
    const heed_mark mark = heed_arena_mark(t->arena);
    const heed_tensor *y = run_layer(t, d, l, x, window(t, past, heed_history_write(t, past, (int)l, x), d->conv.kernel), r);
    if (heed_tape_failed(t)) return;
    heed_steps_take(x, y);
    if (d->attends && kept) heed_steps_remember(kept, &r->looked[l]);
    heed_arena_rewind(t->arena, mark);
}

static heed_step step(heed_tape *t, const void *self, heed_state *s, const int32_t *ids)
{
    const decoder *d = self;
    const heed_gaze gaze = {.queries = heed_steps_span(t, s->n), .owner = s->owner, .position = s->position++};
    heed_attended *kept = heed_tape_alloc(t, (size_t)d->conv.layers * sizeof *kept);
    for (int64_t l = 0; kept && l < d->conv.layers; l++) {
        kept[l] = (heed_attended){.out = NULL};
        if (d->attends && heed_steps_wants(s, l, weighs(d, l))) kept[l] = heed_steps_room(t, &d->attn[l], s, own(s)->memory[l].span, weighs(d, l));
    }
    if (!heed_history_step(t, &own(s)->history)) return (heed_step){.features = &t->poison};
    rows r = embed_rows(t, d, own(s), ids, &gaze, NULL);
    heed_tensor *x = heed_dense_forward(t, &d->conv.in, r.g);
    for (int64_t l = 0; l < d->conv.layers && !heed_tape_failed(t); l++) {
        heed_tape_scope(t, d->conv.scope[l]);
        step_layer(t, d, l, x, &own(s)->history, &r, heed_steps_wants(s, l, weighs(d, l)) ? &kept[l] : NULL);
    }
    heed_tape_scope(t, "decoder.out");
    return (heed_step){heed_dense_forward(t, &d->conv.out, x), kept, d->attends ? (int)d->conv.layers : 0};
}

static void select_rows(heed_tape *t, const void *self, heed_state *s, const int64_t *kept, int64_t n)
{
    (void)self;
    if (heed_history_select(t, &own(s)->history, kept, n)) heed_steps_select(t, s, kept, n);
}

/* --- a whole batch --------------------------------------------------------------------------------------------------------------------- */

static heed_forced forward(heed_tape *t, const void *self, const heed_head *head, const heed_encoded *memory, const heed_batch *b, const heed_lesson *lesson)
{
    const decoder *d = self;
    const heed_side *y = &b->target;
    const heed_gaze gaze = {.queries = y->span};
    const heed_forced failed = {.features = &t->poison};
    const int32_t *before = heed_steps_before(t, y);
    (void)head;   /* the steps are computed at once, so no symbol can be the model's own choice */
    state s = {.vector = NULL};
    if (heed_tape_failed(t)) return failed;
    read_memory(t, d, memory, &s);
    rows r = embed_rows(t, d, &s, before, &gaze, y->keys);
    if (heed_tape_failed(t)) return failed;
    r.guided = lesson->guided;
    heed_tensor *x = heed_dense_forward(t, &d->conv.in, r.g);
    for (int64_t l = 0; l < d->conv.layers; l++) {
        heed_tape_scope(t, d->conv.scope[l]);
        heed_tensor *seen = heed_dropout(t, x, y->keys, heed_key(12, (uint64_t)l), d->conv.dropout);
        x = run_layer(t, d, l, x, heed_unfold(t, seen, y->span, d->conv.kernel, d->conv.kernel - 1), &r);
    }
    heed_tape_scope(t, "decoder.out");
    heed_tensor *features = heed_dropout(t, heed_dense_forward(t, &d->conv.out, x), y->keys, heed_mix(13), d->conv.dropout);
    const bool guides = r.guided >= 0;
    return (heed_forced){.features = features, .targets = y->ids, .attended = d->copies ? &r.looked[d->conv.layers - 1] : NULL, .looks = d->copies,
                         .guided = guides ? &r.looked[r.guided] : NULL, .guides = guides};
}

const heed_decoder_kind heed_decoder_conv = {"conv", init, features_width, start, step, select_rows, forward};
