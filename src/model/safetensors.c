/* safetensors: model/safetensors.h. Nothing that the header says is believed before it was held against the size of the file. */
#include "model/safetensors.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "model/words.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the numbers in the file are used as they lie");

enum { LENGTH_BYTES = 8, ALIGN_HEADER = 8 };
#define MOST_HEADER ((uint64_t)100 << 20)   /* as the reference implementation has it */

static const struct { const char *name; size_t bytes; } dtypes[] = {[HEED_F32] = {"F32", 4}, [HEED_BF16] = {"BF16", 2}, [HEED_INT8] = {"I8", 1}};
enum { DTYPES = sizeof dtypes / sizeof *dtypes };

size_t heed_number_bytes(heed_number number) { return dtypes[number].bytes; }

struct heed_safetensors {
    heed_arena *arena;              /* names and metadata */
    heed_file file;                 /* when opened by name */
    heed_named *tensors;            /* [count] in the order of their bytes */
    const heed_named **by_name;     /* [count] */
    int64_t count;
    const char **metadata;          /* key, value, ..., NULL */
};

/* --- writing --- */

static void write_metadata(heed_buf *out, const char *const *metadata)
{
    heed_buf_text(out, "\"__metadata__\":{");
    for (int i = 0; metadata[i]; i += 2) {
        if (i) heed_buf_char(out, ',');
        heed_json_text(out, metadata[i]);
        heed_buf_char(out, ':');
        heed_json_text(out, metadata[i + 1]);
    }
    heed_buf_char(out, '}');
}

static size_t bytes_of(const heed_named *t)
{
    return (size_t)t->rows * (size_t)t->cols * dtypes[t->number].bytes;
}

static void write_header(heed_buf *out, const heed_named *const *tensors, int64_t count, const char *const *metadata)
{
    size_t at = 0;
    heed_buf_char(out, '{');
    if (metadata && metadata[0]) write_metadata(out, metadata);
    for (int64_t i = 0; i < count; i++) {
        const heed_named *t = tensors[i];
        if (out->size > 1) heed_buf_char(out, ',');
        heed_json_text(out, t->name);
        heed_buf_printf(out, ":{\"dtype\":\"%s\",\"shape\":[", dtypes[t->number].name);
        if (t->rank == 2) heed_buf_printf(out, "%" PRId64 ",", t->rows);
        heed_buf_printf(out, "%" PRId64 "],\"data_offsets\":[%zu,%zu]}", t->cols, at, at + bytes_of(t));
        at += bytes_of(t);
    }
    heed_buf_char(out, '}');
    while (!out->failed && out->size % ALIGN_HEADER) heed_buf_char(out, ' ');
}

/* Numbers count from the widest on. */
static void put_wide_first(const heed_named **ordered, const heed_named *tensors, int64_t count)
{
    for (int number = 0; number < DTYPES; number++)
        for (int64_t i = 0; i < count; i++)
            if ((int)tensors[i].number == number) *ordered++ = &tensors[i];
}

heed_status heed_safetensors_write(const char *path, const heed_named *tensors, int64_t count, const char *const *metadata, heed_error *err)
{
    heed_buf header = {0};
    const heed_named **ordered = calloc((size_t)count + 1, sizeof *ordered);
    heed_piece *pieces = calloc((size_t)count + 2, sizeof *pieces);
    heed_status s;
    if (ordered) put_wide_first(ordered, tensors, count);
    if (ordered) write_header(&header, ordered, count, metadata);
    if (header.failed || !ordered || !pieces) s = heed_fail(err, HEED_E_NOMEM, "%s: out of memory", path);
    else if (header.size > MOST_HEADER) s = heed_fail(err, HEED_E_LIMIT, "%s: the names of the tensors take more than 100 MiB", path);
    else {
        uint64_t length = header.size;
        pieces[0] = (heed_piece){&length, LENGTH_BYTES};
        pieces[1] = (heed_piece){header.data, header.size};
        for (int64_t i = 0; i < count; i++) pieces[i + 2] = (heed_piece){ordered[i]->x, bytes_of(ordered[i])};
        s = heed_file_replace_pieces(path, pieces, (size_t)count + 2, err);
    }
    free(pieces);
    free(ordered);
    heed_buf_free(&header);
    return s;
}

/* --- reading --- */

typedef struct reading {
    heed_safetensors *s;
    const unsigned char *data;      /* behind the header */
    uint64_t size;                  /* of it */
    uint64_t before;                /* bytes of length and header */
    const char *path;
    heed_error *err;
} reading;

typedef struct text3 { char a[HEED_GROUP_SIZE], b[HEED_GROUP_SIZE], c[HEED_GROUP_SIZE]; } text3;

static heed_status damaged(const reading *r, const char *name, const char *what)
{
    char quoted[HEED_QUOTE_SIZE];
    return heed_fail(r->err, HEED_E_MODEL, "%s: tensor %s %s", r->path, heed_quote(quoted, name), what);
}

static heed_status out_of_memory(const reading *r)
{
    return heed_fail(r->err, HEED_E_NOMEM, "%s: out of memory", r->path);
}

static heed_status read_shape(const reading *r, const char *name, const json_t *shape, heed_named *t)
{
    size_t rank = json_array_size(shape);
    if (!json_is_array(shape) || rank < 1 || rank > 2) return damaged(r, name, "needs a shape of one or two sizes");
    for (size_t i = 0; i < rank; i++) {
        const json_t *size = json_array_get(shape, i);
        if (!json_is_integer(size) || json_integer_value(size) < 1) return damaged(r, name, "has a size in its shape that is no whole number from 1");
    }
    t->rank = (int)rank;
    t->rows = rank == 2 ? json_integer_value(json_array_get(shape, 0)) : 1;
    t->cols = json_integer_value(json_array_get(shape, rank - 1));
    return HEED_OK;
}

/* A place in the file for a message; what the header says may be as large as it likes. */
static int64_t in_file(const reading *r, uint64_t offset)
{
    return offset > INT64_MAX - r->before ? INT64_MAX : (int64_t)(offset + r->before);
}

static heed_status read_span(const reading *r, const char *name, const json_t *offsets, const heed_named *t, uint64_t *begin, uint64_t *end)
{
    const json_t *first = json_array_get(offsets, 0), *last = json_array_get(offsets, 1);
    if (json_array_size(offsets) != 2 || !json_is_integer(first) || !json_is_integer(last) || json_integer_value(first) < 0 ||
        json_integer_value(last) < json_integer_value(first))
        return damaged(r, name, "needs data_offsets of two rising whole numbers");
    *begin = (uint64_t)json_integer_value(first);
    *end = (uint64_t)json_integer_value(last);
    char quoted[HEED_QUOTE_SIZE];
    text3 n;
    if (*end > r->size)
        return heed_fail(r->err, HEED_E_MODEL, "%s: tensor %s spans bytes %s-%s but the file ends at %s (truncated copy?)", r->path,
                         heed_quote(quoted, name), heed_group(n.a, in_file(r, *begin)), heed_group(n.b, in_file(r, *end)),
                         heed_group(n.c, in_file(r, r->size)));
    int64_t need;
    bool fits = !__builtin_mul_overflow(t->rows, t->cols, &need) && !__builtin_mul_overflow(need, (int64_t)dtypes[t->number].bytes, &need);
    if (!fits || (uint64_t)need != *end - *begin)
        return heed_fail(r->err, HEED_E_MODEL, "%s: tensor %s of [%" PRId64 ",%" PRId64 "] has %s bytes, expected %s", r->path, heed_quote(quoted, name),
                         t->rows, t->cols, heed_group(n.a, (int64_t)(*end - *begin)), fits ? heed_group(n.b, need) : "more than there are");
    return HEED_OK;
}

static heed_status read_dtype(const reading *r, const char *name, const json_t *entry, heed_named *t)
{
    const char *dtype = json_string_value(json_object_get(entry, "dtype"));
    char what[80 + HEED_QUOTE_SIZE], quoted[HEED_QUOTE_SIZE];
    if (!json_is_object(entry) || !dtype) return damaged(r, name, "has no dtype");
    for (int i = 0; i < DTYPES; i++) {
        t->number = (heed_number)i;
        if (strcmp(dtypes[i].name, dtype) == 0) return HEED_OK;
    }
    snprintf(what, sizeof what, "has dtype %s, expected \"F32\", \"BF16\" or \"I8\"", heed_quote(quoted, dtype));
    return damaged(r, name, what);
}

static heed_status read_tensor(const reading *r, const char *name, const json_t *entry, heed_named *t)
{
    uint64_t begin = 0, end = 0;
    heed_status s = read_dtype(r, name, entry, t);
    if (s) return s;
    if (!*name || json_object_size(entry) != 3) return damaged(r, name, "needs a name, and dtype, shape and data_offsets, nothing else");
    s = read_shape(r, name, json_object_get(entry, "shape"), t);
    if (!s) s = read_span(r, name, json_object_get(entry, "data_offsets"), t, &begin, &end);
    if (s) return s;
    const size_t bytes = dtypes[t->number].bytes;
    char what[48];
    t->x = r->data + begin;
    snprintf(what, sizeof what, "does not begin at a multiple of %zu bytes", bytes);
    if ((uintptr_t)t->x % bytes) return damaged(r, name, what);
    t->name = heed_arena_text(r->s->arena, name);
    return t->name ? HEED_OK : out_of_memory(r);
}

static heed_status read_metadata(const reading *r, json_t *metadata)
{
    if (!json_is_object(metadata)) return heed_fail(r->err, HEED_E_MODEL, "%s: __metadata__ is no object", r->path);
    size_t i = 0;
    r->s->metadata = heed_arena_zero(r->s->arena, (2 * json_object_size(metadata) + 1) * sizeof *r->s->metadata);
    if (!r->s->metadata) return out_of_memory(r);
    for (void *at = json_object_iter(metadata); at; at = json_object_iter_next(metadata, at)) {
        const char *value = json_string_value(json_object_iter_value(at));
        if (!value) return heed_fail(r->err, HEED_E_MODEL, "%s: a value in __metadata__ is no text", r->path);
        r->s->metadata[i++] = heed_arena_text(r->s->arena, json_object_iter_key(at));
        r->s->metadata[i++] = heed_arena_text(r->s->arena, value);
        if (!r->s->metadata[i - 2] || !r->s->metadata[i - 1]) return out_of_memory(r);
    }
    return HEED_OK;
}

static int by_place(const void *a, const void *b)
{
    const unsigned char *x = ((const heed_named *)a)->x, *y = ((const heed_named *)b)->x;
    return (x > y) - (x < y);
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const heed_named *const *)a)->name, (*(const heed_named *const *)b)->name);
}

/* The format allows neither overlap nor hole: each byte belongs to one tensor. */
static heed_status check_cover(const reading *r)
{
    const unsigned char *at = r->data;
    text3 n;
    for (int64_t i = 0; i < r->s->count; i++) {
        const heed_named *t = &r->s->tensors[i];
        const unsigned char *begin = t->x;
        if (begin < at) return damaged(r, t->name, "overlaps the tensor before it");
        if (begin > at) return damaged(r, t->name, "leaves a hole before it");
        at = begin + bytes_of(t);
    }
    uint64_t rest = r->size - (uint64_t)(at - r->data);
    if (rest == 0) return HEED_OK;
    return heed_fail(r->err, HEED_E_MODEL, "%s: %s bytes behind the last tensor belong to none (altered, or two files joined?)", r->path,
                     heed_group(n.a, (int64_t)rest));
}

static heed_status read_tensors(const reading *r, json_t *header)
{
    heed_safetensors *s = r->s;
    size_t most = json_object_size(header);
    s->tensors = heed_arena_zero(s->arena, most * sizeof *s->tensors);
    s->by_name = heed_arena_zero(s->arena, most * sizeof *s->by_name);
    if (!s->tensors || !s->by_name) return out_of_memory(r);
    for (void *at = json_object_iter(header); at; at = json_object_iter_next(header, at)) {
        const char *name = json_object_iter_key(at);
        bool metadata = strcmp(name, "__metadata__") == 0;
        heed_status status =
            metadata ? read_metadata(r, json_object_iter_value(at)) : read_tensor(r, name, json_object_iter_value(at), &s->tensors[s->count]);
        if (status) return status;
        s->count += !metadata;
    }
    qsort(s->tensors, (size_t)s->count, sizeof *s->tensors, by_place);
    for (int64_t i = 0; i < s->count; i++) s->by_name[i] = &s->tensors[i];
    qsort(s->by_name, (size_t)s->count, sizeof *s->by_name, by_name);
    return check_cover(r);
}

static heed_status read_all(reading *r, const unsigned char *file, size_t size)
{
    uint64_t length = 0;
    text3 n;
    if (size < LENGTH_BYTES) return heed_fail(r->err, HEED_E_MODEL, "%s: %zu bytes are too few for safetensors (truncated copy?)", r->path, size);
    memcpy(&length, file, LENGTH_BYTES);
    if (length > MOST_HEADER) return heed_fail(r->err, HEED_E_MODEL, "%s: its header would be larger than 100 MiB; this is not safetensors", r->path);
    if (length > size - LENGTH_BYTES)
        return heed_fail(r->err, HEED_E_MODEL, "%s: the header takes %s bytes but the file ends at %s (truncated copy?)", r->path,
                         heed_group(n.a, (int64_t)length), heed_group(n.b, (int64_t)size));
    r->before = LENGTH_BYTES + length;
    r->data = file + r->before;
    r->size = size - r->before;
    json_error_t problem;
    json_t *header = json_loadb((const char *)file + LENGTH_BYTES, (size_t)length, JSON_REJECT_DUPLICATES, &problem);
    heed_status s;
    if (!header && json_error_code(&problem) == json_error_out_of_memory) s = out_of_memory(r);
    else if (!header) s = heed_fail(r->err, HEED_E_MODEL, "%s: the header is not JSON: %s at byte %d", r->path, problem.text, LENGTH_BYTES + problem.position);
    else if (!json_is_object(header)) s = heed_fail(r->err, HEED_E_MODEL, "%s: the header is no object", r->path);
    else s = read_tensors(r, header);
    json_decref(header);
    return s;
}

heed_safetensors *heed_safetensors_parse(const void *data, size_t size, const char *path, heed_error *err)
{
    heed_safetensors *s = calloc(1, sizeof *s);
    reading r = {.s = s, .path = path, .err = err};
    if (s) s->arena = heed_arena_new(0);
    if (!s || !s->arena) out_of_memory(&r);
    if (s && s->arena && !read_all(&r, data, size)) return s;
    heed_safetensors_close(s);
    return NULL;
}

heed_safetensors *heed_safetensors_open(const char *path, heed_error *err)
{
    heed_file file;
    if (heed_file_map(&file, path, HEED_E_MODEL, err)) return NULL;
    heed_safetensors *s = heed_safetensors_parse(file.data, file.size, path, err);
    if (s) s->file = file;
    else heed_file_unmap(&file);
    return s;
}

void heed_safetensors_close(heed_safetensors *s)
{
    if (!s) return;
    heed_arena_free(s->arena);
    heed_file_unmap(&s->file);
    free(s);
}

int64_t heed_safetensors_count(const heed_safetensors *s)
{
    return s->count;
}

const heed_named *heed_safetensors_at(const heed_safetensors *s, int64_t i)
{
    return &s->tensors[i];
}

const heed_named *heed_safetensors_find(const heed_safetensors *s, const char *name)
{
    heed_named wanted = {.name = name};
    const heed_named *key = &wanted;
    const heed_named **found = s->count ? bsearch(&key, s->by_name, (size_t)s->count, sizeof *s->by_name, by_name) : NULL;
    return found ? *found : NULL;
}

const char *heed_safetensors_metadata(const heed_safetensors *s, const char *key)
{
    for (int64_t i = 0; s->metadata && s->metadata[i]; i += 2)
        if (strcmp(s->metadata[i], key) == 0) return s->metadata[i + 1];
    return NULL;
}
