/* Cores and memory of the machine and of this process, as Linux tells them: heed/base.h, base/machine.h. */
#define _GNU_SOURCE   /* sched_getaffinity */
#include "base/machine.h"

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "heed/base.h"

int heed_cores(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) ? 1 : CPU_COUNT(&set);
}

static size_t least(size_t a, size_t b) { return !a || (b && b < a) ? b : a; }

/* The number in a file of a control group; 0: no such file, or "max". */
static size_t limit_in(const char *path)
{
    unsigned long long bytes = 0;
    FILE *f = fopen(path, "re");
    if (f && fscanf(f, "%llu", &bytes) != 1) bytes = 0;
    if (f) fclose(f);
    return bytes < (unsigned long long)INT64_MAX / 2 ? (size_t)bytes : 0;   /* the first version of control groups writes a huge number for none */
}

/* The group's own limit and those of all groups it lies in. */
static size_t limit_of_group(const char *root, char *group, const char *file)
{
    char path[4096];
    size_t limit = 0;
    for (;;) {
        if ((size_t)snprintf(path, sizeof path, "%s%s/%s", root, group, file) < sizeof path) limit = least(limit, limit_in(path));
        char *slash = strrchr(group, '/');
        if (!slash) return limit;
        *slash = 0;
    }
}

/* Lines "0::/GROUP" (version 2) and "N:memory:/GROUP". */
static size_t limit_of_groups(void)
{
    char line[2048];
    size_t limit = 0;
    FILE *f = fopen("/proc/self/cgroup", "re");
    while (f && fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = 0;
        char *kind = strchr(line, ':'), *group = kind ? strchr(kind + 1, ':') : NULL;
        if (!group) continue;
        *group++ = 0;
        if (strcmp(group, "/") == 0) group++;
        if (!kind[1]) limit = least(limit, limit_of_group("/sys/fs/cgroup", group, "memory.max"));
        else if (strcmp(kind + 1, "memory") == 0) limit = least(limit, limit_of_group("/sys/fs/cgroup/memory", group, "memory.limit_in_bytes"));
    }
    if (f) fclose(f);
    return limit;
}

size_t heed_machine_memory(void)
{
    const long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    struct rlimit space = {.rlim_cur = RLIM_INFINITY};
    size_t limit = least(pages > 0 && size > 0 ? (size_t)pages * (size_t)size : 0, limit_of_groups());
    if (!getrlimit(RLIMIT_AS, &space) && space.rlim_cur != RLIM_INFINITY) limit = least(limit, (size_t)space.rlim_cur);
    return limit;
}

/* A line such as "VmHWM:   123456 kB". */
static size_t status_line(const char *name)
{
    char line[256];
    unsigned long long kilobytes = 0;
    FILE *f = fopen("/proc/self/status", "re");
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, name, strlen(name)) == 0 && sscanf(line + strlen(name), ": %llu", &kilobytes) == 1) break;
    if (f) fclose(f);
    return (size_t)kilobytes * 1024;
}

size_t heed_process_resident(void) { return status_line("VmRSS"); }
size_t heed_process_peak(void) { return status_line("VmHWM"); }

/* The whole pages among the bytes: offset of the first, and how many bytes they are. */
typedef struct pages { size_t first, bytes; } pages;

static pages whole_pages(const void *from, size_t bytes)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), first = ((uintptr_t)from + page - 1) / page * page, end = ((uintptr_t)from + bytes) / page * page;
    return first < end ? (pages){first - (uintptr_t)from, end - first} : (pages){0, 0};
}

static bool give_back(const void *from, pages p) { return p.bytes && madvise((unsigned char *)(uintptr_t)from + p.first, p.bytes, MADV_DONTNEED) == 0; }

void heed_pages_drop(const void *from, size_t bytes)
{
    (void)give_back(from, whole_pages(from, bytes));   /* refused: they merely stay */
}

void heed_pages_clear(void *from, size_t bytes)
{
    const pages p = whole_pages(from, bytes);
    const size_t zeros = give_back(from, p) ? p.bytes : 0, first = zeros ? p.first : 0;
    memset(from, 0, first);
    memset((unsigned char *)from + first + zeros, 0, bytes - first - zeros);
}
