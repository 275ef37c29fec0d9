/* The lines of one file, plain or gzip, found out by content; streamed. */
#ifndef HEED_DATA_LINES_H
#define HEED_DATA_LINES_H

#include "base/buf.h"

typedef struct heed_lines heed_lines;
heed_lines *heed_lines_open(const char *path, heed_error *err);   /* HEED_E_DATA: missing or unreadable */
/* The next line without its end (a carriage return belongs to it); the text is the caller's to change until the next call, and a zero byte
 * follows. *end is set after the last line, again and again. HEED_E_DATA: unreadable, damaged gzip, a line above 16 MiB. */
heed_status heed_lines_next(heed_lines *l, char **text, size_t *size, bool *end, heed_error *err);
heed_status heed_lines_rewind(heed_lines *l, heed_error *err);
int64_t heed_lines_number(const heed_lines *l);                   /* of the line read last, from 1; 0 before the first */
const char *heed_lines_path(const heed_lines *l);
void heed_lines_close(heed_lines *l);                             /* NULL is fine */

#endif
