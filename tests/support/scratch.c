#include "support/scratch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "heed/base.h"
#include "base/file.h"

enum { MOST_PATHS = 128, LONGEST_PATH = 512 };   /* no memory is asked for: tests refuse it */

static char folder[256];
static char paths[MOST_PATHS][LONGEST_PATH];
static int used;

static void fail(const char *what, const char *name)
{
    fprintf(stderr, "scratch: %s %s\n", what, name);
    exit(1);
}

static void clean_up(void)
{
    heed_dir_remove(folder, NULL);
}

static void make_folder(void)
{
    const char *base = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/heed-test-XXXXXX", base && *base ? base : "/tmp");
    if (!mkdtemp(folder))
        fail("cannot make", folder);
    atexit(clean_up);
}

const char *scratch_path(const char *name)
{
    if (!folder[0])
        make_folder();
    char path[LONGEST_PATH];
    if (used == MOST_PATHS || snprintf(path, sizeof path, "%s/%s", folder, name) >= LONGEST_PATH)
        fail("no room for", name);
    for (int i = 0; i < used; i++)
        if (strcmp(paths[i], path) == 0)
            return paths[i];
    return memcpy(paths[used++], path, sizeof path);
}

const char *scratch_write(const char *name, const void *bytes, size_t size)
{
    const char *path = scratch_path(name);
    FILE *f = fopen(path, "wb");
    if (!f || (size > 0 && fwrite(bytes, 1, size, f) != size) || fclose(f) != 0)
        fail("cannot write", name);
    return path;
}

const char *scratch_text(const char *name, const char *text)
{
    return scratch_write(name, text, strlen(text));
}

const char *scratch_gzip(const char *name, const char *text)
{
    const char *path = scratch_path(name);
    gzFile f = gzopen(path, "wb");
    if (!f || gzputs(f, text) < 0 || gzclose(f) != Z_OK)
        fail("cannot write", name);
    return path;
}

char *scratch_read(const char *name, size_t *size)
{
    FILE *f = fopen(scratch_path(name), "rb");
    if (!f)
        fail("cannot read", name);
    char *text = NULL;
    size_t n = 0;
    for (size_t got = 1; got > 0; n += got) {
        text = realloc(text, n + 65537);
        if (!text)
            fail("out of memory for", name);
        got = fread(text + n, 1, 65536, f);
    }
    fclose(f);
    text[n] = 0;
    if (size)
        *size = n;
    return text;
}
