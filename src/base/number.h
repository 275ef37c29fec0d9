/* Numbers as people read them in messages. */
#ifndef HEED_BASE_NUMBER_H
#define HEED_BASE_NUMBER_H

#include "heed/base.h"

enum { HEED_GROUP_SIZE = 32 };

const char *heed_group(char out[HEED_GROUP_SIZE], int64_t n);   /* "1,234,567" */

#endif
