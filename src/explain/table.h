/* A table of named lines, row by row, as heed_chart_table() of heed.h tells: the lines of a chart. */
#ifndef HEED_EXPLAIN_TABLE_H
#define HEED_EXPLAIN_TABLE_H

#include "heed.h"

typedef struct heed_table heed_table;
/* path: for messages, borrowed. log_x: an x that is not above 0 is refused. HEED_E_NOMEM. */
heed_table *heed_table_new(const char *path, bool log_x, heed_error *err);
void heed_table_free(heed_table *t);                                                            /* NULL is fine */
/* Row `number` of the file, which is UTF-8 and is changed. Nothing but blanks is no row. HEED_E_DATA, HEED_E_LIMIT, HEED_E_NOMEM. */
heed_status heed_table_add(heed_table *t, int64_t number, char *text, heed_error *err);
/* Sorts points by x and puts the lines into c, and the names of columns where c has no labels; they live as long as the table. HEED_E_DATA: no row, or an x twice. */
heed_status heed_table_finish(heed_table *t, heed_chart *c, heed_error *err);

#endif
