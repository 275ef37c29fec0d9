/* model.safetensors, written and read: model/weights.h. */
#include "model/weights.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/machine.h"
#include "kernels/bf16.h"
#include "kernels/kernels.h"
#include "model/safetensors.h"
#include "tensor/tape.h"

enum { NAME_SIZE = 104 };   /* of a weight's name with ".scale" behind it */
typedef struct scale_name { char text[NAME_SIZE]; } scale_name;

static void name_scale(scale_name *out, const heed_weight *w) { snprintf(out->text, sizeof out->text, "%s.scale", w->name); }

/* --- saving ---------------------------------------------------------------------------------------------------------------------------- */

/* Tensors on their way into a file, and what those in fewer bits live in. */
typedef struct saving {
    heed_named *tensor;             /* [most] */
    int64_t count;
    scale_name *name;               /* [weights] */
    float *scale;                   /* rows of all matrices */
    unsigned char *bytes;           /* their numbers */
    heed_number number;
    heed_error *err;
} saving;

static heed_status too_large(const saving *s, const heed_weight *w)
{
    return heed_fail(s->err, HEED_E_LIMIT, "weight \"%s\" holds a number that is not finite, or too large for %s", w->name,
                     s->number == HEED_BF16 ? "bf16" : "int8");
}

static void add(saving *s, const char *name, const void *x, const heed_weight *w, heed_number number)
{
    s->tensor[s->count++] = (heed_named){.name = name, .x = x, .rank = w->rank, .rows = w->tensor.rows, .cols = w->tensor.cols, .number = number};
}

static heed_status add_bf16(saving *s, const heed_weight *w, int64_t at)
{
    const int64_t n = w->tensor.rows * w->tensor.cols;
    uint16_t *x = (uint16_t *)(void *)s->bytes + at;
    heed_kernels_get()->to_bf16(x, w->tensor.x, n);
    for (int64_t i = 0; i < n; i++)
        if (!isfinite(heed_bf16_float(x[i]))) return too_large(s, w);
    add(s, w->name, x, w, HEED_BF16);
    return HEED_OK;
}

static float quantize_row(int8_t *q, const float *x, int64_t n)
{
    uint8_t *bytes = (uint8_t *)q;
    const float scale = heed_kernels_get()->quantize(bytes, x, n);
    for (int64_t i = 0; i < n; i++) bytes[i] = (uint8_t)(bytes[i] - 128);
    return scale;
}

static heed_status add_whole(saving *s, const heed_weight *w, int64_t at, int64_t row)
{
    const int64_t rows = w->tensor.rows, cols = w->tensor.cols;
    int8_t *q = (int8_t *)s->bytes + at;
    float *scale = s->scale + row;
    scale_name *name = &s->name[w->id];
    for (int64_t i = 0; i < rows; i++) {
        scale[i] = quantize_row(q + i * cols, w->tensor.x + i * cols, cols);
        if (!isfinite(127 * scale[i])) return too_large(s, w);
    }
    name_scale(name, w);
    add(s, w->name, q, w, HEED_INT8);
    s->tensor[s->count++] = (heed_named){.name = name->text, .x = scale, .rank = 1, .rows = 1, .cols = rows, .number = HEED_F32};
    return HEED_OK;
}

static heed_status gather(saving *s, const heed_params *p)
{
    heed_status status = HEED_OK;
    int64_t at = 0, row = 0;
    for (int64_t i = 0; i < heed_params_count(p) && !status; i++) {
        const heed_weight *w = heed_params_at(p, i);
        if (!w->tensor.x) return heed_fail(s->err, HEED_E_USAGE, "weight \"%s\" is packed for products and has no floats to be saved", w->name);
        if (s->number == HEED_F32 || w->rank == 1) {
            add(s, w->name, w->tensor.x, w, HEED_F32);
            continue;
        }
        status = s->number == HEED_BF16 ? add_bf16(s, w, at) : add_whole(s, w, at, row);
        at += w->tensor.rows * w->tensor.cols;
        row += w->tensor.rows;
    }
    return status;
}

static bool make_room(saving *s, const heed_params *p)
{
    const size_t count = (size_t)heed_params_count(p);
    size_t numbers = 0, rows = 0;
    for (size_t i = 0; i < count && s->number != HEED_F32; i++) {
        const heed_weight *w = heed_params_at(p, (int64_t)i);
        if (w->rank == 1) continue;
        numbers += (size_t)(w->tensor.rows * w->tensor.cols);
        rows += (size_t)w->tensor.rows;
    }
    s->tensor = malloc((2 * count + 1) * sizeof *s->tensor);
    s->name = malloc((count + 1) * sizeof *s->name);
    s->scale = malloc((rows + 1) * sizeof *s->scale);
    s->bytes = malloc(numbers * heed_number_bytes(s->number) + 1);
    return s->tensor && s->name && s->scale && s->bytes;
}

heed_status heed_weights_save(const heed_params *p, heed_number number, const char *path, heed_error *err)
{
    static const char *const metadata[] = {"format", "heed", NULL};
    saving s = {.number = number, .err = err};
    heed_status status = make_room(&s, p) ? gather(&s, p) : heed_fail(err, HEED_E_NOMEM, "out of memory for model.safetensors");
    if (!status) status = heed_safetensors_write(path, s.tensor, s.count, metadata, err);
    free(s.tensor);
    free(s.name);
    free(s.scale);
    free(s.bytes);
    return status;
}

/* --- loading --------------------------------------------------------------------------------------------------------------------------- */

typedef struct loading {
    const heed_params *params;
    const heed_safetensors *file;
    const char *path;
    bool serve;
    heed_error *err;
} loading;

static heed_status check_shape(const loading *l, const heed_named *from, const char *name, int rank, int64_t rows, int64_t cols)
{
    if (!from) return heed_fail(l->err, HEED_E_MODEL, "%s: tensor \"%s\" is missing", l->path, name);
    if (from->rank != rank || from->rows != rows || from->cols != cols)
        return heed_fail(l->err, HEED_E_MODEL, "%s: tensor \"%s\" is [%lld,%lld], config.json and the vocabularies make it [%lld,%lld]", l->path, name,
                         (long long)from->rows, (long long)from->cols, (long long)rows, (long long)cols);
    return HEED_OK;
}

static const heed_named *find_scale(const loading *l, const heed_weight *w, scale_name *name)
{
    name_scale(name, w);
    return heed_safetensors_find(l->file, name->text);
}

static heed_status check_scale(const loading *l, const heed_weight *w)
{
    scale_name name;
    const heed_named *scale = find_scale(l, w, &name);
    if (!scale) return heed_fail(l->err, HEED_E_MODEL, "%s: tensor \"%s\" holds whole numbers, and tensor \"%s\" is missing", l->path, w->name, name.text);
    const heed_status status = check_shape(l, scale, name.text, 1, 1, w->tensor.rows);
    if (status || scale->number == HEED_F32) return status;
    return heed_fail(l->err, HEED_E_MODEL, "%s: tensor \"%s\" is of another dtype than F32", l->path, name.text);
}

/* Tensors but for the scales of those that hold whole numbers. */
static int64_t count_weights(const loading *l)
{
    int64_t count = heed_safetensors_count(l->file);
    for (int64_t i = 0; i < heed_params_count(l->params); i++) {
        scale_name name;
        const heed_weight *w = heed_params_at(l->params, i);
        const heed_named *from = heed_safetensors_find(l->file, w->name);
        if (from && from->number == HEED_INT8 && find_scale(l, w, &name)) count--;
    }
    return count;
}

static heed_status check_shapes(const loading *l, heed_number *number)
{
    const int64_t n = heed_params_count(l->params), found = count_weights(l);
    heed_status status = HEED_OK;
    *number = HEED_F32;
    if (found != n) status = heed_fail(l->err, HEED_E_MODEL, "%s: holds %lld tensors, config.json makes %lld", l->path, (long long)found, (long long)n);
    for (int64_t i = 0; i < n && !status; i++) {
        const heed_weight *w = heed_params_at(l->params, i);
        const heed_named *from = heed_safetensors_find(l->file, w->name);
        status = check_shape(l, from, w->name, w->rank, w->tensor.rows, w->tensor.cols);
        if (!status && from->number == HEED_INT8) status = check_scale(l, w);
        if (!status && from->number > *number) *number = from->number;
    }
    return status;
}

static heed_status widen(const loading *l, const heed_weight *w, const heed_named *from)
{
    scale_name name;
    const int64_t rows = w->tensor.rows, cols = w->tensor.cols;
    const float *scale = find_scale(l, w, &name)->x;
    const int8_t *q = from->x;
    for (int64_t i = 0; i < rows; i++) {
        if (!(scale[i] >= 0) || !isfinite(scale[i])) return heed_fail(l->err, HEED_E_MODEL, "%s: tensor \"%s\" holds a scale that is negative, NaN or infinite", l->path, name.text);
        for (int64_t j = i * cols; j < (i + 1) * cols; j++) {
            if (q[j] == -128) return heed_fail(l->err, HEED_E_MODEL, "%s: tensor \"%s\" holds -128; whole numbers of a weight go from -127 to 127", l->path, w->name);
            w->tensor.x[j] = scale[i] * q[j];
        }
    }
    return HEED_OK;
}

static heed_status copy_weight(const loading *l, const heed_weight *w)
{
    const heed_named *from = heed_safetensors_find(l->file, w->name);
    const int64_t size = w->tensor.rows * w->tensor.cols;
    const uint16_t *bf16 = from->x;
    heed_status status = HEED_OK;
    if (from->number == HEED_F32) memcpy(w->tensor.x, from->x, (size_t)size * sizeof *w->tensor.x);
    else if (from->number == HEED_INT8) status = widen(l, w, from);
    else
        for (int64_t i = 0; i < size; i++) w->tensor.x[i] = heed_bf16_float(bf16[i]);
    if (status || heed_kernels_get()->all_finite(w->tensor.x, size)) return status;
    return heed_fail(l->err, HEED_E_MODEL, "%s: tensor \"%s\" holds NaN or infinity; use an earlier checkpoint", l->path, w->name);
}

/* One weight after the other, so that its floats and its bytes in the file are in memory together with none but packed ones. */
static heed_status serve_weight(const loading *l, heed_weight *w)
{
    const heed_named *from = heed_safetensors_find(l->file, w->name);
    const heed_status status = copy_weight(l, w);
    if (!status) heed_pages_drop(from->x, (size_t)(from->rows * from->cols) * heed_number_bytes(from->number));
    return status ? status : heed_weight_serve(w, l->err);
}

static heed_status copy_weights(heed_params *p, const loading *l, bool set, heed_number *number, heed_error *err)
{
    heed_error why = {.status = HEED_OK};
    heed_status status = check_shapes(&(loading){l->params, l->file, l->path, l->serve, &why}, number);
    if (status && set) return heed_fail(err, HEED_E_USAGE, "--set: these settings ask for other weights than the model has: %s", why.text);
    if (status) return heed_fail(err, status, "%s", why.text);
    status = heed_params_finish(p, err);
    heed_params_touch(p);
    for (int64_t i = 0; i < heed_params_count(p) && !status; i++)
        status = l->serve ? serve_weight(l, heed_params_at(p, i)) : copy_weight(l, heed_params_at(p, i));
    if (l->serve) heed_params_dismiss(p);
    return status;
}

heed_status heed_weights_load(heed_params *p, const char *path, bool set, bool serve, heed_number *number, heed_error *err)
{
    heed_safetensors *file = heed_safetensors_open(path, err);
    if (!file) return HEED_E_MODEL;
    const heed_status status = copy_weights(p, &(loading){p, file, path, serve, err}, set, number, err);
    heed_safetensors_close(file);
    return status;
}
