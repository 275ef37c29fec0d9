/* Items and questions as they come over a wire. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "heed.h"
#include "model/words.h"

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

/* --- questions ------------------------------------------------------------------------------------------------------------------------------------ */

enum { MOST_LISTED = 64 };

static heed_status check_keys(const json_t *object, heed_error *err)
{
    static const char *const known[] = {"text", "source", "target", "lenses", "what_if", "form", "trust", "heads"};
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value) {
        char quoted[HEED_QUOTE_SIZE];
        heed_nearest near = {.wanted = key};
        bool found = false;
        for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
            found |= !strcmp(key, known[i]);
            heed_nearest_offer(&near, known[i]);
        }
        if (!found)
            return heed_fail(err, HEED_E_DATA, "unknown key %s%s%s%s; there are text, target, lenses, what_if, form, trust and heads", heed_quote(quoted, key),
                             *near.best ? "; did you mean " : "", near.best, *near.best ? "?" : "");
    }
    return HEED_OK;
}

static bool switch_of(const json_t *object, const char *key, heed_status *status, heed_error *err)
{
    const json_t *value = json_object_get(object, key);
    if (*status == HEED_OK && value && !json_is_null(value) && !json_is_boolean(value)) *status = heed_fail(err, HEED_E_DATA, "\"%s\" must be true or false", key);
    return json_is_true(value);
}

/* A list of few strings. */
static const json_t *few_of(const json_t *object, const char *key, heed_status *status, heed_error *err)
{
    const json_t *list = list_of(object, key, status, err);
    if (json_array_size(list) > MOST_LISTED) *status = heed_fail(err, HEED_E_LIMIT, "\"%s\" holds %zu strings; at most %d", key, json_array_size(list), MOST_LISTED);
    return list;
}

static heed_status copy_question(const heed_question *from, const json_t *lenses, const json_t *what_if, heed_question *to, char **memory, heed_error *err)
{
    const size_t pointers = (json_array_size(lenses) + json_array_size(what_if)) * sizeof(char *);
    const size_t size = pointers + size_of(from->item.text) + size_of(from->item.target) + size_of(from->form) + sizes_of(lenses) + sizes_of(what_if);
    const char **list = malloc(size);
    *memory = (char *)list;
    if (!list) return heed_fail(err, HEED_E_NOMEM, "out of memory for a question of %zu bytes", size);
    char *at = *memory + pointers;
    *to = *from;
    to->item = (heed_item){.text = lay(&at, from->item.text), .target = lay(&at, from->item.target)};
    to->form = lay(&at, from->form);
    to->lenses = lay_list(&list, &at, lenses).items;
    to->what_if = lay_list(&list, &at, what_if).items;
    to->lens_count = (int)json_array_size(lenses);
    to->what_if_count = (int)json_array_size(what_if);
    return HEED_OK;
}

heed_status heed_question_parse(const char *json, size_t size, heed_question *question, char **memory, heed_error *err)
{
    json_error_t why;
    *memory = NULL;
    json_t *object = json_loadb(json, size, JSON_REJECT_DUPLICATES, &why);
    if (!object) return heed_fail(err, HEED_E_DATA, "not a JSON object: %s (line %d, column %d)", why.text, why.line, why.column);
    heed_status status = json_is_object(object) ? check_keys(object, err) : heed_fail(err, HEED_E_DATA, "JSON, but not an object such as {\"text\": \"...\"}");
    heed_question found = {.trust = switch_of(object, "trust", &status, err), .heads = switch_of(object, "heads", &status, err)};
    const char *source = NULL;
    if (status == HEED_OK) found.item.text = text_of(object, "text", &status, err);
    if (status == HEED_OK) source = text_of(object, "source", &status, err);
    if (status == HEED_OK) found.item.target = text_of(object, "target", &status, err);
    if (status == HEED_OK) found.form = text_of(object, "form", &status, err);
    const json_t *lenses = few_of(object, "lenses", &status, err), *what_if = few_of(object, "what_if", &status, err);
    if (status == HEED_OK && found.item.text && source) status = heed_fail(err, HEED_E_DATA, "the object has a \"text\" and a \"source\", which is another name of it; give one");
    if (!found.item.text) found.item.text = source;
    if (status == HEED_OK && !found.item.text) status = heed_fail(err, HEED_E_DATA, "the object has no \"text\"");
    if (status == HEED_OK) status = copy_question(&found, lenses, what_if, question, memory, err);
    json_decref(object);
    return status;
}
