/* heed_calibrate: which layer, head, shift and threshold link words best, and whether the empty word helps a model that knows it, found on gold links. One
 * pass of forced decoding with all weights kept; every candidate is counted on it, on the lines tuned and on the others. */
#include <stdlib.h>
#include <string.h>

#include "api/pairs.h"
#include "api/session.h"

/* The weights of so many pairs are held at once. */
enum { ROUND = 16, FIRST = 1, LAST = 100 };

static const double thresholds[] = {0, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5};   /* 0: each word's heaviest */
enum { THRESHOLDS = sizeof thresholds / sizeof *thresholds };

typedef struct trial { heed_look look; int place; heed_link_counts tuned, rest; } trial;

typedef struct calibration {
    heed_session *session;
    heed_align_options options;       /* all lines of the files given */
    int64_t first, last;              /* lines tuned */
    heed_pairs pairs;
    trial *trials;                    /* [count] by layer from the last, mean before heads, shift, empty, threshold */
    int count, layers, heads;
    int64_t tuned, rest;              /* lines */
    heed_arena *arena;                /* of a candidate's matrix */
    heed_link *links;                 /* [room] */
    int64_t room;
} calibration;

static int by_error(const void *a, const void *b)
{
    const trial *x = a, *y = b;
    const double one = heed_link_counts_aer(&x->tuned), two = heed_link_counts_aer(&y->tuned);
    return one != two ? (one > two) - (one < two) : x->place - y->place;
}

static heed_status lay_trials(calibration *c, heed_error *err)
{
    heed_model_looks(c->session->model, &c->layers, &c->heads);
    if (!c->layers) return heed_fail(err, HEED_E_USAGE, "this model has no attention, which is what words are linked by");
    const int from = c->heads == 1 ? 0 : -1;   /* the mean of one is the one */
    const int empty = heed_model_look(c->session->model).empty ? 2 : 1;   /* of attention that was not taught it, </s> tells nothing */
    c->trials = calloc((size_t)(c->layers * (c->heads - from) * 2 * empty * THRESHOLDS), sizeof *c->trials);
    if (!c->trials) return heed_fail(err, HEED_E_NOMEM, "out of memory for a calibration");
    for (int layer = c->layers - 1; layer >= 0; layer--)
        for (int head = from; head < c->heads; head++)
            for (int how = 0; how < 2 * empty; how++)
                for (int t = 0; t < THRESHOLDS; t++, c->count++)
                    c->trials[c->count] = (trial){.look = {.layer = layer, .head = head, .shift = how / empty, .empty = how % empty, .threshold = thresholds[t]},
                                                  .place = c->count};
    return HEED_OK;
}

/* --- a pair by every candidate -------------------------------------------------------------------------------------------------------------------------- */

/* Rows of a layer's head, or of the mean of its heads, out of all weights of an output; as src/task/transduce.c shows them, bit for bit. */
typedef struct rows { const heed_output *o; heed_look look; float *mean; } rows;

static const float *weights_of(const heed_output *o, int64_t layer, int64_t head, int64_t i)
{
    return o->weights + ((layer * o->heads + head) * o->count + i) * o->source_count;
}

static const float *next_row(void *self, int64_t i)
{
    const rows *r = self;
    const heed_output *o = r->o;
    if (i + r->look.shift < o->count) i += r->look.shift;
    if (r->look.head >= 0) return weights_of(o, r->look.layer, r->look.head, i);
    memcpy(r->mean, weights_of(o, r->look.layer, 0, i), (size_t)o->source_count * sizeof *r->mean);
    for (int64_t h = 1; h < o->heads; h++)
        for (int64_t j = 0; j < o->source_count; j++) r->mean[j] += weights_of(o, r->look.layer, h, i)[j];
    for (int64_t j = 0; j < o->source_count; j++) r->mean[j] /= (float)o->heads;
    return r->mean;
}

static bool have_room(calibration *c, int64_t count)
{
    if (count <= c->room) return true;
    heed_link *grown = realloc(c->links, (size_t)count * sizeof *grown);
    if (grown) c->links = grown;
    if (grown) c->room = count;
    return grown != NULL;
}

/* One matrix of words, every threshold. */
static heed_status try_look(calibration *c, trial *first, const heed_output *given, bool tuned, heed_error *err)
{
    heed_output o = *given;
    heed_pairs *p = &c->pairs;
    heed_arena_reset(c->arena);
    rows r = {.o = given, .look = first->look, .mean = heed_arena_alloc(c->arena, (size_t)(o.source_count + 1) * sizeof(float))};
    o.look = first->look;
    if (!r.mean || !heed_output_align(&o, next_row, &r, c->arena)) return heed_fail(err, HEED_E_NOMEM, "out of memory for a calibration");
    heed_status status = HEED_OK;
    for (int t = 0; t < THRESHOLDS && status == HEED_OK; t++) {
        trial *now = &first[t];
        if (!have_room(c, heed_output_link(&o, now->look.threshold, NULL))) return heed_fail(err, HEED_E_NOMEM, "out of memory for a calibration");
        status = heed_links_set(&p->found, c->links, heed_output_link(&o, now->look.threshold, c->links), err);
        if (status == HEED_OK) heed_link_counts_add(tuned ? &now->tuned : &now->rest, &p->found, &p->sure, &p->possible);
    }
    return status;
}

static heed_status try_pair(calibration *c, int64_t i, const heed_output *o, heed_error *err)
{
    const int64_t line = c->pairs.pair[i].line;
    const bool tuned = line >= c->first && line <= c->last;
    if (o->status != HEED_OK) return heed_pairs_fail(&c->pairs, i, o->status, o->error, err);
    heed_status status = heed_pairs_gold(&c->pairs, i, o->source_words, o->target_words, err);
    *(tuned ? &c->tuned : &c->rest) += 1;
    for (int k = 0; k < c->count && status == HEED_OK; k += THRESHOLDS) status = try_look(c, &c->trials[k], o, tuned, err);
    return status;
}

static heed_status try_round(calibration *c, heed_error *err)
{
    heed_item items[ROUND];
    for (int64_t i = 0; i < c->pairs.count; i++) items[i] = (heed_item){.text = c->pairs.pair[i].source, .target = c->pairs.pair[i].target};
    const heed_look plain = {.layer = -1, .head = -1};
    heed_reply *r = heed_session_run(c->session, &(heed_request){.items = items, .count = c->pairs.count, .weights = true, .look = &plain, .decode = &(heed_decode){.beam = 1}}, err);
    heed_status status = r ? HEED_OK : err->status;
    for (int64_t i = 0; i < c->pairs.count && status == HEED_OK; i++) status = try_pair(c, i, heed_reply_at(r, i), err);
    heed_reply_free(r);
    return status;
}

/* --- all pairs ---------------------------------------------------------------------------------------------------------------------------------------- */

static heed_status prepare(calibration *c, const heed_align_options *o, heed_error *err)
{
    if (!c->session || !o || !o->gold) return heed_fail(err, HEED_E_USAGE, "a calibration needs a model and gold links to hold it against");
    c->options = (heed_align_options){.source = o->source, .target = o->target, .gold = o->gold, .gold_swapped = o->gold_swapped};
    c->first = o->first ? o->first : FIRST;
    c->last = o->last ? o->last : o->first ? INT64_MAX : LAST;
    if (c->first < 1 || c->last < c->first) return heed_fail(err, HEED_E_USAGE, "lines %lld to %lld are no range", (long long)o->first, (long long)o->last);
    heed_status status = lay_trials(c, err);
    c->arena = heed_arena_new(0);
    if (status == HEED_OK && !c->arena) status = heed_fail(err, HEED_E_NOMEM, "out of memory for a calibration");
    if (status == HEED_OK) status = heed_pairs_open(&c->pairs, &c->options, err);
    c->pairs.most = ROUND;
    return status;
}

static heed_status give(calibration *c, heed_candidate **candidates, int *count, heed_error *err)
{
    if (!c->trials[0].tuned.sure)
        return heed_fail(err, HEED_E_DATA, "%s: no sure link on lines %lld to %lld, by which to choose", c->options.gold, (long long)c->first,
                         (long long)c->last);
    heed_candidate *out = calloc((size_t)c->count, sizeof *out);
    if (!out) return heed_fail(err, HEED_E_NOMEM, "out of memory for a calibration");
    qsort(c->trials, (size_t)c->count, sizeof *c->trials, by_error);
    for (int i = 0; i < c->count; i++) {
        const trial *t = &c->trials[i];
        out[i] = (heed_candidate){.look = t->look, .usual = t->place == 0};
        heed_figures_of(&t->tuned, c->tuned, &out[i].tuned);
        heed_figures_of(&t->rest, c->rest, &out[i].rest);
    }
    *candidates = out;
    *count = c->count;
    return HEED_OK;
}

heed_status heed_calibrate(heed_session *s, const heed_align_options *options, heed_candidate **candidates, int *count, heed_error *err)
{
    calibration c = {.session = s};
    heed_error own;
    if (!err) err = &own;
    heed_status status = prepare(&c, options, err);
    if (status == HEED_OK) status = heed_pairs_next(&c.pairs, false, err);
    while (status == HEED_OK && c.pairs.count) {
        status = try_round(&c, err);
        if (status == HEED_OK) status = heed_pairs_next(&c.pairs, false, err);
    }
    if (status == HEED_OK && options->last > c.pairs.lines)
        status = heed_fail(err, HEED_E_DATA, "%s: has %lld lines; there is no line %lld to choose by", options->gold, (long long)c.pairs.lines, (long long)options->last);
    if (status == HEED_OK) status = give(&c, candidates, count, err);
    heed_pairs_close(&c.pairs);
    heed_arena_free(c.arena);
    free(c.trials);
    free(c.links);
    return status;
}
