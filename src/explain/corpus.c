/* Lines of explanations joined: explain/corpus.h. */
#include "explain/corpus.h"

#include "explain/label.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const size_t MOST_BYTES = (size_t)1 << 30;

/* What is read of one text. */
typedef struct part { const char *name; char *model; int64_t line, count; } part;

static bool is_blank(const char *line, size_t size)
{
    while (size && strchr(" \t\r", line[size - 1])) size--;
    return !size;
}

static void keep_model(part *p, const json_t *explanation)
{
    const json_t *model = json_object_get(explanation, "model"), *name = json_is_object(model) ? json_object_get(model, "name") : model;
    if (!p->model) p->model = strdup(json_is_string(name) ? json_string_value(name) : p->name);
}

static heed_status add_line(part *p, const char *line, size_t size, bool *first, heed_buf *out, heed_error *err)
{
    json_error_t why;
    json_t *x = json_loadb(line, size, JSON_REJECT_DUPLICATES, &why);
    heed_status status = HEED_OK;
    if (!x)
        status = json_error_code(&why) == json_error_out_of_memory ? heed_fail(err, HEED_E_NOMEM, "%s: out of memory", p->name)
               : heed_fail(err, HEED_E_DATA, "%s: line %lld: is no JSON object: %s", p->name, (long long)p->line, why.text);
    else if (!json_is_array(json_object_get(x, "source_tokens")) || !json_is_array(json_object_get(x, "outputs")))
        status = heed_fail(err, HEED_E_DATA, "%s: line %lld: is no explanation; heed explain --json prints one a line", p->name, (long long)p->line);
    else {
        keep_model(p, x);
        heed_buf_text(out, *first ? "\n" : ",\n");
        *first = false;
        heed_buf_add(out, line, size);
        p->count++;
    }
    json_decref(x);
    return status;
}

static heed_status add_lines(part *p, const char *text, size_t size, bool *first, heed_buf *out, heed_error *err)
{
    heed_status status = HEED_OK;
    for (size_t at = 0, length; !status && at < size; at += length + 1) {
        const char *end = memchr(text + at, '\n', size - at);
        length = end ? (size_t)(end - text) - at : size - at;
        p->line++;
        if (!is_blank(text + at, length)) status = add_line(p, text + at, length, first, out, err);
    }
    if (!status && !p->count) status = heed_fail(err, HEED_E_DATA, "%s: holds no explanation; heed explain --json prints one a line", p->name);
    return status;
}

/* Two runs of one model are told apart by their files. */
static void add_models(const part *parts, int count, heed_buf *out)
{
    heed_buf_text(out, "\n], \"counts\": [");
    for (int i = 0; i < count; i++) heed_buf_printf(out, "%s%lld", i ? ", " : "", (long long)parts[i].count);
    heed_buf_text(out, "], \"models\": [");
    for (int i = 0; i < count; i++) {
        bool again = false;
        for (int k = 0; k < count; k++) again |= k != i && !strcmp(parts[k].model, parts[i].model);
        heed_buf_text(out, i ? ", " : "");
        heed_label_json(out, again ? parts[i].name : parts[i].model);
    }
    heed_buf_text(out, "]}\n");
}

heed_status heed_corpus_join(const heed_corpus_text *texts, int count, heed_buf *out, heed_error *err)
{
    part *parts = calloc((size_t)count, sizeof *parts);
    heed_status status = parts ? HEED_OK : HEED_E_NOMEM;
    bool first = true;
    heed_buf_text(out, "{\"heed\": \"corpus\", \"version\": 1, \"items\": [");
    for (int i = 0; !status && i < count; i++) {
        parts[i].name = texts[i].name;
        if (out->failed) status = HEED_E_NOMEM;
        else if (texts[i].size + out->size > MOST_BYTES) status = heed_fail(err, HEED_E_LIMIT, "%s: more than 1 GiB of explanations; a browser shows no such page", texts[i].name);
        else status = add_lines(&parts[i], texts[i].text, texts[i].size, &first, out, err);
        if (!status && !parts[i].model) status = HEED_E_NOMEM;
    }
    if (!status) add_models(parts, count, out);
    for (int i = 0; parts && i < count; i++) free(parts[i].model);
    free(parts);
    if (!status && out->failed) status = HEED_E_NOMEM;
    return status == HEED_E_NOMEM ? heed_fail(err, HEED_E_NOMEM, "out of memory for a corpus of explanations") : status;
}
