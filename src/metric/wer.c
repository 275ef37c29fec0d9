/* Word error rate: edits of words, which are what stands between white space. */
#include "metric/kind.h"
#include "metric/rate.h"

typedef struct wer {
    heed_metric base;
    heed_rate rate;
    heed_intern words;
} wer;

static heed_status wer_add(heed_metric *m, heed_line *line, int count, double *sums, heed_error *err)
{
    wer *w = (wer *)m;
    heed_intern_reset(&w->words);
    for (int i = 0; i <= count; i++)
        if (!heed_intern_words(&w->words, &line[i].text, &line[i].unit))
            return heed_metric_nomem(err);
    return heed_rate_add(&w->rate, &line[0].unit, &line[1].unit, sizeof *line, count, sums, err);
}

static double wer_value(const heed_metric *m, const double *sums)
{
    (void)m;
    return heed_rate_value(sums);
}

static void wer_sign(const heed_metric *m, heed_buf *out)
{
    (void)m;
    heed_buf_text(out, "unit:word|");
}

static void wer_stop(heed_metric *m)
{
    wer *w = (wer *)m;
    heed_codes_free(&w->rate.row);
    heed_intern_free(&w->words);
}

const heed_metric_kind heed_metric_wer = {
    .name = "wer", .size = sizeof(wer), .sums = HEED_RATE_SUMS, .add = wer_add, .value = wer_value, .sign = wer_sign, .stop = wer_stop,
};
