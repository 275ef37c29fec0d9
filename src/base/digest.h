/* SHA-256, in 64 hexadecimal digits and a zero byte: what a model says of the files it was made from. */
#ifndef HEED_BASE_DIGEST_H
#define HEED_BASE_DIGEST_H

#include "heed/base.h"

void heed_sha256(char hex[65], const void *data, size_t size);
/* Of a mapped file, of which no more than a piece is held in memory at a time. */
void heed_sha256_mapped(char hex[65], const unsigned char *data, size_t size);

#endif
