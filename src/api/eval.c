/* heed_eval: the files given, or the test sets of the model's recipe. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/evaluate.h"
#include "api/session.h"
#include "base/file.h"

enum { PATH = 4096 };

enum { NAMES = 80, USUAL_SAMPLES = 1000, USUAL_SEED = 12345, MOST_SAMPLES = 1000000 };   /* as of comparisons */

/* The loss, what decided in training, and what suits the target: of characters the character error rate, of all else the word error rate. */
static const char *usual_metrics(const heed_session *s, char names[NAMES])
{
    const heed_unit units = heed_text_get_settings(s->model->target)->units;
    const char *rate = units == HEED_UNIT_characters ? "cer" : "wer", *own = s->model->recipe.train.validate.metric;
    const bool more = strcmp(own, "loss") != 0 && strcmp(own, rate) != 0 && strcmp(own, "accuracy") != 0;
    snprintf(names, NAMES, "loss%s%.40s %s accuracy", more ? " " : "", more ? own : "", rate);
    return names;
}

static heed_evaluation evaluation_of(heed_session *s, const heed_eval_options *o, char names[NAMES])
{
    return (heed_evaluation){.session = s,
                             .metrics = o->metrics ? o->metrics : usual_metrics(s, names),
                             .edges = o->edges,
                             .edge_count = o->edge_count,
                             .words = o->words,
                             .intervals = o->intervals,
                             .samples = o->samples ? o->samples : USUAL_SAMPLES,
                             .seed = o->seed ? o->seed : USUAL_SEED,
                             .beam = o->beam};
}

static heed_status evaluate_set(heed_session *s, const heed_eval_options *o, const heed_recipe *r, const heed_set *set, heed_figure **figures, int *count,
                                heed_error *err)
{
    char path[HEED_MAX_FILES][PATH], names[NAMES];
    const char *paths[HEED_MAX_FILES];
    const char *data_dir = o->data_dir ? o->data_dir : getenv("HEED_DATA");
    heed_evaluation e = evaluation_of(s, o, names);
    for (int i = 0; i < set->files.count; i++) {
        heed_status status = heed_recipe_find(r, set->files.path[i], data_dir, path[i], sizeof path[i], err);
        if (status != HEED_OK) return status;
        paths[i] = path[i];
    }
    e.paths = paths;
    e.files = set->files.count;
    return heed_evaluate(&e, r->data.tests > 1 ? set->name : "", figures, count, err);
}

static heed_status evaluate_sets(heed_session *s, const heed_eval_options *o, heed_figure **figures, int *count, heed_error *err)
{
    const heed_recipe *r = &s->model->recipe;
    bool found = false;
    heed_status status = HEED_OK;
    for (int i = 0; i < r->data.tests && status == HEED_OK; i++) {
        if (o->set_name && strcmp(o->set_name, r->data.test[i].name) != 0) continue;
        found = true;
        status = evaluate_set(s, o, r, &r->data.test[i], figures, count, err);
    }
    if (!found && status == HEED_OK)
        status = heed_fail(err, HEED_E_USAGE, o->set_name ? "the model's recipe has no test set \"%s\"" : "the model's recipe names no test set%s; give SOURCE TARGET or a TSV",
                           o->set_name ? o->set_name : "");
    return status;
}

heed_status heed_eval(heed_session *s, const heed_eval_options *options, heed_figure **figures, int *count, heed_error *err)
{
    *figures = NULL;
    *count = 0;
    heed_status status;
    if (options->samples < 0 || options->samples > MOST_SAMPLES) return heed_fail(err, HEED_E_USAGE, "%lld draws; at most %d", (long long)options->samples, MOST_SAMPLES);
    if (options->source) {
        const char *paths[2] = {options->source, options->target};
        char names[NAMES];
        heed_evaluation e = evaluation_of(s, options, names);
        e.paths = paths;
        e.files = options->target ? 2 : 1;
        status = heed_evaluate(&e, "", figures, count, err);
    } else {
        status = evaluate_sets(s, options, figures, count, err);
    }
    if (status == HEED_OK) return HEED_OK;
    free(*figures);
    *figures = NULL;
    *count = 0;
    return status;
}
