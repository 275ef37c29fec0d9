/* heed/base.h: status, error and the few words every other header needs.
 *
 * Errors, three rules:
 *   1. a constructor (new, open) returns NULL and fills the caller's heed_error;
 *   2. every other call that can fail returns heed_status and fills the heed_error it was given (NULL: not interested);
 *   3. an op on a tape never returns NULL: the tape keeps the first failure (heed/tensor.h).
 * Nothing in the library exits, aborts or prints. */
#ifndef HEED_BASE_H
#define HEED_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define HEED_API __attribute__((visibility("default")))
#define HEED_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define HEED_API
#define HEED_PRINTF(text, first)
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef enum heed_status {
    HEED_OK = 0,
    HEED_E_IO,       /* a file of ours cannot be read or written, the disk is full */
    HEED_E_NOMEM,    /* out of memory, or an arena reached its limit */
    HEED_E_USAGE,    /* a wrong setting, recipe or argument */
    HEED_E_MODEL,    /* a model is missing, damaged or of a newer format */
    HEED_E_DATA,     /* data: missing, unreadable, not UTF-8, sides differ */
    HEED_E_LIMIT,    /* a limit of ours: too long, too large */
    HEED_E_DIVERGED, /* training met a loss or gradient that is not finite */
    HEED_E_SHAPE,    /* an op was given tensors that do not fit together */
    HEED_E_STOPPED   /* asked to stop, by a signal or a callback */
} heed_status;

/* How numbers are kept. */
typedef enum heed_number {
    HEED_F32,
    HEED_BF16,       /* the upper half of a float, rounded to even (uint16_t) */
    HEED_INT8        /* int8_t times a float that a row or column has; of weights that are only read, and of caches */
} heed_number;

/* One failure in words: who, where, what was found, what was expected, what to do. Fixed size, so it needs no owner. */
typedef struct heed_error {
    heed_status status;
    char text[1000];
} heed_error;

/* Fills err (may be NULL) and returns status, so that a failing function ends with: return heed_fail(err, ...). */
HEED_API heed_status heed_fail(heed_error *err, heed_status status, const char *format, ...) HEED_PRINTF(3, 4);

/* The name of a status in lower case ("data", "model"), static text. */
HEED_API const char *heed_status_name(heed_status status);

/* The cores this process may use, 1 at least: as many threads as where an option of threads is 0. */
HEED_API int heed_cores(void);

#ifdef __cplusplus
}
#endif
#endif
