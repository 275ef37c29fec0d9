/* What a settings file says before it is typed: texts, lists and maps, each with its line. Recipes (YAML) and config.json are both read into it. */
#ifndef HEED_MODEL_TREE_H
#define HEED_MODEL_TREE_H

#include "base/arena.h"

enum { HEED_TREE_DEPTH = 8, HEED_TREE_NODES = 10000, HEED_TREE_BYTES = 1 << 20 };

typedef enum heed_node_kind { HEED_NODE_TEXT, HEED_NODE_LIST, HEED_NODE_MAP } heed_node_kind;

typedef struct heed_node {
    heed_node_kind kind;
    int line;                          /* from 1; 0: the file has no lines to speak of */
    const char *key;                   /* its name, when it stands in a map */
    const char *text;                  /* of a text */
    struct heed_node *child, *last;    /* of a list or a map, in order */
    struct heed_node *next;
    int children;
} heed_node;

/* Where settings come from, and with which status they are refused. */
typedef struct heed_origin { const char *path; heed_status status; } heed_origin;

/* "path:line: ..." */
heed_status heed_origin_fail(const heed_origin *from, int line, heed_error *err, const char *format, ...) HEED_PRINTF(4, 5);

heed_node *heed_node_new(heed_arena *a, heed_node_kind kind, int line);          /* NULL: out of memory */
void heed_node_add(heed_node *parent, heed_node *child);
const heed_node *heed_node_find(const heed_node *map, const char *key);

/* The one document of a YAML text, in the arena; *root is NULL when there is none. first: number of its first line, 0: none is named. */
heed_status heed_yaml_read(heed_arena *a, const char *yaml, size_t size, const heed_origin *from, int first, heed_node **root, heed_error *err);

#endif
