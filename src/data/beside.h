/* Files read side by side, line by line: sides of a corpus, outputs and references. */
#ifndef HEED_DATA_BESIDE_H
#define HEED_DATA_BESIDE_H

#include "data/lines.h"

typedef struct heed_beside {
    heed_lines *const *file;          /* [count] */
    const char *const *name;          /* [count] as messages call them */
    int count;
} heed_beside;

/* The next line of every file as it stands, without a carriage return at its end, until the next call; *end when all have ended together.
 * HEED_E_DATA: as heed_lines_next(); one file ends before another (which, and where). */
heed_status heed_beside_read(const heed_beside *b, char **text, size_t *size, bool *end, heed_error *err);
/* The same of lines that are text; HEED_E_DATA also when one is not UTF-8 or holds a zero byte (file, line, column). */
heed_status heed_beside_next(const heed_beside *b, char **text, size_t *size, bool *end, heed_error *err);
/* "FILE: line 18,204: WHERE byte 0xC3 at column 41 is not UTF-8; fix the line REMEDY" for the byte at `at`; where and remedy may be "". HEED_E_DATA. */
heed_status heed_beside_refuse(const heed_beside *b, int i, const char *where, const char *text, size_t size, size_t at, const char *remedy, heed_error *err);

#endif
