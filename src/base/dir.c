/* Directories and names: the second half of base/file.h. */
#define _XOPEN_SOURCE 700   /* nftw */

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int make_one(const char *path)
{
    if (!mkdir(path, 0777)) return 0;
    int failure = errno;
    return heed_path_is_dir(path) ? 0 : failure;   /* EEXIST, but also EROFS and EACCES for a parent that is there */
}

heed_status heed_dir_make(const char *path, heed_error *err)
{
    char part[PATH_MAX];
    size_t length = strlen(path);
    if (length >= sizeof part) return heed_fail(err, HEED_E_IO, "%s: cannot be made: %s", path, strerror(ENAMETOOLONG));
    memcpy(part, path, length + 1);
    int failure = 0;
    for (char *p = part + 1; length && *p && !failure; p++) {
        if (*p != '/') continue;
        *p = 0;
        failure = make_one(part);
        *p = '/';
    }
    if (!failure) failure = make_one(part);
    return failure ? heed_fail(err, HEED_E_IO, "%s: cannot be made: %s", path, strerror(failure)) : HEED_OK;
}

heed_status heed_dir_sync(const char *path, heed_error *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno == EACCES) return HEED_OK;   /* may be entered and written but not listed: nothing to hold on to */
    if (fd < 0) return heed_fail(err, HEED_E_IO, "%s: cannot be opened: %s", path, strerror(errno));
    int failure = fsync(fd) && errno != EINVAL && errno != EROFS ? errno : 0;
    close(fd);
    return failure ? heed_fail(err, HEED_E_IO, "%s: cannot be synced: %s", path, strerror(failure)) : HEED_OK;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *place)
{
    (void)st, (void)place;
    int failed = kind == FTW_DP || kind == FTW_D || kind == FTW_DNR ? rmdir(path) : unlink(path);
    return failed && errno != ENOENT ? errno : 0;
}

heed_status heed_dir_remove(const char *path, heed_error *err)
{
    if (!*path) return heed_fail(err, HEED_E_IO, "a directory without a name cannot be removed");
    int failure = nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    if (failure < 0) failure = errno;
    if (!failure || failure == ENOENT) return HEED_OK;
    return heed_fail(err, HEED_E_IO, "%s: cannot be removed: %s", path, strerror(failure));
}

bool heed_path_exists(const char *path)
{
    struct stat st;
    return !stat(path, &st);
}

bool heed_path_is_dir(const char *path)
{
    struct stat st;
    return !stat(path, &st) && S_ISDIR(st.st_mode);
}

heed_status heed_path_join(char *out, size_t size, const char *dir, const char *name, heed_error *err)
{
    bool alone = name[0] == '/' || !dir || !dir[0];
    const char *between = alone || dir[strlen(dir) - 1] == '/' ? "" : "/";
    int length = snprintf(out, size, "%s%s%s", alone ? "" : dir, between, name);
    if (length >= 0 && (size_t)length < size) return HEED_OK;
    return heed_fail(err, HEED_E_USAGE, "%s: the path is longer than %zu bytes", name, size - 1);
}
