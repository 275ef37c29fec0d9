#include "support/xml.h"

#include <stdio.h>
#include <string.h>

enum { DEEPEST = 64, LONGEST = 16 };

static bool wrong(const char *what, const char *at)
{
    fprintf(stderr, "xml: %s at: %.60s\n", what, at);
    return false;
}

static bool quotes_are_paired(const char *from, const char *to)
{
    int quotes = 0;
    for (; from < to; from++) quotes += *from == '"';
    return quotes % 2 == 0;
}

bool xml_is_sound(const char *text)
{
    char open[DEEPEST][LONGEST];
    int depth = 0;
    for (const char *c = text; *c; c++) {
        if ((unsigned char)*c < 0x20 && *c != '\n' && *c != '\t') return wrong("a control character", c);
        if (*c != '<') continue;
        const char *end = strchr(c, '>'), *name = c + 1 + (c[1] == '/');
        const int length = (int)strcspn(name, " >/");
        if (!end || length < 1 || length >= LONGEST) return wrong("no tag", c);
        if (!quotes_are_paired(c, end)) return wrong("a quote that is alone", c);
        if (c[1] == '/') {
            if (depth == 0 || strncmp(open[--depth], name, (size_t)length) != 0 || open[depth][length]) return wrong("closes what is not open", c);
        } else if (end[-1] != '/') {
            if (depth == DEEPEST) return wrong("too deep", c);
            snprintf(open[depth++], LONGEST, "%.*s", length, name);
        }
        c = end;
    }
    return depth == 0 || wrong("an end with open tags", open[0]);
}

int text_count(const char *text, const char *what)
{
    int n = 0;
    for (const char *at = text; (at = strstr(at, what)); at += strlen(what)) n++;
    return n;
}
