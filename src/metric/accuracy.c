/* Accuracy: the share of lines that equal one of their references. */
#include <string.h>

#include "metric/kind.h"

enum { RIGHT, LINES, SUMS };

static heed_status accuracy_add(heed_metric *m, heed_line *line, int count, double *sums, heed_error *err)
{
    (void)m;
    (void)err;
    bool right = false;
    for (int i = 1; i <= count; i++)
        right |= line[0].text.n == line[i].text.n &&
                 (line[0].text.n == 0 || memcmp(line[0].text.x, line[i].text.x, (size_t)line[0].text.n * sizeof(int32_t)) == 0);
    sums[RIGHT] = right;
    sums[LINES] = 1;
    return HEED_OK;
}

static double accuracy_value(const heed_metric *m, const double *sums)
{
    (void)m;
    return sums[LINES] > 0 ? 100 * sums[RIGHT] / sums[LINES] : 0;
}

static void accuracy_sign(const heed_metric *m, heed_buf *out)
{
    (void)m;
    heed_buf_text(out, "unit:line|");
}

const heed_metric_kind heed_metric_accuracy = {
    .name = "accuracy", .size = sizeof(heed_metric), .higher_is_better = true, .sums = SUMS, .add = accuracy_add, .value = accuracy_value, .sign = accuracy_sign,
};
