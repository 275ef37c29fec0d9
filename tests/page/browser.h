/* A headless Chromium, driven through a pipe by its DevTools protocol. One page at a time. What goes wrong ends the program with a word. */
#ifndef HEED_TESTS_PAGE_BROWSER_H
#define HEED_TESTS_PAGE_BROWSER_H

#include <jansson.h>
#include <stdbool.h>

typedef struct browser browser;

browser *browser_open(void);
void browser_close(browser *b);

/* Opens a file and waits until its script says that all is drawn. What was recorded of the page before is forgotten. */
void browser_load(browser *b, const char *path);
/* Opens what a server has, and waits until it is there. */
void browser_visit(browser *b, const char *url);
void browser_wait(browser *b, const char *expression);          /* until it is true; two minutes at most */
/* The value of an expression, or of the promise it gives; the caller's. An exception of it is a complaint, and null. */
json_t *browser_value(browser *b, const char *expression);
double browser_number(browser *b, const char *expression);
bool browser_true(browser *b, const char *expression);

void browser_view(browser *b, int width, int height, bool dark);
void browser_key(browser *b, const char *key, bool shift);      /* "Tab", "a", "ArrowLeft" */
void browser_mouse(browser *b, const char *type, double x, double y);   /* "mouseMoved", "mousePressed", "mouseReleased" */
void browser_picture(browser *b, const char *path);             /* PNG of the whole page */
void browser_downloads(browser *b, const char *dir);            /* files that are saved go there */

/* Recorded since browser_load(): what the page asked for beyond its own file, and what it complained of (exceptions, violations of its policy). A line each. */
const char *browser_requests(const browser *b);
const char *browser_complaints(const browser *b);
double browser_task_seconds(browser *b);     /* processor time of the page's main thread */
double browser_memory(const browser *b);     /* bytes of all its processes, shared pages divided */

#endif
