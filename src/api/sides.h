/* Files of hypotheses and references that are read side by side. */
#ifndef HEED_API_SIDES_H
#define HEED_API_SIDES_H

#include "data/beside.h"

enum { HEED_MOST_REFERENCES = 16, HEED_MOST_SYSTEMS = 64, HEED_MOST_SIDES = HEED_MOST_REFERENCES + HEED_MOST_SYSTEMS };

typedef struct heed_sides {
    heed_lines *file[HEED_MOST_SIDES];
    const char *name[HEED_MOST_SIDES];
    int count;
    char *text[HEED_MOST_SIDES];      /* the line read last, of every file */
} heed_sides;                         /* {0} is closed */

/* Adds names before they are opened: at most HEED_MOST_SIDES in all, which the caller checks. */
void heed_sides_name(heed_sides *s, const char *const *names, int count);
/* "-" is standard input. HEED_E_DATA: a file that cannot be opened; HEED_E_USAGE: standard input twice. Closed by heed_sides_close() in any case. */
heed_status heed_sides_open(heed_sides *s, heed_error *err);
/* The next line of every file into text; *end when all have ended. HEED_E_DATA: as heed_beside_next(), or files without any line. */
heed_status heed_sides_next(heed_sides *s, bool *end, heed_error *err);
/* A line that its metric refuses: its text in err gets "FILE: line 18,204: " before it. Returns err's status. */
heed_status heed_sides_refuse(const heed_sides *s, int i, heed_error *err);
void heed_sides_close(heed_sides *s);
/* HEED_E_USAGE: no reference, or more than we read. */
heed_status heed_sides_check_references(int count, heed_error *err);

#endif
