/* Any bytes as an item of a request. What is accepted has its texts. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "heed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool true_thing)
{
    if (!true_thing) abort();
}

static size_t read_all(const heed_phrases *p)
{
    size_t bytes = 0;
    for (int64_t i = 0; i < p->count; i++) bytes += strlen(p->items[i]) + 1;
    return bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    heed_error err = {0};
    heed_item item;
    char *memory;
    const heed_status status = heed_item_parse((const char *)data, size, &item, &memory, &err);
    must(status == err.status && (status == HEED_OK) == (memory != NULL));
    if (status == HEED_OK) {
        must(!(item.target && item.prefix));
        must(strlen(item.text) + read_all(&item.must) + read_all(&item.never) <= size);
    }
    else must(strlen(err.text) > 0);
    heed_free(memory);
    return 0;
}
