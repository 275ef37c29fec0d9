/* Recipes as text: resolved YAML, the model's part of it as JSON, differences, the table of docs/recipes.md. All of it follows keys.def. */
#include <string.h>

#include "model/keys.h"

/* How many leading sections two names share: train.batch.tokens and train.batch.sentences share two. */
static int shared_sections(const char *a, const char *b)
{
    int shared = 0;
    for (; *a && *a == *b; a++, b++) shared += *a == '.';
    return shared;
}

static int sections(const char *name)
{
    int n = 0;
    for (; *name; name++) n += *name == '.';
    return n;
}

static void indent(heed_buf *out, int levels)
{
    for (int i = 0; i < levels; i++) heed_buf_text(out, "  ");
}

static const char *after_sections(const char *name, int count)
{
    while (count-- > 0) name = strchr(name, '.') + 1;
    return name;
}

heed_status heed_recipe_write(const heed_recipe *r, heed_buf *out)
{
    const char *before = "";
    for (int i = 0; i < HEED_KEYS; i++) {
        const char *name = heed_keys[i].name;
        if (!heed_key_speaks(&heed_keys[i], r)) continue;
        int level = shared_sections(before, name), depth = sections(name);
        for (; level < depth; level++) {
            const char *word = after_sections(name, level);
            indent(out, level);
            heed_buf_add(out, word, strcspn(word, "."));
            heed_buf_text(out, ":\n");
        }
        indent(out, depth);
        heed_buf_text(out, after_sections(name, depth));
        heed_buf_text(out, ": ");
        heed_keys[i].kind->write(&heed_keys[i], r, false, out);
        heed_buf_char(out, '\n');
        before = name;
    }
    return out->failed ? HEED_E_NOMEM : HEED_OK;
}

bool heed_key_of_model(const heed_key *k)
{
    static const char *const begin[] = {"task", "text.", "model.", "decode."};
    for (size_t i = 0; i < sizeof begin / sizeof *begin; i++)
        if (strncmp(k->name, begin[i], strlen(begin[i])) == 0) return true;
    return false;
}

void heed_keys_json(const heed_recipe *r, bool (*wanted)(const heed_key *k), heed_buf *out)
{
    const char *before = "";
    for (int i = 0; i < HEED_KEYS; i++) {
        const char *name = heed_keys[i].name;
        if (!wanted(&heed_keys[i]) || !heed_key_speaks(&heed_keys[i], r)) continue;
        int level = shared_sections(before, name), depth = sections(name);
        for (int open = sections(before); open > level; open--) heed_buf_char(out, '\n'), indent(out, open), heed_buf_char(out, '}');
        if (*before) heed_buf_text(out, ",\n");
        for (; level <= depth; level++) {
            const char *word = after_sections(name, level);
            indent(out, level + 1);
            heed_buf_printf(out, "\"%.*s\": %s", (int)strcspn(word, "."), word, level < depth ? "{\n" : "");
        }
        heed_keys[i].kind->write(&heed_keys[i], r, true, out);
        before = name;
    }
    for (int open = sections(before); open > 0; open--) heed_buf_char(out, '\n'), indent(out, open), heed_buf_char(out, '}');
}

int heed_recipe_differ(const heed_recipe *was, const heed_recipe *now, heed_buf *out)
{
    int count = 0;
    heed_buf old = {0}, new = {0};
    for (int i = 0; i < HEED_KEYS; i++) {
        const heed_key *k = &heed_keys[i];
        if (!heed_key_speaks(k, was) && !heed_key_speaks(k, now)) continue;
        heed_buf_reset(&old);
        heed_buf_reset(&new);
        k->kind->write(k, was, false, &old);
        k->kind->write(k, now, false, &new);
        out->failed = out->failed || old.failed || new.failed;
        if (old.failed || new.failed || strcmp(old.data, new.data) == 0) continue;
        heed_buf_printf(out, "%s: %s, was %s\n", k->name, new.data, old.data);
        count++;
    }
    heed_buf_free(&old);
    heed_buf_free(&new);
    return count;
}

static void describe_row(const heed_key *k, heed_buf *out)
{
    heed_buf_printf(out, "| `%s` | %s | ", k->name, k->kind->type);
    k->kind->range(k, out);
    heed_buf_printf(out, " | %s%s%s | %s", *k->standard ? "`" : "", k->standard, *k->standard ? "`" : "", k->meaning);
    if (*k->alias) heed_buf_printf(out, " (short: `%s`)", k->alias);
    heed_buf_text(out, " |\n");
}

void heed_recipe_describe(heed_buf *out)
{
    heed_buf_text(out, "| key | type | range | default | meaning |\n|---|---|---|---|---|\n");
    for (int i = 0; i < HEED_KEYS; i++) describe_row(&heed_keys[i], out);
}
