/* heed_chart_svg and heed_chart_table: lines drawn, from arrays and from a file. */
#include <string.h>

#include "data/beside.h"
#include "explain/explain.h"
#include "explain/table.h"

char *heed_chart_svg(const heed_chart *c, heed_error *err)
{
    heed_buf text = {0};
    if (c->count > HEED_CHART_LINES)
        return heed_fail(err, HEED_E_USAGE, "%d lines; a chart takes at most %d, so that they can be told apart", c->count, HEED_CHART_LINES), NULL;
    for (int i = 0; i < c->count; i++)
        if (!c->lines[i].low != !c->lines[i].high) return heed_fail(err, HEED_E_USAGE, "line %d has one end of its intervals; give both, or none", i), NULL;
    heed_explain_chart(c, &text);
    char *out = heed_buf_take(&text);
    if (!out) heed_fail(err, HEED_E_NOMEM, "out of memory for the chart");
    return out;
}

static heed_status read_table(heed_table *t, heed_lines *file, const char *name, heed_error *err)
{
    char *text;
    size_t size;
    bool end = false;
    const heed_beside one = {&file, &name, 1};
    heed_status status = HEED_OK;
    while (!status && !end) {
        status = heed_beside_next(&one, &text, &size, &end, err);
        if (!status && !end) status = heed_table_add(t, heed_lines_number(file), text, err);
    }
    return status;
}

char *heed_chart_table(const char *path, const heed_chart *how, heed_error *err)
{
    const bool standard = strcmp(path, "-") == 0;
    const char *name = standard ? "standard input" : path;
    heed_lines *file = heed_lines_open(standard ? "/dev/stdin" : path, err);
    heed_table *t = file ? heed_table_new(name, how->log_x, err) : NULL;
    heed_chart c = *how;
    char *out = NULL;
    if (t && read_table(t, file, name, err) == HEED_OK && heed_table_finish(t, &c, err) == HEED_OK) out = heed_chart_svg(&c, err);
    heed_table_free(t);
    heed_lines_close(file);
    return out;
}
