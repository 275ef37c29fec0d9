/* Files read side by side, line by line: outputs and references, sources and targets that are to be judged. (A corpus to learn from has choices of
 * its own about lines that are no text: data/corpus.h.) */
#ifndef HEED_DATA_BESIDE_H
#define HEED_DATA_BESIDE_H

#include "data/lines.h"

typedef struct heed_beside {
    heed_lines *const *file;          /* [count] */
    const char *const *name;          /* [count] as messages call them */
    int count;
} heed_beside;

/* The next line of every file, without a carriage return at its end, until the next call; *end when all have ended together.
 * HEED_E_DATA: as heed_lines_next(); a line that is not UTF-8 or holds a zero byte (file, line, column); one file ends before another (which, and where). */
heed_status heed_beside_next(const heed_beside *b, char **text, size_t *size, bool *end, heed_error *err);

#endif
