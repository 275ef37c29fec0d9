/* Another word at a place of the output: the best output keeps its beginning, each of the likeliest other symbols that begin a word there is put behind it, and
 * the search goes on from each. */
#include <math.h>
#include <string.h>

#include "task/transduce.h"
#include "tensor/tape.h"

/* An item whose output is forked. */
typedef struct tine {
    heed_work *work;
    int64_t first, count;             /* of its quests */
} tine;

/* The symbol that word `word` of o begins with, or its </s>; -1: there is none. words: as heed_words_split() has them. */
static int64_t step_of(const heed_output *o, int64_t word, const heed_range *words, int64_t count)
{
    const int64_t ended = o->count && strcmp(o->tokens[o->count - 1].text, "</s>") == 0;
    if (word >= count) return word == count && ended ? o->count - 1 : -1;
    for (int64_t i = 0; i < o->count - ended; i++)
        if (o->tokens[i].start <= words[word].start && words[word].start < o->tokens[i].end) return i;
    return -1;
}

/* The output's beginning, and where its last word ends. */
typedef struct stem { heed_buf text; int64_t words; size_t kept; } stem;

static bool grow_stem(const heed_job *j, const int32_t *ids, int64_t p, stem *s)
{
    heed_error err;
    if (heed_text_decode(j->model->target, ids, p, NULL, &s->text, NULL, &err) != HEED_OK) return false;
    const char *text = s->text.data ? s->text.data : "";
    s->words = heed_words_split(text, NULL);
    s->kept = s->text.size;
    while (s->kept && strchr(" \t\n\v\f\r", text[s->kept - 1])) s->kept--;
    return true;
}

/* Does the symbol behind the first p begin a word, and leave those before it as they are? */
static bool begins_word(const heed_job *j, const stem *s, const int32_t *ids, int64_t p, heed_buf *text, bool *room)
{
    heed_error err;
    heed_buf_reset(text);
    if (heed_text_decode(j->model->target, ids, p + 1, NULL, text, NULL, &err) != HEED_OK) return *room = false;
    return text->data && heed_words_split(text->data, NULL) == s->words + 1 && (!s->kept || memcmp(text->data, s->text.data, s->kept) == 0);
}

static bool may_follow(const heed_work *x, const int32_t *ids, int64_t p)
{
    heed_standing s = {0};
    for (int64_t i = 0; x->constraints && i <= p; i++) s = heed_constraints_after(x->constraints, s, ids[i]);
    return !x->constraints || !heed_constraints_broken(x->constraints, s);
}

/* Quests for twice as many symbols as outputs are wanted, since some lead to words that others lead to. */
static int64_t lay_quests(const heed_job *j, const heed_writer *w, const heed_work *x, int64_t p, heed_quest *q, bool *room)
{
    const heed_hypothesis *h = &x->quest->best[0];
    const heed_likely *likely = w->moments[p].likeliest + h->rows[p] * w->likeliest;
    heed_buf text = {0};
    stem s = {.words = 0};
    int64_t n = 0;
    *room = grow_stem(j, h->ids, p, &s);
    for (int64_t k = 0; *room && k < w->likeliest && n < 2 * j->fork->outputs; k++) {
        if (likely[k].id < HEED_SPECIALS || likely[k].id == h->ids[p] || likely[k].logp == -INFINITY) continue;
        int32_t *ids = heed_tape_alloc(j->tape, (size_t)(p + 1) * sizeof *ids);
        *room = ids != NULL;
        if (!ids) break;
        memcpy(ids, h->ids, (size_t)p * sizeof *ids);
        ids[p] = likely[k].id;
        if (!begins_word(j, &s, ids, p, &text, room) || !may_follow(x, ids, p)) continue;
        q[n] = *x->quest;
        q[n].forced = ids;
        q[n].forced_count = p + 1;
        q[n++].most = 1;
    }
    heed_buf_free(&text);
    heed_buf_free(&s.text);
    return n;
}

/* Fails the item alone when its output has no such place. */
static bool lay_tine(const heed_job *j, const heed_writer *w, tine *t, heed_quest *q)
{
    heed_output *o = t->work->out;
    const int64_t count = heed_words_split(o->text, NULL);
    heed_range *words = heed_tape_alloc(j->tape, (size_t)(count + 1) * sizeof *words);
    bool room = words != NULL;
    if (!room) return false;
    heed_words_split(o->text, words);
    const int64_t p = step_of(o, j->fork->word, words, count);
    if (p >= 0) t->count = p + 1 < t->work->quest->limit ? lay_quests(j, w, t->work, p, q + t->first, &room) : 0;
    if (p >= 0 || !room) return room;
    heed_error why;
    o->status = heed_fail(&why, HEED_E_DATA,
                          "there is no word %lld in its output of %lld, \"%.200s\"; they are counted from 0", (long long)j->fork->word, (long long)count, o->text);
    o->error = heed_arena_text(j->arena, why.text);
    return o->error != NULL;
}

/* --- the outputs ---------------------------------------------------------------------------------------------------------------------------------- */

static bool same_word(const heed_output *a, const heed_output *b, int64_t word, heed_arena *arena)
{
    const heed_mark mark = heed_arena_mark(arena);
    const heed_output *both[] = {a, b};
    const char *from[2];
    int64_t size[2];
    for (int i = 0; i < 2; i++) {
        const int64_t count = heed_words_split(both[i]->text, NULL);
        heed_range *words = heed_arena_alloc(arena, (size_t)(count + 1) * sizeof *words);
        if (!words) return true;
        heed_words_split(both[i]->text, words);
        from[i] = word < count ? both[i]->text + words[word].start : "";
        size[i] = word < count ? words[word].end - words[word].start : 0;
    }
    heed_arena_rewind(arena, mark);
    return size[0] == size[1] && memcmp(from[0], from[1], (size_t)size[0]) == 0;
}

/* Puts the best first; equals as the model's symbols stood. */
static void sort(heed_output *o, int64_t n)
{
    for (int64_t i = 1; i < n; i++) {
        const heed_output one = o[i];
        int64_t at = i;
        for (; at > 0 && one.score > o[at - 1].score; at--) o[at] = o[at - 1];
        o[at] = one;
    }
}

static int64_t drop_twins(const heed_job *j, const heed_output *first, heed_output *o, int64_t n)
{
    int64_t kept = 0;
    for (int64_t i = 0; i < n && kept < j->fork->outputs; i++) {
        bool twin = same_word(first, &o[i], j->fork->word, j->tape->arena);
        for (int64_t k = 0; k < kept && !twin; k++) twin = same_word(&o[k], &o[i], j->fork->word, j->tape->arena);
        if (!twin) o[kept++] = o[i];
    }
    return kept;
}

static bool write_tine(heed_job *j, const heed_writer *w, const tine *t, const heed_quest *q)
{
    heed_output *o = t->work->out, *others = heed_arena_zero(j->arena, (size_t)(t->count + 1) * sizeof *others);
    heed_job light = *j;
    light.weights = false;
    for (int64_t i = 0; others && i < t->count; i++) {
        others[i] = (heed_output){.source = o->source, .source_tokens = o->source_tokens, .source_count = o->source_count};
        if (!heed_hypothesis_write(&light, w, t->work, &q[t->first + i].best[0], &others[i])) return false;
    }
    if (!others) return false;
    sort(others, t->count);
    o->alternatives = others;
    o->alternative_count = drop_twins(j, o, others, t->count);
    return true;
}

/* --- all of them ---------------------------------------------------------------------------------------------------------------------------------- */

static heed_status search_on(heed_job *j, heed_writer *w, heed_quest *q, int64_t count, int64_t memories, heed_error *err)
{
    heed_writer_start(w);
    const heed_search search = heed_writer_search(w);
    heed_search_options how = heed_job_search(j);
    how.memories = memories;
    if (!heed_tape_failed(j->tape) && heed_search_run(&search, &how, q, count, j->tape->arena)) return HEED_OK;
    return heed_tape_failed(j->tape) ? heed_tape_status(j->tape, err) : heed_fail(err, HEED_E_NOMEM, "out of memory in the search");
}

heed_status heed_works_fork(heed_job *j, const heed_writer *w, heed_work *const *works, int64_t B, heed_error *err)
{
    heed_tape *t = j->tape;
    tine *tines = heed_tape_alloc(t, (size_t)(B + 1) * sizeof *tines);
    heed_quest *q = heed_tape_alloc(t, (size_t)(B * 2 * j->fork->outputs + 1) * sizeof *q);
    int64_t count = 0;
    bool room = tines && q;
    for (int64_t b = 0; room && b < B; b++) {
        tines[b] = (tine){.work = works[b], .first = count};
        if (works[b]->out->status == HEED_OK) room = lay_tine(j, w, &tines[b], q);
        count += tines[b].count;
    }
    heed_writer on = {.tape = t, .members = w->members, .member_count = w->member_count, .geometric = w->geometric, .among = w->among, .likeliest = j->choices ? w->likeliest : 0};
    heed_status status = !room ? heed_fail(err, HEED_E_NOMEM, "out of memory for other words") : count ? search_on(j, &on, q, count, B, err) : HEED_OK;
    for (int64_t b = 0; status == HEED_OK && b < B; b++)
        if (works[b]->out->status == HEED_OK && !write_tine(j, &on, &tines[b], q)) status = heed_fail(err, HEED_E_NOMEM, "out of memory for the reply");
    heed_writer_free(&on);
    return status;
}
