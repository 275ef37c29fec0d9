/* Two models over one shard: train/base_model.h. */
#include "train/base_model.h"

#include <stdlib.h>
#include <string.h>

#include "attn/site.h"
#include "tensor/tape.h"

struct heed_base_model {
    const heed_model *learner, *other;
    heed_tape *tape;                    /* the other's, which never records */
    heed_tape_hooks recording, imposing, noting;
    heed_arena *arena;                  /* of what follows, since tapes that do not record give memory back layer by layer */
    heed_tensor **weights;              /* [count] of the calls of cross attention, in order */
    heed_tensor **own;                  /* [asked] likewise the learner's, of an adversary */
    int64_t count, most, asked;         /* asked: how many the learner has met */
    heed_forced said;                   /* on its tape */
    heed_mark mark;                     /* behind it, of that tape */
};

/* --- hooks ------------------------------------------------------------------------------------------------------------------------------------- */

static heed_tensor *copy_of(heed_base_model *b, heed_tape *t, const heed_tensor *weights)
{
    const size_t size = (size_t)(weights->rows * weights->cols) * sizeof(float);
    heed_tensor *copy = heed_arena_alloc(b->arena, sizeof *copy);
    float *x = heed_arena_alloc(b->arena, size + 1);
    if (!copy || !x) return heed_tape_fail(t, HEED_E_NOMEM, "out of memory for the weights of the base model");
    *copy = (heed_tensor){.x = memcpy(x, weights->x, size), .rows = weights->rows, .cols = weights->cols};
    return copy;
}

/* Attention as it is, with its weights where it crosses. */
static heed_attended look(heed_tape *t, const heed_attend_args *given, bool *crosses)
{
    heed_attend_args args = *given;
    *crosses = heed_site_of(t, given) == HEED_SITE_CROSS;
    args.weights |= *crosses;
    return heed_attend(t, &args);
}

static heed_attended record(void *self, heed_tape *t, const heed_attn *a, const heed_attend_args *args)
{
    (void)a;
    heed_base_model *b = self;
    bool crosses;
    const heed_attended x = look(t, args, &crosses);
    if (!crosses || heed_tape_failed(t)) return x;
    if (b->count == b->most) heed_tape_fail(t, HEED_E_SHAPE, "more looks than %lld", (long long)b->most);
    else b->weights[b->count++] = copy_of(b, t, x.weights);
    return x;
}

/* Whether the other has looked as often. */
static bool has_next(const heed_base_model *b, heed_tape *t)
{
    if (b->asked == b->count) heed_tape_fail(t, HEED_E_SHAPE, "the base model has looked %lld times, and this one looks once more", (long long)b->count);
    return !heed_tape_failed(t);
}

static heed_attended impose(void *self, heed_tape *t, const heed_attn *a, const heed_attend_args *args)
{
    (void)a;
    heed_base_model *b = self;
    if (heed_site_of(t, args) != HEED_SITE_CROSS) return heed_attend(t, args);
    if (!has_next(b, t)) return (heed_attended){.out = &t->poison, .weights = &t->poison};
    heed_tensor *weights = b->weights[b->asked++];
    return (heed_attended){.out = heed_context(t, weights, args), .weights = args->weights ? weights : NULL, .args = *args};
}

static heed_attended note(void *self, heed_tape *t, const heed_attn *a, const heed_attend_args *args)
{
    (void)a;
    heed_base_model *b = self;
    bool crosses;
    const heed_attended x = look(t, args, &crosses);
    if (crosses && has_next(b, t)) b->own[b->asked++] = t->record ? x.weights : copy_of(b, t, x.weights);
    return x;
}

/* --- one pair of tapes ------------------------------------------------------------------------------------------------------------------------- */

heed_base_model *heed_base_model_new(const heed_model *learner, const heed_model *other, size_t limit, heed_error *err)
{
    heed_base_model *b = calloc(1, sizeof *b);
    if (!b) return heed_fail(err, HEED_E_NOMEM, "out of memory for the base model"), NULL;
    *b = (heed_base_model){.learner = learner, .other = other, .recording = {.self = b, .attend = record}, .imposing = {.self = b, .attend = impose},
                            .noting = {.self = b, .attend = note},
                       .tape = heed_tape_new(&(heed_tape_options){.limit = limit}, err), .arena = heed_arena_new(limit)};
    if (b->tape && b->arena) {
        b->tape->hooks = &b->recording;
        return b;
    }
    if (!b->arena) heed_fail(err, HEED_E_NOMEM, "out of memory for the base model");
    heed_base_model_free(b);
    return NULL;
}

void heed_base_model_free(heed_base_model *b)
{
    if (!b) return;
    heed_arena_free(b->arena);
    heed_tape_free(b->tape);
    free(b);
}

int64_t heed_base_model_grown(const heed_base_model *b) { return heed_tape_grown(b->tape) + heed_arena_grown(b->arena); }

/* Both are told the symbols before. A recurrent decoder looks once a moment, others once a layer. */
static heed_forced pass(const heed_model *m, heed_tape *t, const heed_batch *batch)
{
    const heed_lesson lesson = {.forcing = 1, .guided = -1};
    const heed_encoded memory = m->encoder_kind->forward(t, m->encoder, &batch->source);
    return m->decoder_kind->forward(t, m->decoder, &m->head, &memory, batch, &lesson);
}

/* As in validation: no dropout. */
static void read_along(heed_base_model *b, const heed_batch *batch)
{
    int layers, heads;
    heed_model_looks(b->other, &layers, &heads);
    heed_tape_reset(b->tape, false, false, 0);
    heed_arena_reset(b->arena);
    b->count = b->asked = 0;
    b->most = layers * batch->target.span.start[1];
    b->weights = heed_arena_alloc(b->arena, (size_t)(b->most + 1) * sizeof(heed_tensor *));
    b->own = heed_arena_alloc(b->arena, (size_t)(b->most + 1) * sizeof(heed_tensor *));
    if (!b->weights || !b->own) heed_tape_fail(b->tape, HEED_E_NOMEM, "out of memory for the weights of the base model");
    else b->said = pass(b->other, b->tape, batch);
    b->mark = heed_arena_mark(b->tape->arena);
}

/* --- losses ------------------------------------------------------------------------------------------------------------------------------------ */

static heed_tensor *frozen_loss(heed_base_model *b, heed_tape *t, const heed_batch *batch, double weight, heed_loss_counts *counts)
{
    t->hooks = &b->imposing;
    heed_tensor *loss = heed_model_loss(b->learner, t, batch, weight, counts);
    t->hooks = NULL;
    return loss;
}

static const float *logits_of(void *self, int64_t first, int64_t n)
{
    heed_base_model *b = self;
    heed_arena_rewind(b->tape->arena, b->mark);
    const heed_tensor *x = heed_head_forward(b->tape, &b->other->head, heed_rows(b->tape, b->said.features, first, n));
    return heed_tape_failed(b->tape) ? NULL : x->x;
}

static heed_tensor *adversary_loss(heed_base_model *b, heed_tape *t, const heed_batch *batch, double weight, heed_loss_counts *counts)
{
    const heed_head *h = &b->learner->head;
    int layers, heads;
    double apart;
    t->hooks = &b->noting;
    const heed_forced f = pass(b->learner, t, batch);
    t->hooks = NULL;
    heed_tape_scope(t, "loss");
    if (counts) *counts = (heed_loss_counts){.log_p = 0};
    if (heed_tape_failed(t)) return &t->poison;
    heed_model_looks(b->learner, &layers, &heads);
    const double share = b->learner->recipe.train.adversary.weight / (double)(layers * heads);
    heed_tensor *x = h->project ? heed_linear(t, f.features, &h->project->tensor, NULL) : f.features;
    heed_tensor *said = heed_variation_loss(t, x, &h->weight->tensor, &h->bias->tensor, &(heed_logits){b, logits_of}, weight, counts);
    heed_tensor *looked = heed_divergence(t, b->own, (const heed_tensor *const *)b->weights, b->asked, -share * weight, &apart);
    if (heed_tape_failed(t)) return &t->poison;
    if (counts) counts->log_p += share * apart;
    return heed_add(t, said, looked);
}

heed_tensor *heed_base_model_loss(heed_base_model *b, heed_tape *t, const heed_batch *batch, double weight, heed_loss_counts *counts)
{
    heed_error why;
    read_along(b, batch);
    heed_stopwatch_lap(t->watch, (heed_part){.name = "rest"}, 0);
    if (heed_tape_status(b->tape, &why)) return heed_tape_fail(t, why.status, "%s, of the base model", why.text);
    return *b->learner->recipe.train.adversary.model ? adversary_loss(b, t, batch, weight, counts) : frozen_loss(b, t, batch, weight, counts);
}
