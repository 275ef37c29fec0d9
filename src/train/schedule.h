/* How the learning rate changes with time: a factor of train.optimizer.rate. */
#ifndef HEED_TRAIN_SCHEDULE_H
#define HEED_TRAIN_SCHEDULE_H

#include "model/recipe.h"

/* The rate of update number `update` (from 1). progress: share of the run that lies behind, 0..1; scale: what plateaus have left of the rate.
 *
 *   constant      1
 *   linear        1 - (1-to) progress
 *   inverse_sqrt  from + (1-from) update/warmup, then sqrt(warmup/update)            (Vaswani et al. 2017, section 5.3)
 *   cosine        (to + (1-to) (1 + cos(pi progress)) / 2), while warming up times the same line as above     (Loshchilov and Hutter 2017)
 *   plateau       scale */
double heed_schedule_rate(const heed_recipe *r, int64_t update, double progress, double scale);

#endif
