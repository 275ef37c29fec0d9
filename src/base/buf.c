/* Growable runs of bytes: base/buf.h. */
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Makes room for `more` bytes and the zero behind them. */
static bool reserve(heed_buf *b, size_t more)
{
    if (b->failed) return false;
    if (b->data && more < b->capacity - b->size) return true;
    size_t capacity = b->capacity < 64 ? 64 : b->capacity;
    while (capacity - b->size <= more && capacity <= SIZE_MAX / 4) capacity *= 2;
    char *data = capacity - b->size > more ? realloc(b->data, capacity) : NULL;
    if (!data) {
        b->failed = true;
        return false;
    }
    b->data = data;
    b->capacity = capacity;
    return true;
}

void heed_buf_add(heed_buf *b, const void *bytes, size_t size)
{
    if (!reserve(b, size)) return;
    if (size) memcpy(b->data + b->size, bytes, size);
    b->size += size;
    b->data[b->size] = 0;
}

void heed_buf_text(heed_buf *b, const char *text)
{
    heed_buf_add(b, text, strlen(text));
}

void heed_buf_char(heed_buf *b, char c)
{
    heed_buf_add(b, &c, 1);
}

void heed_buf_printf(heed_buf *b, const char *format, ...)
{
    va_list first, again;
    va_start(first, format);
    va_copy(again, first);
    int length = vsnprintf(NULL, 0, format, first);
    va_end(first);
    if (length < 0) b->failed = true;
    else if (reserve(b, (size_t)length)) {
        vsnprintf(b->data + b->size, (size_t)length + 1, format, again);
        b->size += (size_t)length;
    }
    va_end(again);
}

void heed_buf_reset(heed_buf *b)
{
    b->size = 0;
    if (b->data) b->data[0] = 0;
}

void heed_buf_free(heed_buf *b)
{
    free(b->data);
    *b = (heed_buf){0};
}

char *heed_buf_take(heed_buf *b)
{
    heed_buf_add(b, "", 0);   /* an empty text is still a text */
    char *text = b->failed ? NULL : b->data;
    if (!text) free(b->data);
    *b = (heed_buf){0};
    return text;
}
