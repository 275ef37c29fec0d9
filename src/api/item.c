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

static heed_status copy_item(const char *source, const char *target, heed_item *item, char **memory, heed_error *err)
{
    const size_t first = strlen(source) + 1, second = target ? strlen(target) + 1 : 0;
    *memory = malloc(first + second);
    if (!*memory) return heed_fail(err, HEED_E_NOMEM, "out of memory for a record of %zu bytes", first + second);
    memcpy(*memory, source, first);
    if (target) memcpy(*memory + first, target, second);
    *item = (heed_item){.text = *memory, .target = target ? *memory + first : NULL};
    return HEED_OK;
}

heed_status heed_item_parse(const char *json, size_t size, heed_item *item, char **memory, heed_error *err)
{
    json_error_t why;
    heed_status status = HEED_OK;
    *memory = NULL;
    json_t *object = json_loadb(json, size, JSON_REJECT_DUPLICATES, &why);
    if (!object) return heed_fail(err, HEED_E_DATA, "not a JSON object: %s (column %d)", why.text, why.column);
    const char *source = text_of(object, "source", &status, err), *target = NULL;
    if (!source && status == HEED_OK) source = text_of(object, "text", &status, err);
    if (status == HEED_OK) target = text_of(object, "target", &status, err);
    if (status == HEED_OK && !json_is_object(object)) status = heed_fail(err, HEED_E_DATA, "JSON, but not an object such as {\"source\": \"...\"}");
    if (status == HEED_OK && !source) status = heed_fail(err, HEED_E_DATA, "the object has no \"source\"");
    if (status == HEED_OK) status = copy_item(source, target, item, memory, err);
    json_decref(object);
    return status;
}
