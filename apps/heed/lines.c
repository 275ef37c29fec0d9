/* Lines as they come: lines.h. */
#include "lines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CHUNK = 1 << 18, LONGEST = 16 << 20 };

bool cli_lines_open(cli_lines *l, const char *path, heed_error *err)
{
    bool standard = !path || !strcmp(path, "-");
    *l = (cli_lines){.name = standard ? "standard input" : path};
    l->fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (l->fd >= 0)
        return true;
    heed_fail(err, HEED_E_DATA, "%s: cannot be opened: %s", path, strerror(errno));
    return false;
}

void cli_lines_close(cli_lines *l)
{
    if (l->fd > STDIN_FILENO)
        close(l->fd);
    free(l->data);
    *l = (cli_lines){.fd = -1};
}

bool cli_lines_ready(cli_lines *l, char **text, size_t *size)
{
    if (l->begin == l->end)
        return false;
    char *from = l->data + l->begin, *stop = memchr(from, '\n', l->end - l->begin);
    if (!stop && !l->finished)
        return false;
    *text = from;
    *size = stop ? (size_t)(stop - from) : l->end - l->begin;
    l->begin += *size + (stop != NULL);
    l->number++;
    if (*size && from[*size - 1] == '\r')
        --*size;
    from[*size] = 0;
    return true;
}

static bool make_room(cli_lines *l, heed_error *err)
{
    if (l->end > l->begin && l->begin > 0)
        memmove(l->data, l->data + l->begin, l->end - l->begin);
    l->end -= l->begin;
    l->begin = 0;
    if (l->end > LONGEST) {
        heed_fail(err, HEED_E_DATA, "%s: line %lld is longer than 16 MiB; is it a text with one record a line?", l->name, (long long)l->number + 1);
        return false;
    }
    if (l->capacity - l->end > CHUNK)
        return true;
    size_t capacity = l->capacity * 2 + CHUNK + 1;
    char *data = realloc(l->data, capacity);
    if (!data) {
        heed_fail(err, HEED_E_NOMEM, "%s: out of memory at line %lld", l->name, (long long)l->number + 1);
        return false;
    }
    l->data = data;
    l->capacity = capacity;
    return true;
}

bool cli_lines_fill(cli_lines *l, heed_error *err)
{
    if (l->finished || !make_room(l, err))
        return false;
    ssize_t n;
    do
        n = read(l->fd, l->data + l->end, CHUNK);
    while (n < 0 && errno == EINTR);
    if (n < 0) {
        heed_fail(err, HEED_E_DATA, "%s: cannot be read after line %lld: %s", l->name, (long long)l->number, strerror(errno));
        return false;
    }
    l->end += (size_t)n;
    l->finished = n == 0;
    return true;
}

bool cli_lines_read(cli_lines *l, char **text, size_t *size, heed_error *err)
{
    while (!cli_lines_ready(l, text, size))
        if (!cli_lines_fill(l, err))
            return false;
    return true;
}
