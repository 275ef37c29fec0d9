/* Any bytes as a table of lines. Whatever is accepted is drawn. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "explain/explain.h"
#include "explain/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool true_thing)
{
    if (!true_thing) abort();
}

static heed_status read_all(heed_table *t, char *text, heed_error *err)
{
    heed_status status = HEED_OK;
    for (int64_t number = 1; text && !status; number++) {
        char *end = strchr(text, '\n');
        if (end) *end++ = 0;
        status = heed_table_add(t, number, text, err);
        text = end;
    }
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    heed_error err = {0};
    heed_buf svg = {0};
    heed_chart c = {.log_x = size % 2};
    char *text = calloc(1, size + 1);
    heed_table *t = heed_table_new("table.tsv", c.log_x, &err);
    if (size) memcpy(text, data, size);
    if (heed_utf8_check(text, strlen(text)) == strlen(text)) {
        const bool good = read_all(t, text, &err) == HEED_OK && heed_table_finish(t, &c, &err) == HEED_OK;
        if (good) must(c.count > 0 && heed_explain_chart(&c, &svg) == HEED_OK);
        else must(err.status != HEED_OK && strlen(err.text) > 0);
    }
    heed_table_free(t);
    heed_buf_free(&svg);
    free(text);
    return 0;
}
