/* Is a text XML as far as pictures use it? */
#ifndef HEED_TESTS_SUPPORT_XML_H
#define HEED_TESTS_SUPPORT_XML_H

#include <stdbool.h>

/* Tags close in the order in which they opened, quotes are paired, no byte is one that XML forbids. Says on standard error what is wrong. */
bool xml_is_sound(const char *text);
int text_count(const char *text, const char *what);      /* how often `what` stands in it, without overlaps */

#endif
