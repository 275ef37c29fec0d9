/* Any bytes as a line of links: from 0 and from 1, with possible links and without, of a sentence of known length and of any. What is read is in order, holds
 * nothing twice, lies within the sentence, and comes back from what is written. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "align/links.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool true_thing)
{
    if (!true_thing) abort();
}

static void check_set(const heed_links *l, const int64_t *words)
{
    for (int64_t i = 0; i < l->count; i++) {
        const heed_link *a = &l->link[i], *before = a - 1;
        must(a->source >= 0 && a->target >= 0);
        must(!words || (a->source < words[0] && a->target < words[1]));
        must(i == 0 || before->source < a->source || (before->source == a->source && before->target < a->target));
    }
}

static void check_round_trip(const heed_links *l)
{
    heed_links again = {0};
    heed_buf text = {0};
    heed_links_write(l, &text);
    must(heed_links_parse(text.data, text.size, 0, NULL, &again, NULL, NULL) == HEED_OK);
    must(again.count == l->count && (l->count == 0 || memcmp(again.link, l->link, (size_t)l->count * sizeof *l->link) == 0));
    heed_buf_free(&text);
    heed_links_free(&again);
}

static void read_as(const char *text, size_t size, int base, const int64_t *words, bool with_possible)
{
    heed_links sure = {0}, possible = {0}, joined = {0};
    heed_error err = {0};
    heed_status s = heed_links_parse(text, size, base, words, &sure, with_possible ? &possible : NULL, &err);
    check_set(&sure, words);
    check_set(&possible, words);
    check_round_trip(&sure);
    for (int how = 0; how < HEED_SYMMETRY_COUNT; how++) {
        must(heed_links_join(&possible, &sure, (heed_symmetry)how, &joined, &err) == HEED_OK);
        check_set(&joined, words);
        for (int64_t i = 0; with_possible && i < sure.count; i++) must(heed_links_have(&joined, sure.link[i]));
    }
    if (s) must(s == err.status && strlen(err.text) > 0 && sure.count == 0 && possible.count == 0);
    heed_links_free(&sure);
    heed_links_free(&possible);
    heed_links_free(&joined);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int64_t words[2] = {12, 5};
    for (int way = 0; way < 8; way++) read_as((const char *)data, size, way & 1, way & 2 ? words : NULL, way & 4);
    return 0;
}
