/* Any bytes as a vocabulary. Whatever is accepted can be walked and used on a text. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "data/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool true_thing)
{
    if (!true_thing) abort();
}

static void check_use(const heed_text *t)
{
    static const char line[] = "A cup, 1990-95 (\"two\"): \xC3\xA9 \xEF\xAC\x83 e\xCC\x82!";
    heed_tokens tokens = {0};
    heed_buf out = {0};
    heed_error err = {0};
    must(heed_text_encode(t, line, sizeof line - 1, &tokens, &err) == HEED_OK);
    for (int64_t i = 0; i < tokens.count; i++) {
        const heed_token *k = &tokens.item[i];
        must(k->id >= 0 && k->id < heed_text_size(t) && k->start >= 0 && k->start <= k->end && k->end < (int32_t)sizeof line);
    }
    for (int32_t id = 0; id < heed_text_size(t); id++) {
        heed_token at;
        must(strlen(heed_text_symbol(t, id)) > 0);
        heed_buf_reset(&out);
        must(heed_text_decode(t, &id, 1, NULL, &out, &at, &err) == HEED_OK && at.end == (int32_t)out.size);
    }
    heed_tokens_free(&tokens);
    heed_buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    heed_error err = {0};
    heed_text *t = heed_text_parse((const char *)data, size, "vocab.json", &err);
    if (t) check_use(t);
    else must(err.status != HEED_OK && strlen(err.text) > 0);
    heed_text_free(t);
    return 0;
}
