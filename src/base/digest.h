/* SHA-256, in 64 hexadecimal digits and a zero byte: what a model says of the files it was made from. */
#ifndef HEED_BASE_DIGEST_H
#define HEED_BASE_DIGEST_H

#include "heed/base.h"

void heed_sha256(char hex[65], const void *data, size_t size);

#endif
