/* What a recipe takes over from a model that its training begins from, and what the recipe of a model that is there can still be given: model/recipe.h. */
#include <string.h>

#include "model/keys.h"
#include "model/words.h"

heed_status heed_recipe_begin_from(heed_recipe *r, const char *dir, heed_error *err)
{
    heed_recipe_owner *owner = r->owner;
    char *copy = heed_arena_text(owner->memory, dir);
    if (!copy) return heed_fail(err, HEED_E_NOMEM, "out of memory for a recipe");
    r->train.init_from = copy;
    return HEED_OK;
}

/* Keys of text that belong to a vocabulary hold plain values: a number, a word's number, a flag. Real numbers are noise in training. */
static size_t size_of(const heed_key *k)
{
    return k->kind == &heed_kind_whole ? sizeof(int64_t) : k->kind == &heed_kind_flag ? sizeof(bool) : sizeof(int);
}

int heed_recipe_take_text(heed_recipe *r, const heed_recipe *from, heed_buf *out)
{
    const heed_recipe_owner *owner = r->owner;
    heed_recipe taken = *r;
    taken.text = from->text;
    taken.text.source_noise = r->text.source_noise;   /* belongs to the training, not to the vocabularies */
    taken.text.target_noise = r->text.target_noise;
    for (int i = 0; i < HEED_KEYS; i++) {
        const heed_key *k = &heed_keys[i];
        if (strncmp(k->name, "text.", 5) != 0 || owner->given[i] || k->kind == &heed_kind_real) continue;
        memcpy((char *)r + k->offset, (const char *)from + k->offset, size_of(k));
    }
    return heed_recipe_differ(&taken, r, out);
}

/* Keys of a model that say how its weights are used, not which there are. */
static const char *const uses[] = {"model.attention.align", "model.attention.window", "model.encoder.window", "model.decoder.window"};

static bool is_use(const char *assignment)
{
    const size_t size = strcspn(assignment, "=");
    for (size_t i = 0; i < sizeof uses / sizeof *uses; i++)
        if (strlen(uses[i]) == size && strncmp(uses[i], assignment, size) == 0) return true;
    return strncmp(assignment, "decode", 6) == 0;   /* nothing else begins so */
}

heed_status heed_recipe_reset(heed_recipe *r, const char *const *sets, int count, heed_error *err)
{
    heed_status status = HEED_OK;
    char quoted[HEED_QUOTE_SIZE];
    for (int i = 0; i < count && !status; i++) {
        status = heed_recipe_set(r, sets[i], err);
        if (!status && !is_use(sets[i]))
            status = heed_fail(err, HEED_E_USAGE, "--set %s: belongs to the weights or to their training; of a model that is there, decode.*, model.attention.align, "
                               "and window of model.attention, encoder and decoder can be set", heed_quote(quoted, sets[i]));
    }
    return status || !count ? status : heed_keys_check(r, true, &(heed_origin){"--set", HEED_E_USAGE}, err);
}
