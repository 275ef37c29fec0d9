/* Any bytes as lines of explanations. What is accepted is an object, and stands on a page. */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "explain/corpus.h"
#include "explain/page.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool true_thing)
{
    if (!true_thing) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    heed_error err = {0};
    heed_buf json = {0}, page = {0};
    const size_t half = size / 2;
    const heed_corpus_text texts[] = {{"first", (const char *)data, half}, {"second", (const char *)data + half, size - half}};
    if (heed_corpus_join(texts, 1 + size % 2, &json, &err)) must(err.status != HEED_OK && strlen(err.text) > 0);
    else {
        json_t *read = json_loadb(json.data, json.size, 0, NULL);
        must(read && json_array_size(json_object_get(read, "items")) > 0);
        json_decref(read);
        must(heed_explain_page(json.data, json.size, NULL, &page) == HEED_OK);
    }
    heed_buf_free(&json);
    heed_buf_free(&page);
    return 0;
}
