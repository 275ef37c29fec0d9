/* Adam (Kingma and Ba 2015), AdamW (Loshchilov and Hutter 2019) and SGD with momentum over the slab of weights: train/optimizer.h. The arithmetic
 * lies in the kernels; here it is cut into pieces, and kept over a restart. */
#include "train/optimizer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/safetensors.h"

enum { FEW_PIECES = 8 };   /* are done sooner than a second thread is awake */

static float *slab(int64_t floats)
{
    size_t bytes = ((size_t)floats * sizeof(float) + 63) / 64 * 64;
    float *x = aligned_alloc(64, bytes ? bytes : 64);
    if (x) memset(x, 0, bytes);
    return x;
}

/* Cuts the runs of weights that are not frozen; without any frozen that is the whole slab. piece NULL: only counts. */
static int64_t cut_pieces(const heed_params *p, struct heed_stretch *piece)
{
    const int64_t weights = heed_params_count(p);
    int64_t n = 0;
    for (int64_t i = 0; i < weights;) {
        int64_t next = i;
        while (next < weights && !heed_params_at(p, next)->frozen) next++;
        const int64_t end = next < weights ? heed_params_at(p, next)->offset : heed_params_size(p);
        for (int64_t at = heed_params_at(p, i)->offset; at < end; at += HEED_PIECE_FLOATS, n++)
            if (piece) piece[n] = (struct heed_stretch){at, end - at < HEED_PIECE_FLOATS ? end - at : HEED_PIECE_FLOATS};
        i = next + 1;
    }
    return n;
}

heed_status heed_optimizer_init(heed_optimizer *o, heed_params *p, const heed_recipe *r, heed_error *err)
{
    const int type = r->train.optimizer.type;
    const int64_t size = heed_params_size(p), pieces = cut_pieces(p, NULL);
    *o = (heed_optimizer){
        .params = p, .type = type, .beta1 = r->train.optimizer.beta1, .beta2 = r->train.optimizer.beta2, .eps = r->train.optimizer.eps,
        .decay = r->train.optimizer.weight_decay, .momentum = r->train.optimizer.momentum, .size = size, .pieces = pieces,
        .piece = malloc((size_t)(pieces + 1) * sizeof *o->piece), .m = slab(size), .v = type == HEED_OPTIMIZER_SGD ? NULL : slab(size), .partial = malloc((size_t)(pieces + 1) * sizeof *o->partial),
    };
    if (o->piece) cut_pieces(p, o->piece);
    if (o->piece && o->m && o->partial && (o->v || type == HEED_OPTIMIZER_SGD) && heed_params_grads(p)) return HEED_OK;
    heed_optimizer_free(o);
    return heed_fail(err, HEED_E_NOMEM, "out of memory for the optimizer of %lld weights", (long long)size);
}

void heed_optimizer_free(heed_optimizer *o)
{
    free(o->m);
    free(o->v);
    free(o->piece);
    free(o->partial);
    *o = (heed_optimizer){0};
}

double heed_optimizer_norm(heed_optimizer *o, const float *grads, int threads)
{
    const heed_kernels *k = heed_kernels_get();
    double sum = 0;
#pragma omp parallel for schedule(static) num_threads(threads) if (o->pieces > FEW_PIECES)
    for (int64_t i = 0; i < o->pieces; i++) o->partial[i] = k->sum_squares(grads + o->piece[i].at, o->piece[i].floats);
    for (int64_t i = 0; i < o->pieces; i++) sum += o->partial[i];
    return sqrt(sum);
}

void heed_optimizer_step(heed_optimizer *o, const float *grads, double scale, double rate, int64_t update, int threads)
{
    const heed_kernels *k = heed_kernels_get();
    float *values = heed_params_values(o->params);
    const heed_adam adam = {
        .rate = (float)rate, .beta1 = (float)o->beta1, .beta2 = (float)o->beta2, .eps = (float)o->eps, .decay = (float)o->decay, .clip = (float)scale,
        .bias1 = (float)(1 - pow(o->beta1, (double)update)), .bias2 = (float)(1 - pow(o->beta2, (double)update)),
        .decoupled = o->type == HEED_OPTIMIZER_ADAMW,
    };
#pragma omp parallel for schedule(static) num_threads(threads) if (o->pieces > FEW_PIECES)
    for (int64_t i = 0; i < o->pieces; i++) {
        const int64_t at = o->piece[i].at, n = o->piece[i].floats;
        if (o->type == HEED_OPTIMIZER_SGD)
            k->sgd(values + at, o->m + at, grads + at, n, adam.rate, (float)o->momentum, adam.decay, adam.clip);
        else
            k->adam(values + at, o->m + at, o->v + at, grads + at, n, &adam);
    }
    heed_params_touch(o->params);
}

/* --- kept over a restart ------------------------------------------------------------------------------------------------------------- */

typedef struct entry { char name[100]; } entry;   /* "m." and a weight's name */

heed_status heed_optimizer_save(const heed_optimizer *o, const char *path, heed_error *err)
{
    const int64_t weights = heed_params_count(o->params), most = o->v ? 2 * weights : weights;
    heed_named *named = malloc((size_t)(most + 1) * sizeof *named);
    entry *names = malloc((size_t)(most + 1) * sizeof *names);
    int64_t count = 0;
    heed_status status = named && names ? HEED_OK : heed_fail(err, HEED_E_NOMEM, "%s: out of memory", path);
    for (int64_t i = 0; i < most && !status; i++) {
        const heed_weight *w = heed_params_at(o->params, i % weights);
        if (w->frozen) continue;
        snprintf(names[count].name, sizeof names[count].name, "%s.%s", i < weights ? "m" : "v", w->name);
        named[count] = (heed_named){.name = names[count].name, .x = (i < weights ? o->m : o->v) + w->offset, .rank = w->rank, .rows = w->tensor.rows,
                                    .cols = w->tensor.cols};
        count++;
    }
    if (!status) status = heed_safetensors_write(path, named, count, NULL, err);
    free(named);
    free(names);
    return status;
}

static heed_status load_slab(float *into, const heed_weight *w, const char *prefix, const heed_safetensors *file, const char *path, heed_error *err)
{
    entry name;
    snprintf(name.name, sizeof name.name, "%s.%s", prefix, w->name);
    const heed_named *found = heed_safetensors_find(file, name.name);
    const int64_t rows = w->tensor.rows, cols = w->tensor.cols;
    if (!found) return heed_fail(err, HEED_E_MODEL, "%s: tensor \"%s\" is missing", path, name.name);
    if (found->rows != rows || found->cols != cols)
        return heed_fail(err, HEED_E_MODEL, "%s: tensor \"%s\" is [%lld,%lld], expected [%lld,%lld]", path, name.name, (long long)found->rows,
                         (long long)found->cols, (long long)rows, (long long)cols);
    if (found->number != HEED_F32) return heed_fail(err, HEED_E_MODEL, "%s: tensor \"%s\" is not of floats", path, name.name);
    if (!heed_kernels_get()->all_finite(found->x, rows * cols))
        return heed_fail(err, HEED_E_MODEL, "%s: tensor \"%s\" holds values that are not finite (altered?)", path, name.name);
    memcpy(into + w->offset, found->x, (size_t)(rows * cols) * sizeof *into);
    return HEED_OK;
}

heed_status heed_optimizer_load(heed_optimizer *o, const char *path, heed_error *err)
{
    const int64_t weights = heed_params_count(o->params);
    int64_t expected = 0;
    for (int64_t i = 0; i < weights; i++) expected += heed_params_at(o->params, i)->frozen ? 0 : o->v ? 2 : 1;
    heed_safetensors *file = heed_safetensors_open(path, err);
    if (!file) return HEED_E_MODEL;
    heed_status status = HEED_OK;
    if (heed_safetensors_count(file) != expected)
        status = heed_fail(err, HEED_E_MODEL, "%s: holds %lld tensors, the optimizer of this model has %lld", path, (long long)heed_safetensors_count(file),
                           (long long)expected);
    for (int64_t i = 0; i < weights && !status; i++) {
        const heed_weight *w = heed_params_at(o->params, i);
        if (w->frozen) continue;
        status = load_slab(o->m, w, "m", file, path, err);
        if (!status && o->v) status = load_slab(o->v, w, "v", file, path, err);
    }
    heed_safetensors_close(file);
    return status;
}
