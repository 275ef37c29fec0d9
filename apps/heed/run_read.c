/* Lines to items: run.h. */
#include "run.h"

#include <stdlib.h>
#include <string.h>

static bool blank(const char *text)
{
    return !text[strspn(text, " \t")];
}

static void refuse(cli_record *r, heed_status status, const char *text)
{
    free(r->error);
    r->item = -1;
    r->status = status;
    r->error = strdup(text);
}

static void read_item(cli_running *r, cli_record *now, char *text, size_t size)
{
    heed_item item = {.text = text};
    heed_error err = {0};
    if (r->v->input && !strcmp(r->v->input, "json") && size && heed_item_parse(text, size, &item, &now->memory, &err))
        refuse(now, err.status, err.text);
    else if (memchr(text, 0, size))
        refuse(now, HEED_E_DATA, "holds a zero byte, which no text does");
    if (now->status)
        return;
    if (r->v->target)
        item.target = now->beside;
    if (r->v->prefix || r->v->prefixes)
        item.prefix = r->v->prefix ? r->v->prefix : now->beside;
    if (now->words) {
        item.must = (heed_phrases){now->words, now->must};
        item.never = (heed_phrases){now->words + now->must, now->never};
    }
    if (item.target && item.prefix)
        return refuse(now, HEED_E_DATA, "has a target and a prefix; give one");
    if (blank(item.text))
        return;
    now->item = r->item_count;
    r->items[r->item_count++] = item;
}

/* The line of a file beside the input. False: said. */
static bool read_line_beside(cli_running *r, cli_lines *lines, char **text, size_t *size)
{
    heed_error err = {0};
    if (cli_lines_read(lines, text, size, &err))
        return true;
    if (!err.status)
        heed_fail(&err, HEED_E_DATA, "%s ends after line %lld, but %s goes on with line %lld; both need one line a record", lines->name,
                  (long long)lines->number, r->input.name, (long long)r->input.number);
    r->status = err.status;
    cli_fail(&err);
    return false;
}

/* The target or prefix of the same line. False: said. */
static bool read_beside(cli_running *r, cli_record *now)
{
    char *text;
    size_t size;
    if (!read_line_beside(r, &r->beside, &text, &size))
        return false;
    now->beside = strdup(text);
    if (memchr(text, 0, size))
        refuse(now, HEED_E_DATA, r->v->target ? "its target holds a zero byte, which no text does" : "its prefix holds a zero byte, which no text does");
    return true;
}

/* Cuts a line of --constraints at its tabs; the texts of those marked with `mark` go to out (NULL: they are counted). */
static int64_t marked(char *line, size_t size, char mark, const char **out)
{
    int64_t count = 0;
    for (char *at = line, *end = line + size; at < end; at += strlen(at) + 1) {
        if (*at == mark && out)
            out[count] = at + 1;
        count += *at == mark;
    }
    return count;
}

/* "+red cup<tab>-hat": a cup that is red must appear, a hat never. False: said. */
static bool read_wording(cli_running *r, cli_record *now)
{
    char *text;
    size_t size;
    if (!read_line_beside(r, &r->wording, &text, &size))
        return false;
    if (memchr(text, 0, size))
        return refuse(now, HEED_E_DATA, "its constraints hold a zero byte, which no text does"), true;
    now->wording = strdup(text);
    if (!now->wording)
        return refuse(now, HEED_E_NOMEM, "out of memory"), true;
    for (char *tab = now->wording; (tab = strchr(tab, '\t')) != NULL;)
        *tab++ = 0;
    for (char *at = now->wording, *end = at + size; at < end; at += strlen(at) + 1) {
        char why[200];
        if (*at == '+' || *at == '-' || !*at)
            continue;
        snprintf(why, sizeof why, "%s: \"%.60s\" is neither +WORDS, which must appear, nor -WORDS, which never must; tabs part them", r->wording.name, at);
        return refuse(now, HEED_E_DATA, why), true;
    }
    const int64_t must = marked(now->wording, size, '+', NULL), never = marked(now->wording, size, '-', NULL);
    now->words = calloc((size_t)(must + never) + 1, sizeof *now->words);
    if (!now->words)
        return refuse(now, HEED_E_NOMEM, "out of memory"), true;
    now->must = marked(now->wording, size, '+', now->words);
    now->never = marked(now->wording, size, '-', now->words + must);
    return true;
}

static void forget(cli_record *r)
{
    heed_free(r->memory);
    free(r->beside);
    free(r->wording);
    free(r->words);
    free(r->error);
}

void cli_run_read(cli_running *r)
{
    char *text;
    size_t size;
    while (r->count < CLI_AT_ONCE && !r->status && cli_lines_ready(&r->input, &text, &size)) {
        cli_record *now = &r->records[r->count];
        *now = (cli_record){.line = r->input.number, .item = -1};
        if ((r->beside.fd >= 0 && !read_beside(r, now)) || (r->wording.fd >= 0 && !read_wording(r, now))) {
            forget(now);
            return;
        }
        r->count++;
        read_item(r, now, text, size);
    }
}

void cli_run_forget(cli_running *r)
{
    for (int64_t i = 0; i < r->count; i++)
        forget(&r->records[i]);
    r->decode.first += (uint64_t)r->item_count;
    r->answered += r->count;
    r->count = r->item_count = 0;
}

/* Lines that nothing asked for mean that the two files do not belong together. */
static void check_end(cli_running *r, cli_lines *lines)
{
    char *text;
    size_t size;
    heed_error err = {0};
    if (cli_lines_read(lines, &text, &size, &err))
        heed_fail(&err, HEED_E_DATA, "%s goes on with line %lld, but the input ended; both need one line a record", lines->name,
                  (long long)lines->number);
    if (err.status) {
        r->status = err.status;
        cli_fail(&err);
    }
}

void cli_run_check_beside(cli_running *r)
{
    if (r->beside.fd >= 0)
        check_end(r, &r->beside);
    if (r->wording.fd >= 0 && !r->status)
        check_end(r, &r->wording);
}
