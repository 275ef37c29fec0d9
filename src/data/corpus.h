/* A parallel corpus, streamed: two plain or gzip files side by side, or one TSV with as many columns. Never held whole. */
#ifndef HEED_DATA_CORPUS_H
#define HEED_DATA_CORPUS_H

#include "base/buf.h"

typedef enum heed_invalid { HEED_INVALID_ERROR, HEED_INVALID_REPLACE, HEED_INVALID_SKIP } heed_invalid;

typedef struct heed_corpus_settings {
    const char *const *paths;       /* [files]: one TSV, or one file a field; ".gz" or not, found out by content */
    int files;
    int fields;                     /* 2 for a task of pairs */
    heed_invalid invalid;
} heed_corpus_settings;

typedef struct heed_record {
    const char *text[4];            /* valid until the next call of heed_corpus_next */
    size_t size[4];
    int64_t line;                   /* from 1 */
} heed_record;

typedef struct heed_corpus_counts { int64_t read, empty, invalid; } heed_corpus_counts;   /* empty: a field was empty, record skipped */

typedef struct heed_corpus heed_corpus;
/* HEED_E_DATA for all that is wrong with the data: missing file, unequal sides (which file ends at which line), not UTF-8 (line, column, remedy),
 * a TSV line with other than `fields` columns, a line above 16 MiB. TSV fields: backslash escapes \\ \n \t. A trailing \r is dropped. */
heed_corpus *heed_corpus_open(const heed_corpus_settings *settings, heed_error *err);
heed_status heed_corpus_next(heed_corpus *c, heed_record *r, bool *end, heed_error *err);
/* The next record as it stands, for those who judge data: fields may be empty or no text, and nothing is counted. A TSV line may have another number of columns,
 * which is *columns; what is missing is empty, what is too much is left out. */
heed_status heed_corpus_read(heed_corpus *c, heed_record *r, int *columns, bool *end, heed_error *err);
heed_status heed_corpus_rewind(heed_corpus *c, heed_error *err);
const char *heed_corpus_name(const heed_corpus *c);                        /* of its first file, as it was given */
const heed_corpus_counts *heed_corpus_get_counts(const heed_corpus *c);   /* since open or rewind */
void heed_corpus_close(heed_corpus *c);

/* Replaces the escapes of a TSV field in place and ends it with a zero byte; other backslashes stay. Returns the new size. */
size_t heed_field_unescape(char *text, size_t size);

#endif
