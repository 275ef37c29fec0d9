/* Any bytes as a config.json. What is read must come back from what is written. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "model/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool true_thing)
{
    if (!true_thing) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    heed_recipe r = {0}, again = {0};
    heed_error err = {0};
    heed_status s = heed_config_parse(&r, (const char *)data, size, "config.json", &err);
    if (s) {
        must(s == err.status && strlen(err.text) > 0 && !r.owner);
        return 0;
    }
    heed_buf text = {0}, changes = {0};
    must(heed_config_write(&r, &text) == HEED_OK);
    must(heed_config_parse(&again, text.data, text.size, "again", &err) == HEED_OK);
    must(heed_recipe_differ(&r, &again, &changes) == 0);
    heed_buf_free(&changes);
    heed_buf_free(&text);
    heed_recipe_free(&again);
    heed_recipe_free(&r);
    return 0;
}
