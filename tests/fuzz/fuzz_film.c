/* Any bytes as a film. Whatever is accepted is drawn in every way. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "explain/film.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool true_thing)
{
    if (!true_thing) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    heed_error err = {0};
    heed_buf out = {0};
    heed_strip f = {.path = "film.jsonl"};
    if (heed_film_parse(&f, (const char *)data, size, &err)) must(err.status != HEED_OK && strlen(err.text) > 0);
    else {
        for (int i = -1; i < f.sentences; i++) must(heed_film_svg(&f, i, &out) == HEED_OK && heed_film_json(&f, i, &out) == HEED_OK);
        must(heed_film_terminal(&f, f.sentences - 1, size % 2, 10 + (int)(size % 100), &out) == HEED_OK);
    }
    heed_film_close(&f);
    heed_buf_free(&out);
    return 0;
}
