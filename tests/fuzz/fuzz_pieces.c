/* Any bytes as a model of pieces. What our reader accepts must open in the library and cut a text into pieces that exist. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "data/pieces.h"
#include "data/normal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool true_thing)
{
    if (!true_thing) abort();
}

/* noise NULL: the plain split. */
static void check_split(const heed_pieces *p, const heed_vocabulary *v, const heed_text_noise *noise)
{
    static const char line[] = "  aa the birds, \xE2\x96\x81 \xC3\xA9\xF0\x9F\x98\x80 a";
    heed_error err = {0};
    heed_tokens tokens = {0};
    must(heed_normalize(line, sizeof line - 1, false, false, &tokens, &err) == HEED_OK);
    must((noise ? heed_pieces_draw(p, v, noise, 1, &tokens, &err) : heed_pieces_encode(p, &tokens, &err)) == HEED_OK && tokens.count > 0);
    for (int64_t i = 0; i < tokens.count; i++) {
        const heed_token *k = &tokens.item[i];
        must(k->id >= 0 && k->id < v->count + HEED_SPECIALS && k->start >= 0 && k->start <= k->end && k->end < (int32_t)sizeof line);
    }
    heed_tokens_free(&tokens);
}

static void check_use(const heed_pieces *p, const heed_vocabulary *v)
{
    heed_buf out = {0};
    check_split(p, v, NULL);
    check_split(p, v, &(heed_text_noise){.dropout = 0.3, .sampling = 0.3});
    check_split(p, v, &(heed_text_noise){.dropout = 0.95, .sampling = 100});
    for (int64_t i = 0; i < v->count; i++) must(heed_pieces_print(heed_vocabulary_text(v, i), i == 0, &out) <= out.size);
    heed_buf_free(&out);
}

static void read_as(const uint8_t *data, size_t size, bool unigram)
{
    heed_error err = {0};
    heed_vocabulary v = {0};
    heed_pieces *p = heed_pieces_new(unigram);
    must(p != NULL);
    if (heed_pieces_parse(p, data, size, "x.spm.model", unigram, &v, &err) == HEED_OK) check_use(p, &v);
    else must(err.status == HEED_E_MODEL && strlen(err.text) > 0);
    heed_pieces_free(p);
    heed_vocabulary_free(&v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_as(data, size, false);
    read_as(data, size, true);
    return 0;
}
