/* The table of lenses, and what several of them do alike. */
#include "explain/lens.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { VARIANTS = 64 };   /* that run at a time */

/* --- the table -------------------------------------------------------------------------------------------------------------------------------- */

const heed_lens_kind *heed_lens_kind_at(int i)
{
    static const heed_lens_kind table[] = {
#define HEED_LENS(file, name, title, sentence, method, baseline, is_signed, attention, gradient, deletes, cost) \
    {{name, title, sentence, "ln p of each symbol written", method, baseline, cost, is_signed, attention, gradient, deletes}, heed_lens_##file},
#include "explain/lenses.def"
#undef HEED_LENS
    };
    return i >= 0 && i < (int)(sizeof table / sizeof *table) ? &table[i] : NULL;
}

const heed_lens_kind *heed_lens_find(const char *name)
{
    const heed_lens_kind *k = NULL;
    for (int i = 0; (k = heed_lens_kind_at(i)) && strcmp(k->is.name, name) != 0;) i++;
    return k;
}

heed_status heed_lens_suits(const heed_lens_kind *lens, const heed_model *m, heed_error *err)
{
    int layers, heads;
    heed_model_looks(m, &layers, &heads);
    if (layers || !lens->is.attention) return HEED_OK;
    return heed_fail(err, HEED_E_USAGE, "the lens %s shows attention, and this model has none (model.attention.score: none); leave-one-out, gradient-x-input and "
                                        "integrated-gradients need none", lens->is.name);
}

heed_status heed_lens_run(const heed_lens_kind *lens, const heed_lens_input *in, float *scores, heed_lens_note *note, heed_error *err)
{
    heed_status status = heed_lens_suits(lens, heed_probe_model(in->probe), err);
    *note = (heed_lens_note){.gap = NAN};
    return status ? status : lens->run(in, scores, note, err);
}

heed_status heed_lens_baseline(heed_probe *p, const char *name, float *room, heed_error *err)
{
    const bool mean = name && strcmp(name, "mean") == 0, unk = name && strcmp(name, "unk") == 0;
    if (name && !mean && !unk && strcmp(name, "zero") != 0)
        return heed_fail(err, HEED_E_USAGE, "baselines are zero, mean and unk, not \"%.64s\"", name);
    if (mean) heed_probe_mean(p, room);
    heed_probe_baseline(p, mean ? room : unk ? heed_probe_embedding(p, HEED_UNK) : NULL);
    return HEED_OK;
}

static heed_status no_memory(heed_error *err) { return heed_fail(err, HEED_E_NOMEM, "out of memory for a lens"); }

static heed_variant pair_of(const heed_lens_input *in) { return (heed_variant){.source = in->source, .S = in->S, .target = in->target, .T = in->T}; }

/* --- one symbol at a time ---------------------------------------------------------------------------------------------------------------------- */

typedef struct deletions { heed_variant v[VARIANTS]; int32_t *ids; bool *flags; float *own, *logp; const float *whole; } deletions;   /* own: NULL where whole is known */

static bool make_room(deletions *d, const heed_lens_input *in)
{
    const size_t S = (size_t)in->S, T = (size_t)in->T;
    d->ids = malloc(VARIANTS * S * sizeof *d->ids);
    d->flags = malloc(VARIANTS * S * sizeof *d->flags);
    d->own = in->logp ? NULL : malloc(T * sizeof *d->own);
    d->whole = in->logp ? in->logp : d->own;
    d->logp = malloc(VARIANTS * T * sizeof *d->logp);
    return d->ids && d->flags && d->whole && d->logp;
}

static heed_status delete_some(const heed_lens_input *in, heed_lens_change *change, deletions *d, int64_t first, int64_t n, float *scores, heed_error *err)
{
    for (int64_t i = 0; i < n; i++) {
        bool *flags = d->flags + i * in->S;
        memset(flags, 0, (size_t)in->S * sizeof *flags);
        d->v[i] = pair_of(in);
        d->v[i].logp = d->logp + i * in->T;
        change(in, first + i, &d->v[i], d->ids + i * in->S, flags);
    }
    heed_status status = heed_probe_run(in->probe, d->v, n, err);
    for (int64_t i = 0; status == HEED_OK && i < n; i++)
        for (int64_t t = 0; t < in->T; t++) scores[t * in->S + first + i] = d->whole[t] - d->logp[i * in->T + t];
    return status;
}

heed_status heed_lens_deletion(const heed_lens_input *in, heed_lens_change *change, float *scores, heed_error *err)
{
    deletions *d = calloc(1, sizeof *d);
    heed_status status = d && make_room(d, in) ? HEED_OK : no_memory(err);
    if (!status && d->own) status = heed_lens_logp(in, 1, d->own, err);
    for (int64_t s = 0; s < in->S && status == HEED_OK; s += VARIANTS)
        status = delete_some(in, change, d, s, in->S - s < VARIANTS ? in->S - s : VARIANTS, scores, err);
    if (d) {
        free(d->ids);
        free(d->flags);
        free(d->own);
        free(d->logp);
    }
    free(d);
    return status;
}

/* --- gradients ----------------------------------------------------------------------------------------------------------------------------------- */

typedef struct summing { const heed_lens_input *in; const float *baseline; double factor; float *scores; int64_t row[VARIANTS]; } summing;

static void take(void *self, int64_t variant, const float *e, const float *g, int64_t E)
{
    const summing *m = self;
    for (int64_t s = 0; s < m->in->S; s++, e += E, g += E) {
        double sum = 0;
        for (int64_t i = 0; i < E; i++) sum += ((double)e[i] - (m->baseline ? (double)m->baseline[i] : 0)) * (double)g[i];
        m->scores[m->row[variant] * m->in->S + s] += (float)(m->factor * sum);
    }
}

static float *scales(const heed_lens_input *in, double scale)
{
    float *all = malloc((size_t)in->S * sizeof *all);
    for (int64_t s = 0; all && s < in->S; s++) all[s] = (float)scale;
    return all;
}

heed_status heed_lens_gradients(const heed_lens_input *in, double scale, double weight, float *scores, heed_error *err)
{
    heed_variant v[VARIANTS];
    float *all = scales(in, scale);
    summing m = {in, heed_probe_get_baseline(in->probe), weight / (double)(float)scale, scores, {0}};
    heed_status status = all ? HEED_OK : no_memory(err);
    for (int64_t t = 0; t < in->T && status == HEED_OK;) {
        int64_t n = 0;
        for (; t < in->T && n < VARIANTS; t++) {
            if (in->wanted && !in->wanted[t]) continue;
            v[n] = pair_of(in);
            v[n].T = t + 1;
            v[n].scale = scale == 1 ? NULL : all;
            m.row[n++] = t;
        }
        status = heed_probe_gradients(in->probe, v, n, take, &m, err);
    }
    free(all);
    return status;
}

heed_status heed_lens_logp(const heed_lens_input *in, double scale, float *logp, heed_error *err)
{
    heed_variant v = pair_of(in);
    float *all = scales(in, scale);
    v.scale = scale == 1 ? NULL : all;
    v.logp = logp;
    heed_status status = all ? heed_probe_run(in->probe, &v, 1, err) : no_memory(err);
    free(all);
    return status;
}

/* --- attention ----------------------------------------------------------------------------------------------------------------------------------- */

heed_status heed_lens_watch(const heed_lens_input *in, void (*see)(void *self, const heed_sighting *s), void *self, heed_error *err)
{
    const heed_variant v = pair_of(in);
    const heed_observer *before = heed_probe_observe(in->probe, &(heed_observer){self, see});
    heed_status status = heed_probe_run(in->probe, &v, 1, err);
    heed_probe_observe(in->probe, before);
    return status;
}

typedef struct looking { const heed_lens_input *in; float *scores, *one; } looking;

static void look_up(void *self, const heed_sighting *s)
{
    const looking *l = self;
    const heed_look *look = &l->in->look;
    const int64_t H = s->attn->is.heads;
    if (s->site != HEED_SITE_CROSS || s->layer != look->layer) return;
    for (int64_t i = 0; i < s->rows; i++) {
        float *row = l->scores + (s->first + i) * l->in->S;
        heed_sighting_weights(s, i, look->head < 0 ? 0 : look->head, row);
        for (int64_t h = 1; look->head < 0 && h < H; h++) {
            heed_sighting_weights(s, i, h, l->one);
            for (int64_t j = 0; j < s->keys; j++) row[j] += l->one[j];
        }
        for (int64_t j = 0; look->head < 0 && j < s->keys; j++) row[j] /= (float)H;
    }
}

heed_status heed_lens_look(const heed_lens_input *in, float *scores, heed_error *err)
{
    looking l = {in, scores, malloc((size_t)in->S * sizeof *l.one)};
    heed_status status = l.one ? heed_lens_watch(in, look_up, &l, err) : no_memory(err);
    if (status == HEED_OK && in->look.shift && in->T > 1) memmove(scores, scores + in->S, (size_t)((in->T - 1) * in->S) * sizeof *scores);
    free(l.one);
    return status;
}
