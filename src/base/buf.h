/* A growable run of bytes, always followed by a zero byte. Failure of memory is sticky: later calls do nothing and `failed` stays set,
 * so a writer checks once at its end. `{0}` is an empty buffer. */
#ifndef HEED_BASE_BUF_H
#define HEED_BASE_BUF_H

#include "heed/base.h"

typedef struct heed_buf {
    char *data;      /* NULL until something was added */
    size_t size, capacity;
    bool failed;
} heed_buf;

void heed_buf_add(heed_buf *b, const void *bytes, size_t size);
void heed_buf_text(heed_buf *b, const char *text);
void heed_buf_char(heed_buf *b, char c);
void heed_buf_printf(heed_buf *b, const char *format, ...) HEED_PRINTF(2, 3);
void heed_buf_reset(heed_buf *b);                /* empties, keeps the memory */
void heed_buf_free(heed_buf *b);                 /* gives the memory back; the buffer is empty and usable again */
char *heed_buf_take(heed_buf *b);                /* the text for the caller to free(); NULL when failed; the buffer is empty afterwards */

#endif
