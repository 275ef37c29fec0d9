/* heed_faithful_measure: which lens can be believed, over a corpus. Pairs are read, looked into by every lens and judged one by one, on all threads; what was
 * found of each is kept in its order, and intervals are drawn from that. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "align/links.h"
#include "api/along.h"
#include "base/rng.h"
#include "explain/judge.h"
#include "metric/bootstrap.h"

enum { SYMBOLS = 8, DRAWS = 2, SEED = 71 };

/* What is kept of a lens and a pair; GAINED_*: against the mean of random orders. */
enum { LOST_DELETED, LOST_BLANKED, LOST_ALONE, GAINED_DELETED, GAINED_BLANKED, GAINED_ALONE, GAINED, MEASURES };

typedef struct found {
    int64_t rows, links;               /* rows 0: the pair was left out */
    double of[HEED_LENSES + 1][MEASURES];
    double first[HEED_LENSES + 1];     /* links whose source word is put first; of a random order: to be expected */
} found;

typedef struct measuring {
    heed_session *session;
    const heed_faithful_options *o;
    int64_t symbols;
    const heed_lens_kind *lens[HEED_LENSES];
    int lenses;
    heed_along_how how;
    heed_along along;
    found *found;                      /* [along.count] */
    struct worker *workers;            /* [threads] */
} measuring;

static heed_status no_memory(heed_error *err) { return heed_fail(err, HEED_E_NOMEM, "out of memory for judging lenses"); }

/* --- what is asked --------------------------------------------------------------------------------------------------------------------------------- */

static heed_status choose_lenses(measuring *m, heed_error *err)
{
    const heed_lens *chosen[HEED_LENSES];
    const bool all = m->o->lens_count == 0;
    m->lenses = heed_lens_choose(m->session->model, all ? (const char *const[]){"all"} : m->o->lenses, all ? 1 : m->o->lens_count, chosen, err);
    for (int i = 0; i < m->lenses; i++) m->lens[i] = heed_lens_find(chosen[i]->name);
    return m->lenses ? HEED_OK : HEED_E_USAGE;
}

static heed_status settle(measuring *m, heed_error *err)
{
    const heed_faithful_options *o = m->o;
    if (o->pairs < 0 || o->symbols < 0)
        return heed_fail(err, HEED_E_USAGE, "%lld pairs and %lld symbols of each cannot be judged", (long long)o->pairs, (long long)o->symbols);
    m->symbols = o->symbols ? o->symbols : SYMBOLS;
    m->along = (heed_along){.source = o->source, .target = o->target, .truth = o->truth, .own = o->own, .most = o->pairs};
    heed_status status = heed_along_settle(m->session, &m->how, err);
    return status ? status : choose_lenses(m, err);
}

/* --- one pair ---------------------------------------------------------------------------------------------------------------------------------------- */

/* What a thread works with, and what it knows of the pair in hand. */
typedef struct worker {
    heed_arena *arena;
    heed_probe *probe;
    heed_links truth;
    heed_output output;
    heed_lens_input in;
    int64_t source_words, target_words;
    int64_t *row, rows;                /* judged */
    float *scores[HEED_LENSES];        /* [T,S] */
    float *baseline;                   /* room for one */
} worker;

static heed_status read_along(measuring *m, worker *w, int64_t i, heed_tape *tape, heed_error *err)
{
    heed_along_symbols symbols;
    heed_status status = heed_along_symbols_of(m->session, &m->how, &m->along, i, tape, w->arena, &symbols, err);
    w->output = symbols.output;
    w->in = (heed_lens_input){.probe = w->probe, .source = symbols.source, .S = w->output.source_count, .target = symbols.target, .T = w->output.count,
                              .look = m->how.look};
    return status;
}

/* words [symbols]: the word that each is part of, -1: none. */
static const int32_t *words_of(worker *w, const char *text, const heed_piece_of_text *symbols, int64_t count, int64_t *words)
{
    *words = heed_words_split(text, NULL);
    heed_range *ranges = heed_arena_alloc(w->arena, (size_t)(*words + 1) * sizeof *ranges);
    int64_t *word = heed_arena_alloc(w->arena, (size_t)(count + 1) * sizeof *word);
    int32_t *out = heed_arena_alloc(w->arena, (size_t)(count + 1) * sizeof *out);
    if (!ranges || !word || !out) return NULL;
    heed_words_split(text, ranges);
    heed_words_place(text, symbols, count, ranges, *words, word);
    for (int64_t i = 0; i < count; i++) out[i] = (int32_t)word[i];
    return out;
}

static heed_status read_truth(measuring *m, worker *w, int64_t i, heed_error *err)
{
    const heed_along_pair *p = &m->along.pair[i];
    const int64_t words[2] = {w->source_words, w->target_words};
    heed_error why = {.status = HEED_OK};
    w->truth.count = 0;
    if (!p->truth || heed_links_parse(p->truth, strlen(p->truth), 0, words, &w->truth, NULL, &why) == HEED_OK) return HEED_OK;
    return heed_fail(err, why.status, "%s: line %lld: %s", m->o->truth, (long long)p->line, why.text);
}

/* Which target symbols are judged, and which are looked into: these, and those of words that have a link. */
static heed_status draw_rows(measuring *m, worker *w, int64_t i, heed_error *err)
{
    const int64_t T = w->in.T;
    bool *wanted = heed_arena_zero(w->arena, (size_t)T * sizeof *wanted);
    w->row = heed_arena_alloc(w->arena, (size_t)T * sizeof *w->row);
    if (!wanted || !w->row) return no_memory(err);
    for (int64_t t = 0; t < T; t++) w->row[t] = t;
    heed_shuffle(heed_key(SEED, (uint64_t)i), w->row, T);
    w->rows = T < m->symbols ? T : m->symbols;
    for (int64_t r = 0; r < w->rows; r++) wanted[w->row[r]] = true;
    for (int64_t l = 0; l < w->truth.count; l++)
        for (int64_t t = 0; t < T; t++) wanted[t] = wanted[t] || w->in.target_word[t] == w->truth.link[l].target;
    w->in.wanted = wanted;
    return HEED_OK;
}

/* The source word that the scores put first for a target word: summed over its symbols and those of the target word. */
static int64_t first_word(const worker *w, const float *scores, int64_t target, double *sum)
{
    int64_t best = 0;
    memset(sum, 0, (size_t)w->source_words * sizeof *sum);
    for (int64_t t = 0; t < w->in.T; t++)
        for (int64_t s = 0; w->in.target_word[t] == target && s < w->in.S; s++)
            if (w->in.source_word[s] >= 0) sum[w->in.source_word[s]] += (double)scores[t * w->in.S + s];
    for (int64_t s = 1; s < w->source_words; s++)
        if (sum[s] > sum[best]) best = s;
    return best;
}

static heed_status count_first(measuring *m, worker *w, found *f, heed_error *err)
{
    double *sum = heed_arena_alloc(w->arena, (size_t)(w->source_words + 1) * sizeof *sum);
    if (!sum) return no_memory(err);
    for (int64_t l = 0; l < w->truth.count; l++) {
        for (int k = 0; k < m->lenses; k++) f->first[k] += first_word(w, w->scores[k], w->truth.link[l].target, sum) == w->truth.link[l].source;
        f->first[m->lenses] += 1 / (double)w->source_words;
    }
    f->links = w->truth.count;
    return HEED_OK;
}

static void put_measures(double *to, const heed_judged *j)
{
    to[LOST_DELETED] += heed_comprehensiveness(j->deleted);
    to[LOST_BLANKED] += heed_comprehensiveness(j->blanked);
    to[LOST_ALONE] += heed_sufficiency(j);
}

static void compare(const measuring *m, found *f)
{
    const double *by_chance = f->of[m->lenses];
    for (int k = 0; k < m->lenses; k++) {
        double *x = f->of[k];
        x[GAINED_DELETED] = x[LOST_DELETED] - by_chance[LOST_DELETED];
        x[GAINED_BLANKED] = x[LOST_BLANKED] - by_chance[LOST_BLANKED];
        x[GAINED_ALONE] = by_chance[LOST_ALONE] - x[LOST_ALONE];
        x[GAINED] = ((m->lens[k]->is.deletes ? x[GAINED_BLANKED] : (x[GAINED_DELETED] + x[GAINED_BLANKED]) / 2) + x[GAINED_ALONE]) / 2;
    }
}

static heed_status judge_pair(measuring *m, worker *w, int64_t i, found *f, heed_error *err)
{
    heed_order orders[HEED_LENSES + DRAWS];
    heed_judged judged[HEED_LENSES + DRAWS];
    for (int k = 0; k < m->lenses; k++) orders[k] = (heed_order){.scores = w->scores[k]};
    for (int d = 0; d < DRAWS; d++) orders[m->lenses + d] = (heed_order){.seed = heed_key(heed_key(SEED, (uint64_t)i), (uint64_t)d)};
    heed_status status = heed_judge(&w->in, orders, m->lenses + DRAWS, w->row, w->rows, judged, err);
    if (status) return status;
    for (int k = 0; k < m->lenses; k++) put_measures(f->of[k], &judged[k]);
    for (int d = 0; d < DRAWS; d++) put_measures(f->of[m->lenses], &judged[m->lenses + d]);
    for (int x = LOST_DELETED; x <= LOST_ALONE; x++) f->of[m->lenses][x] /= DRAWS;
    compare(m, f);
    f->rows = w->rows;
    return HEED_OK;
}

static heed_status look_into(measuring *m, worker *w, int64_t i, heed_tape *tape, heed_error *err)
{
    found *f = &m->found[i];
    heed_lens_note note;
    heed_arena_reset(w->arena);
    heed_status status = read_along(m, w, i, tape, err);
    if (status || w->output.status || w->output.source_count < 2 || w->output.count < 1) return status;
    w->in.source_word = words_of(w, w->output.source, w->output.source_tokens, w->in.S, &w->source_words);
    w->in.target_word = words_of(w, w->output.text, w->output.tokens, w->in.T, &w->target_words);
    if (!w->in.source_word || !w->in.target_word) return no_memory(err);
    status = read_truth(m, w, i, err);
    if (!status) status = draw_rows(m, w, i, err);
    for (int k = 0; k < m->lenses && status == HEED_OK; k++) {
        w->scores[k] = heed_arena_zero(w->arena, (size_t)(w->in.T * w->in.S) * sizeof *w->scores[k]);
        status = w->scores[k] ? heed_lens_run(m->lens[k], &w->in, w->scores[k], &note, err) : no_memory(err);
    }
    if (!status) status = count_first(m, w, f, err);
    return status ? status : judge_pair(m, w, i, f, err);
}

/* --- all pairs ---------------------------------------------------------------------------------------------------------------------------------------- */

static heed_status open_workers(measuring *m, worker *w, heed_error *err)
{
    heed_status status = HEED_OK;
    for (int i = 0; i < m->session->threads && status == HEED_OK; i++) {
        w[i].arena = heed_arena_new(0);
        w[i].probe = w[i].arena ? heed_probe_new(m->session->model, m->session->tapes[i], err) : NULL;
        w[i].baseline = w[i].probe ? malloc((size_t)heed_probe_width(w[i].probe) * sizeof *w[i].baseline) : NULL;
        status = w[i].baseline ? heed_lens_baseline(w[i].probe, m->o->baseline, w[i].baseline, err) : no_memory(err);
    }
    return status;
}

static void close_workers(const measuring *m, worker *w)
{
    for (int i = 0; w && i < m->session->threads; i++) {
        heed_probe_free(w[i].probe);
        heed_arena_free(w[i].arena);
        heed_links_free(&w[i].truth);
        free(w[i].baseline);
    }
    free(w);
}

static heed_status visit(void *self, int thread, int64_t i, heed_error *err)
{
    measuring *m = self;
    return look_into(m, &m->workers[thread], i, m->session->tapes[thread], err);
}

static heed_status look_into_all(measuring *m, heed_error *err)
{
    m->workers = calloc((size_t)m->session->threads, sizeof *m->workers);
    m->found = calloc((size_t)m->along.count, sizeof *m->found);
    heed_status status = m->workers && m->found ? open_workers(m, m->workers, err) : no_memory(err);
    if (!status) status = heed_along_each(m->session, &m->along, visit, m, m->o->progress, m->o->user, err);
    close_workers(m, m->workers);
    return status;
}

/* --- figures -------------------------------------------------------------------------------------------------------------------------------------------- */

static double ratio(const void *of, const double *sums)
{
    (void)of;
    return sums[1] > 0 ? sums[0] / sums[1] : NAN;
}

/* measure MEASURES: the links. */
static heed_status estimate(const measuring *m, int lens, int measure, heed_estimate *e, heed_error *err)
{
    heed_counts counts = {.width = 2};
    heed_interval drawn = {0};
    double sum[2] = {0, 0};
    heed_status status = HEED_OK;
    for (int64_t i = 0; i < m->along.count && status == HEED_OK; i++) {
        const found *f = &m->found[i];
        const bool links = measure == MEASURES;
        const double one[2] = {links ? f->first[lens] : f->of[lens][measure], links ? (double)f->links : 1};
        if (!f->rows) continue;
        sum[0] += one[0];
        sum[1] += one[1];
        status = heed_counts_add(&counts, one, 2, err);
    }
    *e = (heed_estimate){NAN, NAN, NAN};
    if (!status && sum[1] > 0) status = heed_bootstrap_interval(&(heed_sample){&counts, ratio, NULL}, &(heed_draws){.seed = SEED}, &drawn, err);
    if (!status && sum[1] > 0) *e = (heed_estimate){sum[0] / sum[1], drawn.low, drawn.high};
    heed_counts_free(&counts);
    return status;
}

static heed_status summarise(const measuring *m, int lens, heed_trusted *t, heed_error *err)
{
    heed_estimate part[3];
    *t = (heed_trusted){.lens = lens < m->lenses ? &m->lens[lens]->is : NULL};
    heed_status status = estimate(m, lens, LOST_DELETED, &t->deleted, err);
    if (!status) status = estimate(m, lens, LOST_BLANKED, &t->blanked, err);
    if (!status) status = estimate(m, lens, LOST_ALONE, &t->sufficiency, err);
    if (!status) status = estimate(m, lens, GAINED, &t->gain, err);
    if (!status) status = estimate(m, lens, MEASURES, &t->first, err);
    for (int i = 0; i < 3 && status == HEED_OK; i++) status = estimate(m, lens, GAINED_DELETED + i, &part[i], err);
    if (!status && t->lens) t->passed = t->gain.low > 0 && part[1].low > 0 && part[2].low > 0 && (t->lens->deletes || part[0].low > 0);
    return status;
}

static int by_gain(const void *a, const void *b)
{
    const heed_trusted *x = a, *y = b;
    return (x->gain.value < y->gain.value) - (x->gain.value > y->gain.value);
}

static heed_status sum_up(const measuring *m, heed_faithful *f, heed_error *err)
{
    heed_trusted *all = f->owner = calloc((size_t)m->lenses + 1, sizeof *all);
    heed_status status = all ? summarise(m, m->lenses, &f->random, err) : no_memory(err);
    for (int k = 0; k < m->lenses && status == HEED_OK; k++) status = summarise(m, k, &all[k], err);
    for (int64_t i = 0; i < m->along.count; i++) {
        f->pairs += m->found[i].rows > 0;
        f->symbols += m->found[i].rows;
        f->links += m->found[i].links;
    }
    f->lenses = all;
    f->count = m->lenses;
    f->left_out = m->along.count - f->pairs;
    if (status) return status;
    if (!f->pairs) return heed_fail(err, HEED_E_DATA, "%s: no pair could be judged: all are empty or too long", m->o->source);
    qsort(all, (size_t)f->count, sizeof *all, by_gain);
    return HEED_OK;
}

heed_faithful *heed_faithful_measure(heed_session *s, const heed_faithful_options *options, heed_error *err)
{
    measuring m = {.session = s, .o = options};
    heed_faithful *f = calloc(1, sizeof *f);
    heed_status status = f ? settle(&m, err) : no_memory(err);
    if (!status) status = heed_along_read(&m.along, err);
    if (!status) status = look_into_all(&m, err);
    if (!status) status = sum_up(&m, f, err);
    heed_along_free(&m.along);
    free(m.found);
    if (!status) return f;
    heed_faithful_free(f);
    return NULL;
}

void heed_faithful_free(heed_faithful *f)
{
    if (!f) return;
    free(f->owner);
    free(f);
}

/* --- kept ------------------------------------------------------------------------------------------------------------------------------------------------ */

static void put_estimate(heed_buf *out, const char *name, const heed_estimate *e)
{
    if (isfinite(e->value)) heed_buf_printf(out, ", \"%s\": [%.6g, %.6g, %.6g]", name, e->value, e->low, e->high);
}

heed_status heed_faithful_store(const heed_faithful *f, const char *dir, heed_error *err)
{
    heed_buf json = {0};
    for (int i = 0; i < f->count; i++) {
        const heed_trusted *t = &f->lenses[i];
        heed_buf_printf(&json, "%s{\"lens\": \"%s\"", i ? ", " : "[", t->lens->name);
        put_estimate(&json, "gain", &t->gain);
        put_estimate(&json, "deleted", &t->deleted);
        put_estimate(&json, "blanked", &t->blanked);
        put_estimate(&json, "sufficiency", &t->sufficiency);
        put_estimate(&json, "first", &t->first);
        heed_buf_printf(&json, ", \"passed\": %s, \"pairs\": %lld}", t->passed ? "true" : "false", (long long)f->pairs);
    }
    heed_buf_text(&json, "]");
    heed_status status = json.failed ? no_memory(err) : heed_model_keep_lenses(dir, json.data, err);
    heed_buf_free(&json);
    return status;
}
