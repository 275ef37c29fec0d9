/* The safetensors format: 8 bytes little-endian length, a JSON header, the data. Written whole and atomically, read through a map; every offset,
 * shape, dtype, overlap and hole is checked before a byte of data is touched. (huggingface.co/docs/safetensors) */
#ifndef HEED_MODEL_SAFETENSORS_H
#define HEED_MODEL_SAFETENSORS_H

#include "base/file.h"

typedef struct heed_named {
    const char *name;
    const void *x;              /* float, uint16_t or int8_t: as `number` says */
    int rank;                   /* 1 or 2 */
    int64_t rows, cols;         /* rank 1: rows = 1 */
    heed_number number;         /* dtype F32, BF16 or I8 */
} heed_named;

size_t heed_number_bytes(heed_number number);   /* 4, 2, 1 */

/* metadata: pairs key, value, ending with NULL; may be NULL. In the file tensors of wider numbers come first, so that all of them lie aligned; those of one width
 * keep their order. */
heed_status heed_safetensors_write(const char *path, const heed_named *tensors, int64_t count, const char *const *metadata, heed_error *err);

typedef struct heed_safetensors heed_safetensors;
/* HEED_E_MODEL names file, tensor, what was found and expected ("spans bytes 81,920-147,456 but the file ends at 131,072 (truncated copy?)"). */
heed_safetensors *heed_safetensors_open(const char *path, heed_error *err);
heed_safetensors *heed_safetensors_parse(const void *data, size_t size, const char *path, heed_error *err);   /* borrows data */
void heed_safetensors_close(heed_safetensors *s);
int64_t heed_safetensors_count(const heed_safetensors *s);
const heed_named *heed_safetensors_at(const heed_safetensors *s, int64_t i);          /* x points into the file; aligned for its numbers or the file is refused */
const heed_named *heed_safetensors_find(const heed_safetensors *s, const char *name);
const char *heed_safetensors_metadata(const heed_safetensors *s, const char *key);   /* NULL: absent */

#endif
