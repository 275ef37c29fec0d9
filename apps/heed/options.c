/* Options of the command line: options.h. */
#include "cli.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_NAME = 40 };

/* Edits that lead from a to b, two neighbours swapped counting once. */
static int distance(const char *a, const char *b)
{
    int rows[3][LONGEST_NAME + 1], n = (int)strlen(a), m = (int)strlen(b);
    if (n > LONGEST_NAME || m > LONGEST_NAME)
        return LONGEST_NAME;
    for (int j = 0; j <= m; j++)
        rows[0][j] = j;
    for (int i = 1; i <= n; i++) {
        int *now = rows[i % 3], *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
        now[0] = i;
        for (int j = 1; j <= m; j++) {
            int change = last[j - 1] + (a[i - 1] != b[j - 1]);
            now[j] = last[j] < now[j - 1] ? last[j] + 1 : now[j - 1] + 1;
            now[j] = change < now[j] ? change : now[j];
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < now[j])
                now[j] = before[j - 2] + 1;
        }
    }
    return rows[n % 3][m];
}

const char *cli_nearest(const char *word, const char *const *names)
{
    const char *best = NULL;
    int least = 1 + (int)(strlen(word) - strspn(word, "-")) / 3;          /* one edit in three letters is near */
    for (; *names; names++) {
        int d = distance(word, *names);
        if (d < least) {
            least = d;
            best = *names;
        }
    }
    return best;
}

static const cli_option *find(const cli_table *tables, int count, const char *name, size_t length, void **values)
{
    for (int t = 0; t < count; t++)
        for (const cli_option *row = tables[t].rows; row->name; row++)
            if (strlen(row->name) == length && !strncmp(row->name, name, length)) {
                *values = tables[t].values;
                return row;
            }
    return NULL;
}

static cli_parsed unknown(const char *command, const cli_table *tables, int count, const char *word)
{
    const char *names[CLI_MANY + 2] = {"--help"};
    int n = 1;
    for (int t = 0; t < count; t++)
        for (const cli_option *row = tables[t].rows; row->name && n < CLI_MANY; row++)
            names[n++] = row->name;
    const char *near = cli_nearest(word, names);
    const char *of = command ? command : "", *colon = command ? ": " : "", *space = command ? " " : "";
    if (near)
        cli_complain("%s%sunknown option %s; did you mean %s?", of, colon, word, near);
    else
        cli_complain("%s%sunknown option %s; `heed %s%s--help` lists them", of, colon, word, of, space);
    return CLI_PARSED_WRONG;
}

static bool among(const char *words, const char *value)
{
    size_t length = strlen(value);
    for (const char *at = words; at; at = strchr(at, '|') ? strchr(at, '|') + 1 : NULL)
        if (length && !strncmp(at, value, length) && (at[length] == '|' || !at[length]))
            return true;
    return false;
}

static bool set_text(const cli_option *row, const char *value, void *at)
{
    if (strchr(row->value, '|') && !among(row->value, value)) {
        cli_complain("%s takes %s, not \"%s\"", row->name, row->value, value);
        return false;
    }
    *(const char **)at = value;
    return true;
}

static bool set_texts(const cli_option *row, const char *value, cli_texts *list)
{
    if (list->count == CLI_MANY) {
        cli_complain("%s may be given %d times at most", row->name, CLI_MANY);
        return false;
    }
    list->items[list->count++] = value;
    return true;
}

static bool read_whole(const char *text, char **end, int64_t *value)
{
    errno = 0;
    *value = *text >= '0' && *text <= '9' ? strtoll(text, end, 10) : -1;
    return *value >= 0 && !errno;
}

static bool set_whole(const cli_option *row, const char *value, int64_t *at)
{
    char *end = NULL;
    if (read_whole(value, &end, at) && !*end)
        return true;
    cli_complain("%s takes a whole number from 0, not \"%s\"", row->name, value);
    return false;
}

static bool set_real(const cli_option *row, const char *value, double *at)
{
    char *end = NULL;
    *at = strtod(value, &end);
    if (end != value && !*end && isfinite(*at) && *at >= 0)
        return true;
    cli_complain("%s takes a number from 0, not \"%s\"", row->name, value);
    return false;
}

static bool set_edges(const cli_option *row, const char *value, cli_edges *list)
{
    int64_t edge = 0, last = 0;
    list->given = true;
    list->count = 0;
    for (char *at = (char *)value; value && *at; at += *at == ',') {
        if (!read_whole(at, &at, &edge) || edge <= last || (*at && *at != ',') || list->count == CLI_MANY) {
            cli_complain("%s takes up to %d growing lengths such as 10,20,30, not \"%s\"", row->name, CLI_MANY, value);
            return false;
        }
        list->items[list->count++] = last = edge;
    }
    return true;
}

static bool set(const cli_option *row, const char *value, void *values)
{
    void *at = (char *)values + row->at;
    switch (row->kind) {
    case CLI_FLAG: *(bool *)at = true; return true;
    case CLI_TEXT: return set_text(row, value, at);
    case CLI_TEXTS: return set_texts(row, value, at);
    case CLI_WHOLE: return set_whole(row, value, at);
    case CLI_REAL: return set_real(row, value, at);
    case CLI_EDGES: return set_edges(row, value, at);
    }
    return false;
}

/* The value after `=`, else the next word, which is used up; a list that may be left out takes the next word only if it is one. */
static bool take_value(const cli_option *row, const char *equals, int argc, char **argv, int *i, const char **value)
{
    *value = equals ? equals + 1 : NULL;
    if (row->kind == CLI_FLAG && equals) {
        cli_complain("%s takes no value", row->name);
        return false;
    }
    if (row->kind == CLI_FLAG || equals)
        return true;
    const char *next = *i + 1 < argc ? argv[*i + 1] : NULL;
    if (row->kind == CLI_EDGES && (!next || !*next || next[strspn(next, "0123456789,")]))
        return true;
    if (!next) {
        cli_complain("%s needs a value: %s %s", row->name, row->name, row->value);
        return false;
    }
    *value = next;
    ++*i;
    return true;
}

cli_parsed cli_options_parse(const char *command, const cli_table *tables, int table_count, int argc, char **argv, bool first_only, int *stopped,
                             cli_rest *rest)
{
    bool options = true;
    int i = 0;
    for (; i < argc; i++) {
        char *word = argv[i];
        if (!options || word[0] != '-' || !word[1]) {
            if (first_only)
                break;
            rest->items[rest->count++] = word;
            continue;
        }
        if (!strcmp(word, "--")) {
            options = false;
            continue;
        }
        if (!strcmp(word, "--help") || !strcmp(word, "-h"))
            return CLI_PARSED_HELP;
        const char *equals = !strncmp(word, "--", 2) ? strchr(word, '=') : NULL, *value;
        void *values = NULL;
        const cli_option *row = find(tables, table_count, word, equals ? (size_t)(equals - word) : strlen(word), &values);
        if (!row)
            return unknown(command, tables, table_count, word);
        if (!take_value(row, equals, argc, argv, &i, &value) || !set(row, value, values))
            return CLI_PARSED_WRONG;
    }
    if (stopped)
        *stopped = i;
    return CLI_PARSED;
}

void cli_options_print(const cli_option *rows, FILE *out)
{
    for (; rows->name; rows++) {
        char left[80];
        snprintf(left, sizeof left, "%s%s%s", rows->name, rows->value ? " " : "", rows->value ? rows->value : "");
        fprintf(out, "  %-30s %s\n", left, rows->help);
    }
}
