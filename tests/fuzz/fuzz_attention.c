/* Any bytes as settings, spans, strides and values of heed/attention.h. A call is done or refused in words; a refused one writes nothing. Arrays are as long as the
 * strides say and no longer, so that a sanitizer sees the first value beyond. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "heed/attention.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST_SEQUENCES = 5, MOST_VALUES = 1 << 16 };
static const unsigned char filler = 0xA5;

static void must(bool true_thing)
{
    if (!true_thing) abort();
}

/* --- bytes -------------------------------------------------------------------------------------------------------------------------------- */

typedef struct source { const uint8_t *at, *end; } source;

static int64_t take(source *s) { return s->at < s->end ? *s->at++ : 0; }
static int64_t take_signed(source *s) { return (int8_t)take(s); }

static float take_number(source *s)
{
    static const float known[] = {0, 1, -1, 0.5F, 1e4F, -1e4F, 3e38F, 1e-40F, __builtin_inff(), -__builtin_inff(), __builtin_nanf("")};
    const int64_t x = take(s);
    return x < (int64_t)(sizeof known / sizeof *known) ? known[x] : (float)(x - 128) / 32;
}

/* --- arrays ------------------------------------------------------------------------------------------------------------------------------- */

/* Owns what a call reads and writes. */
typedef struct room { void *owned[32]; int count; bool too_much; } room;

static void *own(room *r, int64_t bytes)
{
    void *x = malloc((size_t)(bytes > 0 ? bytes : 1));
    must(x != NULL);
    return r->owned[r->count++] = x;
}

static float *take_floats(room *r, source *s, int64_t n)
{
    if (n > MOST_VALUES) r->too_much = true;
    if (r->too_much || n < 0) return NULL;
    float *x = own(r, n * 4);
    for (int64_t i = 0; i < n; i++) x[i] = take_number(s);
    return x;
}

typedef struct reach { int64_t below, above; } reach;   /* the furthest value before the first and behind it */

static void widen(reach *x, int64_t stride, int64_t count)
{
    const int64_t far = count > 0 ? stride * (count - 1) : 0;
    if (far < 0) x->below -= far;
    else x->above += far;
}

/* An array that holds all rows under its strides; NULL where it would take too much. */
static heed_attention_out take_array(room *r, source *s, const heed_attention *a, const int64_t *start, int64_t heads, int64_t width)
{
    const int64_t kind = take(s) % 4, rows = start[a->sequences];
    int64_t longest = 0;
    for (int64_t b = 0; b < a->sequences; b++) longest = start[b + 1] - start[b] > longest ? start[b + 1] - start[b] : longest;
    heed_attention_out x = {NULL, 0, heads * width, width};
    if (kind == 1) x = (heed_attention_out){NULL, heads * longest * width, width, longest * width};
    if (kind == 2) x = (heed_attention_out){NULL, heads * longest * width + take(s), heads * width + take(s), width};
    if (kind == 3) x = (heed_attention_out){NULL, take_signed(s), take_signed(s), take_signed(s)};
    reach far = {0, width > 0 ? width : 0};
    widen(&far, x.row, x.sequence ? longest : rows), widen(&far, x.head, heads), widen(&far, x.sequence, a->sequences);
    if (far.below + far.above > MOST_VALUES) r->too_much = true;
    if (r->too_much) return x;
    const int64_t one = a->type == HEED_BF16 ? 2 : 4, n = far.below + far.above;
    char *block = own(r, n * one);
    for (int64_t i = 0; i < n; i++) {
        const float value = take_number(s);
        memcpy(block + i * one, (const char *)&value + 4 - one, (size_t)one);
    }
    x.x = block + far.below * one;
    return x;
}

static heed_attention_in in_of(heed_attention_out x) { return (heed_attention_in){x.x, x.sequence, x.row, x.head}; }

/* --- a call ------------------------------------------------------------------------------------------------------------------------------- */

/* Spans fall only where the bytes say so, and are never longer than the arrays that are made for them. */
static int64_t *take_spans(room *r, source *s, int64_t sequences)
{
    int64_t *start = own(r, (sequences + 1) * 8);
    start[0] = 0;
    for (int64_t b = 0; b < sequences; b++) start[b + 1] = start[b] + take(s) % 40;
    return start;
}

static heed_attention take_settings(room *r, source *s)
{
    heed_attention a = {.type = (heed_number)(take(s) % 3), .score = (heed_attention_score)(take(s) % 4), .align = (heed_align)(take(s) % (HEED_ALIGN_COUNT + 1))};
    a.window = take_signed(s), a.reach = take_signed(s) / 4;
    a.heads = take_signed(s) % 9, a.key_heads = take_signed(s) % 5;
    a.width = take(s) % 80, a.value_width = take(s) % 3 ? 0 : take_signed(s);
    a.sequences = take(s) % (MOST_SEQUENCES + 1);
    const int64_t has = take(s), more = take(s);
    a.scale = has & 1 ? take_number(s) : 0, a.cap = has & 2 ? take_number(s) : 0, a.rotary = has & 4 ? take_number(s) : 0, a.dropout = has & 8 ? take_number(s) : 0;
    a.query_start = take_spans(r, s, a.sequences), a.key_start = take_spans(r, s, a.sequences);
    int64_t *position = own(r, (a.sequences + 1) * 8);
    uint64_t *record = own(r, (a.sequences + 1) * 8);
    for (int64_t b = 0; b <= a.sequences; b++) position[b] = take_signed(s), record[b] = (uint64_t)take(s);
    a.position = has & 16 ? position : NULL, a.record = more & 1 ? NULL : record;
    const int64_t H = a.heads > 0 ? a.heads : 1, reach = a.reach > 0 ? a.reach : 0;
    a.factor = has & 32 ? take_floats(r, s, H) : NULL;
    a.slope = has & 64 ? take_floats(r, s, H) : NULL;
    a.relative = has & 128 ? take_floats(r, s, H * (2 * reach + 1)) : NULL;
    a.additive = more & 2 ? NULL : take_floats(r, s, H * a.width);
    a.centre = more & 4 ? NULL : take_floats(r, s, a.query_start[a.sequences] * H);
    a.seed = (uint64_t)take(s), a.threads = (int)(take_signed(s) % 4);
    return a;
}

static bool judge(heed_status status, const heed_error *err)
{
    must(status ? status == HEED_E_SHAPE && err->status == HEED_E_SHAPE && strlen(err->text) > 0 : true);
    return status == HEED_OK;
}

static void look(const heed_attention *a, const heed_attention_data *data, source *s, void *scratch, size_t bytes, room *r)
{
    const int64_t b = take_signed(s) % 6, head = take_signed(s) % 9, first = take_signed(s) % 40, n = take_signed(s) % 16;
    const int64_t keys = b >= 0 && b < a->sequences ? a->key_start[b + 1] - a->key_start[b] : 0;
    float *weights = own(r, (n > 0 ? n : 0) * keys * 4), *scores = own(r, (n > 0 ? n : 0) * keys * 4);
    heed_error err = {0};
    judge(heed_attention_weights(a, data, b, head, first, n, weights, take(s) % 2 ? scores : NULL, scratch, bytes, &err), &err);
}

/* The same queries on keys and values that are kept. */
static void decode(const heed_attention *a, const heed_attention_data *data, source *s, room *r)
{
    const int64_t Hk = a->key_heads ? a->key_heads : a->heads, d = a->width, dv = a->value_width ? a->value_width : d, keys = a->key_start[a->sequences];
    heed_attention_cache c = {.type = (heed_number)(take(s) % 3), .key_heads = Hk, .width = d, .value_width = dv, .rows = keys + take(s) % 3};
    const size_t bytes = heed_attention_cache_bytes(&c), scratch = heed_attention_decode_bytes(a);
    if (!keys || !bytes || bytes > 1 << 22 || scratch > 1 << 24) return;
    heed_attention_cache_lay(&c, own(r, (int64_t)bytes));
    const bool backwards = take(s) % 2;
    int64_t *row = own(r, keys * 8);
    for (int64_t i = 0; i < keys; i++) row[i] = backwards ? keys - 1 - i : i;
    const float *k = take_floats(r, s, keys * Hk * d), *v = take_floats(r, s, keys * Hk * dv);
    if (r->too_much) return;
    heed_error err = {0};
    must(judge(heed_attention_cache_append(&c, keys, row, HEED_F32, (heed_attention_in){k, 0, Hk * d, d}, (heed_attention_in){v, 0, Hk * dv, dv}, &err), &err));
    const heed_attention_step step = {.cache = &c, .row = take(s) % 2 ? row : NULL, .q = data->q, .out = data->out, .saved = data->saved};
    judge(heed_attention_decode(a, &step, own(r, (int64_t)scratch), scratch, &err), &err);
}

static void call(room *r, source *s, const heed_attention *a, const heed_attention_plan *plan)
{
    const int64_t H = a->heads ? a->heads : 1, Hk = a->key_heads ? a->key_heads : H, dv = a->value_width ? a->value_width : a->width;
    const int64_t saved = a->query_start[a->sequences] * H * 4;
    heed_attention_data data = {.saved = own(r, saved)};
    memset(data.saved, filler, (size_t)saved);
    data.q = in_of(take_array(r, s, a, a->query_start, H, a->width)), data.k = in_of(take_array(r, s, a, a->key_start, Hk, a->width));
    data.v = in_of(take_array(r, s, a, a->key_start, Hk, dv)), data.out = take_array(r, s, a, a->query_start, H, dv);
    heed_attention_gradients to = {.add = take(s) % 2};
    to.out = in_of(take_array(r, s, a, a->query_start, H, dv)), to.q = take_array(r, s, a, a->query_start, H, a->width);
    to.k = take_array(r, s, a, a->key_start, Hk, a->width), to.v = take_array(r, s, a, a->key_start, Hk, dv);
    if (r->too_much || plan->forward > 1 << 24 || plan->backward > 1 << 24) return;
    heed_error err = {0};
    void *forward = own(r, (int64_t)plan->forward), *backward = own(r, (int64_t)plan->backward);
    if (!judge(heed_attention_forward(a, &data, forward, plan->forward, &err), &err)) {
        for (int64_t i = 0; i < saved; i++) must(((unsigned char *)data.saved)[i] == filler);
        return;
    }
    judge(heed_attention_backward(a, &data, &to, backward, plan->backward, &err), &err);
    look(a, &data, s, forward, plan->forward, r);
    decode(a, &data, s, r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    source s = {data, data + size};
    room r = {{0}, 0, false};
    heed_error err = {0};
    heed_attention_plan plan;
    const heed_attention a = take_settings(&r, &s);
    if (judge(heed_attention_plan_of(&a, &plan, &err), &err) && !r.too_much) call(&r, &s, &a, &plan);
    for (int i = 0; i < r.count; i++) free(r.owned[i]);
    return 0;
}
