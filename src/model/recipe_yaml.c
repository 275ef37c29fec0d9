/* YAML to a tree, by libyaml's events. Only what a recipe needs: one document of maps, lists and texts. Anchors and aliases are refused because
 * they let a short file stand for an enormous one; tags because every text is typed by its key. */
#include <string.h>
#include <yaml.h>

#include "model/tree.h"
#include "model/words.h"

typedef struct reader {
    yaml_parser_t parser;
    heed_arena *arena;
    const heed_origin *from;
    heed_error *err;
    int first;                                 /* number of the first line, 0: lines are not named */
    heed_node *open[HEED_TREE_DEPTH];          /* the lists and maps that are being read */
    int depth, nodes, documents;
    const char *key;                           /* read, its value not yet */
    int key_line;
    heed_node *root;
} reader;

static int line_of(const reader *r, yaml_mark_t mark)
{
    return r->first ? (int)mark.line + r->first : 0;
}

static heed_status not_yaml(reader *r)
{
    const yaml_parser_t *p = &r->parser;
    if (p->error == YAML_MEMORY_ERROR) return heed_fail(r->err, HEED_E_NOMEM, "%s: out of memory", r->from->path);
    const char *problem = p->problem ? p->problem : "unreadable";
    if (p->error == YAML_READER_ERROR)
        return heed_origin_fail(r->from, 0, r->err, "not YAML: %s at byte %zu; a recipe is UTF-8 text", problem, p->problem_offset);
    return heed_origin_fail(r->from, line_of(r, p->problem_mark), r->err, "not YAML: %s%s%s", p->context ? p->context : "",
                            p->context ? ", " : "", problem);
}

static heed_status add_node(reader *r, heed_node_kind kind, const char *text, int line)
{
    if (++r->nodes > HEED_TREE_NODES) return heed_origin_fail(r->from, line, r->err, "more than 10,000 values; this is not a recipe");
    heed_node *parent = r->depth ? r->open[r->depth - 1] : NULL, *n = heed_node_new(r->arena, kind, line);
    if (!n) return heed_fail(r->err, HEED_E_NOMEM, "%s: out of memory", r->from->path);
    n->text = text;
    if (parent && parent->kind == HEED_NODE_MAP) {
        n->key = r->key;
        n->line = r->key_line;
        r->key = NULL;
    }
    if (parent) heed_node_add(parent, n);
    else r->root = n;
    if (kind == HEED_NODE_TEXT) return HEED_OK;
    if (r->depth == HEED_TREE_DEPTH) return heed_origin_fail(r->from, line, r->err, "more than %d levels deep", HEED_TREE_DEPTH);
    r->open[r->depth++] = n;
    return HEED_OK;
}

static bool wants_key(const reader *r)
{
    return r->depth && r->open[r->depth - 1]->kind == HEED_NODE_MAP && !r->key;
}

static heed_status take_key(reader *r, const char *text, int line)
{
    char quoted[HEED_QUOTE_SIZE];
    const heed_node *twin = heed_node_find(r->open[r->depth - 1], text);
    if (twin && twin->line) return heed_origin_fail(r->from, line, r->err, "key %s again; it is given at line %d", heed_quote(quoted, text), twin->line);
    if (twin) return heed_origin_fail(r->from, line, r->err, "key %s is given twice", heed_quote(quoted, text));
    r->key = text;
    r->key_line = line;
    return HEED_OK;
}

static heed_status take_text(reader *r, const yaml_event_t *e)
{
    int line = line_of(r, e->start_mark);
    const char *bytes = (const char *)e->data.scalar.value;
    size_t size = e->data.scalar.length;
    if (memchr(bytes, 0, size)) return heed_origin_fail(r->from, line, r->err, "a zero byte in a text");
    char *text = heed_arena_text(r->arena, bytes);
    if (!text) return heed_fail(r->err, HEED_E_NOMEM, "%s: out of memory", r->from->path);
    return wants_key(r) ? take_key(r, text, line) : add_node(r, HEED_NODE_TEXT, text, line);
}

static heed_status open_node(reader *r, const yaml_event_t *e, heed_node_kind kind)
{
    int line = line_of(r, e->start_mark);
    if (wants_key(r)) return heed_origin_fail(r->from, line, r->err, "a key must be a plain word");
    return add_node(r, kind, NULL, line);
}

static heed_status no_frills(reader *r, const yaml_event_t *e, const yaml_char_t *anchor, const yaml_char_t *tag)
{
    int line = line_of(r, e->start_mark);
    if (anchor) return heed_origin_fail(r->from, line, r->err, "anchors (&) and aliases (*) have no place in a recipe; write the value out, or quote it");
    if (tag) return heed_origin_fail(r->from, line, r->err, "tags (!) have no place in a recipe: every value is typed by its key; remove it, or quote the value");
    return HEED_OK;
}

static heed_status take_event(reader *r, const yaml_event_t *e)
{
    heed_status s = HEED_OK;
    switch (e->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (r->documents++) return heed_origin_fail(r->from, line_of(r, e->start_mark), r->err, "a second document (---); a recipe is one");
        return HEED_OK;
    case YAML_ALIAS_EVENT: return no_frills(r, e, e->data.alias.anchor, NULL);
    case YAML_SCALAR_EVENT:
        s = no_frills(r, e, e->data.scalar.anchor, e->data.scalar.tag);
        return s ? s : take_text(r, e);
    case YAML_SEQUENCE_START_EVENT:
        s = no_frills(r, e, e->data.sequence_start.anchor, e->data.sequence_start.tag);
        return s ? s : open_node(r, e, HEED_NODE_LIST);
    case YAML_MAPPING_START_EVENT:
        s = no_frills(r, e, e->data.mapping_start.anchor, e->data.mapping_start.tag);
        return s ? s : open_node(r, e, HEED_NODE_MAP);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        r->depth--;
        return HEED_OK;
    default: return HEED_OK;
    }
}

static heed_status read_events(reader *r)
{
    for (;;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&r->parser, &event)) return not_yaml(r);
        yaml_event_type_t type = event.type;
        heed_status s = take_event(r, &event);
        yaml_event_delete(&event);
        if (s || type == YAML_STREAM_END_EVENT || type == YAML_NO_EVENT) return s;
    }
}

heed_status heed_yaml_read(heed_arena *a, const char *yaml, size_t size, const heed_origin *from, int first, heed_node **root, heed_error *err)
{
    *root = NULL;
    if (size > HEED_TREE_BYTES) return heed_origin_fail(from, 0, err, "more than 1 MiB; this is not a recipe");
    reader r = {.arena = a, .from = from, .err = err, .first = first};
    if (!yaml_parser_initialize(&r.parser)) return heed_fail(err, HEED_E_NOMEM, "%s: out of memory", from->path);
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)yaml, size);
    heed_status s = read_events(&r);
    yaml_parser_delete(&r.parser);
    if (!s) *root = r.root;
    return s;
}
