/* Caches of keys and values: how a block of them is laid, and how rows are kept. */
#include <math.h>
#include <string.h>

#include "kernels/attention_decode.h"
#include "kernels/bf16.h"

enum { LINE = 64 };

static const size_t bytes_of[] = {[HEED_F32] = 4, [HEED_BF16] = 2, [HEED_INT8] = 1};

static int64_t value_width(const heed_attention_cache *c) { return c->value_width ? c->value_width : c->width; }

/* Bytes of n of them, up to whole lines; 0: too many. */
static size_t lines_of(int64_t heads, int64_t rows, int64_t width, size_t each)
{
    size_t n;
    if (heads < 1 || rows < 1 || width < 1 || __builtin_mul_overflow((size_t)heads, (size_t)rows, &n) || __builtin_mul_overflow(n, (size_t)width * each, &n)) return 0;
    return n > SIZE_MAX / 8 ? 0 : (n + LINE - 1) / LINE * LINE;
}

size_t heed_attention_cache_bytes(const heed_attention_cache *c)
{
    if (c->type > HEED_INT8 || c->width > HEED_DECODE_WIDEST || value_width(c) > HEED_DECODE_WIDEST) return 0;
    const size_t k = lines_of(c->key_heads, c->rows, c->width, bytes_of[c->type]), v = lines_of(c->key_heads, c->rows, value_width(c), bytes_of[c->type]);
    const size_t scales = c->type == HEED_INT8 ? lines_of(c->key_heads, c->rows, 1, sizeof(float)) : 0;
    return k && v ? k + v + 2 * scales : 0;
}

void heed_attention_cache_lay(heed_attention_cache *c, void *memory)
{
    const int64_t d = c->width, dv = value_width(c);
    char *at = memory;
    c->k = (heed_attention_out){at, 0, d, c->rows * d};
    at += lines_of(c->key_heads, c->rows, d, bytes_of[c->type]);
    c->v = (heed_attention_out){at, 0, dv, c->rows * dv};
    if (c->type != HEED_INT8) return;
    at += lines_of(c->key_heads, c->rows, dv, 1);
    c->k_scale = (heed_attention_out){at, 0, 1, c->rows};
    at += lines_of(c->key_heads, c->rows, 1, sizeof(float));
    c->v_scale = (heed_attention_out){at, 0, 1, c->rows};
}

/* --- a row ---------------------------------------------------------------------------------------------------------------------------------- */

/* Returns the scale. A value that is not finite makes it so, and with it the whole row. */
static float round_int8(int8_t *to, const float *x, int64_t d)
{
    float most = 0;
    for (int64_t i = 0; i < d; i++) most = fabsf(x[i]) > most || isnan(x[i]) ? fabsf(x[i]) : most;
    const bool finite = isfinite(most);
    const float by = most > 0x1p-120f && finite ? 127 / most : 0;
    for (int64_t i = 0; i < d; i++) to[i] = (int8_t)(finite ? lrintf(by * x[i]) : 1);
    return most / 127;
}

/* --- keeping -------------------------------------------------------------------------------------------------------------------------------- */

/* Row i of a head in floats: where it lies, or in room. */
static const float *row_of(heed_attention_in in, heed_number type, int64_t token, int64_t head, int64_t d, float *room)
{
    const int64_t at = (in.sequence ? token * in.sequence : token * in.row) + head * in.head;
    if (type == HEED_F32) return (const float *)in.x + at;
    const uint16_t *x = (const uint16_t *)in.x + at;
    for (int64_t i = 0; i < d; i++) room[i] = heed_bf16_float(x[i]);
    return room;
}

static void keep(const heed_attention_cache *c, heed_attention_out to, heed_attention_out scale, int64_t token, int64_t row, int64_t head, const float *x, int64_t d)
{
    char *at = (char *)to.x + (token * to.sequence + row * to.row + head * to.head) * (int64_t)bytes_of[c->type];
    if (c->type == HEED_F32) memcpy(at, x, (size_t)d * sizeof *x);
    else if (c->type == HEED_BF16)
        for (int64_t i = 0; i < d; i++) ((uint16_t *)(void *)at)[i] = heed_bf16_of(x[i]);
    else ((float *)scale.x)[token * scale.sequence + row * scale.row + head * scale.head] = round_int8((int8_t *)at, x, d);
}

heed_status heed_attention_cache_fits(const heed_attention_cache *c, heed_error *err)
{
    const long long d = c->width, dv = value_width(c);
    if (c->type > HEED_INT8) return heed_fail(err, HEED_E_SHAPE, "attention: a cache of type %d; it is HEED_F32, HEED_BF16 or HEED_INT8", (int)c->type);
    if (c->key_heads < 1 || c->rows < 0 || d < 1 || dv < 1 || d > HEED_DECODE_WIDEST || dv > HEED_DECODE_WIDEST)
        return heed_fail(err, HEED_E_SHAPE, "attention: a cache of %lld rows, %lld heads, widths %lld and %lld; widths are 1 to %d", (long long)c->rows,
                         (long long)c->key_heads, d, dv, HEED_DECODE_WIDEST);
    if (!c->k.x || !c->v.x) return heed_fail(err, HEED_E_SHAPE, "attention: a cache without memory; fill in k and v, or call heed_attention_cache_lay()");
    if (c->type == HEED_INT8 && (!c->k_scale.x || !c->v_scale.x)) return heed_fail(err, HEED_E_SHAPE, "attention: an int8 cache without k_scale and v_scale");
    if (!c->k.sequence != !c->v.sequence || (c->type == HEED_INT8 && (!c->k.sequence != !c->k_scale.sequence || !c->k.sequence != !c->v_scale.sequence)))
        return heed_fail(err, HEED_E_SHAPE, "attention: a cache where only some of k, v and their scales have sequences");
    return HEED_OK;
}

heed_status heed_attention_cache_append(const heed_attention_cache *c, int64_t n, const int64_t *row, heed_number type, heed_attention_in k, heed_attention_in v,
                                        heed_error *err)
{
    const heed_status status = heed_attention_cache_fits(c, err);
    if (status) return status;
    if (type > HEED_BF16) return heed_fail(err, HEED_E_SHAPE, "attention: keys and values come as f32 or bf16");
    for (int64_t i = 0; i < n; i++)
        if (row[i] < 0 || row[i] >= c->rows)
            return heed_fail(err, HEED_E_SHAPE, "attention: token %lld for row %lld of a cache of %lld", (long long)i, (long long)row[i], (long long)c->rows);
    float room[HEED_DECODE_WIDEST];
    for (int64_t i = 0; i < n; i++)
        for (int64_t h = 0; h < c->key_heads; h++) {
            keep(c, c->k, c->k_scale, i, row[i], h, row_of(k, type, i, h, c->width, room), c->width);
            keep(c, c->v, c->v_scale, i, row[i], h, row_of(v, type, i, h, value_width(c), room), value_width(c));
        }
    return HEED_OK;
}
