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

static heed_status copy_item(const heed_item *from, heed_item *item, char **memory, heed_error *err)
{
    const size_t size = strlen(from->text) + (from->target ? strlen(from->target) : 0) + (from->prefix ? strlen(from->prefix) : 0) + 3;
    char *at = *memory = malloc(size);
    if (!at) return heed_fail(err, HEED_E_NOMEM, "out of memory for a record of %zu bytes", size);
    *item = (heed_item){.text = lay(&at, from->text), .target = lay(&at, from->target), .prefix = lay(&at, from->prefix)};
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
    if (status == HEED_OK && !json_is_object(object)) status = heed_fail(err, HEED_E_DATA, "JSON, but not an object such as {\"source\": \"...\"}");
    if (status == HEED_OK && !found.text) status = heed_fail(err, HEED_E_DATA, "the object has no \"source\"");
    if (status == HEED_OK && found.target && found.prefix) status = heed_fail(err, HEED_E_DATA, "the object has a \"target\" and a \"prefix\"; give one");
    if (status == HEED_OK) status = copy_item(&found, item, memory, err);
    json_decref(object);
    return status;
}
