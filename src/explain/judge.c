/* Variants with symbols taken away, run in rounds: explain/judge.h. */
#include "explain/judge.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "data/text.h"

enum { ROUND = 256 };   /* variants that run at a time */

const double heed_judge_share[HEED_SHARES] = {0, 0.01, 0.05, 0.1, 0.2, 0.5, 1};

typedef enum way { DELETED, BLANKED, KEPT, WAYS } way;

static double *curve_of(heed_judged *j, way w) { return w == DELETED ? j->deleted : w == BLANKED ? j->blanked : j->kept; }

/* --- orders ---------------------------------------------------------------------------------------------------------------------------------------- */

typedef struct ranked { float score; int64_t symbol; } ranked;

static int highest_first(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    return x->score != y->score ? (x->score < y->score) - (x->score > y->score) : (x->symbol > y->symbol) - (x->symbol < y->symbol);
}

/* Where each of the n text symbols stands in the order in which they go, for target symbol t. */
static void rank(const heed_order *o, int64_t t, int64_t S, int64_t n, ranked *by, int64_t *place)
{
    for (int64_t s = 0; s < n; s++) {
        const float score = o->scores ? o->scores[t * S + s] : (float)heed_uniform(heed_key(o->seed, (uint64_t)t), (uint64_t)s);
        by[s] = (ranked){o->reverse ? -score : score, s};
    }
    qsort(by, (size_t)n, sizeof *by, highest_first);
    for (int64_t s = 0; s < n; s++) place[by[s].symbol] = s;
}

static int64_t symbols_of(double share, int64_t n)
{
    const int64_t k = (int64_t)llround(share * (double)n);
    return share > 0 && k < 1 ? 1 : k;
}

/* --- rounds ----------------------------------------------------------------------------------------------------------------------------------------- */

/* Variants that wait to be run, and where the p of each is added. */
typedef struct waiting {
    const heed_lens_input *in;
    heed_variant v[ROUND];
    double *to[ROUND];
    float p[ROUND];
    int64_t count, text;          /* text: source symbols that are not </s> */
    int32_t *ids;                 /* [ROUND,S] */
    float *scale, *mean;          /* [ROUND,S], [E] */
    ranked *by;                   /* [S] */
    int64_t *place;               /* [S] of each symbol in the order */
    double weight;                /* of a row in its mean */
} waiting;

static bool make_room(waiting *w)
{
    const size_t S = (size_t)w->in->S;
    w->ids = malloc(ROUND * S * sizeof *w->ids);
    w->scale = malloc(ROUND * S * sizeof *w->scale);
    w->mean = malloc((size_t)heed_probe_width(w->in->probe) * sizeof *w->mean);
    w->by = malloc(S * sizeof *w->by);
    w->place = malloc(S * sizeof *w->place);
    return w->ids && w->scale && w->mean && w->by && w->place;
}

static heed_status run_round(waiting *w, heed_error *err)
{
    heed_status status = heed_probe_run(w->in->probe, w->v, w->count, err);
    for (int64_t i = 0; i < w->count && status == HEED_OK; i++) *w->to[i] += w->weight * exp((double)w->p[i]);
    w->count = 0;
    return status;
}

/* One variant more for target symbol t: without, blanked, or with nothing but the first k symbols of the order that `place` holds. */
static heed_status add(waiting *w, way how, int64_t t, int64_t k, double *to, heed_error *err)
{
    const heed_lens_input *in = w->in;
    heed_variant *v = &w->v[w->count];
    int32_t *ids = w->ids + w->count * in->S;
    float *scale = w->scale + w->count * in->S;
    *v = (heed_variant){.source = ids, .target = in->target, .T = t + 1, .last = true, .scale = how == BLANKED && k ? scale : NULL, .logp = &w->p[w->count]};
    for (int64_t s = 0; s < in->S; s++) {
        const bool text = s < w->text, first = text && w->place[s] < k;
        if (text && (how == DELETED ? first : how == KEPT ? !first : false)) continue;
        scale[v->S] = first ? 0 : 1;
        ids[v->S++] = in->source[s];
    }
    w->to[w->count++] = to;
    return w->count == ROUND ? run_round(w, err) : HEED_OK;
}

/* The inner shares of one order; shares of as many symbols as the one before have its p. */
static heed_status add_order(waiting *w, int64_t t, heed_judged *j, heed_error *err)
{
    heed_status status = HEED_OK;
    for (int i = 1; i < HEED_SHARES - 1; i++) {
        const int64_t k = symbols_of(heed_judge_share[i], w->text);
        if (i > 1 && k == symbols_of(heed_judge_share[i - 1], w->text)) continue;
        for (way how = 0; how < WAYS && status == HEED_OK; how++) status = add(w, how, t, k, &curve_of(j, how)[i], err);
    }
    return status;
}

/* All there, nothing there, nothing but blanks: alike in every order. */
typedef struct ends { double whole, none, blank; } ends;

static heed_status add_ends(waiting *w, int64_t t, ends *e, heed_error *err)
{
    for (int64_t s = 0; s < w->text; s++) w->place[s] = s;
    heed_status status = add(w, DELETED, t, 0, &e->whole, err);
    if (!status) status = add(w, KEPT, t, 0, &e->none, err);
    return status ? status : add(w, BLANKED, t, w->text, &e->blank, err);
}

static void finish(const waiting *w, const ends *e, heed_judged *j)
{
    for (way how = 0; how < WAYS; how++) {
        double *curve = curve_of(j, how);
        for (int i = 2; i < HEED_SHARES - 1; i++)
            if (symbols_of(heed_judge_share[i], w->text) == symbols_of(heed_judge_share[i - 1], w->text)) curve[i] = curve[i - 1];
        curve[0] = how == KEPT ? e->none : e->whole;
        curve[HEED_SHARES - 1] = how == DELETED ? e->none : how == BLANKED ? e->blank : e->whole;
    }
}

static heed_status judge_rows(waiting *w, const heed_order *orders, int count, const int64_t *rows, int64_t n, heed_judged *judged, heed_error *err)
{
    ends e = {0, 0, 0};
    heed_status status = HEED_OK;
    for (int64_t r = 0; r < n && status == HEED_OK; r++) {
        status = add_ends(w, rows[r], &e, err);
        for (int o = 0; o < count && status == HEED_OK; o++) {
            rank(&orders[o], rows[r], w->in->S, w->text, w->by, w->place);
            status = add_order(w, rows[r], &judged[o], err);
        }
    }
    if (!status && w->count) status = run_round(w, err);
    for (int o = 0; o < count; o++) finish(w, &e, &judged[o]);
    return status;
}

heed_status heed_judge(const heed_lens_input *in, const heed_order *orders, int count, const int64_t *rows, int64_t n, heed_judged *judged, heed_error *err)
{
    const int64_t text = in->S - (in->source[in->S - 1] == HEED_EOS);
    if (text < 1) return heed_fail(err, HEED_E_USAGE, "a source without symbols has none to take away");
    waiting *w = calloc(1, sizeof *w);
    memset(judged, 0, (size_t)count * sizeof *judged);
    if (w) *w = (waiting){.in = in, .text = text, .weight = n ? 1 / (double)n : 0};
    heed_status status = w && make_room(w) ? HEED_OK : heed_fail(err, HEED_E_NOMEM, "out of memory for judging a lens");
    if (!status) {
        const float *baseline = heed_probe_get_baseline(in->probe);
        heed_probe_mean(in->probe, w->mean);
        heed_probe_baseline(in->probe, w->mean);
        status = judge_rows(w, orders, count, rows, n, judged, err);
        heed_probe_baseline(in->probe, baseline);
    }
    if (w) {
        free(w->ids);
        free(w->scale);
        free(w->mean);
        free(w->by);
        free(w->place);
    }
    free(w);
    return status;
}

/* --- figures ---------------------------------------------------------------------------------------------------------------------------------------- */

static double fall(double whole, const double *curve)
{
    double sum = 0;
    for (int i = 1; i < HEED_SHARES - 1; i++) sum += whole - curve[i];
    return sum / (HEED_SHARES - 2);
}

double heed_comprehensiveness(const double curve[HEED_SHARES]) { return fall(curve[0], curve); }
double heed_sufficiency(const heed_judged *j) { return fall(j->kept[HEED_SHARES - 1], j->kept); }
