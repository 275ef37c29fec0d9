/* Where the demo finds its dictionary and puts its files: demo.h. */
#define _GNU_SOURCE
#include "demo.h"

#include <errno.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Says that a directory is the demo's to replace. */
static const char marker[] = ".heed-demo";

static int join(char *out, const char *dir, const char *name)
{
    if (snprintf(out, DEMO_PATH, "%s/%s", dir, name) < DEMO_PATH)
        return EXIT_OK;
    return cli_usage_error("the path %s/%s is longer than %d bytes", dir, name, DEMO_PATH - 1);
}

int demo_path(char *out, const demo *d, const char *name)
{
    return join(out, d->dir, name);
}

/* The build tree has the dictionary beside the program's folder, an installed one under share; HEED_SHARE comes before both. */
int demo_find_dictionary(char *out)
{
    static const char *const places[] = {"../data/cmudict/cmudict.tsv.gz", "../share/heed/cmudict/cmudict.tsv.gz"};
    const char *share = getenv("HEED_SHARE");
    char self[DEMO_PATH];
    if (share && *share) {
        int code = join(out, share, "cmudict/cmudict.tsv.gz");
        if (code || access(out, R_OK) == 0)
            return code;
    }
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    self[n > 0 ? n : 0] = 0;
    char *slash = strrchr(self, '/');
    for (size_t i = 0; slash && i < sizeof places / sizeof *places; i++) {
        *slash = 0;
        int code = join(out, self, places[i]);
        if (code || access(out, R_OK) == 0)
            return code;
    }
    cli_complain("the pronouncing dictionary was not found: neither %s nor %s from the program's folder (%s); set HEED_SHARE to the folder that holds "
                 "cmudict/cmudict.tsv.gz", places[0], places[1], slash ? self : "unknown");
    return EXIT_DATA;
}

static int remove_entry(const char *path, const struct stat *about, int kind, struct FTW *walk)
{
    (void)about;
    (void)kind;
    (void)walk;
    return remove(path);
}

/* Only the two runs: whatever else a user has put into the directory stays. */
static int remove_runs(const demo *d)
{
    char path[DEMO_PATH];
    for (int i = 0; i < DEMO_MODELS; i++) {
        int code = demo_path(path, d, demo_names[i]);
        if (code)
            return code;
        errno = 0;
        if (nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS) && errno != ENOENT) {
            cli_complain("%s: the run of the last demo cannot be removed: %s", path, strerror(errno));
            return EXIT_OUTSIDE;
        }
    }
    return EXIT_OK;
}

static int mark(const char *path)
{
    FILE *f = fopen(path, "w");
    bool fine = f && fputs("Made by `heed demo`, which replaces its files here when it is run again.\n", f) >= 0;
    if (f && fclose(f))
        fine = false;
    if (fine)
        return EXIT_OK;
    cli_complain("%s: cannot be written: %s", path, strerror(errno));
    return EXIT_OUTSIDE;
}

static int make_with_parents(const char *dir)
{
    char path[DEMO_PATH];
    if (snprintf(path, sizeof path, "%s", dir) >= DEMO_PATH)
        return cli_usage_error("the path %s is longer than %d bytes", dir, DEMO_PATH - 1);
    for (char *slash = strchr(path + 1, '/');; slash = strchr(slash + 1, '/')) {
        if (slash)
            *slash = 0;
        if (mkdir(path, 0777) && errno != EEXIST) {
            cli_complain("%s: cannot be made: %s", path, strerror(errno));
            return EXIT_OUTSIDE;
        }
        if (!slash)
            break;
        *slash = '/';
    }
    return EXIT_OK;
}

int demo_take_directory(const demo *d)
{
    char path[DEMO_PATH];
    int code = demo_path(path, d, marker);
    if (code)
        return code;
    struct stat about;
    if (stat(d->dir, &about) == 0) {
        if (access(path, F_OK))
            return cli_usage_error("%s exists and is not a demo's; choose another with -o", d->dir);
        code = remove_runs(d);
    } else {
        code = make_with_parents(d->dir);
    }
    return code ? code : mark(path);
}
