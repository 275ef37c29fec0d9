/* heed_needed_measure: what becomes of a model when its cross attention is another. Pairs are read along with the model's own weights and with others, on all
 * threads; what was found of each is kept in its order, and intervals are drawn from that. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "api/along.h"
#include "base/rng.h"
#include "explain/looks.h"
#include "metric/bootstrap.h"

enum { DRAWS = 10, SEED = 73, MOST_WEIGHTS = 1 << 22, MOST_PROBABILITIES = 1 << 24 };

typedef struct found {
    int64_t symbols;                   /* 0: the pair was left out */
    double loss;                       /* sums over the symbols, of changes the means of their draws */
    struct { double loss, same, divergence; } of[HEED_CHANGES];
    double *distance;                  /* [HEED_CHANGES,symbols] */
} found;

typedef struct measuring {
    heed_session *session;
    const heed_needed_options *o;
    heed_along_how how;
    heed_along along;
    int changes;
    found *found;                      /* [along.count] */
    struct worker *workers;            /* [threads] */
} measuring;

const char *heed_attention_change_name(heed_attention_change c)
{
    static const char *const names[HEED_CHANGES] = {"permuted", "uniform", "other", "model"};
    return names[c];
}

static heed_status no_memory(heed_error *err) { return heed_fail(err, HEED_E_NOMEM, "out of memory for changing attention"); }

/* --- what is asked --------------------------------------------------------------------------------------------------------------------------------- */

/* Weights are imposed symbol by symbol and head by head, so these must be the same things in both. */
static heed_status suits(const heed_model *m, const heed_model *other, heed_error *err)
{
    int layers, heads, other_layers, other_heads;
    heed_error why;
    heed_model_looks(m, &layers, &heads);
    heed_model_looks(other, &other_layers, &other_heads);
    if (layers != other_layers || heads != other_heads)
        return heed_fail(err, HEED_E_USAGE, "the other model's attention has %d layers of %d heads, this model's has %d of %d; give a model of the same recipe, "
                                            "trained from another seed", other_layers, other_heads, layers, heads);
    const bool source = heed_text_compare(m->source, other->source, &why) == HEED_OK;
    if (source && heed_text_compare(m->target, other->target, &why) == HEED_OK) return HEED_OK;
    return heed_fail(err, HEED_E_USAGE, "the other model's %s vocabulary is not this model's (%s); give a model that was trained on the same data, from another seed",
                     source ? "target" : "source", why.text);
}

static heed_status settle(measuring *m, heed_error *err)
{
    const heed_needed_options *o = m->o;
    int layers, heads;
    m->along = (heed_along){.source = o->source, .target = o->target, .own = o->own, .most = o->pairs};
    m->changes = o->other ? HEED_CHANGES : HEED_CHANGE_OTHER;
    if (o->pairs < 0) return heed_fail(err, HEED_E_USAGE, "%lld pairs cannot be read", (long long)o->pairs);
    heed_status status = heed_along_settle(m->session, &m->how, err);
    if (status) return status;
    heed_model_looks(m->session->model, &layers, &heads);
    if (!layers)
        return heed_fail(err, HEED_E_USAGE, "this model has no attention that could be changed (model.attention.score: none); without --attention heed faithful "
                                            "tells which of its lenses to trust");
    return o->other ? suits(m->session->model, o->other, err) : HEED_OK;
}

/* --- one pair ---------------------------------------------------------------------------------------------------------------------------------------- */

typedef struct worker {
    heed_arena *arena;
    heed_probe *probe, *other;         /* on one tape, one after the other */
} worker;

/* What is known of the pair in hand, [T,V] and [T]. */
typedef struct hearing {
    float *p;
    int64_t *best;
    double *distance, same;            /* of the change that runs: sums over its draws */
    int64_t V;
} hearing;

static int64_t best_of(const float *logp, int64_t V)
{
    int64_t best = 0;
    for (int64_t w = 1; w < V; w++) best = logp[w] > logp[best] ? w : best;
    return best;
}

static void hear_own(void *self, int64_t variant, int64_t symbol, const float *logp, int64_t V)
{
    hearing *h = self;
    (void)variant;
    h->best[symbol] = best_of(logp, V);
    for (int64_t w = 0; w < V; w++) h->p[symbol * V + w] = expf(logp[w]);
}

static void hear_changed(void *self, int64_t variant, int64_t symbol, const float *logp, int64_t V)
{
    hearing *h = self;
    const float *own = h->p + symbol * V;
    double sum = 0;
    (void)variant;
    for (int64_t w = 0; w < V; w++) sum += fabs((double)(expf(logp[w]) - own[w]));
    h->distance[symbol] += sum / 2;
    h->same += best_of(logp, V) == h->best[symbol];
}

static double loss_of(const float *logp, int64_t T)
{
    double sum = 0;
    for (int64_t t = 0; t < T; t++) sum -= (double)logp[t];
    return sum;
}

/* Runs n draws of a change, looks [n], and adds their figures to f. */
static heed_status run_changed(worker *w, const heed_variant *pair, const heed_looks *own, const heed_looks *looks, int n, hearing *h, found *f, int change,
                               heed_error *err)
{
    heed_variant v[DRAWS];
    float *logp = heed_arena_alloc(w->arena, (size_t)(n * pair->T) * sizeof *logp);
    if (!logp) return no_memory(err);
    for (int i = 0; i < n; i++) {
        v[i] = *pair;
        v[i].logp = logp + i * pair->T;
    }
    const heed_meddler other = heed_looks_imposed(looks);
    const heed_listener listener = {h, hear_changed};
    h->distance = f->distance + change * pair->T;
    h->same = 0;
    heed_probe_meddle(w->probe, &other);
    heed_probe_listen(w->probe, &listener);
    heed_status status = heed_probe_run(w->probe, v, n, err);
    heed_probe_meddle(w->probe, NULL);
    heed_probe_listen(w->probe, NULL);
    for (int i = 0; i < n; i++) {
        f->of[change].loss += loss_of(v[i].logp, pair->T);
        f->of[change].divergence += heed_looks_divergence(own, &looks[i]);
    }
    f->of[change].same += h->same;
    return status;
}

/* Draws beside each other as long as their weights are few. */
static heed_status run_permuted(worker *w, const heed_variant *pair, const heed_looks *own, uint64_t key, hearing *h, found *f, heed_error *err)
{
    const int64_t count = heed_looks_count(w->probe, own->T, own->S);
    const int most = MOST_WEIGHTS / count < DRAWS ? (int)(MOST_WEIGHTS / count) : DRAWS;
    heed_looks looks[DRAWS];
    heed_status status = HEED_OK;
    for (int i = 0; i < most; i++)
        if (!heed_looks_make(w->arena, w->probe, own->T, own->S, false, &looks[i])) return no_memory(err);
    for (int done = 0, n; done < DRAWS && status == HEED_OK; done += n) {
        n = DRAWS - done < most ? DRAWS - done : most;
        for (int i = 0; i < n; i++) heed_looks_permute(own, heed_key(key, (uint64_t)(done + i)), &looks[i]);
        status = run_changed(w, pair, own, looks, n, h, f, HEED_CHANGE_PERMUTED, err);
    }
    for (int64_t t = 0; t < own->T; t++) f->distance[HEED_CHANGE_PERMUTED * own->T + t] /= DRAWS;
    f->of[HEED_CHANGE_PERMUTED].loss /= DRAWS;
    f->of[HEED_CHANGE_PERMUTED].same /= DRAWS;
    f->of[HEED_CHANGE_PERMUTED].divergence /= DRAWS;
    return status;
}

/* The other model as it is; what it weighs goes into looks. */
static heed_status run_other(worker *w, heed_variant *pair, const heed_looks *own, heed_looks *looks, hearing *h, found *f, heed_error *err)
{
    const heed_listener listener = {h, hear_changed};
    h->distance = f->distance + HEED_CHANGE_MODEL * pair->T;
    h->same = 0;
    heed_probe_listen(w->other, &listener);
    const heed_status status = heed_looks_record(w->other, pair, looks, err);
    heed_probe_listen(w->other, NULL);
    if (status) return status;
    f->of[HEED_CHANGE_MODEL].loss = loss_of(pair->logp, pair->T);
    f->of[HEED_CHANGE_MODEL].same = h->same;
    f->of[HEED_CHANGE_MODEL].divergence = heed_looks_divergence(own, looks);
    return HEED_OK;
}

static heed_status run_changes(const measuring *m, worker *w, heed_variant *pair, uint64_t key, found *f, heed_error *err)
{
    const int64_t T = pair->T, V = heed_text_size(m->session->model->target);
    heed_looks own, looks;
    float *logp = pair->logp = heed_arena_alloc(w->arena, (size_t)T * sizeof *logp);
    hearing h = {.V = V, .p = heed_arena_alloc(w->arena, (size_t)(T * V) * sizeof *h.p), .best = heed_arena_alloc(w->arena, (size_t)T * sizeof *h.best)};
    f->distance = calloc((size_t)(HEED_CHANGES * T), sizeof *f->distance);
    if (!logp || !h.p || !h.best || !f->distance || !heed_looks_make(w->arena, w->probe, T, pair->S, true, &own) ||
        !heed_looks_make(w->arena, w->probe, T, pair->S, true, &looks))
        return no_memory(err);
    const heed_listener listener = {&h, hear_own};
    heed_probe_listen(w->probe, &listener);
    heed_status status = heed_looks_record(w->probe, pair, &own, err);
    heed_probe_listen(w->probe, NULL);
    f->loss = loss_of(logp, T);
    if (!status) status = run_permuted(w, pair, &own, key, &h, f, err);
    if (!status) heed_looks_level(&own, &looks);
    if (!status) status = run_changed(w, pair, &own, &looks, 1, &h, f, HEED_CHANGE_UNIFORM, err);
    if (!status && w->other) status = run_other(w, pair, &own, &looks, &h, f, err);
    if (!status && w->other) status = run_changed(w, pair, &own, &looks, 1, &h, f, HEED_CHANGE_OTHER, err);
    f->symbols = T;
    return status;
}

static bool too_long(const measuring *m, const worker *w, int64_t T, int64_t S)
{
    return heed_looks_count(w->probe, T, S) > MOST_WEIGHTS || T * heed_text_size(m->session->model->target) > MOST_PROBABILITIES ||
           (w->other && heed_model_fits(m->o->other, S - 1, T - 1, NULL) != HEED_OK);
}

static heed_status look_into(const measuring *m, worker *w, int64_t i, heed_tape *tape, heed_error *err)
{
    heed_along_symbols x;
    heed_arena_reset(w->arena);
    heed_status status = heed_along_symbols_of(m->session, &m->how, &m->along, i, tape, w->arena, &x, err);
    const int64_t S = x.output.source_count, T = x.output.count;
    if (status || x.output.status || S < 2 || T < 1 || too_long(m, w, T, S)) return status;
    return run_changes(m, w, &(heed_variant){.source = x.source, .S = S, .target = x.target, .T = T}, heed_key(SEED, (uint64_t)i), &m->found[i], err);
}

/* --- all pairs ---------------------------------------------------------------------------------------------------------------------------------------- */

static heed_status open_workers(const measuring *m, worker *w, heed_error *err)
{
    for (int i = 0; i < m->session->threads; i++) {
        w[i].arena = heed_arena_new(0);
        if (!w[i].arena) return no_memory(err);
        w[i].probe = heed_probe_new(m->session->model, m->session->tapes[i], err);
        if (w[i].probe && m->o->other) w[i].other = heed_probe_new(m->o->other, m->session->tapes[i], err);
        if (!w[i].probe || (m->o->other && !w[i].other)) return HEED_E_NOMEM;
    }
    return HEED_OK;
}

static heed_status visit(void *self, int thread, int64_t i, heed_error *err)
{
    measuring *m = self;
    return look_into(m, &m->workers[thread], i, m->session->tapes[thread], err);
}

static heed_status look_into_all(measuring *m, heed_error *err)
{
    worker *w = m->workers = calloc((size_t)m->session->threads, sizeof *w);
    m->found = calloc((size_t)m->along.count, sizeof *m->found);
    heed_status status = w && m->found ? open_workers(m, w, err) : no_memory(err);
    if (!status) status = heed_along_each(m->session, &m->along, visit, m, m->o->progress, m->o->user, err);
    for (int i = 0; w && i < m->session->threads; i++) {
        heed_probe_free(w[i].other);
        heed_probe_free(w[i].probe);
        heed_arena_free(w[i].arena);
    }
    free(w);
    return status;
}

/* --- figures -------------------------------------------------------------------------------------------------------------------------------------------- */

enum { LOSS_AS_IT_IS, LOSS, SAME, DISTANCE, DIVERGENCE };

static double ratio(const void *of, const double *sums)
{
    (void)of;
    return sums[0] / sums[1];
}

static double sum_of(const found *f, int change, int measure)
{
    double sum = 0;
    if (measure != DISTANCE)
        return measure == LOSS_AS_IT_IS ? f->loss : measure == LOSS ? f->of[change].loss : measure == SAME ? f->of[change].same : f->of[change].divergence;
    for (int64_t t = 0; t < f->symbols; t++) sum += f->distance[change * f->symbols + t];
    return sum;
}

static heed_status estimate(const measuring *m, int change, int measure, heed_estimate *e, heed_error *err)
{
    heed_counts counts = {.width = 2};
    heed_interval drawn = {0};
    double sum[2] = {0, 0};
    heed_status status = HEED_OK;
    for (int64_t i = 0; i < m->along.count && status == HEED_OK; i++) {
        const double one[2] = {m->found[i].symbols ? sum_of(&m->found[i], change, measure) : 0, (double)m->found[i].symbols};
        sum[0] += one[0];
        sum[1] += one[1];
        if (m->found[i].symbols) status = heed_counts_add(&counts, one, 2, err);
    }
    if (!status) status = heed_bootstrap_interval(&(heed_sample){&counts, ratio, NULL}, &(heed_draws){.seed = SEED}, &drawn, err);
    *e = (heed_estimate){sum[0] / sum[1], drawn.low, drawn.high};
    heed_counts_free(&counts);
    return status;
}

static heed_status estimate_median(const measuring *m, const heed_needed *n, int change, heed_estimate *e, heed_error *err)
{
    heed_of_line *x = malloc((size_t)n->symbols * sizeof *x);
    heed_interval drawn = {0};
    int64_t count = 0, line = 0;
    double median = 0;
    if (!x) return no_memory(err);
    for (int64_t i = 0; i < m->along.count; i++) {
        const found *f = &m->found[i];
        for (int64_t t = 0; t < f->symbols; t++) x[count++] = (heed_of_line){f->distance[change * f->symbols + t], line};
        line += f->symbols > 0;
    }
    heed_status status = heed_bootstrap_median(x, count, line, &(heed_draws){.seed = SEED}, &median, &drawn, err);
    *e = (heed_estimate){median, drawn.low, drawn.high};
    free(x);
    return status;
}

static heed_status sum_up(const measuring *m, heed_needed *n, heed_error *err)
{
    *n = (heed_needed){.count = m->changes};
    heed_model_looks(m->session->model, &n->layers, &n->heads);
    for (int64_t i = 0; i < m->along.count; i++) {
        n->pairs += m->found[i].symbols > 0;
        n->symbols += m->found[i].symbols;
    }
    n->left_out = m->along.count - n->pairs;
    if (!n->pairs) return heed_fail(err, HEED_E_DATA, "%s: no pair could be read along: all are empty or too long", m->o->source);
    heed_status status = estimate(m, 0, LOSS_AS_IT_IS, &n->loss, err);
    for (int c = 0; c < n->count && status == HEED_OK; c++) {
        heed_attention_changed *to = &n->changed[c];
        to->change = (heed_attention_change)c;
        status = estimate(m, c, LOSS, &to->loss, err);
        if (!status) status = estimate(m, c, SAME, &to->same, err);
        if (!status) status = estimate(m, c, DISTANCE, &to->distance, err);
        if (!status) status = estimate_median(m, n, c, &to->median, err);
        if (!status) status = estimate(m, c, DIVERGENCE, &to->divergence, err);
    }
    return status;
}

heed_status heed_needed_measure(heed_session *s, const heed_needed_options *options, heed_needed *found, heed_error *err)
{
    measuring m = {.session = s, .o = options};
    heed_status status = settle(&m, err);
    if (!status) status = heed_along_read(&m.along, err);
    if (!status) status = look_into_all(&m, err);
    if (!status) status = sum_up(&m, found, err);
    for (int64_t i = 0; m.found && i < m.along.count; i++) free(m.found[i].distance);
    free(m.found);
    heed_along_free(&m.along);
    return status;
}
