/* What a recipe takes over from a model that its training begins from: model/recipe.h. */
#include <string.h>

#include "model/keys.h"

heed_status heed_recipe_begin_from(heed_recipe *r, const char *dir, heed_error *err)
{
    heed_recipe_owner *owner = r->owner;
    char *copy = heed_arena_text(owner->memory, dir);
    if (!copy) return heed_fail(err, HEED_E_NOMEM, "out of memory for a recipe");
    r->train.init_from = copy;
    return HEED_OK;
}

/* Keys of text hold plain values: a number, a word's number, a flag. */
static size_t size_of(const heed_key *k)
{
    return k->kind == &heed_kind_whole ? sizeof(int64_t) : k->kind == &heed_kind_flag ? sizeof(bool) : sizeof(int);
}

int heed_recipe_take_text(heed_recipe *r, const heed_recipe *from, heed_buf *out)
{
    const heed_recipe_owner *owner = r->owner;
    heed_recipe taken = *r;
    taken.text = from->text;
    for (int i = 0; i < HEED_KEYS; i++) {
        const heed_key *k = &heed_keys[i];
        if (strncmp(k->name, "text.", 5) != 0 || owner->given[i]) continue;
        memcpy((char *)r + k->offset, (const char *)from + k->offset, size_of(k));
    }
    return heed_recipe_differ(&taken, r, out);
}
