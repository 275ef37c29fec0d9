/* What a probe does on the way: embeddings that fade, values that are mute, weights that are seen or others. */
#include <string.h>

#include "attn/layer.h"
#include "explain/probe_state.h"
#include "heed/ops.h"

/* --- embeddings ----------------------------------------------------------------------------------------------------------------------------- */

static bool any_scale(const heed_probing *p)
{
    for (int64_t b = 0; b < p->B; b++)
        if (p->variant[b]->scale) return true;
    return false;
}

static heed_tensor *fade(const heed_probing *p, heed_tape *t, heed_tensor *rows)
{
    const int64_t E = rows->cols, size = rows->rows * E;
    float *keep = heed_tape_alloc(t, (size_t)size * sizeof *keep), *given = heed_tape_alloc(t, (size_t)size * sizeof *given);
    if (heed_tape_failed(t)) return &t->poison;
    for (int64_t i = 0; i < size; i++) {
        keep[i] = 1;
        given[i] = 0;
    }
    for (int64_t b = 0; b < p->B; b++) {
        const float *scale = p->variant[b]->scale;
        for (int64_t s = 0; scale && s < p->variant[b]->S; s++)
            for (int64_t e = 0, at = (p->source.start[b] + s) * E; e < E; e++, at++) {
                keep[at] = scale[s];
                given[at] = p->probe->baseline ? (1 - scale[s]) * p->probe->baseline[e] : 0;
            }
    }
    return heed_blend(t, rows, keep, given);
}

heed_tensor *heed_probe_embed(void *self, heed_tape *t, heed_tensor *rows)
{
    heed_probing *p = self;
    if (strncmp(t->scope, "encoder", strlen("encoder")) != 0) return rows;
    if (any_scale(p)) rows = fade(p, t, rows);
    if (heed_tape_failed(t)) return rows;
    rows->wants_grad = t->record;
    return p->embedded = rows;
}

/* --- rows that may be equal --------------------------------------------------------------------------------------------------------------------- */

/* Sources and targets of as many rows in all: in the encoder they are sources', and whoever is wrong finds no equal ones. */
const int64_t *heed_probe_twins(void *self, const heed_tape *t, int64_t rows)
{
    const heed_probing *p = self;
    const bool encoder = strncmp(t->scope, "encoder", strlen("encoder")) == 0;
    return rows == p->rows[1] && !encoder ? p->twins[1] : rows == p->rows[0] ? p->twins[0] : NULL;
}

/* --- where attention is ---------------------------------------------------------------------------------------------------------------------- */

const char *heed_site_name(heed_site site)
{
    static const char *const names[HEED_SITES] = {"encoder", "decoder", "cross"};
    return names[site];
}

static int64_t owner_of(const heed_attend_args *args, int64_t group) { return args->owner ? args->owner[group] : group; }

static int64_t keys_of(const heed_attend_args *args, int64_t group)
{
    const int64_t owner = owner_of(args, group);
    return args->keys.start[owner + 1] - args->keys.start[owner];
}

static int64_t rows_of(const heed_attend_args *args, int64_t group) { return args->queries.start[group + 1] - args->queries.start[group]; }

/* One group of what a layer does, whose first pair is `pair`; false: it is of an other's source, and nobody's. Hypotheses of a search are all the one
 * variant's. */
static bool sight(const heed_probing *p, const heed_tape *t, const heed_attn *a, const heed_attended *x, int64_t group, int64_t pair, heed_sighting *s)
{
    const heed_attend_args *args = &x->args;
    const int64_t variant = p->hung ? 0 : owner_of(args, group);
    if (variant >= p->B) return false;
    *s = (heed_sighting){.site = heed_site_of(t, args), .layer = heed_site_layer(t), .variant = p->number[variant], .first = args->position, .rows = rows_of(args, group),
                         .keys = keys_of(args, group), .attn = a, .attended = x, .group = group, .row = args->queries.start[group], .pair = pair};
    return true;
}

/* --- other weights ---------------------------------------------------------------------------------------------------------------------------- */

static bool any_muted(const heed_probing *p)
{
    for (int64_t b = 0; b < p->B; b++)
        if (p->variant[b]->muted) return true;
    return false;
}

/* A recurrent decoder's values stay where they are; others' memory is used again by the next layer, for values that only look the same. */
static heed_tensor *mute(heed_probing *p, heed_tape *t, heed_tensor *v, bool stays)
{
    if (stays && v == p->loud) return p->quiet;
    const int64_t size = v->rows * v->cols;
    float *keep = heed_tape_alloc(t, (size_t)size * sizeof *keep);
    if (!keep) return &t->poison;
    for (int64_t i = 0; i < size; i++) keep[i] = 1;
    for (int64_t b = 0; b < p->B; b++) {
        const bool *muted = p->variant[b]->muted;
        for (int64_t s = 0; muted && s < p->variant[b]->S; s++)
            if (muted[s]) memset(keep + (p->source.start[b] + s) * v->cols, 0, (size_t)v->cols * sizeof *keep);
    }
    heed_tensor *quiet = heed_blend(t, v, keep, NULL);
    if (stays) {
        p->loud = v;
        p->quiet = quiet;
    }
    return quiet;
}

typedef struct changing { const heed_probing *p; int64_t H; float *x, *keep, *given, *row; bool any; } changing;

static void change_rows(changing *c, const heed_sighting *s)
{
    for (int64_t i = 0; i < s->rows; i++)
        for (int64_t h = 0; h < c->H; h++) {
            const int64_t at = (s->pair + i * s->keys) * c->H + h;
            const heed_aim w = {s->site, s->layer, (int)h, s->variant, s->first + i, s->keys};
            for (int64_t j = 0; j < s->keys; j++) c->row[j] = c->x[at + j * c->H];
            if (!c->p->probe->meddler->change(c->p->probe->meddler->self, &w, c->row)) continue;
            c->any = true;
            for (int64_t j = 0; j < s->keys; j++) {
                c->keep[at + j * c->H] = 0;
                c->given[at + j * c->H] = c->row[j];
            }
        }
}

/* x of args, asked for with its weights, as the meddler wants it. */
static void change(const heed_probing *p, heed_tape *t, const heed_attn *a, heed_attended *x)
{
    const heed_attend_args *args = &x->args;
    const size_t size = (size_t)(x->weights->rows * x->weights->cols);
    int64_t pair = 0, longest = 0;
    heed_sighting s;
    for (int64_t b = 0; b < args->queries.B; b++) longest = keys_of(args, b) > longest ? keys_of(args, b) : longest;
    changing c = {.p = p, .H = x->weights->cols, .x = x->weights->x, .keep = heed_tape_alloc(t, size * sizeof *c.keep),
                  .given = heed_tape_alloc(t, size * sizeof *c.given), .row = heed_tape_alloc(t, (size_t)(longest + 1) * sizeof *c.row)};
    if (heed_tape_failed(t)) return;
    memset(c.given, 0, size * sizeof *c.given);
    for (size_t i = 0; i < size; i++) c.keep[i] = 1;
    for (int64_t b = 0; b < args->queries.B; b++) {
        if (sight(p, t, a, x, b, pair, &s)) change_rows(&c, &s);
        pair += rows_of(args, b) * keys_of(args, b);
    }
    if (!c.any) return;
    x->weights = heed_blend(t, x->weights, c.keep, c.given);
    x->out = heed_context(t, x->weights, args);
}

heed_attended heed_probe_attend(void *self, heed_tape *t, const heed_attn *a, const heed_attend_args *given)
{
    heed_probing *p = self;
    heed_attend_args args = *given;
    const heed_site site = heed_site_of(t, given);
    const bool stays = site == HEED_SITE_CROSS && p->probe->model->recipe.model.decoder.type == HEED_DECODER_rnn;
    if (site != HEED_SITE_DECODER && any_muted(p)) args.v = mute(p, t, args.v, stays);
    const bool changes = p->probe->meddler && p->probe->meddler->wants(p->probe->meddler->self, site, heed_site_layer(t));
    args.weights |= changes;
    heed_attended x = heed_attend(t, &args);
    if (changes && !heed_tape_failed(t)) change(p, t, a, &x);
    heed_sighting s;
    for (int64_t b = 0, pair = 0; p->probe->observer && b < args.queries.B && !heed_tape_failed(t); b++) {
        if (sight(p, t, a, &x, b, pair, &s)) p->probe->observer->see(p->probe->observer->self, &s);
        pair += rows_of(&args, b) * keys_of(&args, b);
    }
    return x;
}

/* --- for observers ------------------------------------------------------------------------------------------------------------------------------ */

void heed_sighting_weights(const heed_sighting *s, int64_t i, int64_t head, float *weights)
{
    const heed_tensor *all = s->attended->weights;
    if (!all) {
        heed_attend_weights(s->attended, s->group, s->row + i, head, weights, NULL);
        return;
    }
    for (int64_t j = 0; j < s->keys; j++) weights[j] = all->x[(s->pair + i * s->keys + j) * all->cols + head];
}

void heed_probe_heads(const heed_probe *p, heed_site site, int *layers, int *heads)
{
    const heed_recipe *r = &p->model->recipe;
    if (site == HEED_SITE_CROSS) {
        heed_model_looks(p->model, layers, heads);
        return;
    }
    const bool encoder = site == HEED_SITE_ENCODER;
    const bool has = encoder ? r->model.encoder.type == HEED_ENCODER_transformer : r->model.decoder.type == HEED_DECODER_transformer;
    *layers = has ? (int)(encoder ? r->model.encoder.layers : r->model.decoder.layers) : 0;
    *heads = has ? (int)(encoder ? r->model.encoder.stack.heads : r->model.decoder.stack.heads) : 0;
}

/* --- embeddings of source symbols ------------------------------------------------------------------------------------------------------------------ */

static const heed_tensor *embeddings(const heed_probe *p)
{
    const heed_weight *w = heed_params_find(p->model->params, "encoder.embedding");
    return w ? &w->tensor : &heed_params_find(p->model->params, "embedding")->tensor;
}

int64_t heed_probe_width(const heed_probe *p) { return embeddings(p)->cols; }

const float *heed_probe_embedding(const heed_probe *p, int32_t symbol) { return embeddings(p)->x + symbol * embeddings(p)->cols; }

void heed_probe_mean(const heed_probe *p, float *mean)
{
    const heed_tensor *all = embeddings(p);
    for (int64_t e = 0; e < all->cols; e++) {
        double sum = 0;
        for (int64_t v = 0; v < all->rows; v++)
            if (v != HEED_UNK && v != HEED_BOS) sum += (double)all->x[v * all->cols + e];
        mean[e] = (float)(sum / (double)(all->rows - 2));
    }
}
