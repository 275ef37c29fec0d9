/* Translation edit rate: edits of words, a moved run counting one, over the mean length of the references. Case does not count, as in tercom. */
#include "metric/kind.h"
#include "metric/rate.h"
#include "metric/shifts.h"

typedef struct ter {
    heed_metric base;
    heed_intern words;
    heed_shifts shifts;
} ter;

static heed_status ter_add(heed_metric *m, heed_line *line, int count, double *sums, heed_error *err)
{
    ter *t = (ter *)m;
    int64_t least = INT64_MAX, length = 0;
    heed_intern_reset(&t->words);
    for (int i = 0; i <= count; i++)
        if (!heed_intern_words(&t->words, &line[i].text, &line[i].unit))
            return heed_metric_nomem(err);
    for (int i = 1; i <= count; i++) {
        int64_t edits;
        heed_status status = heed_shifts_count(&t->shifts, &line[0].unit, &line[i].unit, &edits, err);
        if (status)
            return status;
        least = edits < least ? edits : least;
        length += line[i].unit.n;
    }
    sums[HEED_RATE_EDITS] = (double)least;
    sums[HEED_RATE_LENGTH] = (double)length / count;
    return HEED_OK;
}

static double ter_value(const heed_metric *m, const double *sums)
{
    (void)m;
    return heed_rate_value(sums);
}

static void ter_sign(const heed_metric *m, heed_buf *out)
{
    (void)m;
    heed_buf_text(out, "tok:tercom|norm:no|punct:yes|asian:no|");
}

static void ter_stop(heed_metric *m)
{
    heed_intern_free(&((ter *)m)->words);
    heed_shifts_free(&((ter *)m)->shifts);
}

const heed_metric_kind heed_metric_ter = {
    .name = "ter", .size = sizeof(ter), .blind_to_case = true, .sums = HEED_RATE_SUMS, .add = ter_add, .value = ter_value, .sign = ter_sign, .stop = ter_stop,
};
