/* Strict UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef HEED_BASE_UTF8_H
#define HEED_BASE_UTF8_H

#include "heed/base.h"

/* The offset of the first byte that does not begin a whole, valid character; `size` when all of the text is UTF-8. */
size_t heed_utf8_check(const char *text, size_t size);
/* The same, or the offset of a zero byte before it: what no line of text holds. */
size_t heed_utf8_check_line(const char *text, size_t size);

#endif
