/* Variants to batches, batches to probabilities and gradients: explain/probe.h. */
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "explain/probe_state.h"
#include "heed/ops.h"

/* Rows of a batch, source and target: with a way back, which keeps all that was computed, and without. Variants of a batch: the gradient of the output layer is
 * made at once of no more rows than the features are wide. */
enum { RECORDED_ROWS = 2048, ROWS = 8192, MOST_VARIANTS = 128, LOGIT_ROWS = 256, LEAST_SHARE = 256 };

heed_status heed_probe_spread(heed_probe *p, heed_tape *const *tapes, int threads, heed_error *err)
{
    heed_probing *each = calloc((size_t)threads, sizeof *each);
    if (!each) return heed_fail(err, HEED_E_NOMEM, "out of memory for a probe");
    for (int i = 0; i < threads; i++)
        each[i] = (heed_probing){.probe = p, .tape = tapes[i], .hooks = {&each[i], heed_probe_embed, heed_probe_attend, heed_probe_twins, NULL}};
    free(p->each);
    p->each = each;
    p->threads = threads;
    return HEED_OK;
}

heed_probe *heed_probe_new(const heed_model *m, heed_tape *tape, heed_error *err)
{
    heed_probe *p = calloc(1, sizeof *p);
    if (!p) return heed_fail(err, HEED_E_NOMEM, "out of memory for a probe"), NULL;
    p->model = m;
    if (heed_probe_spread(p, &tape, 1, err) == HEED_OK) return p;
    free(p);
    return NULL;
}

void heed_probe_free(heed_probe *p)
{
    if (!p) return;
    for (int64_t i = 0; p->packs && i < heed_params_count(p->model->params); i++) heed_pack_free(p->packs[i]);
    free(p->packs);
    free(p->each);
    free(p);
}

const heed_model *heed_probe_model(const heed_probe *p) { return p->model; }
void heed_probe_baseline(heed_probe *p, const float *embedding) { p->baseline = embedding; }
const float *heed_probe_get_baseline(const heed_probe *p) { return p->baseline; }

const heed_observer *heed_probe_observe(heed_probe *p, const heed_observer *o)
{
    const heed_observer *before = p->observer;
    p->observer = o;
    return before;
}

const heed_meddler *heed_probe_meddle(heed_probe *p, const heed_meddler *m)
{
    const heed_meddler *before = p->meddler;
    p->meddler = m;
    return before;
}

const heed_listener *heed_probe_listen(heed_probe *p, const heed_listener *l)
{
    const heed_listener *before = p->listener;
    p->listener = l;
    return before;
}

/* --- floats in the place of what the model multiplies ------------------------------------------------------------------------------------------- */

static heed_status pack_floats(heed_probe *p, int64_t i, heed_error *err)
{
    const heed_weight *w = heed_params_at(p->model->params, i);
    float *x = malloc((size_t)(w->tensor.rows * w->tensor.cols) * sizeof *x + 1);
    p->packs[i] = heed_pack_new(HEED_F32, w->tensor.rows, w->tensor.cols, err);
    heed_status status = x && p->packs[i] ? HEED_OK : heed_fail(err, HEED_E_NOMEM, "out of memory for the weights of a probe");
    if (status == HEED_OK) status = heed_weight_floats(w, p->each->tape->gemm, x, err);
    if (status == HEED_OK) status = heed_pack_fill(p->each->tape->gemm, p->packs[i], x, true, err);
    free(x);
    return status;
}

static heed_status pack_all(heed_probe *p, heed_error *err)
{
    const int64_t n = heed_params_count(p->model->params);
    heed_status status = HEED_OK;
    if (p->packs) return HEED_OK;
    p->packs = calloc((size_t)n + 1, sizeof(heed_pack *));
    if (!p->packs) return heed_fail(err, HEED_E_NOMEM, "out of memory for the weights of a probe");
    for (int64_t i = 0; i < n && status == HEED_OK; i++)
        if (heed_params_at(p->model->params, i)->product) status = pack_floats(p, i, err);
    return status;
}

heed_status heed_probe_floats(heed_probe *p, bool on, heed_error *err)
{
    p->floats = on;
    return on ? pack_all(p, err) : HEED_OK;
}

/* --- from variants to a batch -------------------------------------------------------------------------------------------------------------------- */

/* Variants first .. first + B - 1 of the order in which they run. */
typedef struct cut { const heed_variant *all; const int64_t *order; int64_t first, B; } cut;

static const heed_variant *at(const cut *c, int64_t b) { return &c->all[c->order[c->first + b]]; }

static int64_t rows_of(const heed_variant *v) { return v->S + v->others + v->T; }

/* With the first that one more variant would be too many for. */
static cut cut_batch(const heed_variant *v, const int64_t *order, int64_t first, int64_t count, int64_t most_variants, int64_t most_rows)
{
    cut c = {v, order, first, 0};
    int64_t rows = 0;
    for (; first + c.B < count && c.B < most_variants; c.B++) {
        rows += rows_of(at(&c, c.B));
        if (c.B && rows > most_rows) break;
    }
    return c;
}

typedef struct laying { int64_t *start; int64_t sequences; heed_side *side; } laying;

static void lay(laying *l, const int32_t *ids, int64_t n)
{
    memcpy(l->side->ids + l->side->N, ids, (size_t)n * sizeof *ids);
    l->side->N += n;
    l->start[++l->sequences] = l->side->N;
}

static bool room_for(heed_tape *t, heed_side *side, laying *l, int64_t rows, int64_t sequences)
{
    *side = (heed_side){.ids = heed_tape_alloc(t, (size_t)(rows + 1) * sizeof *side->ids), .keys = heed_tape_alloc(t, (size_t)(rows + 1) * sizeof *side->keys)};
    *l = (laying){.start = heed_tape_alloc(t, (size_t)(sequences + 1) * sizeof *l->start), .side = side};
    if (heed_tape_failed(t)) return false;
    memset(side->keys, 0, (size_t)(rows + 1) * sizeof *side->keys);
    l->start[0] = 0;
    return true;
}

/* Variants are ones of the same pair as a rule, neighbours the most alike: symbol i of one has symbol i of the one before it. */
static int64_t *twins_of(heed_tape *t, heed_span span)
{
    int64_t *twin = heed_tape_alloc(t, (size_t)(span.start[span.B] + 1) * sizeof *twin);
    for (int64_t b = 0, before = 0; twin && b < span.B; before = span.start[b + 1] - span.start[b], b++)
        for (int64_t at = span.start[b], i = 0; at < span.start[b + 1]; at++, i++) twin[at] = i < before ? at - before : at;
    return twin;
}

static bool lay_batch(heed_probing *p, const cut *c, heed_batch *b)
{
    heed_tape *t = p->tape;
    laying source, target;
    int64_t from = 0, to = 0, others = 0;
    for (int64_t i = 0; i < c->B; i++) {
        from += at(c, i)->S + at(c, i)->others;
        to += at(c, i)->T;
        others += at(c, i)->other != NULL;
    }
    *b = (heed_batch){.B = c->B};
    p->variant = heed_tape_alloc(t, (size_t)c->B * sizeof *p->variant);
    p->number = heed_tape_alloc(t, (size_t)c->B * sizeof *p->number);
    if (!room_for(t, &b->source, &source, from, c->B + others) || !room_for(t, &b->target, &target, to, c->B)) return false;
    for (int64_t i = 0; i < c->B; i++) {
        lay(&source, at(c, i)->source, at(c, i)->S);
        lay(&target, at(c, i)->target, at(c, i)->T);
        p->variant[i] = at(c, i);
        p->number[i] = c->order[c->first + i];
    }
    for (int64_t i = 0; i < c->B; i++)
        if (at(c, i)->other) lay(&source, at(c, i)->other, at(c, i)->others);
    p->B = c->B;
    p->source = b->source.span = (heed_span){source.start, source.sequences};
    b->target.span = (heed_span){target.start, target.sequences};
    p->twins[0] = c->B > 1 ? twins_of(t, b->source.span) : NULL;
    p->twins[1] = c->B > 1 ? twins_of(t, b->target.span) : NULL;
    p->rows[0] = b->source.N;
    p->rows[1] = b->target.N;
    return !heed_tape_failed(t);
}

/* --- through the model ---------------------------------------------------------------------------------------------------------------------------- */

/* The vectors, some of them others'; nothing of the memory changes. */
static void exchange_vectors(heed_probing *p, heed_encoded *e)
{
    int64_t *of = heed_tape_alloc(p->tape, (size_t)p->B * sizeof *of), others = 0;
    if (!of) return;
    for (int64_t b = 0; b < p->B; b++) of[b] = p->variant[b]->other ? p->B + others++ : b;
    if (!others) return;
    e->vector = heed_gather(p->tape, e->vector, of, p->B);
    if (e->cell) e->cell = heed_gather(p->tape, e->cell, of, p->B);
}

heed_forced heed_probing_pass(heed_probing *p, const heed_batch *b)
{
    const heed_model *m = p->probe->model;
    const heed_lesson lesson = {.forcing = 1, .guided = -1};
    p->loud = p->quiet = p->embedded = NULL;
    heed_encoded memory = m->encoder_kind->forward(p->tape, m->encoder, &b->source);
    if (!heed_tape_failed(p->tape)) exchange_vectors(p, &memory);
    return m->decoder_kind->forward(p->tape, m->decoder, &m->head, &memory, b, &lesson);
}

int64_t heed_probing_row(const heed_forced *f, const heed_batch *b, int64_t variant, int64_t i)
{
    const int64_t *start = b->target.span.start;
    int64_t row = 0;
    if (f->targets == b->target.ids) return start[variant] + i;
    for (int64_t v = 0; v < b->B; v++) {
        const int64_t T = start[v + 1] - start[v];
        row += T < i ? T : i;
    }
    return row + variant;
}

static void tell_all(const heed_probing *p, float *row, float whole, int64_t V, const heed_place *place)
{
    const heed_listener *l = p->probe->listener;
    for (int64_t w = 0; w < V; w++) row[w] -= whole;
    l->hear(l->self, p->number[place->variant], place->symbol, row, V);
}

void heed_probing_judge(heed_probing *p, const heed_batch *b, const heed_forced *f, int64_t N, const heed_place *place, float *logp)
{
    heed_tape *t = p->tape;
    const heed_head *h = &p->probe->model->head;
    const int64_t block = h->copies ? N : LOGIT_ROWS;
    for (int64_t first = 0; first < N && !heed_tape_failed(t); first += block) {
        const int64_t n = N - first < block ? N - first : block;
        const heed_mark mark = heed_arena_mark(t->arena);
        const heed_tensor *x = heed_head_choices(t, h, heed_rows(t, f->features, first, n), f->attended, f->looks, &b->source);
        for (int64_t i = 0; i < n && !heed_tape_failed(t); i++) {
            float *row = x->x + i * x->cols;
            const float whole = h->copies ? 0 : t->k->log_sum_exp(row, x->cols);
            logp[first + i] = row[f->targets[first + i]] - whole;
            if (place) tell_all(p, row, whole, x->cols, &place[first + i]);
        }
        heed_arena_rewind(t->arena, mark);
    }
}

heed_status heed_probing_not_finite(heed_error *err)
{
    return heed_fail(err, HEED_E_MODEL, "ln p is not a number: a weight of the model is not finite, or so large that a sum of products is not; "
                                        "train it anew, or take an earlier checkpoint");
}

/* NULL: nobody listens, or the tape has failed. */
static heed_place *places_of(heed_probing *p, const heed_batch *b, const heed_forced *f)
{
    heed_place *place = p->probe->listener ? heed_tape_alloc(p->tape, (size_t)(b->target.N + 1) * sizeof *place) : NULL;
    for (int64_t v = 0; place && v < b->B; v++)
        for (int64_t i = 0; i < p->variant[v]->T; i++) place[heed_probing_row(f, b, v, i)] = (heed_place){v, i};
    return place;
}

static heed_status run_batch(heed_probing *p, const heed_batch *b, heed_error *err)
{
    float *logp = heed_tape_alloc(p->tape, (size_t)(b->target.N + 1) * sizeof *logp);
    const heed_forced f = heed_probing_pass(p, b);
    const heed_place *place = heed_tape_failed(p->tape) ? NULL : places_of(p, b, &f);
    if (!heed_tape_failed(p->tape)) heed_probing_judge(p, b, &f, b->target.N, place, logp);
    if (heed_tape_failed(p->tape)) return heed_tape_status(p->tape, err);
    for (int64_t v = 0; v < b->B; v++)
        for (int64_t i = 0; i < p->variant[v]->T; i++) {
            const float one = logp[heed_probing_row(&f, b, v, i)];
            if (isnan(one)) return heed_probing_not_finite(err);
            const bool wanted = p->variant[v]->logp && (!p->variant[v]->last || i == p->variant[v]->T - 1);
            if (wanted) p->variant[v]->logp[p->variant[v]->last ? 0 : i] = one;
        }
    return HEED_OK;
}

/* For who only looks: the output layer is left out. */
static heed_status watch_batch(heed_probing *p, const heed_batch *b, heed_error *err)
{
    heed_probing_pass(p, b);
    return heed_tape_status(p->tape, err);
}

/* --- all batches -------------------------------------------------------------------------------------------------------------------------------- */

static heed_status check(const heed_probe *p, const heed_variant *v, heed_error *err)
{
    if (v->S < 1 || v->T < 1) return heed_fail(err, HEED_E_USAGE, "a probe needs a source and a target of at least one symbol each; </s> is one");
    const bool begins = p->model->recipe.model.decoder.type == HEED_DECODER_rnn || p->model->recipe.model.attention.score == HEED_ATTENTION_NONE;
    if (v->other && (v->others < 1 || !begins))
        return heed_fail(err, HEED_E_USAGE, "%s", v->others < 1 ? "a source without symbols has no vector"
                                                               : "this decoder begins with no vector of the source: all that it knows of it comes through attention");
    return HEED_OK;
}

typedef struct ranked { int64_t T, number; } ranked;

static int longest_first(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    return x->T != y->T ? (x->T < y->T) - (x->T > y->T) : (x->number > y->number) - (x->number < y->number);
}

/* As a batch wants them: a recurrent decoder's alive ones are its first. NULL: out of memory. */
static int64_t *order_of(const heed_variant *v, int64_t count)
{
    ranked *r = malloc(((size_t)count + 1) * sizeof *r);
    int64_t *order = r ? malloc(((size_t)count + 1) * sizeof *order) : NULL;
    for (int64_t i = 0; order && i < count; i++) r[i] = (ranked){v[i].T, i};
    if (order) qsort(r, (size_t)count, sizeof *r, longest_first);
    for (int64_t i = 0; order && i < count; i++) order[i] = r[i].number;
    free(r);
    return order;
}

/* All batches, in the order in which they are taken. */
typedef struct plan { cut *cuts; int64_t *order, count; } plan;

/* Watched, meddled with or listened to, one thread does all, in order. */
static bool one_thread(const heed_probe *p) { return p->observer || p->meddler || p->listener; }

/* As many as there are threads, if that leaves each enough to do. */
static bool make_plan(const heed_probe *p, const heed_variant *v, int64_t count, bool record, plan *a)
{
    const int64_t F = p->model->decoder_kind->width(p->model->decoder), most = record && F < MOST_VARIANTS ? F : MOST_VARIANTS;
    const int64_t room = record ? RECORDED_ROWS : ROWS;
    int64_t rows = 0;
    *a = (plan){.order = order_of(v, count), .cuts = malloc(((size_t)count + 1) * sizeof *a->cuts)};
    for (int64_t i = 0; i < count; i++) rows += rows_of(&v[i]);
    const int threads = one_thread(p) ? 1 : p->threads;
    int64_t share = threads > 1 ? rows / threads + rows_of(v) : rows;
    share = share > LEAST_SHARE ? share : LEAST_SHARE;
    for (int64_t done = 0; a->order && a->cuts && done < count; a->count++) {
        a->cuts[a->count] = cut_batch(v, a->order, done, count, most, share < room ? share : room);
        done += a->cuts[a->count].B;
    }
    return a->order && a->cuts;
}

static heed_status run_cut(heed_probing *w, const cut *c, const heed_taking *to, heed_error *err)
{
    heed_batch b;
    w->tape->hooks = &w->hooks;
    w->hooks.packs = to || w->probe->floats ? w->probe->packs : NULL;
    heed_tape_reset(w->tape, to != NULL, false, 0);
    bool lasts_only = !w->probe->listener, any = w->probe->listener;
    for (int64_t i = 0; i < c->B; i++) {
        lasts_only = lasts_only && at(c, i)->last && at(c, i)->logp;
        any = any || at(c, i)->logp;
    }
    heed_status status = !lay_batch(w, c, &b) ? heed_tape_status(w->tape, err)
                         : to                 ? heed_probing_gradients(w, &b, to, err)
                         : !any               ? watch_batch(w, &b, err)
                         : lasts_only         ? heed_probing_lasts(w, &b, err)
                                              : run_batch(w, &b, err);
    w->tape->hooks = NULL;
    return status;
}

void heed_probe_ask(heed_probe *p, bool (*stop)(void *user), void *user)
{
    p->stop = stop;
    p->user = user;
}

static heed_status run_or_stop(heed_probe *p, const cut *c, const heed_taking *to, heed_error *err)
{
    const int me = omp_get_thread_num();
    if (!me && p->stop && p->stop(p->user)) return heed_fail(err, HEED_E_STOPPED, "stopped while passes through the model were still to come");
    return run_cut(&p->each[me], c, to, err);
}

/* to NULL: ln p alone. */
static heed_status run_all(heed_probe *p, const heed_variant *v, int64_t count, const heed_taking *to, heed_error *err)
{
    plan a = {0};
    heed_status status = to ? pack_all(p, err) : HEED_OK;
    for (int64_t i = 0; i < count && status == HEED_OK; i++) status = check(p, &v[i], err);
    if (status) return status;
    if (!make_plan(p, v, count, to != NULL, &a)) status = heed_fail(err, HEED_E_NOMEM, "out of memory for the variants of a pair");
    const int threads = one_thread(p) || a.count < 2 ? 1 : p->threads;
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
    for (int64_t i = 0; i < a.count; i++) {
        heed_error why;
        heed_status mine;
#pragma omp atomic read
        mine = status;
        if (mine == HEED_OK) mine = run_or_stop(p, &a.cuts[i], to, &why);
        else continue;
        if (mine == HEED_OK) continue;
#pragma omp critical(heed_probe_failed)
        {
            if (err && status == HEED_OK) *err = why;
#pragma omp atomic write
            status = mine;
        }
    }
    free(a.order);
    free(a.cuts);
    return status;
}

void heed_probe_hang(heed_probe *p, const heed_variant *v)
{
    heed_probing *w = p->each;
    *w = (heed_probing){.probe = p, .tape = w->tape, .hooks = w->hooks, .hung_variant = v, .hung = true, .B = 1, .hung_start = {0, v->S}};
    w->variant = &w->hung_variant;
    w->number = &w->hung_number;
    w->source = (heed_span){w->hung_start, 1};
    w->hooks.packs = NULL;
    w->tape->hooks = &w->hooks;
}

void heed_probe_take_down(heed_probe *p)
{
    p->each->hung = false;
    p->each->tape->hooks = NULL;
}

heed_status heed_probe_run(heed_probe *p, const heed_variant *v, int64_t count, heed_error *err) { return run_all(p, v, count, NULL, err); }

heed_status heed_probe_gradients(heed_probe *p, const heed_variant *v, int64_t count, heed_gradient_take *take, void *self, heed_error *err)
{
    return run_all(p, v, count, &(heed_taking){take, self}, err);
}
