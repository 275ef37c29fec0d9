/* heed_explanation_write() asked about the texts of a probed model. */
#ifndef HEED_TESTS_TASK_ASKED_H
#define HEED_TESTS_TASK_ASKED_H

#include <jansson.h>

#include "base/buf.h"
#include "task/probed.h"

enum { ASKED_WHOLE = 9 };   /* of probed_at(), those without a recurrent decoder, first of all */

/* What came. most: the part at which it says no, 0: none. */
typedef struct asked_taker { heed_buf text; size_t largest; int parts, most; } asked_taker;
bool asked_take(void *user, const char *bytes, size_t size);

/* lens NULL: all that suit; change NULL: none. Heads too. */
heed_status asked_ask(const probed *p, const heed_item *item, heed_form form, const char *lens, const char *change, asked_taker *t, heed_error *err);
heed_item asked_forced(const probed *p);                 /* its pair */
/* Fail the test where it fails. The object is the caller's. */
const char *asked_text_of(const probed *p, const heed_item *item, heed_form form, const char *lens, const char *change, asked_taker *t);
json_t *asked_json_of(const probed *p, const heed_item *item, const char *lens, const char *change);
void asked_expect_error(const probed *p, const heed_item *item, heed_form form, const char *lens, const char *change, heed_status status, const char *word);
/* "ab q" and "A B C" under models of every family. */
void asked_each(void (*visit)(probed *p));
extern const char *asked_name;                           /* of the model under way */

#endif
