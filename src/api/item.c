/* heed_item_parse: an item as it comes over a wire. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "heed.h"

/* NULL with *status set when the key holds no text; NULL with HEED_OK when it is missing or null. */
static const char *text_of(const json_t *object, const char *key, heed_status *status, heed_error *err)
{
    const json_t *value = json_object_get(object, key);
    if (!value || json_is_null(value)) return NULL;
    if (!json_is_string(value)) {
        *status = heed_fail(err, HEED_E_DATA, "\"%s\" must be a string", key);
        return NULL;
    }
    return json_string_value(value);
}

/* A copy at *at, which moves on; NULL of NULL. */
static const char *lay(char **at, const char *text)
{
    if (!text) return NULL;
    const size_t size = strlen(text) + 1;
    char *copy = memcpy(*at, text, size);
    *at += size;
    return copy;
}

/* A list of strings, missing or null: NULL. */
static const json_t *list_of(const json_t *object, const char *key, heed_status *status, heed_error *err)
{
    const json_t *list = json_object_get(object, key);
    if (*status != HEED_OK || !list || json_is_null(list)) return NULL;
    bool texts = json_is_array(list);
    for (size_t i = 0; texts && i < json_array_size(list); i++) texts = json_is_string(json_array_get(list, i));
    if (texts) return list;
    *status = heed_fail(err, HEED_E_DATA, "\"%s\" must be a list of strings, as [\"red cup\"]", key);
    return NULL;
}

static size_t size_of(const char *text) { return text ? strlen(text) + 1 : 0; }

static size_t sizes_of(const json_t *list)
{
    size_t size = 0;
    for (size_t i = 0; i < json_array_size(list); i++) size += size_of(json_string_value(json_array_get(list, i)));
    return size;
}

/* Pointers at *pointers, texts at *at; both move on. */
static heed_phrases lay_list(const char ***pointers, char **at, const json_t *list)
{
    const char **items = *pointers;
    const size_t n = json_array_size(list);
    for (size_t i = 0; i < n; i++) items[i] = lay(at, json_string_value(json_array_get(list, i)));
    *pointers += n;
    return (heed_phrases){items, (int64_t)n};
}

static heed_status copy_item(const heed_item *from, const json_t *must, const json_t *never, heed_item *item, char **memory, heed_error *err)
{
    const size_t pointers = (json_array_size(must) + json_array_size(never)) * sizeof(char *);
    const size_t size = pointers + size_of(from->text) + size_of(from->target) + size_of(from->prefix) + sizes_of(must) + sizes_of(never);
    const char **list = malloc(size);
    *memory = (char *)list;
    if (!list) return heed_fail(err, HEED_E_NOMEM, "out of memory for a record of %zu bytes", size);
    char *at = *memory + pointers;
    *item = (heed_item){.text = lay(&at, from->text), .target = lay(&at, from->target), .prefix = lay(&at, from->prefix)};
    item->must = lay_list(&list, &at, must);
    item->never = lay_list(&list, &at, never);
    return HEED_OK;
}

heed_status heed_item_parse(const char *json, size_t size, heed_item *item, char **memory, heed_error *err)
{
    json_error_t why;
    heed_status status = HEED_OK;
    *memory = NULL;
    json_t *object = json_loadb(json, size, JSON_REJECT_DUPLICATES, &why);
    if (!object) return heed_fail(err, HEED_E_DATA, "not a JSON object: %s (column %d)", why.text, why.column);
    heed_item found = {.text = text_of(object, "source", &status, err)};
    if (!found.text && status == HEED_OK) found.text = text_of(object, "text", &status, err);
    if (status == HEED_OK) found.target = text_of(object, "target", &status, err);
    if (status == HEED_OK) found.prefix = text_of(object, "prefix", &status, err);
    const json_t *must = list_of(object, "must", &status, err), *never = list_of(object, "never", &status, err);
    if (status == HEED_OK && !json_is_object(object)) status = heed_fail(err, HEED_E_DATA, "JSON, but not an object such as {\"source\": \"...\"}");
    if (status == HEED_OK && !found.text) status = heed_fail(err, HEED_E_DATA, "the object has no \"source\"");
    if (status == HEED_OK && found.target && found.prefix) status = heed_fail(err, HEED_E_DATA, "the object has a \"target\" and a \"prefix\"; give one");
    if (status == HEED_OK && found.target && (json_array_size(must) || json_array_size(never)))
        status = heed_fail(err, HEED_E_DATA, "the object has a \"target\", and words that must or must not appear; give one of them");
    if (status == HEED_OK) status = copy_item(&found, must, never, item, memory, err);
    json_decref(object);
    return status;
}
