/* Files: base/file.h. A write that meets RLIMIT_FSIZE raises SIGXFSZ, which would end the process; it is held back around our writes, so
 * that the caller gets an error instead. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

heed_status heed_file_map(heed_file *f, const char *path, heed_status missing, heed_error *err)
{
    *f = (heed_file){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return heed_fail(err, missing, "%s: cannot be read: %s", path, strerror(errno));
    struct stat st;
    int failure = 0;
    if (fstat(fd, &st)) failure = errno;
    else if (S_ISDIR(st.st_mode)) failure = EISDIR;
    else if (!S_ISREG(st.st_mode)) failure = ESPIPE;
    if (!failure && st.st_size > 0) {
        void *data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (data == MAP_FAILED) failure = errno;
        else *f = (heed_file){data, (size_t)st.st_size};
    }
    close(fd);
    if (failure == ESPIPE) return heed_fail(err, missing, "%s: cannot be mapped: not a regular file", path);
    if (failure) return heed_fail(err, missing, "%s: cannot be read: %s", path, strerror(failure));
    return HEED_OK;
}

void heed_file_unmap(heed_file *f)
{
    if (f->data) munmap((void *)(uintptr_t)f->data, f->size);
    *f = (heed_file){0};
}

static int write_all(int fd, const char *data, size_t size)
{
    while (size) {
        size_t part = size < (1u << 30) ? size : 1u << 30;   /* Linux takes less than 2 GiB at once */
        ssize_t done = write(fd, data, part);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) return errno;
        if (done == 0) return ENOSPC;
        data += done;
        size -= (size_t)done;
    }
    return 0;
}

/* Returns 0 or an errno; a SIGXFSZ of ours is swallowed. */
static int write_pieces(int fd, const heed_piece *pieces, size_t count)
{
    sigset_t limit, before, pending;
    sigemptyset(&limit);
    sigaddset(&limit, SIGXFSZ);
    pthread_sigmask(SIG_BLOCK, &limit, &before);
    int failure = 0;
    for (size_t i = 0; i < count && !failure; i++) failure = write_all(fd, pieces[i].data, pieces[i].size);
    if (failure == EFBIG && !sigpending(&pending) && sigismember(&pending, SIGXFSZ)) {
        int number;
        sigwait(&limit, &number);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failure;
}

static int fd_sync(int fd)
{
    if (!fsync(fd) || errno == EINVAL || errno == EROFS) return 0;   /* a pipe, or a filesystem that cannot */
    return errno;
}

static heed_status write_failed(heed_error *err, const char *path, int failure)
{
    return heed_fail(err, HEED_E_IO, "%s: cannot be written: %s", path, strerror(failure));
}

/* The directory a path lies in. */
static heed_status parent_of(char out[PATH_MAX], const char *path, heed_error *err)
{
    const char *slash = strrchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) : 0;
    if (length >= PATH_MAX) return write_failed(err, path, ENAMETOOLONG);
    memcpy(out, path, length);
    out[length] = 0;
    if (!length) strncpy(out, slash ? "/" : ".", PATH_MAX - 1);
    return HEED_OK;
}

static heed_status temporary_name(char out[PATH_MAX], const char *path, heed_error *err)
{
    int length = snprintf(out, PATH_MAX, "%s.tmp-%ld", path, (long)getpid());
    return length > 0 && length < PATH_MAX ? HEED_OK : write_failed(err, path, ENAMETOOLONG);
}

/* Moves what was written aside to its place; on failure nothing is left beside it. */
static heed_status rename_into_place(const char *temporary, const char *path, heed_error *err)
{
    char parent[PATH_MAX];
    heed_status status = parent_of(parent, path, err);
    if (!status && rename(temporary, path)) status = write_failed(err, path, errno);
    if (status) {
        unlink(temporary);
        return status;
    }
    return heed_dir_sync(parent, err);
}

/* A terminal, a pipe, /dev/null: written through, since a rename would put a file in its place. */
static heed_status write_through(const char *path, const heed_piece *pieces, size_t count, heed_error *err)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return write_failed(err, path, errno);
    int failure = write_pieces(fd, pieces, count);
    if (close(fd) && !failure) failure = errno;
    return failure ? write_failed(err, path, failure) : HEED_OK;
}

heed_status heed_file_replace_pieces(const char *path, const heed_piece *pieces, size_t count, heed_error *err)
{
    struct stat st;
    if (!stat(path, &st) && !S_ISREG(st.st_mode)) return write_through(path, pieces, count, err);
    char temporary[PATH_MAX];
    heed_status status = temporary_name(temporary, path, err);
    if (status) return status;
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (fd < 0) return write_failed(err, path, errno);
    int failure = write_pieces(fd, pieces, count);
    if (!failure) failure = fd_sync(fd);
    if (close(fd) && !failure) failure = errno;
    if (failure) {
        unlink(temporary);
        return write_failed(err, path, failure);
    }
    return rename_into_place(temporary, path, err);
}

heed_status heed_file_replace(const char *path, const void *data, size_t size, heed_error *err)
{
    return heed_file_replace_pieces(path, &(heed_piece){data, size}, 1, err);
}

heed_status heed_file_append(const char *path, const void *data, size_t size, heed_error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (fd < 0) return write_failed(err, path, errno);
    int failure = write_pieces(fd, &(heed_piece){data, size}, 1);
    if (close(fd) && !failure) failure = errno;
    return failure ? write_failed(err, path, failure) : HEED_OK;
}

heed_status heed_link_replace(const char *path, const char *target, heed_error *err)
{
    char temporary[PATH_MAX];
    heed_status status = temporary_name(temporary, path, err);
    if (status) return status;
    unlink(temporary);   /* left by a killed process that had our number */
    if (symlink(target, temporary)) return write_failed(err, path, errno);
    return rename_into_place(temporary, path, err);
}
