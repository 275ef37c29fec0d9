/* Where long texts go: collected in a buffer and passed on in parts, so that no more than a part is ever held. */
#ifndef HEED_EXPLAIN_SINK_H
#define HEED_EXPLAIN_SINK_H

#include "base/buf.h"

enum { HEED_SINK_PART = 1 << 16 };   /* bytes from which a part is passed on */

typedef struct heed_sink {
    heed_buf text;                                                  /* add to it, then heed_sink_pass() */
    bool (*write)(void *user, const char *bytes, size_t size);      /* false: no more */
    void *user;
    bool failed;                                                    /* write said no */
} heed_sink;

void heed_sink_pass(heed_sink *s);                                  /* passes on what is there if it is a part */
/* Passes on all the rest and gives the memory back. HEED_E_IO: write said no; HEED_E_NOMEM. */
heed_status heed_sink_end(heed_sink *s, heed_error *err);

/* A matrix of JSON, {"rows", "cols", "type": "f32" or "f16", "data"}: numbers little endian, row by row, in base64. */
typedef struct heed_matrix { heed_sink *sink; bool half; unsigned char left[3]; int held; } heed_matrix;
void heed_matrix_begin(heed_matrix *m, heed_sink *s, int64_t rows, int64_t cols, bool half);
void heed_matrix_row(heed_matrix *m, const float *x, int64_t n);
void heed_matrix_end(heed_matrix *m);

#endif
