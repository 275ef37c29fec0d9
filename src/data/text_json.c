/* A vocabulary as JSON and back. What is read comes from a file that anybody may have changed, so all of it is checked. */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/file.h"
#include "base/unicode.h"
#include "data/normal.h"
#include "data/text_state.h"

enum { FORMAT = 1 };

static json_t *to_json(const heed_text *t)
{
    json_t *symbols = json_array();
    for (int64_t i = 0; symbols && i < t->vocabulary.count; i++) {
        if (json_array_append_new(symbols, json_string(heed_vocabulary_text(&t->vocabulary, i)))) {
            json_decref(symbols);
            symbols = NULL;
        }
    }
    return symbols ? json_pack("{s:i, s:s, s:b, s:b, s:o}", "format", FORMAT, "units", heed_unit_name(t->settings.units), "lower",
                               t->settings.lower, "nfkc", t->settings.nfkc, "symbols", symbols)
                   : NULL;
}

heed_status heed_text_write(const heed_text *t, const char *path, heed_error *err)
{
    json_t *root = to_json(t);
    char *text = root ? json_dumps(root, JSON_INDENT(1)) : NULL;
    json_decref(root);
    if (!text)
        return heed_fail(err, HEED_E_NOMEM, "%s: out of memory for %lld symbols", path, (long long)t->vocabulary.count);
    heed_status status = heed_file_replace(path, text, strlen(text), err);
    free(text);
    return status;
}

static heed_status check_keys(const json_t *root, const char *path, heed_error *err)
{
    static const char *const known[] = {"format", "units", "lower", "nfkc", "symbols"};
    const size_t count = sizeof known / sizeof known[0];
    if (!json_is_object(root))
        return heed_fail(err, HEED_E_MODEL, "%s: expected one JSON object", path);
    for (size_t i = 0; i < count; i++)
        if (!json_object_get(root, known[i]))
            return heed_fail(err, HEED_E_MODEL, "%s: key \"%s\" is missing", path, known[i]);
    if (json_object_size(root) == count)
        return HEED_OK;
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)root, key, value) {
        bool found = false;
        for (size_t i = 0; i < count; i++)
            found |= strcmp(key, known[i]) == 0;
        if (!found)
            return heed_fail(err, HEED_E_MODEL, "%s: unknown key \"%s\"", path, key);
    }
    return HEED_OK;
}

static heed_status read_settings(const json_t *root, const char *path, heed_text_settings *s, heed_error *err)
{
    const json_t *format = json_object_get(root, "format"), *units = json_object_get(root, "units");
    const json_t *lower = json_object_get(root, "lower"), *nfkc = json_object_get(root, "nfkc");
    if (!json_is_integer(format) || json_integer_value(format) < 1)
        return heed_fail(err, HEED_E_MODEL, "%s: \"format\" must be %d", path, FORMAT);
    if (json_integer_value(format) > FORMAT)
        return heed_fail(err, HEED_E_MODEL, "%s: format %lld is newer than %d, the newest this heed reads", path,
                         (long long)json_integer_value(format), FORMAT);
    if (!json_is_string(units) || !heed_unit_find(json_string_value(units), &s->units))
        return heed_fail(err, HEED_E_MODEL, "%s: \"units\" is \"%s\"; expected one of: %s", path,
                         json_is_string(units) ? json_string_value(units) : "not a text", heed_unit_names());
    if (!json_is_boolean(lower) || !json_is_boolean(nfkc))
        return heed_fail(err, HEED_E_MODEL, "%s: \"%s\" must be true or false", path, json_is_boolean(lower) ? "nfkc" : "lower");
    s->lower = json_is_true(lower);
    s->nfkc = json_is_true(nfkc);
    s->min_count = 1;
    return HEED_OK;
}

static heed_status add_symbol(heed_text *t, const json_t *item, size_t place, const char *path, heed_tokens *codes, heed_error *err)
{
    const char *text = json_string_value(item);
    if (!text)
        return heed_fail(err, HEED_E_MODEL, "%s: symbol %zu is not a text", path, place);
    heed_status status = heed_normalize(text, json_string_length(item), false, false, codes, err);
    if (status)
        return status;
    int64_t size, skip = heed_unit_cut(t->settings.units, codes->item, codes->count, &size);
    if (skip != 0 || size != codes->count || size == 0)
        return heed_fail(err, HEED_E_MODEL, "%s: symbol %zu, \"%.40s\", is not one of the units \"%s\"", path, place, text,
                         heed_unit_name(t->settings.units));
    int64_t number = heed_vocabulary_add(&t->vocabulary, codes->item, codes->count);
    if (number < 0)
        return heed_fail(err, HEED_E_NOMEM, "%s: out of memory for the vocabulary", path);
    if (number != (int64_t)place)
        return heed_fail(err, HEED_E_MODEL, "%s: symbol %zu, \"%.40s\", stands there twice (first as %lld)", path, place, text,
                         (long long)number);
    return HEED_OK;
}

static heed_status read_symbols(heed_text *t, const json_t *symbols, const char *path, heed_error *err)
{
    if (!json_is_array(symbols) || json_array_size(symbols) == 0)
        return heed_fail(err, HEED_E_MODEL, "%s: \"symbols\" must be a list of at least one text", path);
    heed_tokens codes = {0};
    heed_status status = HEED_OK;
    for (size_t i = 0; !status && i < json_array_size(symbols); i++)
        status = add_symbol(t, json_array_get(symbols, i), i, path, &codes, err);
    heed_tokens_free(&codes);
    t->finished = status == HEED_OK;
    return status;
}

static heed_text *from_json(const json_t *root, const char *path, heed_error *err)
{
    heed_text_settings settings = {0};
    if (check_keys(root, path, err) || read_settings(root, path, &settings, err))
        return NULL;
    heed_text *t = heed_text_new(&settings, err);
    if (t && read_symbols(t, json_object_get(root, "symbols"), path, err)) {
        heed_text_free(t);
        return NULL;
    }
    return t;
}

heed_text *heed_text_parse(const char *json, size_t size, const char *path, heed_error *err)
{
    json_error_t at;
    json_t *root = json_loadb(size ? json : "", size, JSON_REJECT_DUPLICATES, &at);
    if (!root) {
        heed_fail(err, HEED_E_MODEL, "%s:%d: %s", path, at.line, at.text);
        return NULL;
    }
    heed_text *t = from_json(root, path, err);
    json_decref(root);
    return t;
}

heed_text *heed_text_open(const char *path, heed_error *err)
{
    heed_file file;
    if (heed_file_map(&file, path, HEED_E_MODEL, err))
        return NULL;
    heed_text *t = heed_text_parse((const char *)file.data, file.size, path, err);
    heed_file_unmap(&file);
    return t;
}
