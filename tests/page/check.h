/* What the parts of check_page share: a browser, and checks that are counted and told when they fail. */
#ifndef HEED_TESTS_PAGE_CHECK_H
#define HEED_TESTS_PAGE_CHECK_H

#include "page/browser.h"

typedef struct run { browser *b; const char *pages, *pictures; int passed, failed; char path[4096]; } run;

void check(run *r, bool good, const char *name, const char *page, const char *why);
void holds(run *r, const char *expression, const char *name, const char *page);      /* the expression is true in the page */
void quiet(run *r, const char *page);                                                 /* it asked for nothing, and complained of nothing */
const char *in(run *r, const char *dir, const char *name, const char *ending);        /* a path, until the next */
void press(run *r, const char *keys);                                                 /* "Tab ^Enter": keys, with ^ Shift */

/* check_server.c: a page from heed serve, its editor of changes. */
void check_server(run *r);

#endif
