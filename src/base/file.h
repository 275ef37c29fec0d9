/* Files: mapped for reading, replaced as a whole for writing (temporary file beside it, fsync, rename, fsync of the directory), so that
 * a reader sees the old content or the new one, also after a kill or on a full disk. */
#ifndef HEED_BASE_FILE_H
#define HEED_BASE_FILE_H

#include "heed/base.h"

typedef struct heed_file {
    const unsigned char *data;   /* NULL when the file is empty */
    size_t size;
} heed_file;

/* The status with which a missing or unreadable file fails is the caller's choice: HEED_E_MODEL, HEED_E_DATA, ... */
heed_status heed_file_map(heed_file *f, const char *path, heed_status missing, heed_error *err);
void heed_file_unmap(heed_file *f);
heed_status heed_file_replace(const char *path, const void *data, size_t size, heed_error *err);
/* Several pieces, written in order: for files too large to build in memory. */
typedef struct heed_piece { const void *data; size_t size; } heed_piece;
heed_status heed_file_replace_pieces(const char *path, const heed_piece *pieces, size_t count, heed_error *err);
heed_status heed_file_append(const char *path, const void *data, size_t size, heed_error *err);   /* one write(2): for logs */
heed_status heed_link_replace(const char *path, const char *target, heed_error *err);             /* symbolic link, atomically */
heed_status heed_dir_make(const char *path, heed_error *err);          /* with parents; an existing directory is fine */
heed_status heed_dir_sync(const char *path, heed_error *err);
heed_status heed_dir_remove(const char *path, heed_error *err);        /* with what is in it; a missing one is fine */
bool heed_path_exists(const char *path);
bool heed_path_is_dir(const char *path);
/* Joins directory and name into out; an absolute name stays as it is. Fails with HEED_E_USAGE when it does not fit. */
heed_status heed_path_join(char *out, size_t size, const char *dir, const char *name, heed_error *err);

#endif
