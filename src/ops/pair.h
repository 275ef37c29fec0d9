/* Rows that meet in a dot product: the score functions that attend knows by address, and computes for many queries at once (ops/attend_lanes.c). */
#ifndef HEED_OPS_PAIR_H
#define HEED_OPS_PAIR_H

#include "heed/ops.h"

/* s_j = scale extra q . k_j; extra [1], or NULL for 1. */
void heed_pair_dot(const heed_meeting *m, float *s);
void heed_pair_dot_back(const heed_meeting *m, const float *ds, float *dq, float *dk, float *dextra);

#endif
