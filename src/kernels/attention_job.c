/* A call of heed/attention.h becomes a job: its settings are checked, its defaults filled in, and what its units share is made. */
#include <math.h>
#include <omp.h>
#include <string.h>

#include "kernels/attention.h"

enum { CHUNK = 64, ALIGNED = HEED_ATTENTION_ALIGNED };   /* positions; bytes */

static const float GREATEST_WEIGHT = 0x1p18f;            /* of additive: four, times four of the denominators of attention_additive.inc, are far from overflowing */
static const int64_t FURTHEST_STRIDE = INT64_C(1) << 40;

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

/* --- what fits ------------------------------------------------------------------------------------------------------------------------------ */

static heed_status widths_fit(const heed_attention_job *j, heed_error *err)
{
    if (j->H < 1 || j->Hk < 1 || j->H % j->Hk || j->H > HEED_ATTENTION_FAR)
        return heed_fail(err, HEED_E_SHAPE, "attention: %lld heads on %lld key heads; both at least 1, and the first a multiple of the second", (long long)j->H,
                         (long long)j->Hk);
    if (j->d < 1 || j->dv < 1 || j->d > HEED_ATTENTION_WIDEST || j->dv > HEED_ATTENTION_WIDEST)
        return heed_fail(err, HEED_E_SHAPE, "attention: heads of %lld and %lld values; 1 to %d are possible", (long long)j->d, (long long)j->dv,
                         HEED_ATTENTION_WIDEST);
    if (j->a->rotary > 0 && j->d % 2) return heed_fail(err, HEED_E_SHAPE, "attention: rotary turns pairs, and heads have %lld values", (long long)j->d);
    return HEED_OK;
}

static bool finite_from(float x, float least) { return x >= least && x < INFINITY; }

static heed_status numbers_fit(const heed_attention *a, heed_error *err)
{
    if (a->dropout != 0 && !(a->dropout > 0 && a->dropout < 1))
        return heed_fail(err, HEED_E_SHAPE, "attention: dropout %g; 0 <= p < 1", (double)a->dropout);
    if (a->dropout > 0 && !a->record) return heed_fail(err, HEED_E_SHAPE, "attention: dropout without record numbers");
    if (!finite_from(a->cap, 0)) return heed_fail(err, HEED_E_SHAPE, "attention: cap %g; 0 or a number above it", (double)a->cap);
    if (!finite_from(a->rotary, 0)) return heed_fail(err, HEED_E_SHAPE, "attention: rotary base %g; 0 or a number above it", (double)a->rotary);
    if (!isfinite(a->scale)) return heed_fail(err, HEED_E_SHAPE, "attention: scale %g", (double)a->scale);
    return HEED_OK;
}

static heed_status settings_fit(const heed_attention *a, heed_error *err)
{
    if ((unsigned)a->type > HEED_BF16 || (unsigned)a->score > HEED_ATTENTION_ADDITIVE || (unsigned)a->align >= HEED_ALIGN_COUNT)
        return heed_fail(err, HEED_E_SHAPE, "attention: type %d, score %d, align %d: there is none of that number", (int)a->type, (int)a->score, (int)a->align);
    if (a->window < 0 || a->window > HEED_ATTENTION_FAR || a->reach < 0 || a->reach > HEED_ATTENTION_FAR)
        return heed_fail(err, HEED_E_SHAPE, "attention: window %lld, reach %lld; 0 to %d are possible", (long long)a->window, (long long)a->reach, HEED_ATTENTION_FAR);
    if (a->pair && (a->score != HEED_ATTENTION_DOT || a->additive || a->rotary > 0 || !a->pair->forward || !a->pair->backward || a->extras < 0 || (a->extra && !a->extras) || a->type != HEED_F32))
        return heed_fail(err, HEED_E_SHAPE, "attention: a score of one's own has two functions and weights of which it says the number, is of floats, and is neither turned nor another score");
    if (a->score == HEED_ATTENTION_ADDITIVE && !a->additive) return heed_fail(err, HEED_E_SHAPE, "attention: an additive score without its vector");
    if (heed_align_has_centre(a->align) && !a->centre) return heed_fail(err, HEED_E_SHAPE, "attention: an alignment around a centre without centres");
    if (a->threads < 0) return heed_fail(err, HEED_E_SHAPE, "attention: %d threads", a->threads);
    return numbers_fit(a, err);
}

static heed_status spans_fit(const heed_attention *a, heed_error *err)
{
    if (a->sequences < 0 || a->sequences > HEED_ATTENTION_FAR) return heed_fail(err, HEED_E_SHAPE, "attention: %lld sequences", (long long)a->sequences);
    if (!a->query_start || !a->key_start) return heed_fail(err, HEED_E_SHAPE, "attention: sequences without their spans");
    for (int64_t b = 0; b < a->sequences; b++) {
        const int64_t q = a->query_start[b], k = a->key_start[b], p = a->position ? a->position[b] : 0;
        if (q < 0 || k < 0 || a->query_start[b + 1] < q || a->key_start[b + 1] < k)
            return heed_fail(err, HEED_E_SHAPE, "attention: sequence %lld has queries %lld to %lld and keys %lld to %lld; spans go forward", (long long)b, (long long)q,
                             (long long)a->query_start[b + 1], (long long)k, (long long)a->key_start[b + 1]);
        if (a->query_start[b + 1] > FURTHEST_STRIDE || a->key_start[b + 1] > FURTHEST_STRIDE || a->query_start[b + 1] - q > HEED_ATTENTION_FAR ||
            a->key_start[b + 1] - k > HEED_ATTENTION_FAR)
            return heed_fail(err, HEED_E_SHAPE, "attention: sequence %lld is longer than %d", (long long)b, HEED_ATTENTION_FAR);
        if (p < 0 || p > HEED_ATTENTION_FAR)
            return heed_fail(err, HEED_E_SHAPE, "attention: sequence %lld begins at position %lld; 0 to %d are possible", (long long)b, (long long)p, HEED_ATTENTION_FAR);
    }
    return HEED_OK;
}

/* --- where it lies ------------------------------------------------------------------------------------------------------------------------- */

static bool far(int64_t stride) { return stride > FURTHEST_STRIDE || stride < -FURTHEST_STRIDE; }

heed_status heed_attention_in_fits(const heed_attention_job *j, const char *name, heed_attention_in in, int64_t rows, heed_error *err)
{
    if (j->a->sequences == 0 || rows == 0) return HEED_OK;
    if (!in.x) return heed_fail(err, HEED_E_SHAPE, "attention: no %s", name);
    if (far(in.sequence) || far(in.row) || far(in.head)) return heed_fail(err, HEED_E_SHAPE, "attention: strides of %s are beyond reach", name);
    return HEED_OK;
}

typedef struct extent { int64_t stride, count; } extent;

/* Rows of a result lie apart when each stride, the smallest first, leaves room for all that is within. */
heed_status heed_attention_out_fits(const heed_attention_job *j, const char *name, heed_attention_out out, const int64_t *start, int64_t longest, int64_t heads,
                                    int64_t width, heed_error *err)
{
    const int64_t B = j->a->sequences, rows = B ? start[B] : 0;
    if (rows == 0 || longest == 0) return HEED_OK;
    const heed_attention_in in = {out.x, out.sequence, out.row, out.head};
    const heed_status status = heed_attention_in_fits(j, name, in, rows, err);
    if (status) return status;
    extent at[3] = {{out.head, heads}, {out.row, out.sequence ? longest : rows}, {out.sequence, out.sequence ? B : 1}};
    int64_t within = width;
    for (int i = 0; i < 3; i++) {
        for (int l = i + 1; l < 3; l++)
            if (at[l].stride < at[i].stride) {
                const extent other = at[i];
                at[i] = at[l], at[l] = other;
            }
        if (at[i].count <= 1) continue;
        if (at[i].stride < within)
            return heed_fail(err, HEED_E_SHAPE, "attention: rows of %s overlap: %lld values from one to the next, and %lld are within", name, (long long)at[i].stride,
                             (long long)within);
        if (__builtin_mul_overflow(at[i].stride, at[i].count - 1, &at[i].stride) || __builtin_add_overflow(within, at[i].stride, &within))
            return heed_fail(err, HEED_E_SHAPE, "attention: strides of %s are beyond reach", name);
    }
    return HEED_OK;
}

static heed_status data_fits(const heed_attention_job *j, heed_error *err)
{
    const heed_attention_data *data = j->data;
    const heed_attention *a = j->a;
    heed_status status = heed_attention_in_fits(j, "q", data->q, j->queries, err);
    if (!status && !(j->own && j->own->blind)) status = heed_attention_in_fits(j, "k", data->k, j->keys, err);
    if (!status) status = heed_attention_in_fits(j, "v", data->v, j->keys, err);
    if (!status) status = heed_attention_out_fits(j, "out", data->out, a->query_start, j->most_queries, j->H, j->dv, err);
    return status;
}

/* --- a job ----------------------------------------------------------------------------------------------------------------------------------- */

static void look(heed_attention_job *j)
{
    const heed_attention *a = j->a;
    const bool window = a->align == HEED_ALIGN_window || a->align == HEED_ALIGN_causal_window;
    j->weighing = heed_align_weighing(a->align);
    j->back = window ? a->window : 2 * (int64_t)HEED_ATTENTION_FAR;
    j->ahead = a->align == HEED_ALIGN_causal || a->align == HEED_ALIGN_causal_window ? 0 : a->align == HEED_ALIGN_window ? a->window : 2 * (int64_t)HEED_ATTENTION_FAR;
}

static void measure(heed_attention_job *j)
{
    const heed_attention *a = j->a;
    j->queries = a->sequences ? a->query_start[a->sequences] : 0;
    j->keys = a->sequences ? a->key_start[a->sequences] : 0;
    for (int64_t b = 0; b < a->sequences; b++) {
        j->most_queries = most(j->most_queries, heed_attention_queries(j, b));
        j->most_keys = most(j->most_keys, heed_attention_keys(j, b));
    }
}

static heed_attention_job given(const heed_kernels *kernels, const heed_attention *a, const heed_attention_data *data)
{
    return (heed_attention_job){.kernels = kernels, .a = a, .data = data, .own = a->pair && a->pair->forward ? a->pair : NULL, .H = a->heads,
                                .Hk = a->key_heads ? a->key_heads : a->heads, .d = a->width, .dv = a->value_width ? a->value_width : a->width,
                                .threads = a->threads ? a->threads : omp_get_max_threads(), .half = a->type == HEED_BF16, .only = -1};
}

void heed_attention_job_by_rows(heed_attention_job *j)
{
    j->rows = true;
    j->together = 1;
}

static void settle(heed_attention_job *j)
{
    const heed_attention *a = j->a;
    look(j);
    j->shared = j->H / j->Hk;
    j->unit = j->weighing == HEED_WEIGHING_softmax ? HEED_LOG2_E : 1;
    j->together = a->relative || a->score == HEED_ATTENTION_ADDITIVE ? 1 : least(j->shared, j->kernels->attention_lanes);
    j->scale = a->scale != 0 ? a->scale : a->score == HEED_ATTENTION_DOT ? 1 / sqrtf((float)j->d) : 1;
    if (!j->kernels->attention_lanes || j->own) heed_attention_job_by_rows(j);
    j->pairs = j->half && !j->rows && j->kernels->attention_pairs && j->weighing == HEED_WEIGHING_softmax && a->score != HEED_ATTENTION_ADDITIVE;
}

void heed_attention_job_settle(heed_attention_job *j, const heed_kernels *kernels, const heed_attention *a, const heed_attention_data *data)
{
    *j = given(kernels, a, data);
    settle(j);
}

heed_status heed_attention_job_of(heed_attention_job *j, const heed_kernels *kernels, const heed_attention *a, const heed_attention_data *data, heed_error *err)
{
    *j = given(kernels, a, data);
    heed_status status = widths_fit(j, err);
    if (!status) status = settings_fit(a, err);
    if (!status) status = spans_fit(a, err);
    if (status) return status;
    settle(j);
    measure(j);
    return data ? data_fits(j, err) : HEED_OK;
}

/* --- what is made once ----------------------------------------------------------------------------------------------------------------------- */

static int64_t furthest(const heed_attention_job *j)
{
    int64_t n = j->most_keys;
    for (int64_t b = 0; b < j->a->sequences; b++) n = most(n, heed_attention_position(j, b) + heed_attention_queries(j, b));
    return n;
}

static int64_t relatives(const heed_attention_job *j) { return 2 * (j->a->reach + HEED_ATTENTION_MARGIN) + 1; }

typedef struct layout { size_t turns, turned, paired, values, key_factor, relative, powers, tame, end; } layout;

/* Rows of keys that are made: of all heads, or of one. */
static int64_t rows_made(const heed_attention_job *j) { return j->only < 0 ? j->Hk * j->keys : j->most_keys; }
static bool makes_floats(const heed_attention_job *j) { return !j->pairs && (j->a->rotary > 0 || j->half); }
static bool makes_pairs(const heed_attention_job *j) { return j->pairs && (j->a->rotary > 0 || j->d % 2); }
/* Turning may make a value greater than it was; weights that are asked for afterwards go row by row. */
static bool makes_powers(const heed_attention_job *j) { return !j->rows && j->only < 0 && j->a->score == HEED_ATTENTION_ADDITIVE && !(j->a->rotary > 0); }
static bool makes_values(const heed_attention_job *j) { return j->half && !j->pairs && j->only < 0; }

static size_t take(size_t *end, size_t floats)
{
    const size_t at = *end;
    *end += (floats * sizeof(float) + ALIGNED - 1) / ALIGNED * ALIGNED;
    return at;
}

static layout layout_of(const heed_attention_job *j)
{
    layout l = {0};
    const bool rotary = j->a->rotary > 0;
    l.turns = take(&l.end, rotary ? (size_t)(furthest(j) * j->d) : 0);
    l.turned = take(&l.end, makes_floats(j) ? (size_t)(rows_made(j) * j->d) : 0);
    l.paired = take(&l.end, makes_pairs(j) ? (size_t)(rows_made(j) * heed_attention_even(j->d) / 2) : 0);
    l.values = take(&l.end, makes_values(j) ? (size_t)(rows_made(j) * j->dv) : 0);
    l.key_factor = take(&l.end, j->a->score == HEED_ATTENTION_COSINE ? (size_t)rows_made(j) : 0);
    l.relative = take(&l.end, j->a->relative ? (size_t)(j->H * relatives(j)) : 0);
    l.powers = take(&l.end, makes_powers(j) ? (size_t)(rows_made(j) * heed_attention_power_row(j)) : 0);
    l.tame = take(&l.end, makes_powers(j) ? (size_t)(j->Hk * j->a->sequences) : 0);
    return l;
}

size_t heed_attention_shared_bytes(const heed_attention_job *j) { return layout_of(j).end; }

/* Sines and cosines of CHUNK positions from `first` on, a multiple of CHUNK: each angle is turned further by the theorem of addition, in doubles, so that the
 * library is asked once a chunk; 64 steps lose no more than a few of 2^-53. */
static void turn_chunk(const heed_attention_job *j, int64_t first, int64_t n)
{
    const int64_t half = j->d / 2;
    for (int64_t i = 0; i < half; i++) {
        const double step = pow((double)j->a->rotary, -(double)i / (double)half), s = sin(step), c = cos(step);
        double sine = sin((double)first * step), cosine = cos((double)first * step);
        for (float *turn = j->turns + first * j->d + i; turn < j->turns + (first + n) * j->d; turn += j->d) {
            const double next = sine * c + cosine * s;
            turn[0] = (float)sine;
            turn[half] = (float)cosine;
            cosine = cosine * c - sine * s;
            sine = next;
        }
    }
}

static void share_turns(heed_attention_job *j)
{
    const int64_t n = furthest(j);
#pragma omp parallel for schedule(static) num_threads(j->threads) if (n > CHUNK && j->threads > 1)
    for (int64_t i = 0; i < n; i += CHUNK) turn_chunk(j, i, least(CHUNK, n - i));
}

static bool weights_are_tame(const heed_attention_job *j, int64_t head)
{
    for (int64_t h = head * j->shared; h < (head + 1) * j->shared; h++) {
        const float scale = HEED_LOG2_E * j->scale * (j->a->factor ? j->a->factor[h] : 1), *w = j->a->additive + h * j->d;
        for (int64_t l = 0; l < j->d; l++)
            if (!(fabsf(scale * w[l]) <= GREATEST_WEIGHT)) return false;
    }
    return true;
}

static bool queries_are_tame(const heed_attention_job *j, int64_t head, int64_t b)
{
    const heed_attention_in in = j->data->q;
    float room[HEED_ATTENTION_WIDEST];
    for (int64_t h = head * j->shared; h < (head + 1) * j->shared; h++) {
        const int64_t q = HEED_ATTENTION_AT(in, j->a->query_start, b, h);
        for (int64_t i = 0; i < heed_attention_queries(j, b); i++)
            if (!j->kernels->powers(NULL, heed_attention_floats(j, in.x, q + i * in.row, j->d, room), j->d, HEED_ATTENTION_TAME)) return false;
    }
    return true;
}

static void share_powers(const heed_attention_job *j, int64_t head, int64_t b)
{
    const int64_t n = heed_attention_keys(j, b), row = heed_attention_power_row(j);
    int64_t ld;
    const float *k = heed_attention_key_rows(j, b, head, &ld);
    float *to = j->powers + heed_attention_made(j, b, head) * row;
    bool tame = weights_are_tame(j, head) && queries_are_tame(j, head, b);
    for (int64_t i = 0; tame && i < n; i++) {
        tame = j->kernels->powers(to + i * row, k + i * ld, j->d, HEED_ATTENTION_TAME);
        for (int64_t l = j->d; l < row; l++) to[i * row + l] = 0;
    }
    j->tame[head * j->a->sequences + b] = tame ? 1 : 0;
}

/* The keys of one head and sequence. */
static void share_keys(const heed_attention_job *j, int64_t head, int64_t b)
{
    const heed_attention_in k = j->data->k, v = j->data->v;
    const int64_t n = heed_attention_keys(j, b), first = heed_attention_made(j, b, head), even = heed_attention_even(j->d);
    const int64_t key = HEED_ATTENTION_AT(k, j->a->key_start, b, head), value = HEED_ATTENTION_AT(v, j->a->key_start, b, head);
    float room[HEED_ATTENTION_WIDEST], turned[HEED_ATTENTION_WIDEST];
    const bool made = j->turned || j->paired || j->values || j->key_factor;
    for (int64_t i = 0; made && i < n; i++) {
        const float *row = heed_attention_floats(j, k.x, key + i * k.row, j->d, room);
        if (j->key_factor) j->key_factor[first + i] = heed_attention_inverse(j->kernels, row, j->d);
        if (j->turns) j->kernels->rotate(turned, row, j->turns + i * j->d, 1, j->d / 2), row = turned;
        if (j->turned) memcpy(j->turned + (first + i) * j->d, row, (size_t)j->d * sizeof *row);
        if (j->paired) {
            j->kernels->to_bf16(j->paired + (first + i) * even, row, j->d);
            if (even > j->d) j->paired[(first + i) * even + j->d] = 0;
        }
        if (j->values) j->kernels->from_bf16(j->values + (first + i) * j->dv, heed_attention_value(j, v.x, value + i * v.row), j->dv);
    }
    if (j->powers) share_powers(j, head, b);
}

static void share_relative(heed_attention_job *j)
{
    const int64_t reach = j->a->reach, n = relatives(j);
    for (int64_t h = 0; h < j->H; h++)
        for (int64_t x = 0; x < n; x++) {
            const int64_t ahead = least(reach, most(-reach, reach + HEED_ATTENTION_MARGIN - x));
            j->relative[h * n + x] = j->unit * j->a->relative[h * (2 * reach + 1) + ahead + reach];
        }
}

void heed_attention_share(heed_attention_job *j, char *scratch)
{
    const layout l = layout_of(j);
    const bool rotary = j->a->rotary > 0, cosine = j->a->score == HEED_ATTENTION_COSINE;
    if (rotary) j->turns = (float *)(scratch + l.turns);
    if (makes_floats(j)) j->turned = (float *)(scratch + l.turned);
    if (makes_pairs(j)) j->paired = (uint16_t *)(scratch + l.paired);
    if (makes_values(j)) j->values = (float *)(scratch + l.values);
    if (cosine) j->key_factor = (float *)(scratch + l.key_factor);
    if (j->a->relative) j->relative = (float *)(scratch + l.relative), share_relative(j);
    if (makes_powers(j)) j->powers = (float *)(scratch + l.powers), j->tame = (float *)(scratch + l.tame);
    if (rotary) share_turns(j);
    if (!makes_floats(j) && !makes_pairs(j) && !cosine && !j->powers) return;
    const int64_t heads = j->only < 0 ? j->Hk : 1, n = heads * j->a->sequences;
#pragma omp parallel for schedule(dynamic) num_threads(j->threads) if (n > 1 && j->threads > 1)
    for (int64_t i = 0; i < n; i++) share_keys(j, j->only < 0 ? i % heads : j->only, i / heads);
}
