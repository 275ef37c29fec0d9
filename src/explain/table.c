/* Lines of a chart from a table: explain/table.h. */
#include "explain/table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "explain/explain.h"
#include "model/words.h"

enum { NAME, X, Y, LOW, HIGH, COLUMNS, MOST_POINTS = 100000, LONGEST_NAME = 200 };
static const char *const columns[] = {"the line's name", "x", "y", "low", "high"};
static const double largest = 1e100;   /* what a chart draws */

typedef struct point { int line; double x, y, low, high; int64_t row; } point;

struct heed_table {
    const char *path;
    bool log_x, intervals;
    char *name[HEED_CHART_LINES], *heading[COLUMNS];
    int lines, width;                  /* columns of every row; 0: none was read yet */
    point *points;
    int64_t count, capacity;
    double *values;                    /* [4,count] x, y, low, high of all lines, end to end */
    heed_line line[HEED_CHART_LINES];
};

heed_table *heed_table_new(const char *path, bool log_x, heed_error *err)
{
    heed_table *t = calloc(1, sizeof *t);
    if (!t) return heed_fail(err, HEED_E_NOMEM, "%s: out of memory", path), NULL;
    t->path = path;
    t->log_x = log_x;
    return t;
}

void heed_table_free(heed_table *t)
{
    if (!t) return;
    for (int i = 0; i < t->lines; i++) free(t->name[i]);
    for (int i = 0; i < COLUMNS; i++) free(t->heading[i]);
    free(t->points);
    free(t->values);
    free(t);
}

/* --- a row ---------------------------------------------------------------------------------------------------------------------------------- */

static heed_status refuse(const heed_table *t, int64_t number, const char *what, const char *found, const char *expected, heed_error *err)
{
    char quoted[HEED_QUOTE_SIZE];
    return heed_fail(err, HEED_E_DATA, "%s: line %lld: %s%s%s%s", t->path, (long long)number, what, found ? heed_quote(quoted, found) : "", *expected ? "; " : "", expected);
}

/* Returns the number of fields; of more than COLUMNS, that there are more. */
static int split(char *text, char *field[COLUMNS + 1])
{
    int n = 0;
    for (char *tab = text; tab && n <= COLUMNS; text = tab + 1) {
        tab = strchr(text, '\t');
        if (tab) *tab = 0;
        field[n++] = text + strspn(text, " ");
        for (char *end = text + strlen(text); end > field[n - 1] && end[-1] == ' ';) *--end = 0;
    }
    return n;
}

static bool is_real(const char *text, double *value) { return heed_real_read(text, value) && fabs(*value) <= largest; }

/* The first row, when neither x nor y of it is a number. */
static bool take_headings(heed_table *t, char *const *field, int n, bool *memory)
{
    double value;
    *memory = true;
    if (is_real(field[X], &value) || is_real(field[Y], &value)) return false;
    for (int i = 0; i < n && *memory; i++) *memory = (t->heading[i] = strdup(field[i])) != NULL;
    return true;
}

static heed_status find_line(heed_table *t, int64_t number, const char *name, int *line, heed_error *err)
{
    if (!*name) return refuse(t, number, "a row without a name of its line", NULL, "the first column names it", err);
    if (strlen(name) > LONGEST_NAME) return refuse(t, number, "a name of more than 200 bytes: ", name, "shorten it", err);
    for (*line = 0; *line < t->lines; ++*line)
        if (strcmp(t->name[*line], name) == 0) return HEED_OK;
    if (t->lines == HEED_CHART_LINES)
        return heed_fail(err, HEED_E_LIMIT, "%s: line %lld: more than %d lines; nobody could tell them apart", t->path, (long long)number, HEED_CHART_LINES);
    t->name[t->lines] = strdup(name);
    if (!t->name[t->lines]) return heed_fail(err, HEED_E_NOMEM, "%s: out of memory", t->path);
    t->lines++;
    return HEED_OK;
}

static heed_status read_numbers(const heed_table *t, int64_t number, char *const *field, int n, point *p, heed_error *err)
{
    double *const value[] = {NULL, &p->x, &p->y, &p->low, &p->high};
    const bool bare = n == COLUMNS && !*field[LOW] && !*field[HIGH];      /* this point has no interval */
    char what[64];
    p->low = p->high = NAN;
    for (int i = X; i < (bare ? LOW : n); i++)
        if (!is_real(field[i], value[i])) {
            snprintf(what, sizeof what, "%s: ", columns[i]);
            return refuse(t, number, what, field[i], "expected a number such as 12, 0.5 or 1e-3", err);
        }
    if (t->log_x && p->x <= 0) return refuse(t, number, "x: ", field[X], "on an axis by ratios it must be above 0", err);
    if (p->low > p->high) return refuse(t, number, "low is above high: ", field[LOW], "the columns are: name, x, y, low, high", err);
    return HEED_OK;
}

static heed_status keep(heed_table *t, const point *p, heed_error *err)
{
    if (t->count == MOST_POINTS) return heed_fail(err, HEED_E_LIMIT, "%s: line %lld: more than %d points; thin them out", t->path, (long long)p->row, MOST_POINTS);
    if (t->count == t->capacity) {
        const int64_t capacity = t->capacity ? 2 * t->capacity : 256;
        point *grown = realloc(t->points, (size_t)capacity * sizeof *grown);
        if (!grown) return heed_fail(err, HEED_E_NOMEM, "%s: out of memory", t->path);
        t->points = grown;
        t->capacity = capacity;
    }
    t->points[t->count++] = *p;
    t->intervals |= !isnan(p->low);
    return HEED_OK;
}

heed_status heed_table_add(heed_table *t, int64_t number, char *text, heed_error *err)
{
    char *field[COLUMNS + 1], found[48];
    bool memory;
    if (!text[strspn(text, " \t")]) return HEED_OK;
    const int n = split(text, field);
    const bool first = t->width == 0;
    snprintf(found, sizeof found, "%d column%s%s", n > COLUMNS ? COLUMNS : n, n > COLUMNS ? "s and more" : n > 1 ? "s" : "", first ? "" : ", others have another number");
    if (n != COLUMNS && n != LOW) return refuse(t, number, found, NULL, "expected name, x, y, or name, x, y, low, high, parted by tabs", err);
    if (!first && n != t->width) return refuse(t, number, found, NULL, "leave low and high empty where there is no interval", err);
    t->width = n;
    if (first && take_headings(t, field, n, &memory)) return memory ? HEED_OK : heed_fail(err, HEED_E_NOMEM, "%s: out of memory", t->path);
    point p = {.row = number};
    heed_status status = find_line(t, number, field[NAME], &p.line, err);
    if (!status) status = read_numbers(t, number, field, n, &p, err);
    return status ? status : keep(t, &p, err);
}

/* --- all rows -------------------------------------------------------------------------------------------------------------------------------- */

static int by_line_and_x(const void *a, const void *b)
{
    const point *p = a, *q = b;
    if (p->line != q->line) return p->line - q->line;
    return (p->x > q->x) - (p->x < q->x);
}

static heed_status lay_lines(heed_table *t, heed_error *err)
{
    const int64_t n = t->count;
    double *x = t->values, *y = x + n, *low = y + n, *high = low + n;
    for (int64_t i = 0; i < n; i++) {
        const point *p = &t->points[i];
        heed_line *l = &t->line[p->line];
        if (!l->points) *l = (heed_line){.name = t->name[p->line], .x = x + i, .y = y + i, .low = t->intervals ? low + i : NULL, .high = t->intervals ? high + i : NULL};
        else if (p->x == p[-1].x) {
            const int64_t one = p->row < p[-1].row ? p->row : p[-1].row, two = p->row + p[-1].row - one;
            return heed_fail(err, HEED_E_DATA, "%s: line %lld: \"%s\" has a point at x = %.10g already, in line %lld; give one, or another name", t->path, (long long)two,
                             l->name, p->x, (long long)one);
        }
        x[i] = p->x;
        y[i] = p->y;
        low[i] = p->low;
        high[i] = p->high;
        l->points++;
    }
    return HEED_OK;
}

heed_status heed_table_finish(heed_table *t, heed_chart *c, heed_error *err)
{
    if (!t->count) return heed_fail(err, HEED_E_DATA, "%s: no row; expected name, x, y, or name, x, y, low, high, parted by tabs", t->path);
    t->values = malloc((size_t)t->count * 4 * sizeof *t->values);
    if (!t->values) return heed_fail(err, HEED_E_NOMEM, "%s: out of memory", t->path);
    qsort(t->points, (size_t)t->count, sizeof *t->points, by_line_and_x);
    c->lines = t->line;
    c->count = t->lines;
    if (!c->x_label) c->x_label = t->heading[X];
    if (!c->y_label) c->y_label = t->heading[Y];
    return lay_lines(t, err);
}
