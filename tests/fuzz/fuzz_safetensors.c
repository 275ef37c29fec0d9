/* Any bytes as a safetensors file. Whatever is accepted lies within the bytes, apart from all others, and is found by its name. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "model/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool true_thing)
{
    if (!true_thing) abort();
}

static void check_tensor(const heed_safetensors *s, const heed_named *t, const uint8_t *data, size_t size, const uint8_t **end)
{
    const size_t width = heed_number_bytes(t->number);
    const uint8_t *first = t->x, *last = first + (size_t)t->rows * (size_t)t->cols * width;
    must(first >= *end && last > first && last <= data + size && (uintptr_t)first % width == 0);
    must(heed_safetensors_find(s, t->name) == t);
    unsigned sum = 0;
    for (size_t i = 0; i < width; i++) sum += first[i] + last[-1 - (ptrdiff_t)i];   /* both ends are read under a sanitizer */
    must(sum <= 2 * 255 * width);
    *end = last;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    heed_error err = {0};
    heed_safetensors *s = heed_safetensors_parse(data, size, "model.safetensors", &err);
    if (!s) {
        must(err.status == HEED_E_MODEL && strlen(err.text) > 0);
        return 0;
    }
    const uint8_t *end = data;
    for (int64_t i = 0; i < heed_safetensors_count(s); i++) check_tensor(s, heed_safetensors_at(s, i), data, size, &end);
    (void)heed_safetensors_find(s, "no such tensor");
    (void)heed_safetensors_metadata(s, "format");
    heed_safetensors_close(s);
    return 0;
}
