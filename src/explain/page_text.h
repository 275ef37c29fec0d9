/* page/ in one text: style and script are in their places, @@nonce@@, @@data@@, @@connect@@ and @@server@@ still to be filled in. Made by page/embed.cmake. */
#ifndef HEED_EXPLAIN_PAGE_TEXT_H
#define HEED_EXPLAIN_PAGE_TEXT_H

#include <stddef.h>

extern const unsigned char heed_page_text[];
extern const size_t heed_page_size;

#endif
