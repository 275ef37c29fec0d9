#include "support/attention_reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/dropout.h"

/* --- settings ---------------------------------------------------------------------------------------------------------------------------- */

typedef struct align_row { heed_sight sight; heed_weighing weighing; } align_row;

static const align_row aligns[HEED_ALIGN_COUNT] = {
#define HEED_ALIGN(name, sight, normal, meaning, paper) {HEED_SIGHT_##sight, HEED_WEIGHING_##normal},
#include "heed/aligns.def"
#undef HEED_ALIGN
};

int64_t attention_heads(const heed_attention *a) { return a->heads ? a->heads : 1; }
int64_t attention_key_heads(const heed_attention *a) { return a->key_heads ? a->key_heads : attention_heads(a); }
int64_t attention_key_head(const heed_attention *a, int64_t head) { return head / (attention_heads(a) / attention_key_heads(a)); }
int64_t attention_value_width(const heed_attention *a) { return a->value_width ? a->value_width : a->width; }
heed_weighing attention_weighing(const heed_attention *a) { return aligns[a->align].weighing; }

attention_view attention_view_of(const heed_attention *a, int64_t sequence, int64_t head, int64_t query)
{
    attention_view v = {.keys = a->key_start[sequence + 1] - a->key_start[sequence], .position = (a->position ? a->position[sequence] : 0) + query,
                        .window = a->window, .sight = aligns[a->align].sight};
    if (v.sight == HEED_SIGHT_centre) {
        const float u = a->centre[(a->query_start[sequence] + query) * attention_heads(a) + head];
        v.place = (double)v.keys / (1 + exp(-(double)u));
        v.float_place = (float)v.keys / (1 + expf(-u));
        v.deviation = (double)a->window / 2;
    }
    return v;
}

bool attention_sees(const attention_view *v, int64_t key)
{
    const int64_t i = v->position, w = v->window, block = w > 1 ? w : 1;
    switch (v->sight) {
    case HEED_SIGHT_everything: return true;
    case HEED_SIGHT_causal: return key <= i;
    case HEED_SIGHT_window: return key >= i - w && key <= i + w;
    case HEED_SIGHT_causal_window: return key >= i - w && key <= i;
    case HEED_SIGHT_centre: return (float)key >= v->float_place - (float)w && (float)key <= v->float_place + (float)w;
    case HEED_SIGHT_blocks: return key / block == 0 || llabs((long long)(key / block - i / block)) <= 1;
    }
    return false;
}

bool attention_keeps(const heed_attention *a, int64_t sequence, int64_t head, int64_t position, int64_t key)
{
    const uint64_t row = heed_drop_query(a->seed, a->record[sequence], head, position);
    uint32_t h;
    HEED_DROP_BITS((uint32_t)key, (uint32_t)row, (uint32_t)(row >> 32), h);
    return h >= heed_drop_of(a->dropout).threshold;
}

int64_t attention_place(const int64_t *start, int64_t b, int64_t i, int64_t h, int64_t sequence, int64_t row, int64_t head)
{
    return (sequence ? b * sequence + i * row : (start[b] + i) * row) + h * head;
}

/* --- numbers ----------------------------------------------------------------------------------------------------------------------------- */

static float bf16_read(uint16_t x)
{
    const uint32_t bits = (uint32_t)x << 16;
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static uint16_t bf16_of(float f)
{
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    if (isnan(f)) return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

double attention_read(heed_number type, const void *x, int64_t i)
{
    return type == HEED_BF16 ? (double)bf16_read(((const uint16_t *)x)[i]) : (double)((const float *)x)[i];
}

void attention_write(heed_number type, void *x, int64_t i, double value)
{
    if (type == HEED_BF16) ((uint16_t *)x)[i] = bf16_of((float)value);
    else ((float *)x)[i] = (float)value;
}

static float rounded(const heed_attention *a, float x) { return a->type == HEED_BF16 ? bf16_read(bf16_of(x)) : x; }

/* --- the formulas, twice ------------------------------------------------------------------------------------------------------------------ */

#define real double
#define REAL(function) function
#define NAMED(name) exact_##name
#define ROUNDED(a, x) (x)
#define PLACE(view) (view).place
#include "support/attention_row.inc"
#undef real
#undef REAL
#undef NAMED
#undef ROUNDED
#undef PLACE

#define real float
#define REAL(function) function##f
#define NAMED(name) naive_##name
#define ROUNDED(a, x) rounded(a, x)
#define PLACE(view) (view).float_place
#include "support/attention_row.inc"

static attention_results results_of(const heed_attention *a, int64_t *sizes)
{
    const int64_t Nq = a->query_start[a->sequences], Nk = a->key_start[a->sequences], H = attention_heads(a), Hk = attention_key_heads(a), d = a->width,
                  dv = attention_value_width(a);
    const int64_t size[] = {Nq * H * dv, Nq * H, Nq * H * d, Nk * Hk * d, Nk * Hk * dv, H, H * d, H * (2 * a->reach + 1), Nq * H};
    attention_results r;
    double **const place[] = {&r.out, &r.saved, &r.q, &r.k, &r.v, &r.factor, &r.additive, &r.relative, &r.centre};
    int64_t all = 1;
    for (size_t i = 0; i < sizeof size / sizeof *size; i++) all += sizes[i] = size[i];
    r.owner = calloc((size_t)all, sizeof *r.owner);
    if (!r.owner) abort();
    double *at = r.owner;
    for (size_t i = 0; i < sizeof size / sizeof *size; i++) *place[i] = at, at += size[i];
    return r;
}

attention_results attention_reference(const heed_attention *a, const heed_attention_data *data, const heed_attention_in *dout)
{
    int64_t sizes[9];
    attention_results r = results_of(a, sizes);
    for (int64_t b = 0; b < a->sequences; b++)
        for (int64_t h = 0; h < attention_heads(a); h++) exact_sequence_head(a, data, dout, b, h, &r);
    return r;
}

attention_results attention_naive(const heed_attention *a, const heed_attention_data *data, const heed_attention_in *dout)
{
    int64_t sizes[9];
    attention_results r = results_of(a, sizes);
    for (int64_t b = 0; b < a->sequences; b++)
        for (int64_t h = 0; h < attention_heads(a); h++) naive_sequence_head(a, data, dout, b, h, &r);
    double *const typed[] = {r.out, r.q, r.k, r.v};
    const int64_t size[] = {sizes[0], sizes[2], sizes[3], sizes[4]};
    for (int x = 0; x < 4; x++)
        for (int64_t i = 0; i < size[x]; i++) typed[x][i] = (double)rounded(a, (float)typed[x][i]);
    return r;
}

void attention_results_free(attention_results *r)
{
    free(r->owner);
    *r = (attention_results){0};
}

void attention_reference_weights(const heed_attention *a, const heed_attention_data *data, int64_t sequence, int64_t head, int64_t first, int64_t n,
                                 double *weights, double *scores)
{
    const int64_t keys = a->key_start[sequence + 1] - a->key_start[sequence];
    heed_attention whole = *a;
    whole.dropout = 0;
    const exact_room r = exact_room_of(&whole, keys);
    exact_take_keys(&whole, data, sequence, attention_key_head(a, head), &r);
    for (int64_t i = 0; i < n; i++) {
        exact_meeting m = exact_meeting_of(&whole, data, sequence, head, first + i, &r);
        exact_forward(&m);
        for (int64_t j = 0; j < keys; j++) {
            weights[i * keys + j] = m.w[j] * exact_share(&m, j);
            if (scores) scores[i * keys + j] = m.s[j];
        }
    }
    free(r.owner);
}

attention_error attention_error_of(const double *got, const double *want, int64_t n)
{
    attention_error e = {0, 0};
    for (int64_t i = 0; i < n; i++) {
        const double x = isnan(got[i]) && isnan(want[i]) ? 0 : got[i] == want[i] ? 0 : fabs(got[i] - want[i]);
        if (!(x <= e.greatest)) e.greatest = x;
        e.mean += x * x;
    }
    e.mean = n ? sqrt(e.mean / (double)n) : 0;
    return e;
}
