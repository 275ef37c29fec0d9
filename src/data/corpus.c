/* Records out of lines: sides side by side or columns of a TSV; checks that they are text and that the sides are equally long. */
#include "data/corpus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "base/utf8.h"
#include "data/beside.h"

enum { MOST_FIELDS = 4 };

struct heed_corpus {
    heed_lines *side[MOST_FIELDS];
    const char *name[MOST_FIELDS];
    int files, fields;
    heed_invalid invalid;
    heed_buf repaired[MOST_FIELDS];
    heed_corpus_counts counts;
};

static bool is_tsv(const heed_corpus *c)
{
    return c->files < c->fields;
}

heed_corpus *heed_corpus_open(const heed_corpus_settings *settings, heed_error *err)
{
    int files = settings->files, fields = settings->fields;
    if (fields < 1 || fields > MOST_FIELDS || files < 1 || (files != 1 && files != fields)) {
        heed_fail(err, HEED_E_USAGE, "%d files for records of %d fields; expected one TSV or one file a field", files, fields);
        return NULL;
    }
    heed_corpus *c = calloc(1, sizeof *c);
    if (!c) {
        heed_fail(err, HEED_E_NOMEM, "%s: out of memory", settings->paths[0]);
        return NULL;
    }
    c->fields = fields;
    c->invalid = settings->invalid;
    for (; c->files < files; c->files++) {
        c->side[c->files] = heed_lines_open(settings->paths[c->files], err);
        if (!c->side[c->files]) {
            heed_corpus_close(c);
            return NULL;
        }
        c->name[c->files] = heed_lines_path(c->side[c->files]);
    }
    return c;
}

void heed_corpus_close(heed_corpus *c)
{
    if (!c)
        return;
    for (int i = 0; i < MOST_FIELDS; i++) {
        heed_lines_close(c->side[i]);
        heed_buf_free(&c->repaired[i]);
    }
    free(c);
}

heed_status heed_corpus_rewind(heed_corpus *c, heed_error *err)
{
    heed_status status = HEED_OK;
    for (int i = 0; i < c->files && !status; i++)
        status = heed_lines_rewind(c->side[i], err);
    c->counts = (heed_corpus_counts){0};
    return status;
}

const char *heed_corpus_name(const heed_corpus *c)
{
    return heed_lines_path(c->side[0]);
}

const heed_corpus_counts *heed_corpus_get_counts(const heed_corpus *c)
{
    return &c->counts;
}

static heed_beside beside(const heed_corpus *c)
{
    return (heed_beside){c->side, c->name, c->files};
}

size_t heed_field_unescape(char *text, size_t size)
{
    size_t out = 0;
    for (size_t i = 0; i < size; i++) {
        char c = text[i], next = i + 1 < size ? text[i + 1] : 0;
        if (c == '\\' && (next == '\\' || next == 'n' || next == 't')) {
            c = next == '\\' ? '\\' : next == 'n' ? '\n' : '\t';
            i++;
        }
        text[out++] = c;
    }
    text[out] = 0;
    return out;
}

/* Returns how many columns there are. */
static int split_columns(const heed_corpus *c, char *text, size_t size, heed_record *r)
{
    int columns = 1;
    for (const char *p = text; (p = memchr(p, '\t', (size_t)(text + size - p))) != NULL; p++)
        columns++;
    char *end = text + size;
    for (int i = 0; i < c->fields; i++) {
        char *tab = memchr(text, '\t', (size_t)(end - text)), *stop = tab ? tab : end;
        r->text[i] = text;
        r->size[i] = heed_field_unescape(text, (size_t)(stop - text));
        text = tab ? tab + 1 : end;
    }
    return columns;
}

heed_status heed_corpus_read(heed_corpus *c, heed_record *r, int *columns, bool *end, heed_error *err)
{
    const heed_beside files = beside(c);
    char *text[MOST_FIELDS];
    size_t size[MOST_FIELDS];
    heed_status status = heed_beside_read(&files, text, size, end, err);
    *columns = c->fields;
    if (status || *end)
        return status;
    r->line = heed_lines_number(c->side[0]);
    if (is_tsv(c))
        *columns = split_columns(c, text[0], size[0], r);
    for (int i = 0; !is_tsv(c) && i < c->fields; i++) {
        r->text[i] = text[i];
        r->size[i] = size[i];
    }
    return HEED_OK;
}

static heed_status report(const heed_corpus *c, const heed_record *r, int field, size_t at, heed_error *err)
{
    const heed_beside files = beside(c);
    char where[32] = "";
    if (is_tsv(c))
        snprintf(where, sizeof where, "field %d: ", field + 1);
    return heed_beside_refuse(&files, is_tsv(c) ? 0 : field, where, r->text[field], r->size[field], at, " or set data.invalid_utf8: replace", err);
}

/* U+FFFD for every byte that is not text. */
static heed_status repair(heed_corpus *c, heed_record *r, int field, heed_error *err)
{
    heed_buf *out = &c->repaired[field];
    const char *text = r->text[field];
    size_t left = r->size[field];
    heed_buf_reset(out);
    while (left > 0) {
        size_t good = heed_utf8_check_line(text, left);
        heed_buf_add(out, text, good);
        if (good < left)
            heed_buf_text(out, "\xEF\xBF\xBD");
        good += good < left;
        text += good;
        left -= good;
    }
    if (out->failed)
        return heed_fail(err, HEED_E_NOMEM, "%s: out of memory at line %lld", heed_lines_path(c->side[0]), (long long)r->line);
    r->text[field] = out->data;
    r->size[field] = out->size;
    return HEED_OK;
}

/* Checks and repairs the fields; *usable: the record may be handed out. */
static heed_status check_record(heed_corpus *c, heed_record *r, bool *usable, heed_error *err)
{
    bool empty = false, invalid = false;
    heed_status status = HEED_OK;
    for (int i = 0; i < c->fields && !status; i++) {
        size_t at = heed_utf8_check_line(r->text[i], r->size[i]);
        empty |= r->size[i] == 0;
        if (at == r->size[i])
            continue;
        invalid = true;
        if (c->invalid == HEED_INVALID_ERROR)
            status = report(c, r, i, at, err);
        else if (c->invalid == HEED_INVALID_REPLACE)
            status = repair(c, r, i, err);
    }
    c->counts.read++;
    c->counts.invalid += invalid;
    bool dropped = invalid && c->invalid == HEED_INVALID_SKIP;
    c->counts.empty += empty && !dropped;
    *usable = !empty && !dropped;
    return status;
}

static heed_status wrong_columns(const heed_corpus *c, const heed_record *r, int columns, heed_error *err)
{
    char line[HEED_GROUP_SIZE];
    return heed_fail(err, HEED_E_DATA, "%s: line %s: found %d column%s, expected %d separated by tabs", heed_corpus_name(c), heed_group(line, r->line), columns,
                     columns == 1 ? "" : "s", c->fields);
}

/* An empty line of a TSV has one column and is no mistake. */
static bool is_blank(const heed_record *r, int columns)
{
    return columns == 1 && r->size[0] == 0;
}

heed_status heed_corpus_next(heed_corpus *c, heed_record *r, bool *end, heed_error *err)
{
    *end = false;
    for (bool usable = false; !usable;) {
        int columns;
        heed_status status = heed_corpus_read(c, r, &columns, end, err);
        if (!status && !*end && columns != c->fields && !is_blank(r, columns))
            status = wrong_columns(c, r, columns, err);
        if (status || *end)
            return status;
        status = check_record(c, r, &usable, err);
        if (status)
            return status;
    }
    return HEED_OK;
}
