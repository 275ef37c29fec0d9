/* From symbols to the reply: texts, where they stand, and where each symbol looked. */
#include <math.h>
#include <string.h>

#include "task/transduce.h"
#include "tensor/tape.h"

/* Of all layers and heads of an item: 1 GiB. */
static const int64_t most_weights = (int64_t)1 << 28;

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
    const heed_moment *moments;
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

static looks looks_of(const heed_job *j, const heed_writer *w, const int64_t *row, int64_t count, int64_t Tk)
{
    looks l = {.moments = w->moments, .row = row, .count = count, .look = j->look, .Tk = Tk};
    heed_model_looks(j->model, &l.layers, &l.heads);
    return l;
}

/* With copying: of the source's symbols that no target symbol equals, the one that a written <unk> looked at most. NULL: at none. */
static const heed_token *copied_token(looks *l, int64_t i, const heed_model *m, const heed_work *x)
{
    const float *weights = next_row(l, i);
    const heed_token *most = NULL;
    for (int64_t j = 0; j < x->source[0].count; j++) {
        const heed_token *k = &x->source[0].item[j];
        if (m->head.copies[k->id] == HEED_UNK && weights[j] > (most ? weights[most - x->source[0].item] : 0)) most = k;
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
static bool copied_texts(const heed_job *j, const heed_writer *w, const heed_work *x, const heed_hypothesis *h, int64_t n, const char *const **texts)
{
    *texts = NULL;
    if (!j->model->head.copies) return true;
    looks l = looks_of(j, w, h->rows, h->n, x->source[0].count + 1);
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

/* What was copied makes way for <unk> where it would undo what the search has seen to. */
static bool judge(const heed_job *j, const heed_work *x, const int32_t *ids, int64_t n, const char *const **unknown, heed_output *o)
{
    bool forbidden;
    if (!heed_work_judge(j, x, ids, n, NULL, o, &forbidden)) return false;
    const heed_output without = *o;
    if (!*unknown || !x->constraints) return true;
    if (!heed_work_judge(j, x, ids, n, *unknown, o, &forbidden)) return false;
    if (!forbidden && o->unmet_count <= without.unmet_count) return true;
    *unknown = NULL;
    *o = without;
    return true;
}

/* A text that the model wrote. */
static heed_piece_of_text *written_pieces(const heed_job *j, const heed_writer *w, const heed_work *x, const heed_hypothesis *h, heed_output *o, heed_buf *text)
{
    heed_arena *arena = j->arena;
    const heed_model *m = j->model;
    const int64_t n = h->ended ? h->n - 1 : h->n;
    heed_piece_of_text *p = heed_arena_alloc(arena, (size_t)(h->n + 1) * sizeof *p);
    heed_token *at = heed_arena_alloc(arena, (size_t)(n + 1) * sizeof *at);
    const char *const *unknown;
    heed_error err;
    if (!p || !at || !copied_texts(j, w, x, h, n, &unknown) || !judge(j, x, h->ids, n, &unknown, o)) return NULL;
    if (heed_text_decode(m->target, h->ids, n, unknown, text, at, &err) != HEED_OK) return NULL;
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

static bool write_weights(heed_job *j, const heed_writer *w, heed_output *o, const int64_t *row)
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

static bool write_steps(heed_job *j, const heed_writer *w, const heed_output *o, const int64_t *row)
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

static const heed_likely *likeliest_at(const heed_writer *w, const heed_hypothesis *h, int64_t step)
{
    return w->moments[step].likeliest + h->rows[step] * w->likeliest;
}

/* As many as were asked for, or as a shortlist has. */
static int64_t count_choices(const heed_job *j, const heed_writer *w, const heed_hypothesis *h)
{
    int64_t n = j->choices < w->likeliest ? j->choices : w->likeliest;
    while (w->among && h->n && n > 1 && likeliest_at(w, h, 0)[n - 1].logp == -INFINITY) n--;
    return n;
}

/* The likeliest symbols of each step. */
static bool write_choices(const heed_job *j, const heed_writer *w, const heed_hypothesis *h, heed_output *o)
{
    const int64_t n = count_choices(j, w, h);
    heed_choice *all = heed_arena_alloc(j->arena, (size_t)(h->n * n + 1) * sizeof *all);
    for (int64_t i = 0; all && i < h->n; i++)
        for (int64_t k = 0; k < n; k++) {
            const heed_likely *one = likeliest_at(w, h, i) + k;
            all[i * n + k] = (heed_choice){heed_arena_text(j->arena, heed_text_symbol(j->model->target, one->id)), (double)one->logp};
            if (!all[i * n + k].text) return false;
        }
    o->choices = all;
    o->choice_count = n;
    return all != NULL;
}

bool heed_hypothesis_write(heed_job *j, const heed_writer *w, const heed_work *x, const heed_hypothesis *h, heed_output *o)
{
    const char *forced = x->item->target;
    heed_buf text = {0};
    o->tokens = forced ? given_pieces(j->arena, forced, &x->target, h->logp) : written_pieces(j, w, x, h, o, &text);
    o->count = h->n;
    o->score = h->score;
    o->text = heed_arena_text(j->arena, forced ? forced : text.data ? text.data : "");
    heed_buf_free(&text);
    if (!o->tokens || !o->text || (j->choices && !write_choices(j, w, h, o))) return false;
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

/* Symbols as numbers. */
static bool trace(heed_job *j, const heed_work *x, const heed_hypothesis *h)
{
    const int64_t n = x->source[0].count;
    j->read = heed_arena_alloc(j->arena, (size_t)(n + 1) * sizeof *j->read);
    j->written = heed_arena_alloc(j->arena, (size_t)(h->n + 1) * sizeof *j->written);
    if (!j->read || !j->written) return false;
    for (int64_t i = 0; i < n; i++) j->read[i] = x->source[0].item[i].id;
    j->read[n] = HEED_EOS;
    memcpy(j->written, h->ids, (size_t)h->n * sizeof *j->written);
    return true;
}

bool heed_work_write(heed_job *j, const heed_writer *w, const heed_work *x, const heed_quest *q)
{
    if (too_much(j, x->out, x->source[0].count + 1, q)) return x->out->error;
    heed_output *o = x->out, *others = heed_arena_zero(j->arena, (size_t)q->found * sizeof *others);
    o->source_tokens = given_pieces(j->arena, o->source, &x->source[0], NULL);
    o->source_count = x->source[0].count + 1;
    if (!others || !o->source_tokens) return false;
    for (int64_t i = 1; i < q->found; i++) {
        others[i - 1] = (heed_output){.source = o->source, .source_tokens = o->source_tokens, .source_count = o->source_count};
        if (!heed_hypothesis_write(j, w, x, &q->best[i], &others[i - 1])) return false;
    }
    o->alternatives = others;
    o->alternative_count = q->found - 1;
    if (!heed_hypothesis_write(j, w, x, &q->best[0], o)) return false;
    if (j->traced && !trace(j, x, &q->best[0])) return false;
    return !j->open || !w->count || write_steps(j, w, o, q->best[0].rows);
}
