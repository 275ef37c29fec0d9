/* Named weights in one slab: declared, laid out, filled, packed for products. */
#include "tensor/params.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "base/machine.h"
#include "base/rng.h"
#include "kernels/screen.h"
#include "kernels/top.h"

enum { CACHE_LINE = 64, ALIGN_FLOATS = CACHE_LINE / sizeof(float) };   /* every weight begins on one */

heed_params *heed_params_new(heed_error *err)
{
    heed_params *p = calloc(1, sizeof *p);
    if (!p) heed_fail(err, HEED_E_NOMEM, "out of memory for the weights");
    else p->version = 1;
    return p;
}

void heed_params_free(heed_params *p)
{
    if (!p) return;
    for (int64_t i = 0; i < p->count; i++) {
        heed_pack_free(p->weight[i]->pack);
        heed_screen_free(p->weight[i]->screen);
        free(p->weight[i]);
    }
    heed_params_dismiss(p);
    free(p->share);
    free(p->job);
    free(p->weight);
    free(p->slab);
    free(p->grads);
    free(p);
}

static bool make_room(heed_params *p)
{
    if (p->count < p->capacity) return true;
    int64_t capacity = p->capacity ? 2 * p->capacity : 32;
    heed_weight **grown = realloc(p->weight, (size_t)capacity * sizeof *grown);
    if (!grown) return false;
    p->weight = grown;
    p->capacity = capacity;
    return true;
}

heed_weight *heed_params_add(heed_params *p, const char *name, int rank, int64_t rows, int64_t cols, heed_fill fill, double scale)
{
    heed_weight *w = make_room(p) ? calloc(1, sizeof *w) : NULL;
    if (!w || p->finished || strlen(name) >= sizeof w->name) {
        p->failed = true;
        free(w);
        return NULL;
    }
    memcpy(w->name, name, strlen(name) + 1);
    w->rank = rank;
    w->fill = fill;
    w->scale = scale;
    w->params = p;
    w->id = p->count;
    w->offset = p->size;
    w->tensor = (heed_tensor){.rows = rows, .cols = cols, .wants_grad = true, .weight = w};
    p->size += (rows * cols + ALIGN_FLOATS - 1) / ALIGN_FLOATS * ALIGN_FLOATS;
    p->weight[p->count++] = w;
    return w;
}

void heed_weight_product(heed_weight *w)
{
    if (w) w->product = true;
}

void heed_weight_table(heed_weight *w)
{
    if (w) w->table = true;
}

void heed_weight_many(heed_weight *w)
{
    if (w) w->many = true;
}

void heed_weight_lend(heed_weight *w)
{
    if (w) w->many = w->lent = true;
}

void heed_weight_rank(heed_weight *w)
{
    if (w) w->ranked = true;
}

void heed_weight_freeze(heed_weight *w)
{
    w->frozen = true;
    w->tensor.wants_grad = false;
}

heed_status heed_params_status(const heed_params *p, heed_error *err)
{
    return p->failed ? heed_fail(err, HEED_E_NOMEM, "out of memory for the weights, or a weight's name is too long") : HEED_OK;
}

static heed_pack *new_pack(const heed_weight *w, heed_error *err)
{
    heed_pack *pack = heed_pack_new(w->params->number, w->tensor.rows, w->tensor.cols, err);
    if (pack && w->many) heed_pack_lend(pack, w->lent);
    return pack;
}

heed_status heed_params_finish(heed_params *p, heed_error *err)
{
    size_t bytes = (size_t)p->size * sizeof(float);
    if (heed_params_status(p, err) != HEED_OK) return HEED_E_NOMEM;
    p->slab = calloc(1, bytes + CACHE_LINE);   /* zeros that are not touched take no memory yet */
    if (!p->slab) return heed_fail(err, HEED_E_NOMEM, "out of memory: %zu bytes for the weights", bytes);
    p->values = (float *)(((uintptr_t)p->slab + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE);
    for (int64_t i = 0; i < p->count; i++) {
        heed_weight *w = p->weight[i];
        w->tensor.x = p->values + w->offset;
        if (w->product && !(w->pack = new_pack(w, err))) return HEED_E_NOMEM;
    }
    p->finished = true;
    return HEED_OK;
}

heed_status heed_params_multiply(heed_params *p, heed_number number, heed_error *err)
{
    if (!heed_gemm_has(number)) number = HEED_F32;
    if (number == p->number) return HEED_OK;
    p->number = number;
    for (int64_t i = 0; i < p->count; i++) {
        heed_weight *w = p->weight[i];
        if (!w->pack) continue;
        heed_pack *pack = new_pack(w, err);
        if (!pack) return HEED_E_NOMEM;
        heed_pack_free(w->pack);
        w->pack = pack;
        w->packed = w->packed_data = 0;
    }
    return HEED_OK;
}

heed_number heed_params_number(const heed_params *p) { return p->number; }
int64_t heed_params_count(const heed_params *p) { return p->count; }
int64_t heed_params_size(const heed_params *p) { return p->size; }
heed_weight *heed_params_at(const heed_params *p, int64_t i) { return p->weight[i]; }
float *heed_params_values(const heed_params *p) { return p->values; }
void heed_params_touch(heed_params *p) { p->version++; }

heed_weight *heed_params_find(const heed_params *p, const char *name)
{
    for (int64_t i = 0; i < p->count; i++)
        if (strcmp(p->weight[i]->name, name) == 0) return p->weight[i];
    return NULL;
}

float *heed_params_grads(const heed_params *p)
{
    if (!p->grads) {
        heed_params *own = (heed_params *)p;   /* the gradients come into being when they are first asked for */
        own->grads = aligned_alloc(64, (size_t)p->size * sizeof(float) + 64);
        if (own->grads) memset(own->grads, 0, (size_t)p->size * sizeof(float));
    }
    return p->grads;
}

/* --- initial values ----------------------------------------------------------------------------------------------------------------- */

/* Rows made orthonormal one after the other (Gram and Schmidt), square blocks of `cols` rows each: the gates of a recurrent weight. */
static void fill_orthogonal(float *x, int64_t rows, int64_t cols, uint64_t key, double gain)
{
    for (int64_t i = 0; i < rows; i++) {
        float *row = x + i * cols;
        for (int64_t j = 0; j < cols; j++) row[j] = (float)heed_normal(key, (uint64_t)(i * cols + j));
        for (int64_t other = i / cols * cols; other <= i; other++) {
            const float *before = x + other * cols;
            double dot = 0;
            for (int64_t j = 0; j < cols; j++) dot += (double)row[j] * before[j];
            double by = other == i ? 1 / sqrt(dot) : 0;
            for (int64_t j = 0; j < cols; j++) row[j] = (float)(other == i ? row[j] * by : row[j] - dot * before[j]);
        }
    }
    for (int64_t i = 0; i < rows * cols; i++) x[i] = (float)(x[i] * gain);
}

static void fill_weight(heed_weight *w, uint64_t seed)
{
    const int64_t n = w->tensor.rows * w->tensor.cols;
    const uint64_t key = heed_key_text(seed, w->name);
    const double gain = w->scale != 0 ? w->scale : 1;
    const double reach = gain * sqrt(6.0 / (double)(w->tensor.rows + w->tensor.cols));   /* Glorot and Bengio 2010, eq. 16 */
    float *x = w->tensor.x;
    switch (w->fill) {
    case HEED_FILL_ZERO:
        memset(x, 0, (size_t)n * sizeof *x);
        break;
    case HEED_FILL_ONE:
        for (int64_t i = 0; i < n; i++) x[i] = 1;
        break;
    case HEED_FILL_FORGET:
        for (int64_t i = 0; i < n; i++) x[i] = 4 * i / n == 1;
        break;
    case HEED_FILL_GLOROT:
        for (int64_t i = 0; i < n; i++) x[i] = (float)(reach * (2 * heed_uniform(key, (uint64_t)i) - 1));
        break;
    case HEED_FILL_NORMAL:
        for (int64_t i = 0; i < n; i++) x[i] = (float)(gain * heed_normal(key, (uint64_t)i));
        break;
    case HEED_FILL_ORTHOGONAL:
        fill_orthogonal(x, w->tensor.rows, w->tensor.cols, key, gain);
        break;
    }
}

void heed_params_fill(heed_params *p, uint64_t seed)
{
    for (int64_t i = 0; i < p->count; i++) fill_weight(p->weight[i], seed);
    heed_params_touch(p);
}

/* --- packing ------------------------------------------------------------------------------------------------------------------------- */

static heed_status pack_weight(heed_gemm *g, heed_weight *w, bool data, int64_t version, heed_error *err)
{
    const bool lent = !data && w->pack && heed_pack_is_lent(w->pack);   /* few rows at a time are to come */
    if (!w->product || (!lent && w->packed == version && (!data || w->packed_data == version))) return HEED_OK;
    if (!w->tensor.x) return heed_fail(err, HEED_E_USAGE, "weight \"%s\" is packed for products and has no floats to be packed anew", w->name);
    const bool same = !lent && w->frozen && w->packed && (!data || w->packed_data);
    heed_status status = same ? HEED_OK : heed_pack_fill(g, w->pack, w->tensor.x, data, err);
    if (status == HEED_OK) {
        w->packed = version;
        w->packed_data = data ? version : 0;
    }
    return status;
}

heed_status heed_params_crew(heed_params *p, int threads, heed_error *err)
{
    if (threads > p->workers) {
        heed_worker *grown = realloc(p->worker, (size_t)threads * sizeof *grown);
        if (!grown) return heed_fail(err, HEED_E_NOMEM, "out of memory for %d workers", threads);
        p->worker = grown;
        for (; p->workers < threads; p->workers++) {
            p->worker[p->workers] = (heed_worker){.gemm = heed_gemm_new(err)};
            if (!p->worker[p->workers].gemm) return HEED_E_NOMEM;
        }
    }
    for (int i = 0; i < threads; i++) p->worker[i].error.status = HEED_OK;
    return HEED_OK;
}

heed_status heed_params_watch(heed_params *p, heed_stopwatch *watch, int count, heed_error *err)
{
    heed_status status = heed_params_crew(p, count, err);
    for (int i = 0; i < p->workers; i++) {
        p->worker[i].watch = watch && i < count ? &watch[i] : NULL;
        heed_gemm_watch(p->worker[i].gemm, p->worker[i].watch);
    }
    return status;
}

heed_status heed_params_crew_status(const heed_params *p, int threads, heed_error *err)
{
    for (int i = 0; i < threads; i++)
        if (p->worker[i].error.status != HEED_OK) {
            if (err) *err = p->worker[i].error;
            return p->worker[i].error.status;
        }
    return HEED_OK;
}

heed_status heed_params_pack(heed_params *p, bool data, int threads, heed_error *err)
{
    heed_status status = heed_params_crew(p, threads, err);
    if (status != HEED_OK) return status;
#pragma omp parallel for schedule(static, 1) num_threads(threads)   /* a worker meets the same shapes in every update */
    for (int64_t i = 0; i < p->count; i++) {
        heed_worker *me = &p->worker[omp_get_thread_num()];
        if (me->error.status == HEED_OK) pack_weight(me->gemm, p->weight[i], data, p->version, &me->error);
    }
    return heed_params_crew_status(p, threads, err);
}

static heed_status cut_pack(heed_weight *w, heed_error *err)
{
    heed_pack *pack = heed_pack_new_cut(w->params->number, w->tensor.rows, w->tensor.cols, HEED_PIECE, err);
    if (!pack) return HEED_E_NOMEM;
    heed_pack_free(w->pack);
    w->pack = pack;
    return HEED_OK;
}

/* Below, a product is about as quick as its screen. */
enum { LEAST_SCREENED = 1 << 16, LEAST_DEPTH = 32 };

static heed_status add_screen(heed_weight *w, heed_error *err)
{
    const heed_number number = w->params->number;
    const int64_t N = w->tensor.rows, K = w->tensor.cols;
    if (!w->ranked || !w->table || number == HEED_INT8 || K < LEAST_DEPTH || N * K < LEAST_SCREENED) return HEED_OK;
    w->screen = heed_screen_new(number, w->tensor.x, N, K, err);
    return w->screen ? HEED_OK : HEED_E_NOMEM;
}

heed_status heed_weight_serve(heed_weight *w, heed_error *err)
{
    heed_params *p = w->params;
    heed_weight_freeze(w);
    if (!w->product) return HEED_OK;
    heed_status status = heed_params_crew(p, 1, err);
    if (!status && w->ranked) status = cut_pack(w, err);
    if (!status) status = pack_weight(p->worker[0].gemm, w, false, p->version, err);
    if (!status) status = add_screen(w, err);
    if (status || w->table) return status;
    heed_pages_drop(w->tensor.x, (size_t)(w->tensor.rows * w->tensor.cols) * sizeof *w->tensor.x);
    w->tensor.x = NULL;
    return HEED_OK;
}

/* The rows of w^T are what unit rows make of it. */
static heed_status unpack(const heed_weight *w, heed_gemm *g, float *out, heed_error *err)
{
    enum { ROWS = 64 };
    const int64_t N = w->tensor.rows, K = w->tensor.cols;
    float *x = calloc((size_t)(ROWS * K) + 1, sizeof *x), *y = malloc((size_t)(ROWS * N) * sizeof *y + 1);
    heed_status status = x && y ? HEED_OK : heed_fail(err, HEED_E_NOMEM, "out of memory for the floats of weight \"%s\"", w->name);
    for (int64_t first = 0; first < K && status == HEED_OK; first += ROWS) {
        const int64_t rows = K - first < ROWS ? K - first : ROWS;
        for (int64_t i = 0; i < rows; i++) x[i * K + first + i] = 1;
        status = heed_gemm_forward(g, w->pack, rows, x, K, NULL, y, N, false, err);
        for (int64_t i = 0; i < rows; i++) {
            for (int64_t n = 0; n < N && status == HEED_OK; n++) out[n * K + first + i] = y[i * N + n];
            x[i * K + first + i] = 0;
        }
    }
    free(x);
    free(y);
    return status;
}

heed_status heed_weight_floats(const heed_weight *w, heed_gemm *g, float *out, heed_error *err)
{
    if (!w->tensor.x) return unpack(w, g, out, err);
    memcpy(out, w->tensor.x, (size_t)(w->tensor.rows * w->tensor.cols) * sizeof *out);
    return HEED_OK;
}

void heed_params_dismiss(heed_params *p)
{
    for (int i = 0; i < p->workers; i++) {
        heed_gemm_free(p->worker[i].gemm);
        free(p->worker[i].rows);
    }
    free(p->worker);
    p->worker = NULL;
    p->workers = 0;
}

struct heed_screen *heed_tape_screen(const heed_tensor *weight, const heed_pack *pack)
{
    heed_screen *s = weight->weight->pack == pack ? weight->weight->screen : NULL;
    return s && heed_screen_ready(s) ? s : NULL;
}

heed_number heed_tape_number(const heed_tensor *weight) { return weight->weight->params->number; }

const heed_pack *heed_tape_pack(heed_tape *t, heed_tensor *weight, bool data)
{
    const heed_weight *w = weight->weight;
    const int64_t version = w->params->version;
    if (t->hooks && t->hooks->packs && t->hooks->packs[w->id]) return t->hooks->packs[w->id];
    if (!w->pack || w->packed != version || (data && w->packed_data != version)) {
        heed_tape_fail(t, HEED_E_USAGE, "weight \"%s\" is not packed: call heed_params_pack() after its values changed", w->name);
        return NULL;
    }
    return w->pack;
}
