/* transduce: text in, text out. A batch of sources is encoded, then written symbol by symbol, from a given prefix on (or, forced, read along a given
 * target). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "decode/search.h"
#include "task/task.h"
#include "tensor/tape.h"

/* Of a source or a target. Weights of a head take source x output numbers, work grows alike: 200 MB of them at this limit, and only when they are asked for. */
enum { MOST_SYMBOLS = 5000 };
/* Of all layers and heads of an item: 1 GiB. */
static const int64_t most_weights = (int64_t)1 << 28;

/* One step of the decoder as it happened, for weights asked for afterwards; a hypothesis knows its row of each. */
typedef struct moment { const heed_attended *attended; const heed_tensor *features; } moment;      /* attended [layers]; NULL without attention */

typedef struct writer {
    const heed_model *model;
    heed_tape *tape;
    const heed_side *source;
    heed_state state;
    float *logits;              /* [rows,V] of the last step */
    moment *moments;
    int64_t count, capacity;
} writer;

/* What belongs to one item while it is worked on. */
typedef struct work {
    heed_tokens source, target, prefix;
    uint64_t number;            /* of the item, for draws */
    heed_output *out;
    const heed_item *item;
} work;

/* --- the search's two functions --------------------------------------------------------------------------------------------------------- */

static moment *next_moment(writer *w)
{
    if (w->count == w->capacity) {
        int64_t capacity = w->capacity ? 2 * w->capacity : 64;
        moment *grown = realloc(w->moments, (size_t)capacity * sizeof *grown);
        if (!grown) return NULL;
        w->moments = grown;
        w->capacity = capacity;
    }
    return &w->moments[w->count++];
}

static float *logits(void *self, const int32_t *before, int64_t n)
{
    writer *w = self;
    const heed_model *m = w->model;
    const heed_step step = m->decoder_kind->step(w->tape, m->decoder, &w->state, before);
    const heed_mark mark = heed_arena_mark(w->tape->arena);
    const heed_tensor *x = heed_head_choices(w->tape, &m->head, step.features, step.layers ? &step.attended[step.layers - 1] : NULL, 1, w->source);
    moment *now = next_moment(w);
    if (!now) heed_tape_fail(w->tape, HEED_E_NOMEM, "out of memory for %lld steps", (long long)w->count);
    if (heed_tape_failed(w->tape)) return NULL;
    *now = (moment){step.layers ? step.attended : NULL, step.features};
    memcpy(w->logits, x->x, (size_t)(n * x->cols) * sizeof *x->x);
    heed_arena_rewind(w->tape->arena, mark);   /* the widest rows of all, which nobody asks for again */
    return w->logits;
}

static bool select_rows(void *self, const int64_t *rows, int64_t n)
{
    writer *w = self;
    w->model->decoder_kind->select(w->tape, w->model->decoder, &w->state, rows, n);
    return !heed_tape_failed(w->tape);
}

/* --- from text to symbols ---------------------------------------------------------------------------------------------------------------- */

static int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

/* Symbols that may be written for a source. */
static int64_t limit_of(const heed_model *m, const work *w)
{
    const int64_t limit = (int64_t)(m->recipe.decode.max_ratio * (double)w->source.count) + m->recipe.decode.max_extra;
    int64_t source, target;
    heed_model_longest(m, &source, &target);
    return target && target < limit ? target : limit;
}

static heed_status read_texts(const heed_model *m, work *w, heed_error *err)
{
    const heed_item *item = w->item;
    heed_status status = heed_text_encode(m->source, item->text, strlen(item->text), &w->source, err);
    if (status == HEED_OK && item->target) status = heed_text_encode(m->target, item->target, strlen(item->target), &w->target, err);
    if (status == HEED_OK && item->prefix) status = heed_text_encode(m->target, item->prefix, strlen(item->prefix), &w->prefix, err);
    return status;
}

/* What is wrong with its texts fails the item alone; memory that runs out fails them all. */
static heed_status read_item(const heed_model *m, work *w, heed_arena *arena, heed_error *err)
{
    heed_error why = {.status = HEED_OK};
    heed_status status = read_texts(m, w, &why);
    const int64_t longest = most(w->source.count, w->target.count);
    if (status == HEED_OK && longest > MOST_SYMBOLS)
        status = heed_fail(&why, HEED_E_LIMIT, "%lld symbols; at most %d can be read at once: cut the text into sentences", (long long)longest, MOST_SYMBOLS);
    if (status == HEED_OK) status = heed_model_fits(m, w->source.count, w->target.count, &why);
    if (status == HEED_OK && w->prefix.count > limit_of(m, w))
        status = heed_fail(&why, HEED_E_LIMIT, "its prefix has %lld symbols; decode.max_length%s%s allow%s an output of %lld", (long long)w->prefix.count,
                           *heed_model_longest_key(m, true) ? " and " : "", heed_model_longest_key(m, true), *heed_model_longest_key(m, true) ? "" : "s",
                           (long long)limit_of(m, w));
    if (status == HEED_OK) return HEED_OK;
    w->out->status = status;
    w->out->error = heed_arena_text(arena, why.text);
    if (status == HEED_E_NOMEM || !w->out->error) return heed_fail(err, HEED_E_NOMEM, "out of memory for the symbols of a text");
    return HEED_OK;
}

static int64_t length(const heed_model *m, const heed_item *item)
{
    (void)m;
    return (int64_t)(strlen(item->text) + (item->target ? strlen(item->target) : 0) + (item->prefix ? strlen(item->prefix) : 0));
}

/* --- from symbols to the reply ------------------------------------------------------------------------------------------------------------- */

/* A text that was given: its symbols as they stand in it, and </s>. logp: [count+1] or NULL. */
static heed_piece_of_text *given_pieces(heed_arena *arena, const char *text, const heed_tokens *tokens, const float *logp)
{
    heed_piece_of_text *p = heed_arena_alloc(arena, (size_t)(tokens->count + 1) * sizeof *p);
    for (int64_t i = 0; p && i < tokens->count; i++) {
        const heed_token *k = &tokens->item[i];
        const size_t size = (size_t)(k->end - k->start);
        char *copy = heed_arena_zero(arena, size + 1);
        if (!copy) return NULL;
        memcpy(copy, text + k->start, size);
        p[i] = (heed_piece_of_text){copy, k->start, k->end, logp ? (double)logp[i] : 0};
    }
    const int64_t end = (int64_t)strlen(text);
    if (p) p[tokens->count] = (heed_piece_of_text){"</s>", end, end, logp ? (double)logp[tokens->count] : 0};
    return p;
}

/* Where a hypothesis looked: its row of each moment. */
typedef struct looks {
    const moment *moments;
    const int64_t *row;         /* [count] */
    int64_t count;
    int layers, heads;
    heed_look look;
    int64_t Tk;
    float *one, *shown;         /* [Tk] room for a head; [count,Tk], or [Tk] for one row after the other */
    int64_t stride;             /* of shown: Tk, or 0 */
} looks;

static void look_up(const looks *l, int64_t i, int layer, int head, float *weights, float *scores)
{
    heed_attend_weights(&l->moments[i].attended[layer], l->row[i], l->row[i], head, weights, scores);
}

/* Row i of what is shown. */
static const float *next_row(void *self, int64_t i)
{
    const looks *l = self;
    float *row = l->shown + i * l->stride;
    if (i + l->look.shift < l->count) i += l->look.shift;
    look_up(l, i, l->look.layer, l->look.head < 0 ? 0 : l->look.head, row, NULL);
    if (l->look.head >= 0) return row;
    for (int h = 1; h < l->heads; h++) {
        look_up(l, i, l->look.layer, h, l->one, NULL);
        for (int64_t j = 0; j < l->Tk; j++) row[j] += l->one[j];
    }
    for (int64_t j = 0; j < l->Tk; j++) row[j] /= (float)l->heads;
    return row;
}

static looks looks_of(const heed_job *j, const writer *w, const int64_t *row, int64_t count, int64_t Tk)
{
    looks l = {.moments = w->moments, .row = row, .count = count, .look = j->look, .Tk = Tk};
    heed_model_looks(j->model, &l.layers, &l.heads);
    return l;
}

/* With copying: of the source's symbols that no target symbol equals, the one that a written <unk> looked at most. NULL: at none. */
static const heed_token *copied_token(looks *l, int64_t i, const heed_model *m, const work *x)
{
    const float *weights = next_row(l, i);
    const heed_token *most = NULL;
    for (int64_t j = 0; j < x->source.count; j++) {
        const heed_token *k = &x->source.item[j];
        if (m->head.copies[k->id] == HEED_UNK && weights[j] > (most ? weights[most - x->source.item] : 0)) most = k;
    }
    return most;
}

/* Its text, if the target's units take it for one symbol; else *text is NULL. False: out of memory. */
static bool copied_text(const heed_token *from, const heed_model *m, const char *source, heed_arena *arena, const char **text)
{
    const size_t size = (size_t)(from->end - from->start);
    heed_tokens tokens = {0};
    heed_error err;
    char *copy = heed_arena_zero(arena, size + 1);
    const bool good = copy && heed_text_encode(m->target, source + from->start, size, &tokens, &err) == HEED_OK;
    if (good && tokens.count == 1) *text = memcpy(copy, source + from->start, size);
    heed_tokens_free(&tokens);
    return good;
}

/* What stands for each <unk> of a hypothesis behind its prefix, [n]; NULL: nothing does. */
static bool copied_texts(const heed_job *j, const writer *w, const work *x, const heed_hypothesis *h, int64_t n, const char *const **texts)
{
    *texts = NULL;
    if (!j->model->head.copies) return true;
    looks l = looks_of(j, w, h->rows, h->n, x->source.count + 1);
    l.look = (heed_look){.layer = l.layers - 1, .head = -1};
    l.shown = heed_tape_alloc(j->tape, (size_t)l.Tk * sizeof *l.shown);
    l.one = heed_tape_alloc(j->tape, (size_t)l.Tk * sizeof *l.one);
    const char **all = heed_tape_alloc(j->tape, (size_t)(n + 1) * sizeof *all);
    if (heed_tape_failed(j->tape)) return false;
    for (int64_t i = 0; i < n; i++) {
        const heed_token *from = i >= x->prefix.count && h->ids[i] == HEED_UNK ? copied_token(&l, i, j->model, x) : NULL;
        all[i] = NULL;
        if (from && !copied_text(from, j->model, x->item->text, j->arena, &all[i])) return false;
    }
    *texts = all;
    return true;
}

/* A text that the model wrote. */
static heed_piece_of_text *written_pieces(const heed_job *j, const writer *w, const work *x, const heed_hypothesis *h, heed_buf *text)
{
    heed_arena *arena = j->arena;
    const heed_model *m = j->model;
    const int64_t n = h->ended ? h->n - 1 : h->n;
    heed_piece_of_text *p = heed_arena_alloc(arena, (size_t)(h->n + 1) * sizeof *p);
    heed_token *at = heed_arena_alloc(arena, (size_t)(n + 1) * sizeof *at);
    const char *const *unknown;
    heed_error err;
    if (!p || !at || !copied_texts(j, w, x, h, n, &unknown) || heed_text_decode(m->target, h->ids, n, unknown, text, at, &err) != HEED_OK) return NULL;
    for (int64_t i = 0; i < h->n; i++) {
        const bool end = i == n;
        const int64_t from = end ? (int64_t)text->size : at[i].start, to = end ? from : at[i].end;
        p[i] = (heed_piece_of_text){end ? "</s>" : heed_arena_text(arena, heed_text_symbol(m->target, h->ids[i])), from, to, (double)h->logp[i]};
    }
    return p;
}

/* Of all layers and heads, unless there is one, which is shown as it is. */
static bool write_all(const looks *l, heed_output *o, heed_arena *arena)
{
    if (l->layers * l->heads == 1 && !l->look.shift) {
        o->weights = o->shown;
        return true;
    }
    float *all = heed_arena_alloc(arena, (size_t)(l->layers * l->heads * o->count * l->Tk) * sizeof *all), *at = all;
    for (int i = 0; all && i < l->layers * l->heads; i++)
        for (int64_t row = 0; row < o->count; row++, at += l->Tk) look_up(l, row, i / l->heads, i % l->heads, at, NULL);
    o->weights = all;
    return all != NULL;
}

static bool write_weights(heed_job *j, const writer *w, heed_output *o, const int64_t *row)
{
    looks l = looks_of(j, w, row, o->count, o->source_count);
    l.stride = j->shown ? l.Tk : 0;
    l.shown = heed_arena_alloc(j->arena, (size_t)((j->shown ? o->count : 1) * l.Tk) * sizeof *l.shown);
    l.one = heed_tape_alloc(j->tape, (size_t)l.Tk * sizeof *l.one);
    o->layers = l.layers;
    o->heads = l.heads;
    o->look = l.look;
    if (j->shown) o->shown = l.shown;
    return l.shown && l.one && heed_output_align(o, next_row, &l, j->arena) && (!j->weights || write_all(&l, o, j->arena));
}

/* One head's part of what was read, before a layer joins the heads. */
static float *weighted_sum(const looks *l, int64_t i, const float *weights, int64_t *width, heed_arena *arena)
{
    const heed_attend_args *a = &l->moments[i].attended[l->look.layer].args;
    const int64_t groups = a->key_heads ? a->key_heads : l->heads, D = a->v->cols / groups, first = l->look.head / (l->heads / groups) * D;
    const int64_t start = a->keys.start[a->owner ? a->owner[l->row[i]] : l->row[i]];
    float *sum = heed_arena_zero(arena, (size_t)D * sizeof *sum);
    for (int64_t j = 0; sum && j < l->Tk; j++) {
        const float *value = a->v->x + (a->key_row ? a->key_row[start + j] : start + j) * a->v->cols + first;
        for (int64_t d = 0; d < D; d++) sum[d] += weights[j] * value[d];
    }
    *width = D;
    return sum;
}

/* The steps of attention at moment i, of the head shown; a mean of heads has no scores, and the result of the whole layer. */
static bool lay_open(looks *l, int64_t i, heed_step_view *step, float *scores, heed_arena *arena)
{
    const heed_tensor *out = l->moments[i].attended[l->look.layer].out;
    step->weights = next_row(l, i);
    step->context = out->x + l->row[i] * out->cols;
    step->Dv = out->cols;
    if (l->look.head < 0) return true;
    look_up(l, i, l->look.layer, l->look.head, l->one, scores);
    step->scores = scores;
    step->context = weighted_sum(l, i, step->weights, &step->Dv, arena);
    return step->context != NULL;
}

static bool write_steps(heed_job *j, const writer *w, const heed_output *o, const int64_t *row)
{
    const int64_t Tk = o->source_count, n = o->count;
    const size_t bytes = (size_t)(n * Tk) * sizeof(float);
    looks l = looks_of(j, w, row, n, Tk);
    float *scores = heed_arena_alloc(j->arena, bytes);
    l.shown = heed_arena_alloc(j->arena, bytes);
    l.one = heed_arena_alloc(j->arena, (size_t)Tk * sizeof *l.one);
    l.stride = Tk;
    j->steps = heed_arena_alloc(j->arena, (size_t)n * sizeof *j->steps);
    if (!l.shown || !l.one || !scores || !j->steps) return false;
    for (int64_t i = 0; i < n; i++) {
        const heed_tensor *joined = w->moments[i].features;
        j->steps[i] = (heed_step_view){
            .symbol = o->tokens[i].text, .logp = o->tokens[i].logp, .joined = joined->x + row[i] * joined->cols, .Tk = Tk, .F = joined->cols};
        if (w->moments[i].attended && !lay_open(&l, i, &j->steps[i], scores + i * Tk, j->arena)) return false;
    }
    j->steps_count = n;
    return true;
}

static bool write_hypothesis(heed_job *j, const writer *w, const work *x, const heed_hypothesis *h, heed_output *o)
{
    const char *forced = x->item->target;
    heed_buf text = {0};
    o->tokens = forced ? given_pieces(j->arena, forced, &x->target, h->logp) : written_pieces(j, w, x, h, &text);
    o->count = h->n;
    o->score = h->score;
    o->text = heed_arena_text(j->arena, forced ? forced : text.data ? text.data : "");
    heed_buf_free(&text);
    if (!o->tokens || !o->text) return false;
    return !w->count || !w->moments[0].attended || write_weights(j, w, o, h->rows);
}

/* Said in the item's output. */
static bool too_much(heed_job *j, heed_output *o, int64_t Tk, const heed_quest *q)
{
    int layers, heads;
    int64_t symbols = 0;
    heed_error why;
    heed_model_looks(j->model, &layers, &heads);
    for (int64_t i = 0; j->weights && i < q->found; i++) symbols += q->best[i].n;
    if (layers * heads * symbols * Tk <= most_weights) return false;
    o->status = heed_fail(&why, HEED_E_LIMIT, "%lld weights (%d layers x %d heads x %lld symbols written x %lld read) take more than 1 GiB; cut the text into sentences",
                          (long long)(layers * heads * symbols * Tk), layers, heads, (long long)symbols, (long long)Tk);
    o->error = heed_arena_text(j->arena, why.text);
    return true;
}

static bool write_output(heed_job *j, const writer *w, const work *x, const heed_quest *q)
{
    if (too_much(j, x->out, x->source.count + 1, q)) return x->out->error;
    heed_output *o = x->out, *others = heed_arena_zero(j->arena, (size_t)q->found * sizeof *others);
    o->source_tokens = given_pieces(j->arena, o->source, &x->source, NULL);
    o->source_count = x->source.count + 1;
    if (!others || !o->source_tokens) return false;
    for (int64_t i = 1; i < q->found; i++) {
        others[i - 1] = (heed_output){.source = o->source, .source_tokens = o->source_tokens, .source_count = o->source_count};
        if (!write_hypothesis(j, w, x, &q->best[i], &others[i - 1])) return false;
    }
    o->alternatives = others;
    o->alternative_count = q->found - 1;
    if (!write_hypothesis(j, w, x, &q->best[0], o)) return false;
    return !j->open || !w->count || write_steps(j, w, o, q->best[0].rows);
}

/* --- a batch ------------------------------------------------------------------------------------------------------------------------------ */

/* The symbols that an output must begin with: its prefix, or the whole target with its end. */
static bool force(heed_tape *t, heed_quest *q, const work *x)
{
    const heed_tokens *given = x->item->target ? &x->target : &x->prefix;
    int32_t *ids = heed_tape_alloc(t, (size_t)(given->count + 1) * sizeof *ids);
    if (!ids) return false;
    for (int64_t i = 0; i < given->count; i++) ids[i] = given->item[i].id;
    ids[given->count] = HEED_EOS;
    q->forced = ids;
    q->forced_count = x->item->target ? q->limit : given->count;
    return true;
}

static heed_quest *lay_quests(const heed_job *j, const work *const *good, int64_t B)
{
    heed_quest *q = heed_tape_alloc(j->tape, (size_t)(B + 1) * sizeof *q);
    for (int64_t b = 0; q && b < B; b++) {
        const work *x = good[b];
        q[b] = (heed_quest){.limit = x->item->target ? x->target.count + 1 : limit_of(j->model, x), .record = x->number, .most = j->decode.nbest};
        if (!force(j->tape, &q[b], x)) return NULL;
    }
    return q;
}

static heed_search_options options_of(const heed_job *j)
{
    const heed_decode *d = &j->decode;
    return (heed_search_options){.beam = d->beam,
                                 .length_penalty = j->model->recipe.decode.length_penalty,
                                 .draws = d->sample ? d->nbest : 0,
                                 .draw = {.temperature = d->temperature, .top_k = d->top_k, .top_p = d->top_p},
                                 .seed = d->seed};
}

static heed_status write_batch(heed_job *j, const work *const *good, const heed_batch *batch, writer *w, heed_error *err)
{
    const heed_model *m = j->model;
    heed_tape *t = j->tape;
    heed_tape_reset(t, false, false, 0);
    const heed_encoded memory = m->encoder_kind->forward(t, m->encoder, &batch->source);
    if (!heed_tape_failed(t)) m->decoder_kind->start(t, m->decoder, &memory, &w->state);
    const heed_search_options how = options_of(j);
    const int64_t rows = batch->B * most(how.beam, how.draws);
    heed_quest *q = heed_tape_failed(t) ? NULL : lay_quests(j, good, batch->B);
    w->logits = heed_tape_alloc(t, (size_t)(rows * heed_text_size(m->target)) * sizeof *w->logits);
    const heed_search search = {w, heed_text_size(m->target), HEED_BOS, HEED_EOS, logits, select_rows};
    if (!q || !w->logits || !heed_search_run(&search, &how, q, batch->B, t->arena))
        return heed_tape_failed(t) ? heed_tape_status(t, err) : heed_fail(err, HEED_E_NOMEM, "out of memory in the search");
    for (int64_t b = 0; b < batch->B; b++)
        if (!write_output(j, w, good[b], &q[b])) return heed_fail(err, HEED_E_NOMEM, "out of memory for the reply");
    return HEED_OK;
}

static heed_status run_good(heed_job *j, const work *const *good, int64_t B, heed_error *err)
{
    heed_tokens *source = calloc((size_t)B, sizeof *source);
    uint64_t *record = calloc((size_t)B, sizeof *record);
    int64_t *line = calloc((size_t)B, sizeof *line);
    heed_status status = source && record && line ? HEED_OK : heed_fail(err, HEED_E_NOMEM, "out of memory for a batch");
    for (int64_t b = 0; status == HEED_OK && b < B; b++) {
        source[b] = good[b]->source;
        line[b] = b;
    }
    heed_batch *batch = status == HEED_OK ? heed_batch_new(source, NULL, B, record, line, false, err) : NULL;
    writer w = {.model = j->model, .tape = j->tape, .source = batch ? &batch->source : NULL};
    status = batch ? write_batch(j, good, batch, &w, err) : HEED_E_NOMEM;
    free(w.moments);
    heed_batch_free(batch);
    free(source);
    free(record);
    free(line);
    return status;
}

static heed_status run(heed_job *j, heed_error *err)
{
    work *works = calloc((size_t)j->count + 1, sizeof *works);
    const work **good = calloc((size_t)j->count + 1, sizeof *good);
    heed_status status = works && good ? HEED_OK : heed_fail(err, HEED_E_NOMEM, "out of memory for a batch");
    int64_t B = 0;
    for (int64_t i = 0; status == HEED_OK && i < j->count; i++) {
        heed_output *o = j->outputs[i];
        works[i] = (work){.out = o, .item = j->items[i], .number = j->numbers[i]};
        *o = (heed_output){.source = heed_arena_text(j->arena, j->items[i]->text), .text = "", .status = HEED_OK};
        if (!o->source) status = heed_fail(err, HEED_E_NOMEM, "out of memory for the reply");
        else status = read_item(j->model, &works[i], j->arena, err);
        if (status == HEED_OK && o->status == HEED_OK && (works[i].source.count || works[i].item->target)) good[B++] = &works[i];
    }
    if (status == HEED_OK && B) status = run_good(j, good, B, err);
    for (int64_t i = 0; works && i < j->count; i++) {
        heed_tokens_free(&works[i].source);
        heed_tokens_free(&works[i].target);
        heed_tokens_free(&works[i].prefix);
    }
    free(works);
    free(good);
    return status;
}

const heed_task heed_task_transduce = {"transduce", "one sequence of symbols to another: letters to sounds, inflection, translation of symbols", 2, length, run};
