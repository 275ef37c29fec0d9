#include "data/shortlist.h"

#include <stdlib.h>
#include <string.h>

#include "data/lines.h"

typedef struct named { const char *text; int32_t id; } named;

struct heed_shortlist {
    const heed_text *source, *target;
    named *names[2];                    /* [V] of each side, by text; while it is read */
    int64_t *first, *end;               /* [source V] where the symbols of a source begin and end; first -1: none were given */
    int32_t *ids;                       /* [count] */
    int64_t count, capacity, words;
    uint64_t *always;                   /* [words] */
    bool any;
};

/* --- symbols by name ------------------------------------------------------------------------------------------------------------------------ */

static int by_text(const void *a, const void *b)
{
    const named *x = a, *y = b;
    const int order = strcmp(x->text, y->text);
    return order ? order : (x->id > y->id) - (x->id < y->id);
}

static named *names_of(const heed_text *t)
{
    const int64_t V = heed_text_size(t);
    named *n = malloc((size_t)V * sizeof *n);
    for (int32_t i = 0; n && i < V; i++) n[i] = (named){heed_text_symbol(t, i), i};
    if (n) qsort(n, (size_t)V, sizeof *n, by_text);
    return n;
}

static int32_t find(const heed_shortlist *s, bool target, const char *text)
{
    const named *n = s->names[target];
    int64_t low = 0, high = heed_text_size(target ? s->target : s->source);
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (strcmp(n[middle].text, text) < 0) low = middle + 1;
        else high = middle;
    }
    return low < heed_text_size(target ? s->target : s->source) && strcmp(n[low].text, text) == 0 ? n[low].id : -1;
}

heed_status heed_shortlist_spells(const heed_text *t, const char *side, heed_error *err)
{
    for (int32_t i = 0; i < heed_text_size(t); i++)
        if (strpbrk(heed_text_symbol(t, i), " \t\n\v\f\r"))
            return heed_fail(err, HEED_E_USAGE, "the %s vocabulary has symbols with white space in them, which a shortlist cannot spell: it is for pieces, words and symbols", side);
    return HEED_OK;
}

/* --- reading ------------------------------------------------------------------------------------------------------------------------------------ */

static bool keep(heed_shortlist *s, int32_t id)
{
    if (s->count == s->capacity) {
        const int64_t capacity = s->capacity ? 2 * s->capacity : 4096;
        int32_t *grown = realloc(s->ids, (size_t)capacity * sizeof *grown);
        if (!grown) return false;
        s->ids = grown;
        s->capacity = capacity;
    }
    s->ids[s->count++] = id;
    return true;
}

static void mark(uint64_t *marks, int32_t id) { marks[id / 64] |= (uint64_t)1 << id % 64; }

static heed_status no_memory(const heed_lines *l, heed_error *err) { return heed_fail(err, HEED_E_NOMEM, "%s: out of memory for a shortlist", heed_lines_path(l)); }

static heed_status unknown(const heed_lines *l, const char *side, const char *symbol, heed_error *err)
{
    return heed_fail(err, HEED_E_DATA, "%s: line %lld: \"%.100s\" is no symbol of the model's %s vocabulary; make the shortlist with this model (heed shortlist)",
                     heed_lines_path(l), (long long)heed_lines_number(l), symbol, side);
}

/* Whose symbols the line tells: -1: everybody's. */
static heed_status take_source(heed_shortlist *s, const heed_lines *l, const char *name, int32_t *id, heed_error *err)
{
    *id = -1;
    if (!*name) return HEED_OK;
    if (strchr(name, ' '))
        return heed_fail(err, HEED_E_DATA, "%s: line %lld: \"%.100s\" are several symbols of the source; a shortlist goes by single ones: leave the line out",
                         heed_lines_path(l), (long long)heed_lines_number(l), name);
    *id = find(s, false, name);
    if (*id < 0) return unknown(l, "source", name, err);
    if (s->first[*id] >= 0)
        return heed_fail(err, HEED_E_DATA, "%s: line %lld: the source symbol \"%.100s\" had a line before; write its targets into one", heed_lines_path(l),
                         (long long)heed_lines_number(l), name);
    s->first[*id] = s->count;
    return HEED_OK;
}

static heed_status take_targets(heed_shortlist *s, const heed_lines *l, char *at, int32_t source, heed_error *err)
{
    for (char *rest, *name = strtok_r(at, " ", &rest); name; name = strtok_r(NULL, " ", &rest)) {
        const int32_t id = find(s, true, name);
        if (id < 0 || id == HEED_BOS) return unknown(l, "target", name, err);
        if (source < 0) mark(s->always, id);
        else if (!keep(s, id)) return no_memory(l, err);
    }
    if (source >= 0) s->end[source] = s->count;
    return HEED_OK;
}

static heed_status take_line(heed_shortlist *s, const heed_lines *l, char *text, size_t size, heed_error *err)
{
    int32_t source;
    if (size && text[size - 1] == '\r') text[--size] = 0;
    if (!size) return HEED_OK;
    char *tab = memchr(text, '\t', size);
    if (!tab || strlen(text) != size)
        return heed_fail(err, HEED_E_DATA, "%s: line %lld: %s; a line is SOURCE, a tab, and TARGETS parted by spaces, as heed shortlist writes them", heed_lines_path(l),
                         (long long)heed_lines_number(l), tab ? "a zero byte" : "no tab");
    *tab = 0;
    s->any = true;
    heed_status status = take_source(s, l, text, &source, err);
    return status ? status : take_targets(s, l, tab + 1, source, err);
}

static heed_status read_lines(heed_shortlist *s, heed_lines *l, heed_error *err)
{
    heed_status status;
    do {
        char *text;
        size_t size;
        bool end;
        status = heed_lines_next(l, &text, &size, &end, err);
        if (status || end) break;
        status = take_line(s, l, text, size, err);
    } while (!status);
    if (!status && !s->any)
        status = heed_fail(err, HEED_E_DATA, "%s: no line; a shortlist is made by heed shortlist MODEL SOURCE TARGET -o FILE", heed_lines_path(l));
    return status;
}

static bool make_room(heed_shortlist *s)
{
    const int64_t V = heed_text_size(s->source);
    s->words = (heed_text_size(s->target) + 63) / 64;
    s->names[0] = names_of(s->source);
    s->names[1] = names_of(s->target);
    s->first = malloc((size_t)V * sizeof *s->first);
    s->end = malloc((size_t)V * sizeof *s->end);
    s->always = calloc((size_t)s->words, sizeof *s->always);
    for (int64_t i = 0; s->first && i < V; i++) s->first[i] = -1;
    return s->names[0] && s->names[1] && s->first && s->end && s->always;
}

static void forget_names(heed_shortlist *s)
{
    for (int i = 0; i < 2; i++) {
        free(s->names[i]);
        s->names[i] = NULL;
    }
}

heed_shortlist *heed_shortlist_open(const char *path, const heed_text *source, const heed_text *target, heed_error *err)
{
    heed_lines *l = heed_lines_open(path, err);
    heed_shortlist *s = l ? calloc(1, sizeof *s) : NULL;
    heed_status status = !l ? HEED_E_DATA : s ? HEED_OK : no_memory(l, err);
    if (s) {
        s->source = source;
        s->target = target;
        status = make_room(s) ? read_lines(s, l, err) : no_memory(l, err);
        forget_names(s);
    }
    if (s && !status) {
        mark(s->always, HEED_UNK);
        mark(s->always, HEED_EOS);
    }
    heed_lines_close(l);
    if (!status) return s;
    heed_shortlist_free(s);
    return NULL;
}

void heed_shortlist_free(heed_shortlist *s)
{
    if (!s) return;
    forget_names(s);
    free(s->first);
    free(s->end);
    free(s->ids);
    free(s->always);
    free(s);
}

/* --- asking ------------------------------------------------------------------------------------------------------------------------------------- */

int64_t heed_shortlist_words(const heed_shortlist *s) { return s->words; }

void heed_shortlist_mark(const heed_shortlist *s, const heed_tokens *source, uint64_t *marks)
{
    for (int64_t i = 0; i < s->words; i++) marks[i] |= s->always[i];
    for (int64_t i = 0; i < source->count; i++) {
        const int32_t id = source->item[i].id;
        for (int64_t k = s->first[id]; k >= 0 && k < s->end[id]; k++) mark(marks, s->ids[k]);
    }
}
