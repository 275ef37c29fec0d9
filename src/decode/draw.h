/* Sampling: one symbol drawn from logits. */
#ifndef HEED_DECODE_DRAW_H
#define HEED_DECODE_DRAW_H

#include "heed/base.h"

typedef struct heed_draw_options {
    double temperature;       /* above 0; logits are divided by it */
    int64_t top_k;            /* only the k largest logits; 0: all */
    double top_p;             /* of those, only the fewest that hold this share of their probability, largest first; 0 or 1: all (Holtzman et al. 2020) */
} heed_draw_options;

typedef struct heed_chance { double weight; float logit; int32_t id; } heed_chance;

/* The symbol that u in [0,1) falls on. room: [V]. The best one when the largest logit is not finite. Equal logits rank by number. */
int32_t heed_draw(const heed_draw_options *o, const float *logits, int64_t V, double u, heed_chance *room);

#endif
