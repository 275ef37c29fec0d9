/* Any bytes as a shortlist of two small vocabularies. What is read offers symbols that exist, </s> among them and never <s>, and more of them for more sources. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "data/shortlist.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool true_thing)
{
    if (!true_thing) abort();
}

static heed_text *text_of(const char *corpus)
{
    heed_text *t = heed_text_new(&(heed_text_settings){.units = HEED_UNIT_symbols, .min_count = 1}, NULL);
    must(t && heed_text_count(t, corpus, strlen(corpus), NULL) == HEED_OK && heed_text_finish(t, NULL) == HEED_OK);
    return t;
}

static void ask(const heed_shortlist *s, const heed_text *source, const heed_text *target)
{
    heed_tokens tokens = {0};
    uint64_t before = 0, marks;
    must(heed_shortlist_words(s) == 1 && heed_text_size(target) <= 64);
    for (const char *const *text = (const char *const[]){"", "a", "a b zz", "a b zz c", NULL}; *text; text++) {
        must(heed_text_encode(source, *text, strlen(*text), &tokens, NULL) == HEED_OK);
        marks = 0;
        heed_shortlist_mark(s, &tokens, &marks);
        must((marks & before) == before && marks >> heed_text_size(target) == 0);
        must((marks >> HEED_EOS & 1) && (marks >> HEED_UNK & 1) && !(marks >> HEED_BOS & 1));
        before = marks;
    }
    heed_tokens_free(&tokens);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static heed_text *source, *target;
    static char path[] = "/tmp/heed-fuzz-shortlist-XXXXXX";
    static int file = -1;
    if (file < 0) {
        file = mkstemp(path);
        source = text_of("a a a b b c");
        target = text_of("A A A A B B B C C \xC3\xA9");
    }
    must(file >= 0 && ftruncate(file, 0) == 0 && pwrite(file, data, size, 0) == (ssize_t)size);
    heed_error err = {0};
    heed_shortlist *s = heed_shortlist_open(path, source, target, &err);
    if (s) ask(s, source, target);
    else must(err.status != HEED_OK && strlen(err.text) > 0);
    heed_shortlist_free(s);
    return 0;
}
