/* Errors in words: heed/base.h. */
#include "heed/base.h"

#include <stdio.h>
#include <string.h>

/* Cuts a text that filled its buffer before a character that lost its tail, so that an error can always be written as JSON. */
static void trim_half_character(char *text, size_t size)
{
    size_t lead = size - 1;
    while (lead > 0 && ((unsigned char)text[lead] & 0xC0) == 0x80) lead--;
    unsigned char c = (unsigned char)text[lead];
    size_t whole = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : c >= 0xC0 ? 2 : 1;
    if (size - lead < whole) text[lead] = 0;
}

heed_status heed_fail(heed_error *err, heed_status status, const char *format, ...)
{
    if (!err) return status;
    char text[sizeof err->text];   /* apart from err, since its old text may be among the arguments */
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (length < 0) text[0] = 0;
    if (length >= (int)sizeof text) trim_half_character(text, sizeof text - 1);
    memcpy(err->text, text, sizeof text);
    err->status = status;
    return status;
}

const char *heed_status_name(heed_status status)
{
    static const char *const names[] = {
        [HEED_OK] = "ok", [HEED_E_IO] = "io", [HEED_E_NOMEM] = "nomem", [HEED_E_USAGE] = "usage", [HEED_E_MODEL] = "model",
        [HEED_E_DATA] = "data", [HEED_E_LIMIT] = "limit", [HEED_E_DIVERGED] = "diverged", [HEED_E_SHAPE] = "shape",
        [HEED_E_STOPPED] = "stopped",
    };
    size_t i = (size_t)status;
    return i < sizeof names / sizeof *names ? names[i] : "unknown";
}
