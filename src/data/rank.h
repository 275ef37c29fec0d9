/* Sorting by up to three numbers, in place and without memory: qsort of the C library may allocate, and a steady state may not. */
#ifndef HEED_DATA_RANK_H
#define HEED_DATA_RANK_H

#include "heed/base.h"

typedef struct heed_rank {
    int64_t key[3];   /* compared from left to right, smallest first */
    int64_t item;     /* what is ranked; make the keys differ, ties end in any order */
} heed_rank;

void heed_rank_sort(heed_rank *r, int64_t n);

#endif
