/* Checks that are counted: page/check.h. */
#include "page/check.h"

#include <stdio.h>
#include <string.h>

void check(run *r, bool good, const char *name, const char *page, const char *why)
{
    if (!good) printf("not ok - %s%s%s\n%s%s\n", name, *page ? ": " : "", page, *why ? "    " : "", why);
    r->passed += good;
    r->failed += !good;
}

const char *in(run *r, const char *dir, const char *name, const char *ending)
{
    snprintf(r->path, sizeof r->path, "%s/%s.%s", dir, name, ending);
    return r->path;
}

void quiet(run *r, const char *page)
{
    check(r, !*browser_requests(r->b), "no request leaves the page", page, browser_requests(r->b));
    check(r, !*browser_complaints(r->b), "no error, and nothing that its policy forbids", page, browser_complaints(r->b));
}

void holds(run *r, const char *expression, const char *name, const char *page)
{
    check(r, browser_true(r->b, expression), name, page, expression);
}

void press(run *r, const char *keys)
{
    char list[512];
    snprintf(list, sizeof list, "%s", keys);
    for (char *key = list, *end; key; key = end ? end + 1 : NULL) {
        end = strchr(key, ' ');
        if (end) *end = 0;
        browser_key(r->b, *key == '^' ? key + 1 : key, *key == '^');
    }
}
