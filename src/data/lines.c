/* Lines over zlib, which reads plain files as they are. */
#include "data/lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

enum { CHUNK = 1 << 16, LONGEST = 16 << 20 };

struct heed_lines {
    gzFile file;
    char *path;
    char chunk[CHUNK];
    size_t at, filled;
    heed_buf line;
    int64_t number;
};

heed_lines *heed_lines_open(const char *path, heed_error *err)
{
    heed_lines *l = calloc(1, sizeof *l);
    char *copy = strdup(path);
    if (!l || !copy) {
        heed_fail(err, HEED_E_NOMEM, "%s: out of memory", path);
        free(l);
        free(copy);
        return NULL;
    }
    l->path = copy;
    errno = 0;
    l->file = gzopen(path, "rbe");
    if (l->file)
        return l;
    heed_fail(err, errno ? HEED_E_DATA : HEED_E_NOMEM, "%s: cannot be opened: %s", path, strerror(errno ? errno : ENOMEM));
    heed_lines_close(l);
    return NULL;
}

void heed_lines_close(heed_lines *l)
{
    if (!l)
        return;
    if (l->file)
        gzclose(l->file);
    heed_buf_free(&l->line);
    free(l->path);
    free(l);
}

/* Refills the chunk; filled = 0 at the end of the file. */
static heed_status refill(heed_lines *l, heed_error *err)
{
    errno = 0;
    int n = gzread(l->file, l->chunk, CHUNK), code = Z_OK;
    const char *why = gzerror(l->file, &code);
    l->at = 0;
    l->filled = n > 0 ? (size_t)n : 0;
    if (n > 0 || (n == 0 && code == Z_OK))
        return HEED_OK;
    if (code == Z_BUF_ERROR)
        why = "the gzip file ends in the middle (truncated copy?)";
    else if (code == Z_ERRNO)
        why = strerror(errno);
    return heed_fail(err, HEED_E_DATA, "%s: cannot be read after line %lld: %s", l->path, (long long)l->number, why);
}

static heed_status finish_line(heed_lines *l, char **text, size_t *size, heed_error *err)
{
    l->number++;
    if (l->line.failed)
        return heed_fail(err, HEED_E_NOMEM, "%s: out of memory at line %lld", l->path, (long long)l->number);
    if (l->line.size > LONGEST)
        return heed_fail(err, HEED_E_DATA, "%s: line %lld is longer than 16 MiB; is it a text file with one record a line?", l->path,
                         (long long)l->number);
    *text = l->line.data;
    *size = l->line.size;
    return HEED_OK;
}

heed_status heed_lines_next(heed_lines *l, char **text, size_t *size, bool *end, heed_error *err)
{
    heed_buf_reset(&l->line);
    heed_buf_add(&l->line, "", 0);
    *end = false;
    for (bool begun = false; l->line.size <= LONGEST; begun = true) {
        if (l->at == l->filled) {
            heed_status status = refill(l, err);
            if (status)
                return status;
            if (l->filled == 0 && !begun)
                *end = true;
            if (l->filled == 0)
                break;
        }
        const char *from = l->chunk + l->at, *stop = memchr(from, '\n', l->filled - l->at);
        size_t n = stop ? (size_t)(stop - from) : l->filled - l->at;
        heed_buf_add(&l->line, from, n);
        l->at += n + (stop != NULL);
        if (stop)
            break;
    }
    return *end ? HEED_OK : finish_line(l, text, size, err);
}

heed_status heed_lines_rewind(heed_lines *l, heed_error *err)
{
    if (gzrewind(l->file) != 0)
        return heed_fail(err, HEED_E_DATA, "%s: cannot be read a second time; is it a pipe? Write it to a file first", l->path);
    l->at = l->filled = 0;
    l->number = 0;
    return HEED_OK;
}

int64_t heed_lines_number(const heed_lines *l)
{
    return l->number;
}

const char *heed_lines_path(const heed_lines *l)
{
    return l->path;
}
