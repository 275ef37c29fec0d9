/* Other models that a training needs: where they lie, and whether one may run beside the model that learns: train/run.h. */
#include <string.h>

#include "base/file.h"
#include "train/run.h"

heed_status heed_run_find_model(const heed_run *run, const heed_recipe *r, const char *key, const char *given, char path[HEED_PATH], heed_error *err)
{
    if (heed_path_is_dir(given)) return heed_path_join(path, HEED_PATH, "", given, err);
    if (heed_recipe_find(r, given, run->options->data_dir, path, HEED_PATH, err) == HEED_OK) return HEED_OK;
    return heed_fail(err, HEED_E_MODEL, "%s: no such model directory (%s)", given, key);
}

/* Weights are taken over look by look, head by head and symbol by symbol, so these must be the same things in both. */
static heed_status same_looks(const heed_model *m, const heed_model *other, const char *path, heed_error *err)
{
    static const char key[] = "model.decoder.type";
    int layers, heads, other_layers, other_heads;
    heed_error why;
    heed_model_looks(m, &layers, &heads);
    heed_model_looks(other, &other_layers, &other_heads);
    if (m->recipe.model.decoder.type != other->recipe.model.decoder.type)
        return heed_fail(err, HEED_E_USAGE, "%s: its decoder is of type %s, this model's of type %s; give a model of the same recipe, trained from another seed", path,
                         heed_recipe_choice(&other->recipe, key), heed_recipe_choice(&m->recipe, key));
    if (layers != other_layers || heads != other_heads)
        return heed_fail(err, HEED_E_USAGE, "%s: its attention has %d layers of %d heads, this model's has %d of %d; give a model of the same recipe, trained from "
                                            "another seed", path, other_layers, other_heads, layers, heads);
    const bool source = heed_text_compare(m->source, other->source, &why) == HEED_OK;
    if (source && heed_text_compare(m->target, other->target, &why) == HEED_OK) return HEED_OK;
    return heed_fail(err, HEED_E_USAGE, "%s: its %s vocabulary is not this model's (%s); give a model that was trained on the same data, from another seed", path,
                     source ? "target" : "source", why.text);
}

/* What is long enough for the recipe may be too long for it. */
static heed_status holds_all(const heed_model *m, const heed_model *other, const char *path, heed_error *err)
{
    const int64_t most = m->recipe.data.max_length;
    int64_t own[2], its[2];
    heed_model_longest(m, &own[0], &own[1]);
    heed_model_longest(other, &its[0], &its[1]);
    for (int i = 0; i < 2; i++) {
        const bool cut = own[i] > 0 && own[i] <= its[i], short_enough = most > 0 && most + 1 <= its[i];
        if (its[i] > 0 && !cut && !short_enough)
            return heed_fail(err, HEED_E_USAGE, "%s: it holds %lld symbols (its %s), and data.max_length lets longer records through; set it to %lld at most", path,
                             (long long)its[i], heed_model_longest_key(other, i), (long long)its[i] - 1);
    }
    return HEED_OK;
}

heed_status heed_run_open_base(heed_run *run, heed_error *err)
{
    char path[HEED_PATH];
    const heed_recipe *r = heed_run_recipe(run);
    const bool frozen = *r->train.frozen_attention;
    const char *given = frozen ? r->train.frozen_attention : r->train.adversary.model;
    if (!*given) return HEED_OK;
    heed_status status = heed_run_find_model(run, r, frozen ? "train.frozen_attention" : "train.adversary.model", given, path, err);
    if (!status && !(run->base = heed_model_load_to_serve(path, NULL, 0, NULL, err))) status = err->status;
    if (!status) status = same_looks(run->model, run->base, path, err);
    if (!status) status = holds_all(run->model, run->base, path, err);
    if (!status && !frozen && run->base->head.copies)
        status = heed_fail(err, HEED_E_USAGE, "%s: it copies, and train.adversary compares what is made; train it with model.attention.copy: false", path);
    if (!status && frozen && !run->from)
        heed_run_say(run, HEED_EVENT_WARNING, "of where to look this model learns nothing: by itself it is not what was trained; heed faithful %s/model DATA --attention "
                     "--other %s runs it with the weights it knows", run->dir, path);
    return status;
}
