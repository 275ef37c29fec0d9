/* Two outputs held side by side. */
#ifndef HEED_TESTS_TASK_SAME_H
#define HEED_TESTS_TASK_SAME_H

#include "heed.h"

/* Fails the test unless they agree bit for bit, alternatives included; weights: of symbols too. */
void same_output(const heed_output *a, const heed_output *b, bool weights);

#endif
