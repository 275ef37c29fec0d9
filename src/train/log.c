/* The log of a run: train/log.h. */
#include "train/log.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "model/words.h"

void heed_log_free(heed_log *l) { heed_buf_free(&l->line); }

static void put_real(heed_buf *out, const char *name, double value)
{
    heed_buf_printf(out, ", \"%s\": ", name);
    if (isfinite(value)) heed_real_write(out, value);
    else heed_buf_text(out, "null");
}

void heed_log_figures(heed_buf *out, double valid_loss, double metric, const char *metric_name)
{
    put_real(out, "valid_loss", valid_loss);
    put_real(out, "metric", metric);
    heed_buf_text(out, ", \"metric_name\": ");
    heed_json_text(out, metric_name);
}

heed_status heed_log_write(heed_log *l, const heed_log_entry *e, heed_error *err)
{
    heed_buf *out = &l->line;
    heed_buf_reset(out);
    heed_buf_printf(out, "{\"update\": %lld, \"epoch\": %lld", (long long)e->update, (long long)e->epoch);
    put_real(out, "seconds", round(e->seconds * 1000) / 1000);
    put_real(out, "loss", e->loss);
    put_real(out, "tokens_per_second", round(e->tokens_per_second));
    put_real(out, "rate", e->rate);
    put_real(out, "norm", e->norm);
    if (e->guided) put_real(out, "guided_loss", e->guided_loss);
    if (e->judged) heed_log_figures(out, e->valid_loss, e->metric, e->metric_name);
    heed_buf_text(out, "}\n");
    if (out->failed) return heed_fail(err, HEED_E_NOMEM, "%s: out of memory", l->path);
    return heed_file_append(l->path, out->data, out->size, err);
}

heed_status heed_log_cut(heed_log *l, int64_t update, heed_error *err)
{
    static const char head[] = "{\"update\": ";
    const size_t lead = sizeof head - 1;
    if (!heed_path_exists(l->path)) return HEED_OK;
    heed_file file;
    heed_status status = heed_file_map(&file, l->path, HEED_E_IO, err);
    if (status) return status;
    const char *text = (const char *)file.data;
    size_t end = 0;
    while (end < file.size) {
        const char *line = text + end, *newline = memchr(line, '\n', file.size - end);
        if (!newline || (size_t)(newline - line) < lead || memcmp(line, head, lead) != 0 || strtoll(line + lead, NULL, 10) > update) break;
        end = (size_t)(newline - text) + 1;
    }
    if (end < file.size) status = heed_file_replace(l->path, text, end, err);
    heed_file_unmap(&file);
    return status;
}
