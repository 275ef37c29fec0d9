/* A page that shows an explanation: one HTML file that needs nothing beside itself and asks for nothing, from a disk or a server. */
#ifndef HEED_EXPLAIN_PAGE_H
#define HEED_EXPLAIN_PAGE_H

#include "base/buf.h"

/* Appends the page around a JSON object, an explanation or a corpus of them (docs/contract.md). What cannot be shown, the page says when it is opened.
 * nonce: NULL for a file; else what a server drew for this page, 16 to 64 letters and digits, which it names in the policy of its header too. Such a page may ask
 * its server, and nobody else, what becomes of a change.
 *
 * Every "<", ">" and "&" of the object is written as an escape, as are U+2028 and U+2029, so that no text of it can end the element it lies in. A policy of the page
 * (Content-Security-Policy) lets nothing run but its own script, known by a nonce (drawn from the object when none is given), forbids HTML made from text, and lets no request out.
 * Memory: the page, that is the object and 200 kB.
 *
 * HEED_E_USAGE: not the text of an object, or it holds a zero byte, or a nonce that is none; HEED_E_NOMEM. */
bool heed_page_nonce(const char *text);
heed_status heed_explain_page(const char *json, size_t size, const char *nonce, heed_buf *out);

#endif
