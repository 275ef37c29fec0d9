/* The door to all metrics: finds one by name, reads lines for it, signs its figure. */
#include "metric/metric.h"

#include <stdlib.h>
#include <string.h>

#include "metric/kind.h"

static const heed_metric_kind *const kinds[] = {
#define HEED_METRIC(id, name, help) &heed_metric_##id,
#include "metric/metrics.def"
#undef HEED_METRIC
};

static const heed_metric_kind *find(const char *name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kinds[i]->name, name) == 0)
            return kinds[i];
    return NULL;
}

bool heed_metric_known(const char *name)
{
    return find(name) != NULL;
}

bool heed_metric_tokenizes(const char *name)
{
    const heed_metric_kind *kind = find(name);
    return kind && kind->tokenizers;
}

bool heed_metric_smooths(const char *name)
{
    const heed_metric_kind *kind = find(name);
    return kind && kind->smoothings;
}

const char *heed_metric_names(void)
{
    static const char names[] =
#define HEED_METRIC(id, name, help) " " name
#include "metric/metrics.def"
#undef HEED_METRIC
        ;
    return &names[1];
}

heed_status heed_metric_nomem(heed_error *err)
{
    return heed_fail(err, HEED_E_NOMEM, "out of memory for scoring a line");
}

/* The kind's own name for what was asked for. */
static heed_status choose(const heed_metric_kind *kind, const char *const *names, const char *what, const char *asked, const char **chosen, heed_error *err)
{
    *chosen = names ? names[0] : NULL;
    if (!asked)
        return HEED_OK;
    if (!names)
        return heed_fail(err, HEED_E_USAGE, "%s takes no %s; bleu does", kind->name, what);
    char list[128] = "";
    for (; *names; names++) {
        if (strcmp(*names, asked) == 0) {
            *chosen = *names;
            return HEED_OK;
        }
        strncat(list, " ", sizeof list - strlen(list) - 1);
        strncat(list, *names, sizeof list - strlen(list) - 1);
    }
    return heed_fail(err, HEED_E_USAGE, "unknown %s \"%s\" for %s; expected one of:%s", what, asked, kind->name, list);
}

heed_metric *heed_metric_new(const char *name, const heed_metric_options *options, heed_error *err)
{
    const heed_metric_options o = options ? *options : (heed_metric_options){0};
    const heed_metric_kind *kind = find(name);
    const char *tokenizer, *smoothing;
    if (!kind) {
        heed_fail(err, HEED_E_USAGE, "unknown metric \"%s\"; expected one of: %s", name, heed_metric_names());
        return NULL;
    }
    if (choose(kind, kind->tokenizers, "tokeniser", o.tokenize, &tokenizer, err) || choose(kind, kind->smoothings, "smoothing", o.smooth, &smoothing, err))
        return NULL;
    heed_metric *m = calloc(1, kind->size);
    if (!m) {
        heed_metric_nomem(err);
        return NULL;
    }
    m->kind = kind;
    m->lower = o.lower || kind->blind_to_case;
    m->tokenizer = tokenizer;
    m->smoothing = smoothing;
    return m;
}

void heed_metric_free(heed_metric *m)
{
    if (!m)
        return;
    if (m->kind->stop)
        m->kind->stop(m);
    for (int i = 0; i < m->lines; i++) {
        heed_codes_free(&m->line[i].text);
        heed_codes_free(&m->line[i].unit);
        heed_codes_free(&m->line[i].gram);
    }
    free(m->line);
    free(m);
}

static heed_status reserve_lines(heed_metric *m, int lines, heed_error *err)
{
    if (lines <= m->lines)
        return HEED_OK;
    heed_line *line = realloc(m->line, (size_t)lines * sizeof *line);
    if (!line)
        return heed_metric_nomem(err);
    memset(line + m->lines, 0, (size_t)(lines - m->lines) * sizeof *line);
    m->line = line;
    m->lines = lines;
    return HEED_OK;
}

heed_status heed_metric_add(heed_metric *m, const char *hypothesis, const char *const *references, int count, heed_error *err)
{
    if (count < 1)
        return heed_fail(err, HEED_E_USAGE, "a sentence needs a reference to be scored against");
    heed_status status = reserve_lines(m, count + 1, err);
    for (int i = 0; i <= count && !status; i++) {
        heed_error why = {0};
        status = heed_codes_read(&m->line[i].text, i == 0 ? hypothesis : references[i - 1], m->lower, &why);
        if (status)
            return i == 0 ? heed_fail(err, status, "hypothesis: %s", why.text) : heed_fail(err, status, "reference %d: %s", i, why.text);
    }
    memset(m->last, 0, sizeof m->last);
    if (!status)
        status = m->kind->add(m, m->line, count, m->last, err);
    if (status)
        return status;
    for (int i = 0; i < m->kind->sums; i++)
        m->all[i] += m->last[i];
    m->references = m->references == 0 || m->references == count ? count : -1;
    return HEED_OK;
}

double heed_metric_value(const heed_metric *m)
{
    return m->kind->value(m, m->all);
}

const double *heed_metric_sums(const heed_metric *m, int *count)
{
    *count = m->kind->sums;
    return m->last;
}

double heed_metric_value_of(const heed_metric *m, const double *sums)
{
    return m->kind->value(m, sums);
}

bool heed_metric_sides(const heed_metric *m, double *precision, double *recall)
{
    if (m->kind->sides)
        m->kind->sides(m->all, precision, recall);
    return m->kind->sides != NULL;
}

void heed_metric_signature(const heed_metric *m, heed_buf *out)
{
    if (m->references < 0)
        heed_buf_text(out, "nrefs:var");
    else
        heed_buf_printf(out, "nrefs:%d", m->references);
    heed_buf_text(out, m->lower ? "|case:lc|" : "|case:mixed|");
    m->kind->sign(m, out);
    heed_buf_printf(out, "heed:%d", HEED_METRIC_VERSION);
}

bool heed_metric_higher_is_better(const heed_metric *m)
{
    return m->kind->higher_is_better;
}
