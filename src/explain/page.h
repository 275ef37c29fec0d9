/* A page that shows an explanation: one HTML file that needs nothing beside itself and asks for nothing, from a disk or a server. */
#ifndef HEED_EXPLAIN_PAGE_H
#define HEED_EXPLAIN_PAGE_H

#include "base/buf.h"

/* Appends the page around a JSON object, an explanation or a corpus of them (docs/contract.md). What cannot be shown, the page says when it is opened.
 *
 * Every "<", ">" and "&" of the object is written as an escape, as are U+2028 and U+2029, so that no text of it can end the element it lies in. A policy of the page
 * (Content-Security-Policy) lets nothing run but its own script, known by a nonce drawn from the object, forbids HTML made from text, and lets no request out.
 * Memory: the page, that is the object and 200 kB.
 *
 * HEED_E_USAGE: not the text of an object, or it holds a zero byte; HEED_E_NOMEM. */
heed_status heed_explain_page(const char *json, size_t size, heed_buf *out);

#endif
