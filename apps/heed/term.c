/* What a stream can show: term.h. */
#include "term.h"

#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int columns_of(int fd)
{
    struct winsize size = {0};
    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return 80;
}

cli_term cli_term_of(FILE *stream)
{
    int fd = fileno(stream);
    const char *type = getenv("TERM"), *plain = getenv("NO_COLOR");
    bool terminal = fd >= 0 && isatty(fd);
    cli_term t = {.unicode = !strcmp(nl_langinfo(CODESET), "UTF-8")};
    t.motion = terminal && type && strcmp(type, "dumb");
    t.colour = t.motion && !(plain && *plain);
    t.columns = terminal ? columns_of(fd) : 0;
    return t;
}
