/* config.json: model/config.h. JSON becomes the tree that YAML becomes, so that both are typed by one table. */
#include "model/config.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "model/keys.h"
#include "model/words.h"

enum { CONFIG_FORMAT = 1 };

heed_status heed_config_write(const heed_recipe *r, heed_buf *out)
{
    heed_buf_printf(out, "{\n  \"format\": %d,\n  \"model_type\": \"heed\",\n", CONFIG_FORMAT);
    heed_keys_json(r, heed_key_of_model, out);
    heed_buf_text(out, "\n}\n");
    return out->failed ? HEED_E_NOMEM : HEED_OK;
}

typedef struct builder {
    heed_arena *arena;
    const heed_origin *from;
    heed_error *err;
    int nodes;
} builder;

static heed_status out_of_memory(const builder *b)
{
    return heed_fail(b->err, HEED_E_NOMEM, "%s: out of memory", b->from->path);
}

/* The text of a value that is neither list nor map, as a recipe would have it. */
static heed_status scalar_text(const builder *b, const json_t *value, const char **text)
{
    heed_buf out = {0};
    if (json_is_string(value)) heed_buf_text(&out, json_string_value(value));
    else if (json_is_boolean(value)) heed_buf_text(&out, json_is_true(value) ? "true" : "false");
    else if (json_is_integer(value)) heed_buf_printf(&out, "%" PRId64, (int64_t)json_integer_value(value));
    else if (json_is_real(value)) heed_real_write(&out, json_real_value(value));
    else return heed_origin_fail(b->from, 0, b->err, "null has no place here");
    *text = out.failed ? NULL : heed_arena_text(b->arena, out.data);
    heed_buf_free(&out);
    return *text ? HEED_OK : out_of_memory(b);
}

static heed_status build(builder *b, const json_t *value, const char *key, int depth, heed_node *parent, heed_node **made);

static heed_status build_children(builder *b, const json_t *value, int depth, heed_node *n)
{
    heed_status s = HEED_OK;
    if (json_is_array(value)) {
        for (size_t i = 0; !s && i < json_array_size(value); i++) s = build(b, json_array_get(value, i), NULL, depth + 1, n, NULL);
        return s;
    }
    json_t *object = (json_t *)(uintptr_t)value;   /* jansson's iterators want it so; nothing is written */
    for (void *at = json_object_iter(object); !s && at; at = json_object_iter_next(object, at))
        s = build(b, json_object_iter_value(at), json_object_iter_key(at), depth + 1, n, NULL);
    return s;
}

static heed_status build(builder *b, const json_t *value, const char *key, int depth, heed_node *parent, heed_node **made)
{
    heed_node_kind kind = json_is_object(value) ? HEED_NODE_MAP : json_is_array(value) ? HEED_NODE_LIST : HEED_NODE_TEXT;
    if (depth > HEED_TREE_DEPTH) return heed_origin_fail(b->from, 0, b->err, "more than %d levels deep", HEED_TREE_DEPTH);
    if (++b->nodes > HEED_TREE_NODES) return heed_origin_fail(b->from, 0, b->err, "more than 10,000 values; this is not a model of heed");
    heed_node *n = heed_node_new(b->arena, kind, 0);
    if (!n) return out_of_memory(b);
    n->key = key;
    if (parent) heed_node_add(parent, n);
    if (made) *made = n;
    return kind == HEED_NODE_TEXT ? scalar_text(b, value, &n->text) : build_children(b, value, depth, n);
}

/* What says that this is a model of ours; taken out of the object, since it is no key of a recipe. */
static heed_status take_format(json_t *config, const heed_origin *from, heed_error *err)
{
    const char *type = json_string_value(json_object_get(config, "model_type"));
    const json_t *format = json_object_get(config, "format");
    char quoted[HEED_QUOTE_SIZE];
    if (!type) return heed_origin_fail(from, 0, err, "\"model_type\" is missing; expected \"heed\"");
    if (strcmp(type, "heed") != 0) return heed_origin_fail(from, 0, err, "model_type is %s, expected \"heed\"", heed_quote(quoted, type));
    if (!json_is_integer(format) || json_integer_value(format) < 1) return heed_origin_fail(from, 0, err, "\"format\" is missing or no number from 1");
    if (json_integer_value(format) > CONFIG_FORMAT)
        return heed_origin_fail(from, 0, err, "format %" PRId64 " is newer than %d, the newest that this heed reads; use the heed that wrote it, or a newer one",
                                (int64_t)json_integer_value(format), CONFIG_FORMAT);
    if (!json_is_object(json_object_get(config, "model"))) return heed_origin_fail(from, 0, err, "\"model\" is missing or no object");
    json_object_del(config, "model_type");
    json_object_del(config, "format");
    return HEED_OK;
}

/* Keys that belong to a recipe alone would be taken in silence otherwise. */
static heed_status only_model_keys(json_t *config, const heed_origin *from, heed_error *err)
{
    char quoted[HEED_QUOTE_SIZE];
    for (void *at = json_object_iter(config); at; at = json_object_iter_next(config, at)) {
        const char *key = json_object_iter_key(at);
        if (strcmp(key, "data") == 0 || strcmp(key, "train") == 0 || strcmp(key, "version") == 0)
            return heed_origin_fail(from, 0, err, "unknown key %s; it belongs to a recipe", heed_quote(quoted, key));
    }
    return HEED_OK;
}

static heed_status apply(heed_recipe *r, json_t *config, const heed_origin *from, heed_error *err)
{
    builder b = {.arena = heed_arena_new(0), .from = from, .err = err};
    heed_node *root = NULL;
    heed_status s = b.arena ? build(&b, config, NULL, 0, NULL, &root) : out_of_memory(&b);
    if (!s) s = heed_keys_apply(r, root, from, err);
    heed_keys_believe(r);
    if (!s) s = heed_keys_check(r, true, from, err);
    heed_arena_free(b.arena);
    return s;
}

heed_status heed_config_parse(heed_recipe *r, const char *json, size_t size, const char *path, heed_error *err)
{
    heed_origin from = {path, HEED_E_MODEL};
    *r = (heed_recipe){0};
    if (size > HEED_TREE_BYTES) return heed_origin_fail(&from, 0, err, "more than 1 MiB; this is not a model of heed");
    json_error_t problem;
    json_t *config = json_loadb(size ? json : "", size, JSON_REJECT_DUPLICATES, &problem);
    if (!config && json_error_code(&problem) == json_error_out_of_memory) return heed_fail(err, HEED_E_NOMEM, "%s: out of memory", path);
    if (!config) return heed_origin_fail(&from, problem.line, err, "not JSON: %s", problem.text);
    heed_status s = HEED_OK;
    if (!json_is_object(config)) s = heed_origin_fail(&from, 0, err, "expected an object with \"model_type\": \"heed\"");
    if (!s) s = take_format(config, &from, err);
    if (!s) s = only_model_keys(config, &from, err);
    if (!s) s = heed_recipe_default(r, err);
    if (!s) s = apply(r, config, &from, err);
    json_decref(config);
    if (s) heed_recipe_free(r);
    return s;
}
