/* Any bytes as a question to a server. What is accepted has a text, and holds no more than it was given. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "heed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool true_thing)
{
    if (!true_thing) abort();
}

static size_t read_all(const char *const *items, int count)
{
    size_t bytes = 0;
    for (int i = 0; i < count; i++) bytes += strlen(items[i]) + 1;
    return bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    heed_error err = {0};
    heed_question q;
    char *memory;
    const heed_status status = heed_question_parse((const char *)data, size, &q, &memory, &err);
    must(status == err.status && (status == HEED_OK) == (memory != NULL));
    if (status == HEED_OK) {
        must(q.lens_count >= 0 && q.lens_count <= 64 && q.what_if_count >= 0 && q.what_if_count <= 64);
        must(strlen(q.item.text) + read_all(q.lenses, q.lens_count) + read_all(q.what_if, q.what_if_count) <= size);
        must(!q.item.prefix && !q.item.must.count && !q.item.never.count);
    }
    else must((status == HEED_E_DATA || status == HEED_E_LIMIT) && strlen(err.text) > 0);
    heed_free(memory);
    return 0;
}
