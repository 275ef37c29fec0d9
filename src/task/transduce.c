/* transduce: text in, text out. A batch of sources is encoded, then written symbol by symbol, from a given prefix on (or, forced, read along a given
 * target). */
#include <stdlib.h>
#include <string.h>

#include "task/transduce.h"
#include "tensor/tape.h"

/* Of a source or a target. Weights of a head take source x output numbers, work grows alike: 200 MB of them at this limit, and only when they are asked for. */
enum { MOST_SYMBOLS = 5000 };

/* --- from text to symbols ---------------------------------------------------------------------------------------------------------------- */

static int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

static const heed_model *model_at(const heed_job *j, int i) { return i ? j->ensemble[i - 1] : j->model; }

int64_t heed_work_limit(const heed_job *j, const heed_work *x)
{
    int64_t limit = (int64_t)(j->model->recipe.decode.max_ratio * (double)x->source[0].count) + j->model->recipe.decode.max_extra;
    for (int i = 0; i <= j->ensemble_count; i++) {
        int64_t source, target;
        heed_model_longest(model_at(j, i), &source, &target);
        if (target && target < limit) limit = target;
    }
    return limit;
}

static heed_status read_texts(const heed_job *j, heed_work *x, heed_error *err)
{
    const heed_item *item = x->item;
    const heed_text *target = j->model->target;
    heed_status status = HEED_OK;
    for (int i = 0; status == HEED_OK && i <= j->ensemble_count; i++)
        status = heed_text_encode(model_at(j, i)->source, item->text, strlen(item->text), &x->source[i], err);
    if (status == HEED_OK && j->masked > 0 && j->masked <= x->source[0].count) x->source[0].item[j->masked - 1].id = HEED_UNK;
    if (status == HEED_OK && item->target) status = heed_text_encode(target, item->target, strlen(item->target), &x->target, err);
    if (status == HEED_OK && item->prefix) status = heed_text_encode(target, item->prefix, strlen(item->prefix), &x->prefix, err);
    return status;
}

static heed_status check_lengths(const heed_job *j, const heed_work *x, heed_error *err)
{
    const char *key = heed_model_longest_key(j->model, true);
    heed_status status = HEED_OK;
    for (int i = 0; status == HEED_OK && i <= j->ensemble_count; i++) {
        const int64_t longest = most(x->source[i].count, x->target.count);
        if (longest > MOST_SYMBOLS)
            return heed_fail(err, HEED_E_LIMIT, "%lld symbols; at most %d can be read at once: cut the text into sentences", (long long)longest, MOST_SYMBOLS);
        status = heed_model_fits(model_at(j, i), x->source[i].count, x->target.count, err);
    }
    if (status == HEED_OK && x->prefix.count > heed_work_limit(j, x))
        status = heed_fail(err, HEED_E_LIMIT, "its prefix has %lld symbols; decode.max_length%s%s allow%s an output of %lld", (long long)x->prefix.count,
                           *key ? " and " : "", key, *key ? "" : "s", (long long)heed_work_limit(j, x));
    return status;
}

/* What is wrong with its texts fails the item alone; memory that runs out fails them all. */
static heed_status read_item(const heed_job *j, heed_work *x, heed_constraints **shared, heed_error *err)
{
    heed_error why = {.status = HEED_OK};
    heed_status status = read_texts(j, x, &why);
    if (status == HEED_OK) status = check_lengths(j, x, &why);
    if (status == HEED_OK) status = heed_work_constrain(j, x, shared, &why);
    if (status == HEED_OK) return HEED_OK;
    x->out->status = status;
    x->out->error = heed_arena_text(j->arena, why.text);
    if (status == HEED_E_NOMEM || !x->out->error) return heed_fail(err, HEED_E_NOMEM, "out of memory for the symbols of a text");
    return HEED_OK;
}

static int64_t length(const heed_model *m, const heed_item *item)
{
    (void)m;
    return (int64_t)(strlen(item->text) + (item->target ? strlen(item->target) : 0) + (item->prefix ? strlen(item->prefix) : 0));
}

/* --- a batch ------------------------------------------------------------------------------------------------------------------------------ */

/* The symbols that an output must begin with: its prefix, or the whole target with its end. */
static bool force(heed_tape *t, heed_quest *q, const heed_work *x)
{
    const heed_tokens *given = x->item->target ? &x->target : &x->prefix;
    int32_t *ids = heed_tape_alloc(t, (size_t)(given->count + 1) * sizeof *ids);
    if (!ids) return false;
    for (int64_t i = 0; i < given->count; i++) ids[i] = given->item[i].id;
    ids[given->count] = HEED_EOS;
    q->forced = ids;
    q->forced_count = x->item->target ? q->limit : given->count;
    return true;
}

/* rows: hypotheses that may run side by side. */
static heed_quest *lay_quests(const heed_job *j, heed_work *const *good, int64_t B)
{
    heed_quest *q = heed_tape_alloc(j->tape, (size_t)(B + 1) * sizeof *q);
    for (int64_t b = 0; q && b < B; b++) {
        heed_work *x = good[b];
        q[b] = (heed_quest){.limit = x->item->target ? x->target.count + 1 : heed_work_limit(j, x), .record = x->number, .most = j->decode.nbest, .memory = b,
                            .beam = x->beam, .constraints = x->constraints};
        if (!force(j->tape, &q[b], x)) return NULL;
        x->quest = &q[b];
    }
    return q;
}

heed_search_options heed_job_search(const heed_job *j)
{
    const heed_decode *d = &j->decode;
    return (heed_search_options){.beam = d->beam,
                                 .length_penalty = j->model->recipe.decode.length_penalty,
                                 .draws = d->sample ? d->nbest : 0,
                                 .draw = {.temperature = d->temperature, .top_k = d->top_k, .top_p = d->top_p},
                                 .seed = d->seed};
}

int64_t heed_job_likeliest(const heed_job *j)
{
    const int64_t V = heed_text_size(j->model->target), forked = j->fork ? HEED_FORK_CANDIDATES(j->fork->outputs) : 0, wanted = most(j->choices, forked);
    return wanted < V ? wanted : V;
}

/* A guess of its length serves memory alone: outputs are about as long as their sources. */
static heed_prospect prospect_of(const heed_job *j, const heed_quest *q, heed_work *const *good, int64_t B)
{
    heed_prospect p = {.one_look = !j->weights, .look = j->look.layer, .no_results = !j->open};
    for (int64_t b = 0; b < B; b++) {
        const int64_t n = good[b]->source[0].count, likely = n + n / 2 + 8, steps = likely < q[b].limit ? likely : q[b].limit;
        p.rows += j->decode.sample ? j->decode.nbest : most(j->decode.beam, q[b].beam);
        p.steps = most(p.steps, steps);
    }
    return p;
}

/* The search as texts, for those who look into the only item. */
static bool keep_beams(heed_job *j, const heed_search_tree *tree)
{
    const heed_text *target = j->model->target;
    heed_beam *nodes = heed_arena_alloc(j->arena, (size_t)(tree->count + 1) * sizeof *nodes);
    for (int64_t i = 0; nodes && i < tree->count; i++) {
        const heed_tried *k = &tree->tried[i];
        nodes[i] = (heed_beam){k->before, heed_arena_text(j->arena, heed_text_symbol(target, k->id)), (double)k->logp, k->id == HEED_EOS};
        if (!nodes[i].text) return false;
    }
    j->beams = (heed_beams){nodes, tree->count, tree->best};
    return nodes != NULL;
}

/* What may be written for each item: what the shortlist has for its source, and what was asked for. */
static void shorten(const heed_job *j, heed_work *const *good, int64_t B, heed_among *among)
{
    const heed_shortlist *s = j->model->shortlist;
    const int64_t words = heed_shortlist_words(s);
    uint64_t *marks = heed_tape_alloc(j->tape, (size_t)(B * words + 1) * sizeof *marks);
    if (!marks) return;
    memset(marks, 0, (size_t)(B * words) * sizeof *marks);
    for (int64_t b = 0; b < B; b++) {
        const heed_work *x = good[b];
        uint64_t *own = marks + b * words;
        heed_shortlist_mark(s, &x->source[0], own);
        for (int64_t i = 0; i < x->prefix.count; i++) own[x->prefix.item[i].id / 64] |= (uint64_t)1 << x->prefix.item[i].id % 64;
        if (x->constraints) heed_constraints_mark(x->constraints, own);
    }
    heed_head_among(j->tape, &j->model->head, marks, B, words, among);
}

static heed_status write_batch(heed_job *j, heed_work *const *good, int64_t B, heed_writer *w, heed_error *err)
{
    heed_tape *t = j->tape;
    heed_quest *q = lay_quests(j, good, B);
    for (int m = 0; m < w->member_count && !heed_tape_failed(t); m++) {
        heed_member *k = &w->members[m];
        k->memory = k->model->encoder_kind->forward(t, k->model->encoder, &k->batch->source);
    }
    if (q) w->prospect = prospect_of(j, q, good, B);
    heed_writer_start(w);
    const heed_search search = heed_writer_search(w);
    heed_search_options how = heed_job_search(j);
    heed_search_tree tree;
    how.tree = j->traced ? &tree : NULL;
    if (heed_tape_failed(t) || !heed_search_run(&search, &how, q, B, t->arena))
        return heed_tape_failed(t) ? heed_tape_status(t, err) : heed_fail(err, HEED_E_NOMEM, "out of memory in the search");
    if (j->traced && B && !keep_beams(j, &tree)) return heed_fail(err, HEED_E_NOMEM, "out of memory for the hypotheses");
    for (int64_t b = 0; b < B; b++)
        if (!heed_work_write(j, w, good[b], &q[b])) return heed_fail(err, HEED_E_NOMEM, "out of memory for the reply");
    return j->fork ? heed_works_fork(j, w, good, B, err) : HEED_OK;
}

/* The sources in the symbols of model i. */
static heed_batch *batch_of(heed_work *const *good, int64_t B, int i, heed_error *err)
{
    heed_tokens *source = calloc((size_t)B, sizeof *source);
    uint64_t *record = calloc((size_t)B, sizeof *record);
    int64_t *line = calloc((size_t)B, sizeof *line);
    heed_batch *batch = NULL;
    for (int64_t b = 0; source && line && b < B; b++) {
        source[b] = good[b]->source[i];
        line[b] = b;
    }
    if (source && record && line) batch = heed_batch_new(source, NULL, B, record, line, false, err);
    else heed_fail(err, HEED_E_NOMEM, "out of memory for a batch");
    free(source);
    free(record);
    free(line);
    return batch;
}

static heed_status run_good(heed_job *j, heed_work *const *good, int64_t B, heed_error *err)
{
    heed_writer w = {.tape = j->tape, .member_count = 1 + j->ensemble_count, .geometric = j->geometric, .likeliest = heed_job_likeliest(j),
                     .unscored = j->unscored};
    w.members = calloc((size_t)w.member_count, sizeof *w.members);
    heed_among among = {.pack = NULL};
    heed_status status = w.members ? HEED_OK : heed_fail(err, HEED_E_NOMEM, "out of memory for a batch");
    for (int i = 0; status == HEED_OK && i < w.member_count; i++) {
        w.members[i] = (heed_member){.model = model_at(j, i), .batch = batch_of(good, B, i, err)};
        if (!w.members[i].batch) status = HEED_E_NOMEM;
    }
    if (status == HEED_OK && j->model->shortlist && !good[0]->item->target) {
        shorten(j, good, B, &among);
        w.among = &among;
    }
    if (status == HEED_OK) status = write_batch(j, good, B, &w, err);
    for (int i = 0; w.members && i < w.member_count; i++) heed_batch_free(w.members[i].batch);
    heed_writer_free(&w);
    heed_among_free(&among);
    free(w.members);
    return status;
}

/* Targets that are given are read with all symbols in view, apart from the items that a shortlist is for. */
static heed_status run_apart(heed_job *j, heed_work **good, int64_t B, heed_error *err)
{
    int64_t n = 0;
    for (int64_t b = 0; j->model->shortlist && b < B; b++) {
        heed_work *x = good[b];
        if (x->item->target) continue;
        good[b] = good[n];
        good[n++] = x;
    }
    heed_status status = n ? run_good(j, good, n, err) : HEED_OK;
    return status == HEED_OK && n < B ? run_good(j, good + n, B - n, err) : status;
}

/* Its output until more is known. */
static heed_status begin_work(heed_job *j, heed_work *x, heed_error *err)
{
    heed_output *o = x->out;
    *o = (heed_output){.source = heed_arena_text(j->arena, x->item->text), .text = "", .status = HEED_OK};
    x->source = calloc((size_t)j->ensemble_count + 1, sizeof *x->source);
    return o->source && x->source ? HEED_OK : heed_fail(err, HEED_E_NOMEM, "out of memory for the reply");
}

static void end_work(const heed_job *j, heed_work *x)
{
    for (int i = 0; x->source && i <= j->ensemble_count; i++) heed_tokens_free(&x->source[i]);
    free(x->source);
    heed_tokens_free(&x->target);
    heed_tokens_free(&x->prefix);
}

static heed_status run(heed_job *j, heed_error *err)
{
    heed_work *works = calloc((size_t)j->count + 1, sizeof *works), **good = calloc((size_t)j->count + 1, sizeof *good);
    heed_constraints *shared = NULL;
    heed_status status = works && good ? HEED_OK : heed_fail(err, HEED_E_NOMEM, "out of memory for a batch");
    int64_t B = 0;
    heed_tape_reset(j->tape, false, false, 0);
    for (int64_t i = 0; status == HEED_OK && i < j->count; i++) {
        heed_work *x = &works[i];
        *x = (heed_work){.out = j->outputs[i], .item = j->items[i], .number = j->numbers[i]};
        status = begin_work(j, x, err);
        if (status == HEED_OK) status = read_item(j, x, &shared, err);
        if (status != HEED_OK || x->out->status != HEED_OK) continue;
        bool forbidden;
        if (x->source[0].count || x->item->target) good[B++] = x;
        else if (!heed_work_judge(j, x, NULL, 0, NULL, x->out, &forbidden)) status = heed_fail(err, HEED_E_NOMEM, "out of memory for the reply");
    }
    if (status == HEED_OK) status = run_apart(j, good, B, err);
    for (int64_t i = 0; works && i < j->count; i++) end_work(j, &works[i]);
    free(works);
    free(good);
    return status;
}

const heed_task heed_task_transduce = {"transduce", "one sequence of symbols to another: letters to sounds, inflection, translation of symbols", 2, length,
                                        run, true};
