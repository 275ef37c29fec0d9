/* Sets of links as sorted arrays: read, written, compared. Joining two directions stands in join.c. */
#include "align/links.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MOST_WORDS = 1000000,   /* in a sentence whose length is not known */
    QUOTED = 32             /* bytes of a text that is no link, in a message */
};

void heed_links_free(heed_links *l)
{
    free(l->link);
    *l = (heed_links){0};
}

static bool reserve(heed_links *l, int64_t count)
{
    if (count <= l->capacity) return true;
    int64_t capacity = l->capacity * 2 > count ? l->capacity * 2 : count < 16 ? 16 : count;
    heed_link *link = realloc(l->link, (size_t)capacity * sizeof *link);
    if (!link) return false;
    l->link = link;
    l->capacity = capacity;
    return true;
}

static int compare(const heed_link *a, const heed_link *b)
{
    if (a->source != b->source) return a->source < b->source ? -1 : 1;
    return (a->target > b->target) - (a->target < b->target);
}

static int by_place(const void *a, const void *b)
{
    return compare(a, b);
}

static void tidy(heed_links *l)
{
    int64_t kept = 0, sorted = 1;
    while (sorted < l->count && compare(&l->link[sorted - 1], &l->link[sorted]) < 0) sorted++;
    if (sorted >= l->count) return;   /* most lines are in order */
    qsort(l->link, (size_t)l->count, sizeof *l->link, by_place);
    for (int64_t i = 0; i < l->count; i++)
        if (kept == 0 || compare(&l->link[kept - 1], &l->link[i]) != 0) l->link[kept++] = l->link[i];
    l->count = kept;
}

static heed_status no_memory(int64_t count, heed_error *err)
{
    return heed_fail(err, HEED_E_NOMEM, "out of memory for %lld links between words", (long long)count);
}

heed_status heed_links_set(heed_links *l, const heed_link *link, int64_t count, heed_error *err)
{
    if (!reserve(l, count)) return no_memory(count, err);
    if (count > 0) memmove(l->link, link, (size_t)count * sizeof *link);
    l->count = count;
    tidy(l);
    return HEED_OK;
}

bool heed_links_have(const heed_links *l, heed_link one)
{
    return l->count > 0 && bsearch(&one, l->link, (size_t)l->count, sizeof one, by_place) != NULL;
}

void heed_links_write(const heed_links *l, heed_buf *out)
{
    for (int64_t i = 0; i < l->count; i++)
        heed_buf_printf(out, "%s%lld-%lld", i ? " " : "", (long long)l->link[i].source, (long long)l->link[i].target);
}

void heed_links_swap(heed_links *l)
{
    for (int64_t i = 0; i < l->count; i++) l->link[i] = (heed_link){l->link[i].target, l->link[i].source};
    tidy(l);
}

/* --- reading -------------------------------------------------------------------------------------------------------------------------------- */

typedef struct reader {
    const char *text;
    size_t size, at;
    int base;
    int64_t number, words[2];   /* which link of the line this is, from 1; words of each side, 0: not known */
} reader;

static bool blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/* Digits from *at on; false: none, or so many that no sentence has the word. */
static bool read_number(const reader *r, size_t *at, int64_t *value)
{
    const size_t first = *at;
    *value = 0;
    for (; *at < r->size && r->text[*at] >= '0' && r->text[*at] <= '9'; (*at)++)
        if ((*value = *value * 10 + (r->text[*at] - '0')) > MOST_WORDS) return false;
    return *at > first;
}

static heed_status no_link(const reader *r, size_t end, bool possible, heed_error *err)
{
    char shown[QUOTED + 1];
    size_t size = end - r->at < QUOTED ? end - r->at : QUOTED;
    for (size_t i = 0; i < size; i++) shown[i] = r->text[r->at + i] >= ' ' && r->text[r->at + i] <= '~' ? r->text[r->at + i] : '?';
    shown[size] = 0;
    return heed_fail(err, HEED_E_DATA, "link %lld, \"%s%s\", is not of the form SOURCE-TARGET%s with word numbers from %d to %d", (long long)r->number, shown,
                     end - r->at > QUOTED ? "..." : "", possible ? " (sure) or SOURCEpTARGET (possible)" : "", r->base, MOST_WORDS);
}

static heed_status check_inside(const reader *r, const int64_t word[2], char between, heed_error *err)
{
    for (int side = 0; side < 2; side++) {
        if (r->words[side] <= 0 || word[side] - r->base < r->words[side]) continue;
        return heed_fail(err, HEED_E_DATA, "link %lld, \"%lld%c%lld\": the %s has %lld words, so they end with word %lld (counted from %d)", (long long)r->number,
                         (long long)word[0], between, (long long)word[1], side ? "target" : "source", (long long)r->words[side],
                         (long long)(r->words[side] - 1 + r->base), r->base);
    }
    return HEED_OK;
}

static heed_status read_link(reader *r, heed_links *sure, heed_links *possible, heed_error *err)
{
    size_t at = r->at, end = r->at;
    int64_t word[2];
    while (end < r->size && !blank(r->text[end])) end++;
    r->number++;
    bool good = read_number(r, &at, &word[0]) && at < end && (r->text[at] == '-' || (possible && r->text[at] == 'p'));
    const char between = good ? r->text[at] : 0;
    at++;
    good = good && read_number(r, &at, &word[1]) && at == end && word[0] >= r->base && word[1] >= r->base;
    if (!good) return no_link(r, end, possible != NULL, err);
    heed_status status = check_inside(r, word, between, err);
    if (status) return status;
    const heed_link one = {word[0] - r->base, word[1] - r->base};
    if (between == '-') {
        if (!reserve(sure, sure->count + 1)) return no_memory(sure->count + 1, err);
        sure->link[sure->count++] = one;
    }
    if (possible) {
        if (!reserve(possible, possible->count + 1)) return no_memory(possible->count + 1, err);
        possible->link[possible->count++] = one;
    }
    r->at = end;
    return HEED_OK;
}

heed_status heed_links_parse(const char *text, size_t size, int base, const int64_t words[2], heed_links *sure, heed_links *possible, heed_error *err)
{
    reader r = {.text = text, .size = size, .base = base, .words = {words ? words[0] : 0, words ? words[1] : 0}};
    heed_status status = HEED_OK;
    sure->count = 0;
    if (possible) possible->count = 0;
    while (!status) {
        while (r.at < size && blank(text[r.at])) r.at++;
        if (r.at == size) break;
        status = read_link(&r, sure, possible, err);
    }
    if (status) sure->count = 0;
    if (status && possible) possible->count = 0;
    tidy(sure);
    if (possible) tidy(possible);
    return status;
}

/* --- against gold --------------------------------------------------------------------------------------------------------------------------- */

void heed_link_counts_add(heed_link_counts *c, const heed_links *found, const heed_links *sure, const heed_links *possible)
{
    c->found += found->count;
    c->sure += sure->count;
    for (int64_t i = 0; i < found->count; i++) {
        const bool hit = heed_links_have(sure, found->link[i]);
        c->sure_hit += hit;
        c->possible_hit += hit || heed_links_have(possible, found->link[i]);
    }
}

double heed_link_counts_aer(const heed_link_counts *c)
{
    const int64_t all = c->found + c->sure;
    return all ? 1 - (double)(c->sure_hit + c->possible_hit) / (double)all : 0;
}

double heed_link_counts_precision(const heed_link_counts *c)
{
    return c->found ? (double)c->possible_hit / (double)c->found : 0;
}

double heed_link_counts_recall(const heed_link_counts *c)
{
    return c->sure ? (double)c->sure_hit / (double)c->sure : 0;
}
