/* Learning rates: train/schedule.h. */
#include "train/schedule.h"

#include <math.h>

static double warming(const heed_recipe *r, int64_t update)
{
    const int64_t warmup = r->train.schedule.warmup_updates;
    if (update >= warmup) return 1;
    return r->train.schedule.from + (1 - r->train.schedule.from) * (double)update / (double)warmup;
}

static double factor(const heed_recipe *r, int64_t update, double progress)
{
    const double to = r->train.schedule.to, pi = 3.14159265358979323846;
    const int64_t warmup = r->train.schedule.warmup_updates;
    switch (r->train.schedule.type) {
    case HEED_SCHEDULE_LINEAR:
        return 1 - (1 - to) * progress;
    case HEED_SCHEDULE_INVERSE_SQRT:
        return update < warmup ? warming(r, update) : sqrt((double)(warmup > 0 ? warmup : 1) / (double)update);
    case HEED_SCHEDULE_COSINE:
        return warming(r, update) * (to + (1 - to) * (1 + cos(pi * progress)) / 2);
    default:
        return 1;
    }
}

double heed_schedule_rate(const heed_recipe *r, int64_t update, double progress, double scale)
{
    const double within = progress < 0 ? 0 : progress > 1 ? 1 : progress;
    return r->train.optimizer.rate * scale * factor(r, update, within);
}
