/* The kinds of settings: how the value of a key is read, written and described. model/keys.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "metric/metric.h"
#include "model/keys.h"
#include "model/words.h"

/* --- helpers --- */

static void *field(const heed_key *k, heed_recipe *r)
{
    return (char *)r + k->offset;
}

static const void *field_of(const heed_key *k, const heed_recipe *r)
{
    return (const char *)r + k->offset;
}

static bool is_text(const heed_node *n)
{
    return n->kind == HEED_NODE_TEXT;
}

static bool is_list(const heed_node *n, int least, int most)
{
    if (n->kind != HEED_NODE_LIST || n->children < least || n->children > most) return false;
    for (const heed_node *c = n->child; c; c = c->next)
        if (!is_text(c)) return false;
    return true;
}

static bool real_in(const heed_key *k, const heed_node *n, double *value)
{
    return is_text(n) && heed_real_read(n->text, value) && *value >= k->low && *value <= k->high;
}

static bool whole_in(const heed_key *k, const heed_node *n, int64_t *value)
{
    return is_text(n) && heed_whole_read(n->text, value) && (double)*value >= k->low && (double)*value <= k->high;
}

static void group(heed_buf *out, int64_t n)
{
    char text[HEED_GROUP_SIZE];
    heed_buf_text(out, heed_group(text, n));
}

/* Words of letters and the like need no quotes in YAML, where every scalar is text typed by its key. */
static void write_text(const char *text, bool json, heed_buf *out)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_/";
    bool plain = !json && *text && strchr(letters, *text);
    for (const char *p = text; plain && *p; p++) plain = strchr(letters, *p) || strchr(".-+", *p);
    if (plain) heed_buf_text(out, text);
    else heed_json_text(out, text);
}

static void range_none(const heed_key *k, heed_buf *out)
{
    (void)k;
    (void)out;
}

/* --- whole numbers --- */

static heed_taken whole_set(const heed_key *k, heed_recipe *r, const heed_node *n, heed_arena *memory)
{
    (void)memory;
    int64_t value;
    if (!whole_in(k, n, &value)) return HEED_REFUSED;
    *(int64_t *)field(k, r) = value;
    return HEED_TAKEN;
}

static void whole_write(const heed_key *k, const heed_recipe *r, bool json, heed_buf *out)
{
    (void)json;
    heed_buf_printf(out, "%" PRId64, *(const int64_t *)field_of(k, r));
}

static void whole_range(const heed_key *k, heed_buf *out)
{
    group(out, (int64_t)k->low);
    if (k->low == k->high) return;
    heed_buf_text(out, " to ");
    group(out, (int64_t)k->high);
}

const heed_kind heed_kind_whole = {"whole number", "a whole number from ", whole_set, whole_write, whole_range};

/* --- the seed: all 64 bits --- */

static heed_taken seed_set(const heed_key *k, heed_recipe *r, const heed_node *n, heed_arena *memory)
{
    (void)memory;
    if (!is_text(n) || !*n->text || n->text[strspn(n->text, "0123456789")]) return HEED_REFUSED;
    errno = 0;
    unsigned long long value = strtoull(n->text, NULL, 10);
    if (errno) return HEED_REFUSED;
    *(uint64_t *)field(k, r) = value;
    return HEED_TAKEN;
}

static void seed_write(const heed_key *k, const heed_recipe *r, bool json, heed_buf *out)
{
    (void)json;
    heed_buf_printf(out, "%" PRIu64, *(const uint64_t *)field_of(k, r));
}

static void seed_range(const heed_key *k, heed_buf *out)
{
    (void)k;
    heed_buf_text(out, "0 to 18,446,744,073,709,551,615");
}

const heed_kind heed_kind_seed = {"whole number", "a whole number from ", seed_set, seed_write, seed_range};

/* --- numbers --- */

static heed_taken real_set(const heed_key *k, heed_recipe *r, const heed_node *n, heed_arena *memory)
{
    (void)memory;
    double value;
    if (!real_in(k, n, &value)) return HEED_REFUSED;
    *(double *)field(k, r) = value;
    return HEED_TAKEN;
}

static void real_write(const heed_key *k, const heed_recipe *r, bool json, heed_buf *out)
{
    (void)json;
    heed_real_write(out, *(const double *)field_of(k, r));
}

static void real_range(const heed_key *k, heed_buf *out)
{
    heed_real_write(out, k->low);
    heed_buf_text(out, " to ");
    heed_real_write(out, k->high);
}

const heed_kind heed_kind_real = {"number", "a number from ", real_set, real_write, real_range};

/* --- true or false --- */

static heed_taken flag_set(const heed_key *k, heed_recipe *r, const heed_node *n, heed_arena *memory)
{
    (void)memory;
    if (!is_text(n)) return HEED_REFUSED;
    bool yes = strcmp(n->text, "true") == 0;
    if (!yes && strcmp(n->text, "false") != 0) return HEED_REFUSED;
    *(bool *)field(k, r) = yes;
    return HEED_TAKEN;
}

static void flag_write(const heed_key *k, const heed_recipe *r, bool json, heed_buf *out)
{
    (void)json;
    heed_buf_text(out, *(const bool *)field_of(k, r) ? "true" : "false");
}

static void flag_range(const heed_key *k, heed_buf *out)
{
    (void)k;
    heed_buf_text(out, "true or false");
}

const heed_kind heed_kind_flag = {"flag", "", flag_set, flag_write, flag_range};

/* --- one of some words --- */

static heed_taken choice_set(const heed_key *k, heed_recipe *r, const heed_node *n, heed_arena *memory)
{
    (void)memory;
    for (const heed_choice *c = k->choices; is_text(n) && c->name; c++) {
        if (strcmp(c->name, n->text) != 0) continue;
        memcpy(field(k, r), &c->value, sizeof c->value);   /* an int, or an enum of its size */
        return HEED_TAKEN;
    }
    return HEED_REFUSED;
}

static void choice_write(const heed_key *k, const heed_recipe *r, bool json, heed_buf *out)
{
    int value;
    memcpy(&value, field_of(k, r), sizeof value);
    const heed_choice *c = k->choices;
    while (c->name && c->value != value) c++;
    write_text(c->name ? c->name : "?", json, out);
}

static void choice_range(const heed_key *k, heed_buf *out)
{
    for (const heed_choice *c = k->choices; c->name; c++) {
        if (c != k->choices) heed_buf_text(out, c[1].name ? ", " : " or ");
        heed_buf_text(out, c->name);
    }
}

const heed_kind heed_kind_choice = {"choice", "", choice_set, choice_write, choice_range};

/* --- text; a range is its length in bytes --- */

static heed_taken text_set(const heed_key *k, heed_recipe *r, const heed_node *n, heed_arena *memory)
{
    if (!is_text(n)) return HEED_REFUSED;
    size_t size = strlen(n->text);
    if (k->high > 0 && ((double)size < k->low || (double)size > k->high)) return HEED_REFUSED;
    char *copy = heed_arena_text(memory, n->text);
    if (!copy) return HEED_NO_MEMORY;
    *(char **)field(k, r) = copy;
    return HEED_TAKEN;
}

static void text_write(const heed_key *k, const heed_recipe *r, bool json, heed_buf *out)
{
    write_text(*(char *const *)field_of(k, r), json, out);
}

static void text_range(const heed_key *k, heed_buf *out)
{
    if (k->high <= 0) heed_buf_text(out, "any length");
    else whole_range(k, out), heed_buf_text(out, " bytes");
}

const heed_kind heed_kind_text = {"text", "a text of ", text_set, text_write, text_range};

/* --- "loss", or a metric by its name --- */

static heed_taken metric_set(const heed_key *k, heed_recipe *r, const heed_node *n, heed_arena *memory)
{
    if (!is_text(n) || (strcmp(n->text, "loss") != 0 && !heed_metric_known(n->text))) return HEED_REFUSED;
    return text_set(k, r, n, memory);
}

static void metric_range(const heed_key *k, heed_buf *out)
{
    (void)k;
    heed_buf_text(out, "loss ");
    heed_buf_text(out, heed_metric_names());
}

const heed_kind heed_kind_metric = {"metric", "one of ", metric_set, text_write, metric_range};

/* --- files, and named sets of files --- */

static bool take_path(heed_files *f, const heed_node *n, heed_arena *memory)
{
    return (f->path[f->count++] = heed_arena_text(memory, n->text)) != NULL;
}

static heed_taken take_files(heed_files *out, const heed_node *n, heed_arena *memory)
{
    heed_files f = {.count = 0};
    if (is_text(n)) {
        if (*n->text && !take_path(&f, n, memory)) return HEED_NO_MEMORY;   /* empty: no file at all */
    } else {
        if (!is_list(n, 0, HEED_MAX_FILES)) return HEED_REFUSED;
        for (const heed_node *c = n->child; c; c = c->next) {
            if (!*c->text) return HEED_REFUSED;
            if (!take_path(&f, c, memory)) return HEED_NO_MEMORY;
        }
    }
    *out = f;
    return HEED_TAKEN;
}

static void write_files(const heed_files *f, bool json, heed_buf *out)
{
    heed_buf_char(out, '[');
    for (int i = 0; i < f->count; i++) {
        if (i) heed_buf_text(out, ", ");
        write_text(f->path[i], json, out);
    }
    heed_buf_char(out, ']');
}

static heed_taken files_set(const heed_key *k, heed_recipe *r, const heed_node *n, heed_arena *memory)
{
    return take_files(field(k, r), n, memory);
}

static void files_write(const heed_key *k, const heed_recipe *r, bool json, heed_buf *out)
{
    write_files(field_of(k, r), json, out);
}

const heed_kind heed_kind_files = {"files", "a file, or a list of at most 4 files", files_set, files_write, range_none};

/* --- patterns of names --- */

static heed_taken patterns_set(const heed_key *k, heed_recipe *r, const heed_node *n, heed_arena *memory)
{
    heed_patterns p = {.count = 0};
    if (!is_text(n) && !is_list(n, 0, HEED_MAX_PATTERNS)) return HEED_REFUSED;
    for (const heed_node *c = is_text(n) ? n : n->child; c; c = is_text(n) ? NULL : c->next) {
        if (!*c->text && is_text(n)) break;   /* empty: none at all */
        if (!*c->text) return HEED_REFUSED;
        if (!(p.text[p.count++] = heed_arena_text(memory, c->text))) return HEED_NO_MEMORY;
    }
    *(heed_patterns *)field(k, r) = p;
    return HEED_TAKEN;
}

static void patterns_write(const heed_key *k, const heed_recipe *r, bool json, heed_buf *out)
{
    const heed_patterns *p = field_of(k, r);
    heed_buf_char(out, '[');
    for (int i = 0; i < p->count; i++) {
        if (i) heed_buf_text(out, ", ");
        write_text(p->text[i], json, out);
    }
    heed_buf_char(out, ']');
}

const heed_kind heed_kind_patterns = {"patterns", "a pattern such as encoder.*, or a list of at most 16", patterns_set, patterns_write, range_none};

/* --- sets --- */

static bool good_set_name(const char *name)
{
    size_t size = strlen(name);
    return size > 0 && size <= 64 && strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") == size;
}

static heed_taken add_set(heed_recipe *r, int at, const char *name, const heed_node *n, heed_arena *memory)
{
    heed_set *s = &r->data.test[at];
    heed_taken taken = take_files(&s->files, n, memory);
    if (taken) return taken;
    if (s->files.count == 0) return HEED_REFUSED;
    s->name = heed_arena_text(memory, name);
    return s->name ? HEED_TAKEN : HEED_NO_MEMORY;
}

static heed_taken sets_set(const heed_key *k, heed_recipe *r, const heed_node *n, heed_arena *memory)
{
    (void)k;
    r->data.tests = 0;
    if (n->kind == HEED_NODE_MAP) {
        if (n->children > HEED_MAX_SETS) return HEED_REFUSED;
        for (const heed_node *c = n->child; c; c = c->next) {
            if (!good_set_name(c->key)) return HEED_REFUSED;
            heed_taken taken = add_set(r, r->data.tests, c->key, c, memory);
            if (taken) return taken;
            r->data.tests++;
        }
        return HEED_TAKEN;
    }
    if (is_text(n) ? !*n->text : n->children == 0) return HEED_TAKEN;   /* none */
    heed_taken taken = add_set(r, 0, "test", n, memory);
    if (!taken) r->data.tests = 1;
    return taken;
}

static void sets_write(const heed_key *k, const heed_recipe *r, bool json, heed_buf *out)
{
    (void)k;
    heed_buf_char(out, '{');
    for (int i = 0; i < r->data.tests; i++) {
        if (i) heed_buf_text(out, ", ");
        write_text(r->data.test[i].name, json, out);
        heed_buf_text(out, ": ");
        write_files(&r->data.test[i].files, json, out);
    }
    heed_buf_char(out, '}');
}

const heed_kind heed_kind_sets = {
    "files, or sets by name", "files, or at most 16 sets of files by names of letters, digits, \".\", \"_\" and \"-\"", sets_set, sets_write,
    range_none};

/* --- the kinds of a single key --- */

static heed_taken betas_set(const heed_key *k, heed_recipe *r, const heed_node *n, heed_arena *memory)
{
    (void)memory;
    double one, two;
    if (!is_list(n, 2, 2) || !real_in(k, n->child, &one) || !real_in(k, n->last, &two)) return HEED_REFUSED;
    r->train.optimizer.beta1 = one;
    r->train.optimizer.beta2 = two;
    return HEED_TAKEN;
}

static void betas_write(const heed_key *k, const heed_recipe *r, bool json, heed_buf *out)
{
    (void)k;
    (void)json;
    heed_buf_char(out, '[');
    heed_real_write(out, r->train.optimizer.beta1);
    heed_buf_text(out, ", ");
    heed_real_write(out, r->train.optimizer.beta2);
    heed_buf_char(out, ']');
}

const heed_kind heed_kind_betas = {"two numbers", "a list of two numbers from ", betas_set, betas_write, real_range};

enum { MOST_EXTRA = 1000000, MOST_RATIO = 1000 };

static heed_taken limit_set(const heed_key *k, heed_recipe *r, const heed_node *n, heed_arena *memory)
{
    (void)k;
    (void)memory;
    double ratio;
    int64_t extra;
    if (!is_list(n, 2, 2) || !heed_real_read(n->child->text, &ratio) || !heed_whole_read(n->last->text, &extra)) return HEED_REFUSED;
    if (ratio < 0 || ratio > MOST_RATIO || extra < 1 || extra > MOST_EXTRA) return HEED_REFUSED;
    r->decode.max_ratio = ratio;
    r->decode.max_extra = extra;
    return HEED_TAKEN;
}

static void limit_write(const heed_key *k, const heed_recipe *r, bool json, heed_buf *out)
{
    (void)k;
    (void)json;
    heed_buf_char(out, '[');
    heed_real_write(out, r->decode.max_ratio);
    heed_buf_printf(out, ", %" PRId64 "]", r->decode.max_extra);
}

static void limit_range(const heed_key *k, heed_buf *out)
{
    (void)k;
    heed_buf_text(out, "0 to 1,000 and 1 to 1,000,000");
}

const heed_kind heed_kind_limit = {"two numbers", "a list of a ratio and a whole number, ", limit_set, limit_write, limit_range};

static heed_taken every_set(const heed_key *k, heed_recipe *r, const heed_node *n, heed_arena *memory)
{
    (void)memory;
    int64_t updates = 1;
    bool by_epoch = is_text(n) && strcmp(n->text, "epoch") == 0;
    if (!by_epoch && !whole_in(k, n, &updates)) return HEED_REFUSED;
    r->train.validate.by_epoch = by_epoch;
    r->train.validate.every = updates;
    return HEED_TAKEN;
}

static void every_write(const heed_key *k, const heed_recipe *r, bool json, heed_buf *out)
{
    if (r->train.validate.by_epoch) write_text("epoch", json, out);
    else whole_write(k, r, json, out);
}

const heed_kind heed_kind_every = {"`epoch`, or updates", "epoch, or a number of updates from ", every_set, every_write, whole_range};
