/* The Transformer's decoder (Vaswani et al. 2017, section 3.1). Trained, all moments pass at once; decoding, one at a time past a history of keys and values.
 *
 * Without attention there is nothing to look at: a projection of the encoder's vector is added to every embedding. */
#include "model/steps.h"
#include "model/transformer.h"
#include "tensor/tape.h"

typedef struct decoder {
    heed_transformer stack;
    heed_dense vector;                          /* without attention: Dv -> D */
    bool attends, copies;
} decoder;

/* What was read. */
typedef struct reading {
    heed_memory memory[HEED_MAX_LAYERS];        /* of each layer's cross attention, sequence by sequence */
    heed_tensor *vector;                        /* without attention: [B,D] */
} reading;

typedef struct state { reading read; heed_history past; } state;

static state *own(const heed_state *s) { return s->own; }

/* --- weights -------------------------------------------------------------------------------------------------------------------------------- */

static void *init(heed_arena *arena, heed_params *p, const heed_recipe *r, heed_weight *embedding, int64_t memory_width, heed_error *err)
{
    const heed_decoder_settings *s = &r->model.decoder;
    const heed_attention_settings *a = &r->model.attention;
    decoder *d = heed_arena_zero(arena, sizeof *d);
    if (!d) return heed_fail(err, HEED_E_NOMEM, "out of memory for the decoder"), NULL;
    d->attends = a->score != HEED_ATTENTION_NONE;
    d->copies = a->copy;
    const heed_attn_settings cross = heed_recipe_attention(r);
    const heed_transformer_settings settings = {.scope = "decoder", .stack = &s->stack, .layers = s->layers, .width = s->width, .dropout = s->dropout,
                                                .causal = true, .cross = d->attends ? &cross : NULL, .site = 31};
    if (heed_transformer_init(&d->stack, p, embedding, &settings, err) != HEED_OK) return NULL;
    if (!d->attends) heed_dense_init(&d->vector, p, "decoder.vector", memory_width, s->width, false);
    return d;
}

static int64_t features_width(const void *self) { return ((const decoder *)self)->stack.width; }

/* --- what was read -------------------------------------------------------------------------------------------------------------------------- */

static void read_memory(heed_tape *t, const decoder *d, const heed_encoded *e, reading *r)
{
    *r = (reading){.vector = NULL};
    for (int64_t l = 0; d->attends && l < d->stack.layers; l++) {
        heed_tape_scope(t, d->stack.block[l].scope);
        r->memory[l] = heed_attn_memory(t, &d->stack.block[l].cross, e->values, e->keyed, e->span, 0);
    }
    heed_tape_scope(t, "decoder.vector");
    if (!d->attends) r->vector = heed_dense_forward(t, &d->vector, e->vector);
}

/* The vector of each row's sequence, NULL with attention. */
static heed_tensor *vectors(heed_tape *t, const reading *r, const heed_passage *p)
{
    return r->vector ? heed_steps_vectors(t, r->vector, p->span, p->owner) : NULL;
}

/* --- step by step --------------------------------------------------------------------------------------------------------------------------- */

static void start(heed_tape *t, const void *self, const heed_encoded *memory, heed_state *s)
{
    const decoder *d = self;
    int64_t width[2 * HEED_MAX_LAYERS];
    *s = (heed_state){.n = memory->span.B, .own = heed_tape_alloc(t, sizeof(state)), .prospect = s->prospect};
    if (!s->own) return;
    read_memory(t, d, memory, &own(s)->read);
    for (int64_t l = 0; l < d->stack.layers; l++) heed_block_past(&d->stack.block[l], width + 2 * l);
    heed_history_start(t, &own(s)->past, width, 2 * (int)d->stack.layers, s->n, s->prospect.rows * s->prospect.steps);
}

/* The highest layer's weights are what is copied by. */
static bool weighs(const decoder *d, int64_t l) { return d->copies && l == d->stack.layers - 1; }

static heed_attended *rooms_to_remember(heed_tape *t, const decoder *d, const heed_state *s)
{
    heed_attended *looked = heed_tape_alloc(t, (size_t)d->stack.layers * sizeof *looked);
    for (int64_t l = 0; looked && l < d->stack.layers; l++) {
        looked[l] = (heed_attended){.out = NULL};
        if (d->attends && heed_steps_wants(s, l, weighs(d, l)))
            looked[l] = heed_steps_room(t, &d->stack.block[l].cross, s, own(s)->read.memory[l].span, weighs(d, l));
    }
    return looked;
}

static heed_step step(heed_tape *t, const void *self, heed_state *s, const int32_t *ids)
{
    const decoder *d = self;
    heed_passage p = {.span = heed_steps_span(t, s->n), .position = s->position++, .past = &own(s)->past, .owner = s->owner};
    heed_attended *looked = rooms_to_remember(t, d, s);
    if (!heed_history_step(t, &own(s)->past)) return (heed_step){.features = &t->poison};
    heed_tensor *x = heed_transformer_embed(t, &d->stack, ids, &p, vectors(t, &own(s)->read, &p));
    for (int64_t l = 0; l < d->stack.layers; l++) {
        p.weights = weighs(d, l);
        x = heed_transformer_pass(t, &d->stack.block[l], x, &p, &own(s)->read.memory[l], heed_steps_wants(s, l, p.weights) ? &looked[l] : NULL);
    }
    return (heed_step){heed_transformer_end(t, &d->stack, x), looked, d->attends ? (int)d->stack.layers : 0};
}

static void select_rows(heed_tape *t, const void *self, heed_state *s, const int64_t *rows, int64_t n)
{
    (void)self;
    if (heed_history_select(t, &own(s)->past, rows, n)) heed_steps_select(t, s, rows, n);
}

/* --- a whole batch -------------------------------------------------------------------------------------------------------------------------- */

static heed_forced forward(heed_tape *t, const void *self, const heed_head *head, const heed_encoded *memory, const heed_batch *b, const heed_lesson *lesson)
{
    (void)head;
    const decoder *d = self;
    heed_passage p = {.span = b->target.span, .keys = b->target.keys};
    reading r;
    const int32_t *before = heed_steps_before(t, &b->target);
    heed_attended *looked = heed_tape_alloc(t, (size_t)d->stack.layers * sizeof *looked);
    if (!before || !looked) return (heed_forced){.features = &t->poison};
    read_memory(t, d, memory, &r);
    heed_tensor *x = heed_transformer_embed(t, &d->stack, before, &p, vectors(t, &r, &p));
    for (int64_t l = 0; l < d->stack.layers; l++) {
        p.weights = weighs(d, l) || l == lesson->guided;
        x = p.weights ? heed_block_forward(t, &d->stack.block[l], x, &p, &r.memory[l], &looked[l])
                      : heed_transformer_pass(t, &d->stack.block[l], x, &p, &r.memory[l], NULL);
    }
    const bool guides = lesson->guided >= 0;
    return (heed_forced){.features = heed_transformer_end(t, &d->stack, x), .targets = b->target.ids, .attended = &looked[d->stack.layers - 1],
                         .looks = d->copies, .guided = guides ? &looked[lesson->guided] : NULL, .guides = guides};
}

const heed_decoder_kind heed_decoder_transformer = {"transformer", init, features_width, start, step, select_rows, forward};
