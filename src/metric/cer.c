/* Character error rate: edits of code points; spaces inside a line count, at its ends they do not. */
#include "base/unicode.h"
#include "metric/kind.h"
#include "metric/rate.h"

typedef struct cer {
    heed_metric base;
    heed_rate rate;
} cer;

static bool strip(heed_line *line)
{
    int64_t first = 0, end = line->text.n;
    while (end > 0 && heed_unicode_space(line->text.x[end - 1]))
        end--;
    while (first < end && heed_unicode_space(line->text.x[first]))
        first++;
    line->unit.n = 0;
    for (int64_t i = first; i < end; i++)
        heed_codes_add(&line->unit, line->text.x[i]);
    return !line->unit.failed;
}

static heed_status cer_add(heed_metric *m, heed_line *line, int count, double *sums, heed_error *err)
{
    for (int i = 0; i <= count; i++)
        if (!strip(&line[i]))
            return heed_metric_nomem(err);
    return heed_rate_add(&((cer *)m)->rate, &line[0].unit, &line[1].unit, sizeof *line, count, sums, err);
}

static double cer_value(const heed_metric *m, const double *sums)
{
    (void)m;
    return heed_rate_value(sums);
}

static void cer_sign(const heed_metric *m, heed_buf *out)
{
    (void)m;
    heed_buf_text(out, "unit:character|");
}

static void cer_stop(heed_metric *m)
{
    heed_codes_free(&((cer *)m)->rate.row);
}

const heed_metric_kind heed_metric_cer = {
    .name = "cer", .size = sizeof(cer), .sums = HEED_RATE_SUMS, .add = cer_add, .value = cer_value, .sign = cer_sign, .stop = cer_stop,
};
