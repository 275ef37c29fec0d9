/* The tree of a settings file: model/tree.h. */
#include "model/tree.h"

#include <stdio.h>
#include <string.h>

heed_status heed_origin_fail(const heed_origin *from, int line, heed_error *err, const char *format, ...)
{
    char text[sizeof err->text];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (line > 0) return heed_fail(err, from->status, "%s:%d: %s", from->path, line, text);
    return heed_fail(err, from->status, "%s: %s", from->path, text);
}

heed_node *heed_node_new(heed_arena *a, heed_node_kind kind, int line)
{
    heed_node *n = heed_arena_zero(a, sizeof *n);
    if (n) n->kind = kind, n->line = line;
    return n;
}

void heed_node_add(heed_node *parent, heed_node *child)
{
    if (parent->last) parent->last->next = child;
    else parent->child = child;
    parent->last = child;
    parent->children++;
}

const heed_node *heed_node_find(const heed_node *map, const char *key)
{
    for (const heed_node *n = map->child; n; n = n->next)
        if (strcmp(n->key, key) == 0) return n;
    return NULL;
}
