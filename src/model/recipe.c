/* Recipes: reading, typing by the table of keys, assignments, files. model/recipe.h. The rules between keys are in recipe_check.c, writing in
 * recipe_write.c. */
#include "model/keys.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "model/keys.h"
#include "model/words.h"

enum { NAME_SIZE = 128 };

typedef struct visit {
    heed_recipe *r;
    heed_recipe_owner *owner;
    const heed_origin *from;
    heed_error *err;
    int line[HEED_KEYS];
    bool now[HEED_KEYS];        /* given by this file or assignment */
} visit;

/* --- what is wrong with a value or a key --- */

/* A list is shown as far as it goes into a message. */
static void describe_list(const heed_node *list, char out[HEED_QUOTE_SIZE])
{
    char part[HEED_QUOTE_SIZE];
    size_t used = 0;
    out[used++] = '[';
    for (const heed_node *n = list->child; n; n = n->next) {
        if (n->kind == HEED_NODE_TEXT) heed_quote(part, n->text);
        else snprintf(part, sizeof part, "%s", n->kind == HEED_NODE_LIST ? "[...]" : "{...}");
        if (used + strlen(part) + 12 > HEED_QUOTE_SIZE) snprintf(part, sizeof part, "...");
        used += (size_t)snprintf(out + used, HEED_QUOTE_SIZE - used, "%s%s", used > 1 ? ", " : "", part);
        if (strcmp(part, "...") == 0) break;
    }
    snprintf(out + used, HEED_QUOTE_SIZE - used, "]");
}

static void describe_found(const heed_node *n, char out[HEED_QUOTE_SIZE])
{
    if (n->kind == HEED_NODE_TEXT) heed_quote(out, n->text);
    else if (n->kind == HEED_NODE_LIST) describe_list(n, out);
    else snprintf(out, HEED_QUOTE_SIZE, "keys and values");
}

static void describe_expected(const heed_key *k, heed_buf *out)
{
    bool single = k->low == k->high && k->kind == &heed_kind_whole;
    if (!single) heed_buf_text(out, k->kind->before);
    k->kind->range(k, out);
    if (single) heed_buf_printf(out, " (%s)", k->meaning);
}

static heed_status refuse_value(const visit *v, const heed_key *k, const heed_node *n)
{
    char found[HEED_QUOTE_SIZE];
    describe_found(n, found);
    heed_nearest near = {.wanted = n->kind == HEED_NODE_TEXT ? n->text : ""};
    for (const heed_choice *c = k->choices; c && c->name; c++) heed_nearest_offer(&near, c->name);
    heed_buf expected = {0};
    describe_expected(k, &expected);
    heed_status s = HEED_E_NOMEM;
    if (expected.failed) heed_fail(v->err, s, "%s: out of memory", v->from->path);
    else
        s = heed_origin_fail(v->from, n->line, v->err, "%s: expected %s, found %s%s%s%s", k->name, expected.data, found,
                             *near.best ? "; did you mean \"" : "", near.best, *near.best ? "\"?" : "");
    heed_buf_free(&expected);
    return s;
}

/* The word of a name that stands right under a section ("train."), as in train.[batch].tokens; false when the name is elsewhere. */
static bool word_under(const char *name, const char *section, char out[NAME_SIZE])
{
    size_t size = strlen(section);
    if (!*name || strncmp(name, section, size) != 0) return false;
    snprintf(out, NAME_SIZE, "%.*s", (int)strcspn(name + size, "."), name + size);
    return true;
}

static const char *elsewhere(const char *word)
{
    for (int i = 0; i < HEED_KEYS; i++) {
        const char *last = strrchr(heed_keys[i].name, '.');
        if (last && strcmp(last + 1, word) == 0) return heed_keys[i].name;
    }
    return NULL;
}

static void list_words(const char *section, heed_buf *out)
{
    char word[NAME_SIZE], before[NAME_SIZE] = "";
    for (int i = 0; i < HEED_KEYS; i++) {
        if (!word_under(heed_keys[i].name, section, word) || strcmp(word, before) == 0) continue;
        if (*before) heed_buf_text(out, ", ");
        heed_buf_text(out, word);
        memcpy(before, word, sizeof before);
    }
}

static heed_status refuse_key(const visit *v, const heed_node *n, const char *section)
{
    heed_nearest near = {.wanted = n->key};
    char word[NAME_SIZE], quoted[HEED_QUOTE_SIZE];
    for (int i = 0; i < HEED_KEYS; i++) {
        if (word_under(heed_keys[i].name, section, word)) heed_nearest_offer(&near, word);
        if (word_under(heed_keys[i].alias, section, word)) heed_nearest_offer(&near, word);
    }
    heed_buf hint = {0};
    const char *other = elsewhere(n->key);
    if (*near.best) heed_buf_printf(&hint, "did you mean \"%s\"?", near.best);
    else if (other) heed_buf_printf(&hint, "did you mean %s?", other);
    else heed_buf_text(&hint, "known there: "), list_words(section, &hint);
    int size = (int)strlen(section);
    heed_status s = heed_origin_fail(v->from, n->line, v->err, "unknown key %s%s%.*s; %s", heed_quote(quoted, n->key), size ? " under " : "",
                                     size ? size - 1 : 0, section, hint.failed ? "" : hint.data);
    heed_buf_free(&hint);
    return s;
}

/* --- typing --- */

static bool is_section(const char *name)
{
    size_t size = strlen(name);
    for (int i = 0; i < HEED_KEYS; i++)
        if (strncmp(heed_keys[i].name, name, size) == 0 && heed_keys[i].name[size] == '.') return true;
    return false;
}

/* By its own name and a short one, or by two short ones. */
static heed_status refuse_again(const visit *v, int i, const heed_node *n, const char *name)
{
    char place[32] = "", other[NAME_SIZE + 16] = "";
    if (v->line[i]) snprintf(place, sizeof place, ", at line %d", v->line[i]);
    if (strcmp(name, heed_keys[i].name) != 0) snprintf(other, sizeof other, "%s sets ", name);
    return heed_origin_fail(v->from, n->line, v->err, "%s%s%s is set already%s", other, heed_keys[i].name, *other ? ", which" : "", place);
}

static heed_status set_key(visit *v, int i, const heed_node *n, const char *name)
{
    const heed_key *k = &heed_keys[i];
    if (v->now[i]) return refuse_again(v, i, n, name);
    heed_taken taken = k->kind->set(k, v->r, n, v->owner->memory);
    if (taken == HEED_NO_MEMORY) return heed_fail(v->err, HEED_E_NOMEM, "%s: out of memory", v->from->path);
    if (taken == HEED_REFUSED) return refuse_value(v, k, n);
    v->now[i] = v->owner->given[i] = v->owner->fresh[i] = true;
    v->line[i] = v->owner->line[i] = n->line;
    return HEED_OK;
}

static heed_status set_named(visit *v, const heed_node *n, const char *name, bool *known)
{
    *known = false;
    for (int i = 0; i < HEED_KEYS; i++) {
        if (strcmp(heed_keys[i].name, name) != 0 && strcmp(heed_keys[i].alias, name) != 0) continue;
        *known = true;
        heed_status s = set_key(v, i, n, name);
        if (s) return s;
    }
    return HEED_OK;
}

/* Recursion is bounded by the depth of the tree. section: "" or "train." */
static heed_status visit_map(visit *v, const heed_node *map, const char *section)
{
    for (const heed_node *n = map->child; n; n = n->next) {
        char name[NAME_SIZE];
        int size = snprintf(name, sizeof name - 1, "%s%s", section, n->key);
        if (!*n->key || strchr(n->key, '.') || size >= (int)sizeof name - 1) return refuse_key(v, n, section);
        bool known = false, below = is_section(name);
        heed_status s = HEED_OK;
        if (below && n->kind == HEED_NODE_MAP) {
            memcpy(name + size, ".", 2);
            s = visit_map(v, n, name);
        } else {
            s = set_named(v, n, name, &known);
            if (!s && !known && below) {
                char found[HEED_QUOTE_SIZE];
                describe_found(n, found);
                s = heed_origin_fail(v->from, n->line, v->err, "%s: expected keys and values below it, found %s", name, found);
            } else if (!s && !known) s = refuse_key(v, n, section);
        }
        if (s) return s;
    }
    return HEED_OK;
}

static int place_of(const char *name)
{
    int i = 0;
    while (i < HEED_KEYS - 1 && strcmp(heed_keys[i].name, name) != 0) i++;
    return i;
}

/* Settings that step back when their partner is given: the other way to cut batches, and the default end of the training. */
static void settle(visit *v)
{
    int sentences = place_of("train.batch.sentences"), tokens = place_of("train.batch.tokens"), epochs = place_of("train.epochs");
    heed_recipe *r = v->r;
    if (v->now[sentences] && r->train.sentences && !v->now[tokens]) r->train.tokens = 0;
    if (v->now[tokens] && r->train.tokens && !v->now[sentences]) r->train.sentences = 0;
    if ((v->now[place_of("train.updates")] && r->train.updates) || (v->now[place_of("train.seconds")] && r->train.seconds))
        if (!v->owner->given[epochs]) r->train.epochs = 0;
}

heed_status heed_keys_apply(heed_recipe *r, const heed_node *root, const heed_origin *from, heed_error *err)
{
    visit v = {.r = r, .owner = r->owner, .from = from, .err = err};
    char found[HEED_QUOTE_SIZE];
    if (root->kind != HEED_NODE_MAP) {
        describe_found(root, found);
        return heed_origin_fail(from, root->line, err, "expected keys and values (\"task: transduce\"), found %s", found);
    }
    heed_status s = visit_map(&v, root, "");
    if (!s) settle(&v);
    return s;
}

/* --- the recipe --- */

static heed_status text_node(heed_arena *scratch, const char *text, const heed_origin *from, heed_node **out, heed_error *err)
{
    *out = heed_node_new(scratch, HEED_NODE_TEXT, 0);
    if (!*out) return heed_fail(err, HEED_E_NOMEM, "%s: out of memory", from->path);
    (*out)->text = text;
    return HEED_OK;
}

/* A value as it is written for a key: YAML, of which nothing at all is an empty text. */
static heed_status read_value(heed_arena *scratch, const char *value, const heed_origin *from, heed_node **out, heed_error *err)
{
    heed_status s = heed_yaml_read(scratch, value, strlen(value), from, 0, out, err);
    return s || *out ? s : text_node(scratch, "", from, out, err);
}

static heed_status set_defaults(heed_recipe *r, heed_arena *scratch, heed_error *err)
{
    visit v = {.r = r, .owner = r->owner, .from = &(heed_origin){"recipe", HEED_E_USAGE}, .err = err};
    for (int i = 0; i < HEED_KEYS; i++) {
        heed_node *n = NULL;
        const char *standard = heed_keys[i].standard;
        heed_status s = *standard == '[' ? read_value(scratch, standard, v.from, &n, err) : text_node(scratch, standard, v.from, &n, err);
        if (!s) s = set_key(&v, i, n, heed_keys[i].name);
        if (s) return s;
    }
    memset(v.owner->given, 0, sizeof v.owner->given);
    memset(v.owner->fresh, 0, sizeof v.owner->fresh);
    return HEED_OK;
}

heed_status heed_recipe_default(heed_recipe *r, heed_error *err)
{
    *r = (heed_recipe){0};
    heed_recipe_owner *owner = calloc(1, sizeof *owner);
    heed_arena *scratch = heed_arena_new(0);
    r->owner = owner;
    if (owner) owner->memory = heed_arena_new(0);
    heed_status s = HEED_E_NOMEM;
    if (owner && owner->memory && scratch) s = set_defaults(r, scratch, err);
    else heed_fail(err, s, "out of memory");
    heed_arena_free(scratch);
    if (s) heed_recipe_free(r);
    return s;
}

void heed_recipe_free(heed_recipe *r)
{
    if (!r) return;
    heed_recipe_owner *owner = r->owner;
    if (owner) heed_arena_free(owner->memory);
    free(owner);
    *r = (heed_recipe){0};
}

static heed_status apply_yaml(heed_recipe *r, const char *yaml, size_t size, const heed_origin *from, heed_error *err)
{
    heed_arena *scratch = heed_arena_new(0);
    if (!scratch) return heed_fail(err, HEED_E_NOMEM, "%s: out of memory", from->path);
    heed_node *root = NULL;
    heed_status s = heed_yaml_read(scratch, yaml, size, from, 1, &root, err);
    if (!s && !root) s = heed_origin_fail(from, 0, err, "empty; a recipe names at least data.train");
    if (!s) s = heed_keys_apply(r, root, from, err);
    heed_arena_free(scratch);
    return s;
}

/* ours: written by heed_recipe_write(), now or in an older version. */
static heed_status apply_file(heed_recipe *r, const char *yaml, size_t size, const char *path, bool ours, heed_error *err)
{
    heed_status s = r->owner ? HEED_OK : heed_recipe_default(r, err);
    if (s) return s;
    heed_recipe_owner *owner = r->owner;
    r->path = path ? heed_arena_text(owner->memory, path) : NULL;
    if (path && !r->path) return heed_fail(err, HEED_E_NOMEM, "%s: out of memory", path);
    const heed_origin from = {path ? path : "recipe", HEED_E_USAGE};
    s = apply_yaml(r, yaml, size, &from, err);
    if (!s && ours) heed_keys_believe(r);
    return s ? s : heed_keys_heard(r, &from, err);
}

heed_status heed_recipe_parse(heed_recipe *r, const char *yaml, size_t size, const char *path, heed_error *err)
{
    heed_status s = apply_file(r, yaml, size, path, false, err);
    return s ? s : heed_recipe_check(r, err);
}

heed_status heed_recipe_restore(heed_recipe *r, const char *yaml, size_t size, const char *path, heed_error *err)
{
    heed_status s = apply_file(r, yaml, size, path, true, err);
    return s ? s : heed_recipe_check(r, err);
}

heed_status heed_recipe_reopen(heed_recipe *r, const char *path, heed_error *err)
{
    heed_file file;
    heed_status s = heed_file_map(&file, path, HEED_E_USAGE, err);
    if (s) return s;
    s = heed_recipe_restore(r, file.data ? (const char *)file.data : "", file.size, path, err);
    heed_file_unmap(&file);
    return s;
}

heed_status heed_recipe_open(heed_recipe *r, const char *path, const char *const *sets, int count, heed_error *err)
{
    heed_file file;
    heed_status s = heed_file_map(&file, path, HEED_E_USAGE, err);
    if (s) return s;
    s = apply_file(r, file.data ? (const char *)file.data : "", file.size, path, false, err);
    heed_file_unmap(&file);
    for (int i = 0; !s && i < count; i++) s = heed_recipe_set(r, sets[i], err);
    if (!s && count > 0) s = heed_keys_heard(r, &(heed_origin){"--set", HEED_E_USAGE}, err);
    return s ? s : heed_recipe_check(r, err);
}

/* "a.b.c" and a value become the maps that a file would have. */
static heed_status apply_assignment(heed_recipe *r, char *name, const char *value, heed_arena *scratch, const heed_origin *from, heed_error *err)
{
    heed_node *n = NULL;
    heed_status s = read_value(scratch, value, from, &n, err);
    if (s) return s;
    for (int level = 0; level < HEED_TREE_DEPTH; level++) {
        char *point = strrchr(name, '.');
        heed_node *map = heed_node_new(scratch, HEED_NODE_MAP, 0);
        if (!map) return heed_fail(err, HEED_E_NOMEM, "%s: out of memory", from->path);
        n->key = point ? point + 1 : name;
        heed_node_add(map, n);
        n = map;
        if (!point) return heed_keys_apply(r, n, from, err);
        *point = 0;
    }
    return heed_origin_fail(from, 0, err, "no key has so many parts");
}

heed_status heed_recipe_set(heed_recipe *r, const char *assignment, heed_error *err)
{
    char quoted[HEED_QUOTE_SIZE], path[HEED_QUOTE_SIZE + 8];
    snprintf(path, sizeof path, "--set %s", heed_quote(quoted, assignment));
    heed_origin from = {path, HEED_E_USAGE};
    const char *equals = strchr(assignment, '=');
    if (!equals) return heed_origin_fail(&from, 0, err, "expected key=value");
    heed_status s = r->owner ? HEED_OK : heed_recipe_default(r, err);
    if (s) return s;
    heed_arena *scratch = heed_arena_new(0);
    char *name = scratch ? heed_arena_text(scratch, assignment) : NULL;
    if (name) {
        name[equals - assignment] = 0;
        s = apply_assignment(r, name, equals + 1, scratch, &from, err);
    } else s = heed_fail(err, HEED_E_NOMEM, "%s: out of memory", path);
    heed_arena_free(scratch);
    return s;
}

/* A Transformer's rows are as wide as its embeddings, which are multiplied by the root of that width: they begin with a variance of 1 then. */
int64_t heed_recipe_embed(const heed_recipe *r, bool target, double *deviation)
{
    const heed_encoder_settings *e = &r->model.encoder;
    const heed_decoder_settings *d = &r->model.decoder;
    const bool whole = target ? d->type == HEED_DECODER_transformer : e->type == HEED_ENCODER_transformer;
    const bool conv = target ? d->type == HEED_DECODER_conv : e->type == HEED_ENCODER_conv;
    const int64_t width = target ? d->width : e->width;
    *deviation = whole ? 1 / sqrt((double)width) : conv ? 0.1 : 1;   /* Vaswani et al. 2017 and Gehring et al. 2017, section 3.5, make them so */
    return whole ? width : target ? d->embed : e->embed;
}
