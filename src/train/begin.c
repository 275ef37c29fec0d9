/* A new run: one pass over the corpus builds the vocabularies, or only counts where they come from another model; then the model is built. */
#include <string.h>

#include "train/run.h"

enum { POLL_RECORDS = 4096 };

/* source NULL: only counts pairs. */
static heed_status count_record(heed_text *source, heed_text *target, const heed_record *r, heed_error *err)
{
    if (!source) return HEED_OK;
    heed_status status = heed_text_count(source, r->text[0], r->size[0], err);
    return status ? status : heed_text_count(target, r->text[1], r->size[1], err);
}

static heed_status count_all(heed_run *run, heed_corpus *c, heed_text *source, heed_text *target, heed_error *err)
{
    bool end = false;
    heed_record r;
    heed_status status = HEED_OK;
    for (int64_t n = 1; !status; n++) {
        if (n % POLL_RECORDS == 0 && heed_run_stopped(run)) return heed_fail(err, HEED_E_STOPPED, "stopped while the training data was counted; nothing was saved");
        status = heed_corpus_next(c, &r, &end, err);
        if (status || end) break;
        status = count_record(source, target, &r, err);
        run->state.pairs++;
    }
    if (!status && run->state.pairs == 0)
        return heed_fail(err, HEED_E_DATA, "%s: no pair to learn from: every line is empty on one side or left out", run->train.path[0]);
    return status;
}

static heed_status count_corpus(heed_run *run, const heed_recipe *r, heed_text *source, heed_text *target, heed_error *err)
{
    const heed_corpus_settings settings = {.paths = run->train.path, .files = run->train.count, .fields = 2, .invalid = (heed_invalid)r->data.invalid_utf8};
    heed_corpus *c = heed_corpus_open(&settings, err);
    if (!c) return err->status;
    heed_status status = count_all(run, c, source, target, err);
    heed_corpus_close(c);
    if (!status && source) status = heed_text_finish(source, err);
    return status || source == target ? status : heed_text_finish(target, err);
}

static heed_model *build(heed_recipe *recipe, heed_text *source, heed_text *target, heed_error *err)
{
    heed_model *m = heed_model_build(recipe, source, target, err);
    if (!m || (heed_run_fits(m, err) == HEED_OK && heed_model_fill(m, err) == HEED_OK)) return m;
    heed_model_free(m);
    return NULL;
}

/* The vocabularies move from the other model into the new one. */
static heed_model *build_from(heed_run *run, heed_recipe *recipe, heed_error *err)
{
    heed_model *m = NULL, *from = heed_run_find_first(run, recipe, err);
    if (from && count_corpus(run, recipe, NULL, NULL, err) == HEED_OK) {
        heed_text *source = from->source, *target = from->target;
        from->source = from->target = NULL;
        m = build(recipe, source, target, err);
        if (m && heed_run_take_weights(run, m, from, err) != HEED_OK) {
            heed_model_free(m);
            m = NULL;
        }
    }
    heed_model_free(from);
    heed_recipe_free(recipe);   /* empty when the model has it */
    return m;
}

heed_model *heed_run_build(heed_run *run, heed_recipe *recipe, heed_error *err)
{
    run->state = (heed_train_state){.scale = 1, .seed = recipe->train.seed};
    if (*recipe->train.init_from) {
        heed_model *m = build_from(run, recipe, err);
        run->state.records_per_epoch = run->state.pairs;
        return m;
    }
    heed_text *source = heed_text_new(&recipe->text.source, err);
    heed_text *target = !source || recipe->text.shared ? source : heed_text_new(&recipe->text.target, err);
    if (target && count_corpus(run, recipe, source, target, err) == HEED_OK) {
        run->state.records_per_epoch = run->state.pairs;
        return build(recipe, source, target, err);
    }
    if (target != source) heed_text_free(target);
    heed_text_free(source);
    heed_recipe_free(recipe);
    return NULL;
}
