/* The recurrent decoder. Two orders of one step, y the symbol before, s the state, c the context (or the fixed vector, or nothing):
 *
 *   bahdanau   c = attend(s_before);  s = cell([y; c], s_before);  features = [s; c; y]           (Bahdanau et al. 2015, appendix A)
 *   luong      s = cell([y; f_before], s_before);  c = attend(s);  f = features = tanh(W [s; c])   (Luong et al. 2015, section 3;
 *                                                                   f_before only with input feeding)
 *
 * The first state is tanh of a layer over the encoder's vector. Without attention the vector does no more (`start`), or takes the place of the
 * context at every step (`every_step`: Cho et al. 2014).
 *
 * Attention with a memory of its own looks (location_conv: the weights of the step before; coverage: the sum of all so far) keeps them as pairs of a row and
 * each symbol of its source. A pair costs, while recording, with Dk the width of all keys side by side: weights 8 H bytes, coverage's sums 8 H, location_conv's
 * neighbourhoods 8 (filter_width H + filters), and for the shifted keys 8 Dk, 16 Dk when both shift them. The last is most of it: a sentence of 30 symbols each
 * way at Dk = 256 takes 1.9 MB more, measured, and with both 3.8. Copying alone adds the weights. Decoding takes half of that and holds it until the batch is
 * written. */
#include <stdio.h>
#include <string.h>

#include "attn/score.h"
#include "base/rng.h"
#include "heed/nn.h"
#include "model/forcing.h"
#include "model/model.h"
#include "model/steps.h"
#include "tensor/tape.h"

/* Rows stand for the hypotheses alive. */
typedef struct state {
    heed_tensor *h[HEED_MAX_LAYERS], *c[HEED_MAX_LAYERS];
    heed_tensor *feed;                          /* input feeding: the joined context of the step before */
    heed_tensor *vector;                        /* score none, every_step: [n,Dv] */
    heed_tensor *before, *total;                /* location_conv, coverage: [P,H] weights of the step before, sum of all; NULL before the first */
    bool weighs;                                /* the weights are needed as a result */
    heed_memory memory;
} state;

typedef struct decoder {
    char scope[HEED_MAX_LAYERS][16];            /* "decoder.0" */
    heed_weight *embedding;                     /* [V,E] */
    heed_dense input;                           /* E -> gates of the lowest cell */
    heed_dense context;                         /* joined at its input: the context (bahdanau), the features before (input feeding) */
    heed_dense above[HEED_MAX_LAYERS];          /* H -> gates of the higher cells; [0] unused */
    heed_cell cell[HEED_MAX_LAYERS];
    heed_dense bridge_h[HEED_MAX_LAYERS], bridge_c[HEED_MAX_LAYERS];
    heed_dense vector;                          /* score none, every_step: tanh layer over the encoder's vector */
    heed_dense join;                            /* luong */
    heed_attn attn;
    bool attends, weighs, luong, feeds, every_step;   /* weighs: the weights are always needed as a result */
    int64_t layers, width, embed, context_width;
    double dropout;
} decoder;

/* --- weights -------------------------------------------------------------------------------------------------------------------------- */

static void init_layers(decoder *d, heed_params *p, heed_cell_kind kind, int64_t memory_width)
{
    for (int64_t l = 0; l < d->layers; l++) {
        char part[80], *const scope = d->scope[l];
        snprintf(scope, sizeof d->scope[l], "decoder.%d", (int)l);
        heed_cell_init(&d->cell[l], p, scope, kind, d->width);
        snprintf(part, sizeof part, "%s.input", scope);
        if (l == 0) heed_dense_init(&d->input, p, part, d->embed, heed_cell_gates(&d->cell[l]), true);
        else heed_dense_init(&d->above[l], p, part, d->width, heed_cell_gates(&d->cell[l]), true);
        snprintf(part, sizeof part, "%s.start", scope);
        heed_dense_init(&d->bridge_h[l], p, part, memory_width, d->width, true);
        snprintf(part, sizeof part, "%s.start_cell", scope);
        if (kind == HEED_LSTM) heed_dense_init(&d->bridge_c[l], p, part, memory_width, d->width, true);
    }
}

static void init_joins(decoder *d, heed_params *p, int64_t memory_width)
{
    const int64_t joined = d->luong ? (d->feeds ? d->width : 0) : d->context_width;
    if (d->every_step) heed_dense_init(&d->vector, p, "decoder.vector", memory_width, memory_width, true);
    if (joined) heed_dense_init(&d->context, p, d->luong ? "decoder.feed" : "decoder.context", joined, heed_cell_gates(&d->cell[0]), false);
    if (d->luong) heed_dense_init(&d->join, p, "decoder.join", d->width + d->context_width, d->width, true);
}

static void *init(heed_arena *arena, heed_params *p, const heed_recipe *r, heed_weight *embedding, int64_t memory_width, heed_error *err)
{
    const heed_decoder_settings *s = &r->model.decoder;
    const heed_attention_settings *a = &r->model.attention;
    decoder *d = heed_arena_zero(arena, sizeof *d);
    if (!d) return heed_fail(err, HEED_E_NOMEM, "out of memory for the decoder"), NULL;
    d->layers = s->layers;
    d->width = s->width;
    d->embed = s->embed;
    d->dropout = s->dropout;
    d->luong = s->order == HEED_ORDER_LUONG;
    d->feeds = d->luong && s->input_feeding;
    d->attends = a->score != HEED_ATTENTION_NONE;
    d->every_step = !d->attends && a->vector == HEED_VECTOR_EVERY_STEP;
    d->embedding = embedding;
    init_layers(d, p, s->cell == HEED_CELL_lstm ? HEED_LSTM : HEED_GRU, memory_width);
    const heed_attn_settings looks = heed_recipe_attention(r);
    if (d->attends && heed_attn_init(&d->attn, p, "attention", &looks, err) != HEED_OK) return NULL;
    d->weighs = a->copy || d->attn.filter || d->attn.coverage;
    d->context_width = d->attends ? heed_attn_width(&d->attn) : d->every_step ? memory_width : 0;
    init_joins(d, p, memory_width);
    return d;
}

static int64_t features_width(const void *self)
{
    const decoder *d = self;
    return d->luong ? d->width : d->width + d->context_width + d->embed;
}

/* --- one step ------------------------------------------------------------------------------------------------------------------------- */

static state *own(const heed_state *s) { return s->own; }

static void start(heed_tape *t, const void *self, const heed_encoded *memory, heed_state *s)
{
    const decoder *d = self;
    heed_tape_scope(t, "decoder.start");
    *s = (heed_state){.n = memory->vector->rows, .own = heed_tape_alloc(t, sizeof(state)), .prospect = s->prospect};
    if (!s->own) return;
    *own(s) = (state){.memory = {.span = memory->span}, .weighs = d->weighs};
    for (int64_t l = 0; l < d->layers; l++) {
        own(s)->h[l] = heed_tanh(t, heed_dense_forward(t, &d->bridge_h[l], memory->vector));
        if (d->cell[l].kind == HEED_LSTM)
            own(s)->c[l] = heed_tanh(t, heed_dense_forward(t, &d->bridge_c[l], memory->cell ? memory->cell : memory->vector));
    }
    if (d->feeds) own(s)->feed = heed_input(t, s->n, d->width, NULL, false);
    if (d->every_step) own(s)->vector = heed_tanh(t, heed_dense_forward(t, &d->vector, memory->vector));
    if (d->attends) {
        heed_tape_scope(t, "attention");
        own(s)->memory = heed_attn_memory(t, &d->attn, memory->values, memory->keyed, memory->span, 0);
    }
}

/* Rows of the lowest cell's input that need no recurrence: the embedded symbol before, and its product. */
typedef struct symbol { heed_tensor *embedded, *gates; const uint64_t *keys; } symbol;

static symbol embed_symbols(heed_tape *t, const decoder *d, const int32_t *ids, const uint64_t *keys, int64_t n)
{
    heed_tape_scope(t, "decoder.embedding");
    heed_tensor *x = heed_steps_drop(t, heed_embed(t, &d->embedding->tensor, ids, n), keys, heed_mix(11), d->dropout);
    return (symbol){x, heed_dense_forward(t, &d->input, x), keys};
}

static symbol rows_of(heed_tape *t, const symbol *all, int64_t first, int64_t n)
{
    return (symbol){heed_rows(t, all->embedded, first, n), heed_rows(t, all->gates, first, n), all->keys + first};
}

static heed_attended look(heed_tape *t, const decoder *d, const heed_state *s)
{
    heed_tape_scope(t, "attention");
    const heed_gaze gaze = {.owner = s->owner, .position = s->position, .before = own(s)->before, .total = own(s)->total, .weights = own(s)->weighs};
    const heed_attended x = heed_attn_step(t, &d->attn, own(s)->h[d->layers - 1], &own(s)->memory, &gaze);
    if (d->attn.filter) own(s)->before = x.weights;
    if (d->attn.coverage && x.weights) own(s)->total = own(s)->total ? heed_add(t, own(s)->total, x.weights) : x.weights;
    return x;
}

/* y's product is the lowest cell's input, which x (NULL: none) joins; moves every layer's state on. */
static void run_cells(heed_tape *t, const decoder *d, heed_state *s, const symbol *y, heed_tensor *x)
{
    heed_tensor *gates = y->gates;
    for (int64_t l = 0; l < d->layers; l++) {
        heed_tape_scope(t, d->scope[l]);
        if (l) gates = heed_dense_forward(t, &d->above[l], heed_dropout(t, own(s)->h[l - 1], y->keys, heed_key(12, (uint64_t)l), d->dropout));
        const heed_lstm_state next = heed_cell_step(t, &d->cell[l], gates, l ? NULL : x, &d->context, (heed_lstm_state){own(s)->h[l], own(s)->c[l]});
        own(s)->h[l] = next.h;
        own(s)->c[l] = next.c;
    }
}

/* What the features are joined from, kept apart so that a whole batch is joined at once. */
typedef struct moment { heed_tensor *state, *context, *feature; heed_attended attended; } moment;

static moment step_bahdanau(heed_tape *t, const decoder *d, heed_state *s, const symbol *y)
{
    moment m = {.context = own(s)->vector};
    if (d->attends) {
        m.attended = look(t, d, s);
        m.context = m.attended.out;
    }
    run_cells(t, d, s, y, m.context);
    m.state = own(s)->h[d->layers - 1];
    return m;
}

static moment step_luong(heed_tape *t, const decoder *d, heed_state *s, const symbol *y)
{
    moment m = {.context = own(s)->vector};
    run_cells(t, d, s, y, own(s)->feed);
    m.state = own(s)->h[d->layers - 1];
    if (d->attends) {
        m.attended = look(t, d, s);
        m.context = m.attended.out;
    }
    heed_tape_scope(t, "decoder.join");
    heed_tensor *both[2] = {m.state, m.context};
    m.feature = heed_tanh(t, heed_dense_forward(t, &d->join, m.context ? heed_concat(t, both, 2) : m.state));
    if (d->feeds) own(s)->feed = m.feature;
    return m;
}

static moment run_moment(heed_tape *t, const decoder *d, heed_state *s, const symbol *y)
{
    const moment m = d->luong ? step_luong(t, d, s, y) : step_bahdanau(t, d, s, y);
    s->position++;
    return m;
}

static heed_tensor *join_features(heed_tape *t, const decoder *d, const moment *m, heed_tensor *embedded)
{
    heed_tape_scope(t, "decoder.join");
    if (d->luong) return m->feature;
    heed_tensor *parts[3] = {m->state, m->context ? m->context : embedded, embedded};
    return heed_concat(t, parts, m->context ? 3 : 2);
}

static heed_step step(heed_tape *t, const void *self, heed_state *s, const int32_t *ids)
{
    const decoder *d = self;
    const symbol y = embed_symbols(t, d, ids, NULL, s->n);
    const moment m = run_moment(t, d, s, &y);
    heed_attended *looked = heed_tape_alloc(t, sizeof *looked);
    if (!looked) return (heed_step){.features = &t->poison};
    *looked = m.attended;
    return (heed_step){join_features(t, d, &m, y.embedded), looked, d->attends};
}

/* --- rows come and go ------------------------------------------------------------------------------------------------------------------ */

/* Of the pairs of all rows, those of the rows to be kept. */
static void select_pairs(heed_tape *t, heed_state *s, const int64_t *rows, int64_t n)
{
    const int64_t *start = own(s)->memory.span.start;
    int64_t *first = heed_tape_alloc(t, (size_t)(s->n + 1) * sizeof *first), P = 0;
    if (!first) return;
    first[0] = 0;
    for (int64_t i = 0; i < s->n; i++) {
        const int64_t owner = s->owner ? s->owner[i] : i;
        first[i + 1] = first[i] + start[owner + 1] - start[owner];
    }
    for (int64_t i = 0; i < n; i++) P += first[rows[i] + 1] - first[rows[i]];
    int64_t *index = heed_tape_alloc(t, (size_t)(P + 1) * sizeof *index), *next = index;
    if (!index) return;
    for (int64_t i = 0; i < n; i++)
        for (int64_t pair = first[rows[i]]; pair < first[rows[i] + 1]; pair++) *next++ = pair;
    if (own(s)->before) own(s)->before = heed_gather(t, own(s)->before, index, P);
    if (own(s)->total) own(s)->total = heed_gather(t, own(s)->total, index, P);
}

static void select_rows(heed_tape *t, const void *self, heed_state *s, const int64_t *rows, int64_t n)
{
    const decoder *d = self;
    for (int64_t l = 0; l < d->layers; l++) {
        own(s)->h[l] = heed_gather(t, own(s)->h[l], rows, n);
        if (own(s)->c[l]) own(s)->c[l] = heed_gather(t, own(s)->c[l], rows, n);
    }
    if (own(s)->feed) own(s)->feed = heed_gather(t, own(s)->feed, rows, n);
    if (own(s)->vector) own(s)->vector = heed_gather(t, own(s)->vector, rows, n);
    if (own(s)->before || own(s)->total) select_pairs(t, s, rows, n);
    heed_steps_select(t, s, rows, n);
}

/* In training the rows alive are the first ones: views, no copies. */
static void keep_first(heed_tape *t, const decoder *d, heed_state *s, int64_t n)
{
    for (int64_t l = 0; l < d->layers; l++) {
        own(s)->h[l] = heed_rows(t, own(s)->h[l], 0, n);
        if (own(s)->c[l]) own(s)->c[l] = heed_rows(t, own(s)->c[l], 0, n);
    }
    if (own(s)->feed) own(s)->feed = heed_rows(t, own(s)->feed, 0, n);
    if (own(s)->vector) own(s)->vector = heed_rows(t, own(s)->vector, 0, n);
    if (own(s)->before) own(s)->before = heed_rows(t, own(s)->before, 0, own(s)->memory.span.start[n]);
    if (own(s)->total) own(s)->total = heed_rows(t, own(s)->total, 0, own(s)->memory.span.start[n]);
    s->n = n;
}

/* --- a whole batch --------------------------------------------------------------------------------------------------------------------- */

/* Every symbol before is the target's: input products, the joining and the output layer run once over all moments. */
static heed_tensor *force_all(heed_tape *t, const decoder *d, heed_state *s, const heed_forcing *f, heed_attended *looked)
{
    heed_tensor **state = heed_tape_alloc(t, (size_t)f->T * sizeof *state), **context = heed_tape_alloc(t, (size_t)f->T * sizeof *context);
    if (heed_tape_failed(t)) return &t->poison;
    const symbol all = embed_symbols(t, d, f->before, f->keys, f->N);
    for (int64_t i = 0; i < f->T; i++) {
        keep_first(t, d, s, f->alive[i]);
        const symbol y = rows_of(t, &all, f->first[i], f->alive[i]);
        const moment m = run_moment(t, d, s, &y);
        state[i] = d->luong ? m.feature : m.state;
        context[i] = m.context;
        looked[i] = m.attended;
    }
    heed_tape_scope(t, "decoder.join");
    heed_tensor *states = heed_stack(t, state, f->T);
    const bool joins = !d->luong && d->context_width;
    const moment whole = {.state = states, .feature = states, .context = joins ? heed_stack(t, context, f->T) : NULL};
    heed_tensor *features = join_features(t, d, &whole, all.embedded);
    heed_tape_spend(t, all.gates);
    if (features != states) heed_tape_spend(t, states);
    if (joins) heed_tape_spend(t, whole.context);
    return heed_steps_drop(t, features, f->keys, heed_mix(13), d->dropout);
}

/* The model's own choice from features, whose logits are made for that and forgotten. */
static bool choose(heed_tape *t, const heed_head *head, heed_tensor *features, const heed_attended *looked, const heed_side *source, int32_t *chosen)
{
    const heed_mark mark = heed_arena_mark(t->arena);
    const bool record = t->record;
    t->record = false;
    const heed_tensor *x = heed_head_choices(t, head, features, looked, 1, source);
    t->record = record;
    for (int64_t b = 0; !heed_tape_failed(t) && b < x->rows; b++) chosen[b] = (int32_t)t->k->arg_max(x->x + b * x->cols, x->cols);
    heed_arena_rewind(t->arena, mark);
    return !heed_tape_failed(t);
}

/* Scheduled sampling (Bengio et al. 2015): each record tosses its own coin at each moment, whatever its place in the batch. */
typedef struct coin { double forcing; const heed_head *head; const heed_side *source; } coin;

static heed_tensor *force_some(heed_tape *t, const decoder *d, heed_state *s, const heed_forcing *f, heed_attended *looked, const coin *c)
{
    heed_tensor **features = heed_tape_alloc(t, (size_t)f->T * sizeof *features);
    int32_t *before = heed_tape_alloc(t, (size_t)s->n * sizeof *before), *chosen = heed_tape_alloc(t, (size_t)s->n * sizeof *chosen);
    if (heed_tape_failed(t)) return &t->poison;
    for (int64_t i = 0; i < f->T; i++) {
        const uint64_t *keys = f->keys + f->first[i];
        keep_first(t, d, s, f->alive[i]);
        for (int64_t b = 0; b < s->n; b++) {
            const bool taught = i == 0 || heed_uniform(heed_key(t->key, 14), keys[b]) < c->forcing;
            before[b] = taught ? f->before[f->first[i] + b] : chosen[b];
        }
        const symbol y = embed_symbols(t, d, before, keys, s->n);
        const moment m = run_moment(t, d, s, &y);
        looked[i] = m.attended;
        features[i] = heed_dropout(t, join_features(t, d, &m, y.embedded), keys, heed_mix(13), d->dropout);
        if (heed_tape_failed(t) || !choose(t, c->head, features[i], &looked[i], c->source, chosen)) return &t->poison;
    }
    return heed_stack(t, features, f->T);
}

static heed_forced forward(heed_tape *t, const void *self, const heed_head *head, const heed_encoded *memory, const heed_batch *b, const heed_lesson *lesson)
{
    const decoder *d = self;
    heed_forcing f;
    heed_state s = {0};
    const heed_forced failed = {.features = &t->poison};
    if (heed_tape_failed(t) || !heed_forcing_lay(&f, t, &b->target)) return failed;
    start(t, d, memory, &s);
    heed_attended *looked = heed_tape_alloc(t, (size_t)(f.T + 1) * sizeof *looked);
    if (!looked) return failed;
    own(&s)->weighs = d->weighs || lesson->guided >= 0;
    const coin c = {lesson->forcing, head, &b->source};
    heed_tensor *features = lesson->forcing >= 1 ? force_all(t, d, &s, &f, looked) : force_some(t, d, &s, &f, looked, &c);
    return (heed_forced){.features = features, .targets = f.targets, .attended = looked, .looks = f.T, .guided = looked, .guides = f.T};
}

const heed_decoder_kind heed_decoder_rnn = {"rnn", init, features_width, start, step, select_rows, forward};
