#include "decode/bank.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* NaN last. */
static int falling(double a, double b)
{
    if (isnan(a) || isnan(b)) return (isnan(a) != 0) - (isnan(b) != 0);
    return (a < b) - (a > b);
}

static int likeliest_first(const void *a, const void *b)
{
    const heed_candidate *x = a, *y = b;
    const int by_sum = falling(x->sum, y->sum), by_logit = falling((double)x->logit, (double)y->logit);
    if (by_sum) return by_sum;
    if (x->row != y->row) return x->row < y->row ? -1 : 1;
    return by_logit ? by_logit : (x->id > y->id) - (x->id < y->id);
}

void heed_bank_choose(heed_candidate *c, int64_t count, int64_t banks, int64_t room, int64_t *taken)
{
    const int64_t share = room / banks;
    int64_t left = room;
    memset(taken, 0, (size_t)banks * sizeof *taken);
    if (count > 1) qsort(c, (size_t)count, sizeof *c, likeliest_first);
    for (int64_t i = 0; i < count; i++) {
        const int64_t bank = c[i].bank, most = bank == banks - 1 ? room - share * (banks - 1) : share;
        c[i].kept = taken[bank] < most;
        taken[bank] += c[i].kept;
        left -= c[i].kept;
    }
    for (int64_t i = 0; i < count && left > 0; i++) {
        left -= !c[i].kept;
        c[i].kept = true;
    }
}
