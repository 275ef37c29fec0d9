/* The checkpoints of a run as a list: train/checkpoint.h. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "train/checkpoint.h"

/* The update of "step-N"; -1: another name. */
static int64_t step_of(const char *name)
{
    char *end;
    if (strncmp(name, "step-", 5) != 0 || name[5] < '1' || name[5] > '9' || strlen(name) > 5 + 18) return -1;
    const long long n = strtoll(name + 5, &end, 10);
    return *end ? -1 : n;
}

static bool is_left_behind(const char *name)
{
    const size_t size = strlen(name);
    const bool aside = size > 4 && strcmp(name + size - 4, ".tmp") == 0;
    return strstr(name, ".tmp-") || (aside && (strncmp(name, "step-", 5) == 0 || strncmp(name, "model", 5) == 0));
}

heed_status heed_step_path(char out[HEED_PATH], const char *dir, int64_t update, heed_error *err)
{
    char name[32];
    snprintf(name, sizeof name, "step-%lld", (long long)update);
    return heed_path_join(out, HEED_PATH, dir, name, err);
}

static int newest_first(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x < y) - (x > y);
}

heed_status heed_steps_list(const char *dir, int64_t **steps, int64_t *count, heed_error *err)
{
    int64_t room = 16;
    *count = 0;
    *steps = malloc((size_t)room * sizeof **steps);
    DIR *d = opendir(dir);
    if (!d) {
        free(*steps);
        *steps = NULL;
        return heed_fail(err, HEED_E_IO, "%s: cannot be read: %s", dir, strerror(errno));
    }
    for (struct dirent *e = readdir(d); e && *steps; e = readdir(d)) {
        const int64_t step = step_of(e->d_name);
        if (step < 0) continue;
        if (*count == room) {
            int64_t *grown = realloc(*steps, (size_t)(room *= 2) * sizeof **steps);
            if (!grown) free(*steps);
            *steps = grown;
        }
        if (*steps) (*steps)[(*count)++] = step;
    }
    closedir(d);
    if (!*steps) return heed_fail(err, HEED_E_NOMEM, "out of memory for the names in %s", dir);
    qsort(*steps, (size_t)*count, sizeof **steps, newest_first);
    return HEED_OK;
}

heed_status heed_steps_latest(const char *dir, int64_t *update, heed_error *err)
{
    char path[HEED_PATH], target[HEED_PATH];
    *update = 0;
    heed_status status = heed_path_join(path, sizeof path, dir, "latest", err);
    if (status) return status;
    const ssize_t size = readlink(path, target, sizeof target - 1);
    if (size > 0) {
        target[size] = 0;
        const int64_t named = step_of(target);
        if (named < 0 || !heed_path_is_dir(path))
            return heed_fail(err, HEED_E_MODEL, "%s: points at \"%.200s\", which is no checkpoint; point it at a step-N of this directory", path, target);
        *update = named;
        return HEED_OK;
    }
    int64_t *steps, count;
    status = heed_steps_list(dir, &steps, &count, err);
    if (status) return status;
    if (count > 0) *update = steps[0];
    free(steps);
    return HEED_OK;
}

static heed_status remove_named(const char *dir, const char *name, heed_error *err)
{
    char path[HEED_PATH];
    heed_status status = heed_path_join(path, sizeof path, dir, name, err);
    return status ? status : heed_dir_remove(path, err);
}

heed_status heed_steps_tidy(const char *dir, int64_t update, heed_error *err)
{
    DIR *d = opendir(dir);
    if (!d) return heed_fail(err, HEED_E_IO, "%s: cannot be read: %s", dir, strerror(errno));
    heed_status status = HEED_OK;
    for (struct dirent *e = readdir(d); e && !status; e = readdir(d))
        if (is_left_behind(e->d_name) || step_of(e->d_name) > update) status = remove_named(dir, e->d_name, err);
    closedir(d);
    return status;
}

static heed_status point(const char *dir, const char *name, int64_t update, heed_error *err)
{
    char path[HEED_PATH], target[32];
    snprintf(target, sizeof target, "step-%lld", (long long)update);
    heed_status status = heed_path_join(path, sizeof path, dir, name, err);
    return status ? status : heed_link_replace(path, target, err);
}

heed_status heed_steps_link(const char *dir, int64_t latest, int64_t best, heed_error *err)
{
    heed_status status = point(dir, "latest", latest, err);
    return status || !best ? status : point(dir, "best", best, err);
}
