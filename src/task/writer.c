/* The models behind a search. Several write together: at each step the mean of their probabilities decides, and each goes on from what was decided. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "task/transduce.h"
#include "tensor/tape.h"

static heed_moment *next_moment(heed_writer *w)
{
    if (w->count == w->capacity) {
        int64_t capacity = w->capacity ? 2 * w->capacity : 64;
        heed_moment *grown = realloc(w->moments, (size_t)capacity * sizeof *grown);
        if (!grown) return NULL;
        w->moments = grown;
        w->capacity = capacity;
    }
    return &w->moments[w->count++];
}

/* --- the mean ----------------------------------------------------------------------------------------------------------------------------------- */

/* ln of the mean of several probabilities, or the mean of ln p; the same number when they are equal. */
static float mean_of(const heed_writer *w, const heed_tensor *const *x, int64_t at)
{
    float most = -INFINITY, sum = 0;
    for (int m = 0; m < w->member_count; m++) {
        const float logp = x[m]->x[at] - w->norms[m];
        if (w->geometric) sum += logp;
        if (logp > most || isnan(logp)) most = logp;
    }
    if (w->geometric) return sum / (float)w->member_count;
    if (!isfinite(most)) return most;
    for (int m = 0; m < w->member_count; m++) sum += expf(x[m]->x[at] - w->norms[m] - most);
    return most + logf(sum / (float)w->member_count);
}

/* The mean takes the place of the first model's logits, and stands among them, so that a model with itself keeps its bits. */
static void mix(const heed_writer *w, const heed_tensor *const *x, int64_t n)
{
    const int64_t V = x[0]->cols;
    for (int64_t row = 0; row < n; row++) {
        for (int m = 0; m < w->member_count; m++) w->norms[m] = w->tape->k->log_sum_exp(x[m]->x + row * V, V);
        for (int64_t at = row * V; at < (row + 1) * V; at++) {
            const float logit = x[0]->x[at], own = logit - w->norms[0], mean = mean_of(w, x, at);
            x[0]->x[at] = isfinite(own) ? logit + (mean - own) : mean + w->norms[0];
        }
    }
}

/* --- the likeliest of a step ---------------------------------------------------------------------------------------------------------------------- */

/* The first of equals first; NaN last. */
static void take_likeliest(const float *x, int64_t V, float norm, int64_t most, heed_likely *out)
{
    int64_t n = 0;
    for (int32_t v = 0; v < V; v++) {
        const float logp = isnan(x[v]) ? -INFINITY : x[v] - norm;
        if (n == most && !(logp > out[n - 1].logp)) continue;
        int64_t at = n < most ? n++ : most - 1;
        for (; at > 0 && logp > out[at - 1].logp; at--) out[at] = out[at - 1];
        out[at] = (heed_likely){v, logp};
    }
}

static void take_all_likeliest(const heed_writer *w, const heed_tensor *logits, heed_likely *all)
{
    for (int64_t row = 0; row < logits->rows; row++) {
        const float *x = logits->x + row * logits->cols, norm = w->among ? w->among_norms[row] : w->tape->k->log_sum_exp(x, logits->cols);
        take_likeliest(x, logits->cols, norm, w->likeliest, all + row * w->likeliest);
    }
}

/* --- the search's two functions --------------------------------------------------------------------------------------------------------- */

/* Logits are the widest rows of all: they go before anything is kept behind them. */
static void drop_logits(heed_writer *w)
{
    if (w->standing) heed_arena_rewind(w->tape->arena, w->logits);
    w->standing = false;
}

/* One step of all members; NULL: the tape has failed. */
static heed_step *step_all(heed_writer *w, const int32_t *before)
{
    heed_tape *t = w->tape;
    drop_logits(w);
    heed_step *step = heed_tape_alloc(t, (size_t)w->member_count * sizeof *step);
    for (int m = 0; step && m < w->member_count; m++) {
        heed_member *k = &w->members[m];
        step[m] = k->model->decoder_kind->step(t, k->model->decoder, &k->state, before);
    }
    return step;
}

/* What is asked afterwards of the step. False: the tape has failed. */
static bool note_moment(heed_writer *w, const heed_step *first, const heed_likely *likeliest)
{
    heed_moment *now = next_moment(w);
    if (!now) heed_tape_fail(w->tape, HEED_E_NOMEM, "out of memory for %lld steps", (long long)w->count);
    if (heed_tape_failed(w->tape)) return false;
    *now = (heed_moment){first->layers ? first->attended : NULL, first->features, likeliest};
    return true;
}

/* The likeliest symbol of each row, and no number. */
static heed_ranked unscored(heed_tape *t, const heed_head *h, heed_tensor *features)
{
    const int64_t n = features->rows;
    float *nothing = heed_tape_alloc(t, (size_t)n * sizeof *nothing);
    int64_t *count = heed_tape_alloc(t, (size_t)n * sizeof *count);
    const int32_t *ids = heed_head_arg_max(t, h, features);
    for (int64_t i = 0; ids && i < n; i++) {
        nothing[i] = NAN;
        count[i] = 1;
    }
    return (heed_ranked){n, 1, ids, nothing, ids ? count : NULL, nothing};
}

/* One model whose logits nobody else wants. */
static heed_ranked rank(void *self, const int32_t *before, int64_t n, int64_t k)
{
    heed_writer *w = self;
    heed_tape *t = w->tape;
    const heed_step *step = step_all(w, before);
    const heed_ranked failed = {.count = NULL};
    (void)n;
    w->logits = heed_arena_mark(t->arena);
    w->standing = true;
    if (!step) return failed;
    const heed_member *only = &w->members[0];
    const heed_head *head = &only->model->head;
    const heed_ranked ranked = w->among                ? heed_head_among_rank(t, head, w->among, step[0].features, only->state.owner, k)
                               : w->unscored && k == 1 ? unscored(t, head, step[0].features)
                                                       : heed_head_rank(t, head, step[0].features, k);
    return note_moment(w, &step[0], NULL) ? ranked : failed;
}

static float *logits(void *self, const int32_t *before, int64_t n)
{
    heed_writer *w = self;
    heed_tape *t = w->tape;
    const heed_step *step = step_all(w, before);
    heed_likely *likeliest = w->likeliest ? heed_tape_alloc(t, (size_t)(n * w->likeliest) * sizeof *likeliest) : NULL;
    w->logits = heed_arena_mark(t->arena);
    w->standing = true;
    const heed_tensor **x = heed_tape_alloc(t, (size_t)w->member_count * sizeof *x);
    for (int m = 0; step && x && m < w->member_count; m++) {
        const heed_member *k = &w->members[m];
        const heed_attended *attended = step[m].layers ? &step[m].attended[step[m].layers - 1] : NULL;
        if (w->among) x[m] = heed_head_among_forward(t, &k->model->head, w->among, step[m].features, k->state.owner, &w->among_norms);
        else x[m] = heed_head_choices(t, &k->model->head, step[m].features, attended, 1, &k->batch->source);
    }
    if (!step || !note_moment(w, &step[0], likeliest)) return NULL;
    if (w->member_count > 1) mix(w, x, n);
    if (likeliest) take_all_likeliest(w, x[0], likeliest);
    return x[0]->x;
}

static bool select_rows(void *self, const int64_t *rows, int64_t n)
{
    heed_writer *w = self;
    drop_logits(w);
    for (int m = 0; m < w->member_count; m++) {
        heed_member *k = &w->members[m];
        k->model->decoder_kind->select(w->tape, k->model->decoder, &k->state, rows, n);
    }
    return !heed_tape_failed(w->tape);
}

heed_search heed_writer_search(heed_writer *w)
{
    const heed_model *first = w->members[0].model;
    const bool alone = w->member_count == 1 && !w->likeliest && !first->head.copies;
    return (heed_search){w, heed_text_size(first->target), HEED_BOS, HEED_EOS, logits, alone ? rank : NULL, w->among ? &w->among_norms : NULL, select_rows};
}

void heed_writer_start(heed_writer *w)
{
    heed_tape *t = w->tape;
    for (int m = 0; m < w->member_count && !heed_tape_failed(t); m++) {
        heed_member *k = &w->members[m];
        k->state = (heed_state){.prospect = w->prospect};
        k->model->decoder_kind->start(t, k->model->decoder, &k->memory, &k->state);
    }
    w->norms = heed_tape_alloc(t, (size_t)w->member_count * sizeof *w->norms);
}

void heed_writer_free(heed_writer *w) { free(w->moments); }
