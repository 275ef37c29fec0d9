/* Links beside a corpus: train/guide.h. A link is four bytes and a line eight, so those of millions of sentences lie in memory. */
#include "train/guide.h"

#include <stdlib.h>
#include <string.h>

#include "align/bitext.h"
#include "base/file.h"
#include "base/number.h"
#include "data/lines.h"

enum { POLL_RECORDS = 4096 };

void heed_guide_store_free(heed_guide_store *s)
{
    free(s->link);
    free(s->first);
    *s = (heed_guide_store){.link = NULL};
}

/* --- filling the store, line by line ------------------------------------------------------------------------------------------------------ */

static bool reserve_lines(heed_guide_store *s, int64_t lines)
{
    if (lines + 1 <= s->lines_room) return true;
    const int64_t room = lines + lines / 2 + 256;
    int64_t *grown = realloc(s->first, (size_t)room * sizeof *grown);
    if (!grown) return false;
    s->first = grown;
    s->lines_room = room;
    return true;
}

static bool reserve_links(heed_guide_store *s, int64_t count)
{
    if (count <= s->room) return true;
    const int64_t room = count + count / 2 + 1024;
    heed_word_link *grown = realloc(s->link, (size_t)room * sizeof *grown);
    if (!grown) return false;
    s->link = grown;
    s->room = room;
    return true;
}

static int by_target(const void *a, const void *b)
{
    const heed_word_link *x = a, *y = b;
    return x->target != y->target ? x->target - y->target : x->source - y->source;
}

heed_status heed_guide_put(heed_guide_store *s, int64_t line, const heed_links *l, const char *name, heed_error *err)
{
    char number[HEED_GROUP_SIZE];
    const int64_t begun = s->links.lines, from = s->count;
    if (!reserve_lines(s, line) || !reserve_links(s, s->count + l->count)) return heed_fail(err, HEED_E_NOMEM, "%s: out of memory for links", name);
    if (begun == 0) s->first[0] = 0;
    for (int64_t i = begun; i < line; i++) s->first[i] = from;
    for (int64_t i = 0; i < l->count; i++) {
        const heed_link one = l->link[i];
        if (one.source > UINT16_MAX || one.target > UINT16_MAX)
            return heed_fail(err, HEED_E_LIMIT, "%s: line %s: link %lld-%lld: words beyond %d cannot be linked", name, heed_group(number, line),
                             (long long)one.source, (long long)one.target, UINT16_MAX);
        s->link[s->count++] = (heed_word_link){(uint16_t)one.source, (uint16_t)one.target};
    }
    if (l->count) qsort(s->link + from, (size_t)l->count, sizeof *s->link, by_target);
    s->first[line] = s->count;
    s->links = (heed_line_links){s->link, s->first, line};
    return HEED_OK;
}

heed_status heed_guide_poll(const heed_guide_source *from, int64_t n, heed_error *err)
{
    const bool stop = n % POLL_RECORDS == 0 && from->stop && from->stop(from->user);
    return stop ? heed_fail(err, HEED_E_STOPPED, "stopped while links were made ready; nothing was saved") : HEED_OK;
}

/* --- from a file -------------------------------------------------------------------------------------------------------------------------- */

typedef struct reading {
    heed_guide_store *store;
    heed_corpus *corpus;
    heed_lines *lines;
    heed_links links;
    heed_tokens words;
} reading;

static heed_status unequal(const reading *r, bool file_ends, heed_error *err)
{
    char number[HEED_GROUP_SIZE];
    const char *file = heed_lines_path(r->lines), *corpus = heed_corpus_name(r->corpus);
    const int64_t last = file_ends ? heed_lines_number(r->lines) : heed_corpus_get_counts(r->corpus)->read;
    return heed_fail(err, HEED_E_DATA, "%s ends after line %s, but %s goes on; links need a line for each line of the training data, an empty one where there are none",
                     file_ends ? file : corpus, heed_group(number, last), file_ends ? corpus : file);
}

static heed_status count_words(reading *r, const heed_record *record, int64_t words[2], heed_error *err)
{
    for (int i = 0; i < 2; i++) {
        heed_status status = heed_bitext_words(record->text[i], record->size[i], r->store->parted, &r->words, err);
        if (status) return status;
        words[i] = r->words.count;
    }
    return HEED_OK;
}

/* The next line of links. words NULL: of a record that is left out. */
static heed_status read_line(reading *r, const int64_t words[2], heed_error *err)
{
    char *text, number[HEED_GROUP_SIZE];
    size_t size;
    bool end;
    heed_error why;
    heed_status status = heed_lines_next(r->lines, &text, &size, &end, err);
    if (status || end) return status ? status : unequal(r, true, err);
    status = heed_links_parse(text, size, 0, words, &r->links, NULL, &why);
    if (!status) return heed_guide_put(r->store, heed_lines_number(r->lines), &r->links, heed_lines_path(r->lines), err);
    return heed_fail(err, status, "%s: line %s: %s", heed_lines_path(r->lines), heed_group(number, heed_lines_number(r->lines)), why.text);
}

/* Lines up to the one before `line`, whose records are left out. */
static heed_status pass_lines(reading *r, int64_t line, heed_error *err)
{
    heed_status status = HEED_OK;
    while (!status && heed_lines_number(r->lines) < line - 1) status = read_line(r, NULL, err);
    return status;
}

static heed_status read_all(reading *r, const heed_guide_source *from, heed_error *err)
{
    heed_record record;
    char *text;
    size_t size;
    bool end = false;
    for (int64_t n = 1;; n++) {
        int64_t words[2];
        heed_status status = heed_corpus_next(r->corpus, &record, &end, err);
        if (!status && !end) status = pass_lines(r, record.line, err);
        if (!status && !end) status = count_words(r, &record, words, err);
        if (!status && !end) status = read_line(r, words, err);
        if (!status) status = heed_guide_poll(from, n, err);
        if (status) return status;
        if (end) break;
    }
    heed_status status = pass_lines(r, heed_corpus_get_counts(r->corpus)->read + 1, err);
    if (!status) status = heed_lines_next(r->lines, &text, &size, &end, err);
    return status || end ? status : unequal(r, false, err);
}

heed_status heed_guide_read(heed_guide_store *s, const heed_guide_source *from, const char *path, bool parted, heed_error *err)
{
    *s = (heed_guide_store){.parted = parted};
    reading r = {.store = s, .lines = heed_lines_open(path, err)};
    r.corpus = r.lines ? heed_corpus_open(&from->corpus, err) : NULL;
    heed_status status = r.corpus ? read_all(&r, from, err) : err->status;
    heed_links_free(&r.links);
    heed_tokens_free(&r.words);
    heed_corpus_close(r.corpus);
    heed_lines_close(r.lines);
    return status;
}

/* --- kept ------------------------------------------------------------------------------------------------------------------------------------ */

heed_status heed_guide_write(const heed_guide_store *s, const char *path, heed_error *err)
{
    heed_buf out = {0};
    for (int64_t i = 0; i < s->links.lines && !out.failed; i++) {
        for (int64_t k = s->first[i]; k < s->first[i + 1]; k++) heed_buf_printf(&out, "%s%d-%d", k > s->first[i] ? " " : "", s->link[k].source, s->link[k].target);
        heed_buf_char(&out, '\n');
    }
    heed_status status = out.failed ? heed_fail(err, HEED_E_NOMEM, "%s: out of memory", path) : heed_file_replace(path, out.data, out.size, err);
    heed_buf_free(&out);
    return status;
}
