/* A model from its recipe: parts chosen by table, weights declared and filled; and the loss of a batch. */
#include "model/model.h"

#include <stdlib.h>

#include "tensor/tape.h"

#define HEED_ENCODER(name, help) extern const heed_encoder_kind heed_encoder_##name;
#include "model/encoders.def"
#undef HEED_ENCODER
#define HEED_DECODER(name, help) extern const heed_decoder_kind heed_decoder_##name;
#include "model/decoders.def"
#undef HEED_DECODER

static const heed_encoder_kind *const encoders[] = {
#define HEED_ENCODER(name, help) &heed_encoder_##name,
#include "model/encoders.def"
#undef HEED_ENCODER
};
static const heed_decoder_kind *const decoders[] = {
#define HEED_DECODER(name, help) &heed_decoder_##name,
#include "model/decoders.def"
#undef HEED_DECODER
};

static heed_weight *add_embedding(heed_model *m, const char *name, bool target)
{
    double deviation;
    const int64_t E = heed_recipe_embed(&m->recipe, target, &deviation);
    return heed_params_add(m->params, name, 2, heed_text_size(target ? m->target : m->source), E, HEED_FILL_NORMAL, deviation);
}

static bool init_head(heed_model *m, heed_weight *embedding)
{
    const int64_t F = m->decoder_kind->width(m->decoder), V = heed_text_size(m->target);
    if (m->recipe.model.tie != HEED_TIE_NONE) {
        m->head.weight = embedding;
        heed_weight_table(embedding);
        if (embedding->tensor.cols != F) {
            m->head.project = heed_params_add(m->params, "head.project.weight", 2, embedding->tensor.cols, F, HEED_FILL_GLOROT, 1);
            heed_weight_product(m->head.project);
        }
    } else {
        m->head.weight = heed_params_add(m->params, "head.weight", 2, V, F, HEED_FILL_GLOROT, 1);
    }
    heed_weight_product(m->head.weight);
    heed_weight_rank(m->head.weight);
    m->head.bias = heed_params_add(m->params, "head.bias", 1, 1, V, HEED_FILL_ZERO, 0);
    if (!m->recipe.model.attention.copy) return true;
    heed_dense_init(&m->head.gate, m->params, "head.gate", F, 1, true);
    m->head.copies = heed_head_copies(m->arena, m->source, m->target);
    return m->head.copies != NULL;
}

static heed_status check_beam(const char *key, int64_t beam, int64_t V, heed_error *err)
{
    if (beam <= V) return HEED_OK;
    return heed_fail(err, HEED_E_USAGE, "%s: %lld hypotheses, but the target vocabulary has %lld symbols; make the beam narrower", key, (long long)beam,
                     (long long)V);
}

/* Weights of which the way back meets all moments of a batch at once. */
static void mark_many(const heed_model *m)
{
    const bool steps = m->recipe.model.decoder.type == HEED_DECODER_rnn, rnn = steps || m->recipe.model.encoder.type == HEED_ENCODER_rnn;
    for (int64_t i = 0; i < heed_params_count(m->params) && !rnn; i++) heed_weight_many(heed_params_at(m->params, i));
    if (!steps || m->recipe.train.teacher_forcing == 1) heed_weight_many(m->head.weight);
    if (steps && m->recipe.train.teacher_forcing == 1) heed_weight_lend(m->head.weight);
}

static heed_status build_parts(heed_model *m, heed_error *err)
{
    const heed_recipe *r = &m->recipe;
    const int64_t V = heed_text_size(m->target);
    heed_status status = check_beam("decode.beam", r->decode.beam, V, err);
    if (!status) status = check_beam("train.validate.beam", r->train.validate.beam, V, err);
    if (status) return status;
    m->encoder_kind = encoders[r->model.encoder.type];
    m->decoder_kind = decoders[r->model.decoder.type];
    const bool one = r->model.tie == HEED_TIE_ALL;
    heed_weight *const source = add_embedding(m, one ? "embedding" : "encoder.embedding", false);
    heed_weight *const target = one ? source : add_embedding(m, "decoder.embedding", true);
    status = heed_params_status(m->params, err);
    if (status) return status;
    m->encoder = m->encoder_kind->init(m->arena, m->params, r, source, err);
    if (!m->encoder) return HEED_E_USAGE;
    m->decoder = m->decoder_kind->init(m->arena, m->params, r, target, m->encoder_kind->width(m->encoder), err);
    if (!m->decoder) return HEED_E_USAGE;
    if (!init_head(m, target)) return heed_fail(err, HEED_E_NOMEM, "out of memory for a model");
    mark_many(m);
    return heed_params_status(m->params, err);
}

heed_model *heed_model_build(heed_recipe *recipe, heed_text *source, heed_text *target, heed_error *err)
{
    heed_model *m = calloc(1, sizeof *m);
    if (!m) {
        heed_recipe_free(recipe);
        heed_text_free(source);
        if (target != source) heed_text_free(target);
        heed_fail(err, HEED_E_NOMEM, "out of memory for a model");
        return NULL;
    }
    *m = (heed_model){.recipe = *recipe, .source = source, .target = target, .arena = heed_arena_new(0), .params = heed_params_new(err)};
    *recipe = (heed_recipe){.version = 0};
    if (!m->arena) heed_fail(err, HEED_E_NOMEM, "out of memory for a model");
    if (!m->arena || !m->params || build_parts(m, err) != HEED_OK) {
        heed_model_free(m);
        return NULL;
    }
    return m;
}

heed_status heed_model_fill(heed_model *m, heed_error *err)
{
    heed_status status = heed_params_finish(m->params, err);
    if (status == HEED_OK) heed_params_fill(m->params, m->recipe.train.seed);
    return status;
}

void heed_model_free(heed_model *m)
{
    if (!m) return;
    heed_params_free(m->params);
    heed_shortlist_free(m->shortlist);
    heed_arena_free(m->arena);
    heed_text_free(m->source);
    if (m->target != m->source) heed_text_free(m->target);
    heed_recipe_free(&m->recipe);
    free(m->provenance);
    free(m->lenses);
    free(m);
}

/* --- loss ------------------------------------------------------------------------------------------------------------------------------------- */

static heed_tensor *translation_loss(const heed_model *m, heed_tape *t, const heed_forced *f, const heed_batch *b, double weight, heed_loss_counts *counts)
{
    const double smoothing = t->train ? m->recipe.train.label_smoothing : 0;
    if (m->head.copies) return heed_head_copy_loss(t, &m->head, f, &b->source, smoothing, weight, counts);
    heed_tensor *x = m->head.project ? heed_linear(t, f->features, &m->head.project->tensor, NULL) : f->features;
    return heed_output_loss(t, x, &m->head.weight->tensor, &m->head.bias->tensor, f->targets, smoothing, weight, counts);
}

/* The keys of every row that a decoder gave, in its order: those of the symbol that is `shift` steps behind what the row writes. Returns the number of rows that
 * have any. */
static int64_t rows_to_guide(const heed_forced *f, const heed_batch *b, int64_t shift, heed_keys_of_row *row)
{
    int64_t guided = 0;
    for (int64_t l = 0; l < f->guides; l++) {
        const heed_attend_args *a = &f->guided[l].args;
        for (int64_t g = 0; g < a->queries.B; g++) {
            const int64_t first = b->target.span.start[a->owner ? a->owner[g] : g];
            for (int64_t i = a->queries.start[g]; i < a->queries.start[g + 1]; i++, row++) {
                const int64_t step = a->position + i - a->queries.start[g], *start = b->guide.start + first + step - shift;
                *row = step >= shift ? (heed_keys_of_row){start[0], start[1] - start[0]} : (heed_keys_of_row){0, 0};
                guided += row->count > 0;
            }
        }
    }
    return guided;
}

/* Its mean over the batch's guided rows counts `weight` of the recipe for every symbol of the target. */
static heed_tensor *guide_loss(const heed_model *m, heed_tape *t, const heed_forced *f, const heed_batch *b, double weight, heed_loss_counts *counts)
{
    const heed_guided_settings *s = &m->recipe.train.guided;
    heed_keys_of_row *rows = heed_tape_alloc(t, (size_t)(b->target.N + 1) * sizeof *rows);
    heed_loss_counts sum = {.log_p = 0};
    heed_tape_scope(t, "guided_alignment");
    if (heed_tape_failed(t)) return &t->poison;
    sum.guided = rows_to_guide(f, b, s->shift, rows);
    heed_tensor *loss = heed_guide_loss(t, &(heed_guide){f->guided, f->guides, rows, b->guide.key, s->head}, s->weight * weight * b->guide.share, &sum.guide);
    if (counts) counts->guided = sum.guided, counts->guide = sum.guide;
    return loss;
}

heed_tensor *heed_model_loss(const heed_model *m, heed_tape *t, const heed_batch *b, double weight, heed_loss_counts *counts)
{
    const bool guides = t->train && b->guide.share > 0;
    const heed_lesson lesson = {.forcing = t->train ? m->recipe.train.teacher_forcing : 1, .guided = guides ? heed_recipe_guided_layer(&m->recipe) : -1};
    const heed_encoded memory = m->encoder_kind->forward(t, m->encoder, &b->source);
    const heed_forced f = m->decoder_kind->forward(t, m->decoder, &m->head, &memory, b, &lesson);
    heed_tape_scope(t, "loss");
    if (counts) *counts = (heed_loss_counts){.log_p = 0};
    if (heed_tape_failed(t)) return &t->poison;
    heed_tensor *loss = translation_loss(m, t, &f, b, weight, counts);
    return guides ? heed_add(t, loss, guide_loss(m, t, &f, b, weight, counts)) : loss;
}

/* --- how long a text may be ----------------------------------------------------------------------------------------------------------------- */

/* The least of a side; symbols 0: none. */
static heed_limit limit_of(const heed_model *m, bool target)
{
    heed_limit all[HEED_MOST_LIMITS], least = {.key = ""};
    const int count = heed_recipe_limits(&m->recipe, all);
    for (int i = 0; i < count; i++)
        if (all[i].target == target && (!least.symbols || all[i].symbols < least.symbols)) least = all[i];
    return least;
}

void heed_model_longest(const heed_model *m, int64_t *source, int64_t *target)
{
    *source = limit_of(m, false).symbols;
    *target = limit_of(m, true).symbols;
}

const char *heed_model_longest_key(const heed_model *m, bool target) { return limit_of(m, target).key; }

heed_status heed_model_fits(const heed_model *m, int64_t source, int64_t target, heed_error *err)
{
    const struct { const char *side; int64_t symbols; heed_limit limit; } sides[] = {{"source", source, limit_of(m, false)}, {"target", target, limit_of(m, true)}};
    for (int i = 0; i < 2; i++)
        if (sides[i].limit.symbols && sides[i].symbols + 1 > sides[i].limit.symbols)
            return heed_fail(err, HEED_E_LIMIT, "its %s has %lld symbols and </s>, and this model holds %lld (%s): cut the text into sentences", sides[i].side,
                             (long long)sides[i].symbols, (long long)sides[i].limit.symbols, sides[i].limit.key);
    return HEED_OK;
}

void heed_model_looks(const heed_model *m, int *layers, int *heads)
{
    int64_t all, each;
    heed_recipe_looks(&m->recipe, &all, &each);
    *layers = (int)all;
    *heads = (int)each;
}
