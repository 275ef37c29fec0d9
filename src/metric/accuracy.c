/* Accuracy: the share of lines that equal one of their references. */
#include <string.h>

#include "metric/kind.h"

typedef struct accuracy {
    heed_metric base;
    int64_t right, lines;
} accuracy;

static heed_status accuracy_add(heed_metric *m, heed_line *line, int count, heed_error *err)
{
    (void)err;
    accuracy *a = (accuracy *)m;
    bool right = false;
    for (int i = 1; i <= count; i++)
        right |= line[0].text.n == line[i].text.n &&
                 (line[0].text.n == 0 || memcmp(line[0].text.x, line[i].text.x, (size_t)line[0].text.n * sizeof(int32_t)) == 0);
    a->right += right;
    a->lines++;
    return HEED_OK;
}

static double accuracy_value(const heed_metric *m)
{
    const accuracy *a = (const accuracy *)m;
    return a->lines ? 100 * (double)a->right / (double)a->lines : 0;
}

static void accuracy_sign(const heed_metric *m, heed_buf *out)
{
    (void)m;
    heed_buf_text(out, "unit:line|");
}

const heed_metric_kind heed_metric_accuracy = {"accuracy", sizeof(accuracy), true, NULL, accuracy_add, accuracy_value, accuracy_sign, NULL};
