/* A folder of one test program for files it makes: created at first use, removed at exit. Paths stay valid until exit. */
#ifndef HEED_TESTS_SUPPORT_SCRATCH_H
#define HEED_TESTS_SUPPORT_SCRATCH_H

#include <stddef.h>

const char *scratch_path(const char *name);                                      /* DIR/name */
const char *scratch_write(const char *name, const void *bytes, size_t size);     /* makes the file, returns its path */
const char *scratch_text(const char *name, const char *text);
const char *scratch_gzip(const char *name, const char *text);
char *scratch_read(const char *name, size_t *size);                              /* all of it, a zero byte after it; the caller's to free */

#endif
