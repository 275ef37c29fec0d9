/* Sentences that are filmed: train/film.h. */
#include "train/film.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "data/corpus.h"
#include "train/run.h"

typedef struct candidate { int64_t line, miss; char *memory; const char *target; } candidate;

/* The best so far, the best first; of those that miss by as much the earlier. */
typedef struct choice { candidate best[HEED_FILM_SENTENCES + 1]; int count; } choice;

static int64_t miss_of(int64_t symbols)
{
    return symbols < HEED_FILM_SHORT ? HEED_FILM_SHORT - symbols : symbols > HEED_FILM_LONG ? symbols - HEED_FILM_LONG : 0;
}

static heed_status measure(const heed_model *m, const heed_record *r, heed_tokens *tokens, int64_t *miss, heed_error *err)
{
    int64_t count[2];
    heed_error why;
    for (int i = 0; i < 2; i++) {
        heed_status status = heed_text_encode(i ? m->target : m->source, r->text[i], r->size[i], tokens, err);
        if (status) return status;
        count[i] = tokens->count;
    }
    const bool fits = count[0] <= HEED_FILM_LONGEST && count[1] <= HEED_FILM_LONGEST && count[0] > 0 && count[1] > 0;
    *miss = !fits || heed_model_fits(m, count[0], count[1], &why) ? -1 : miss_of(count[0]) > miss_of(count[1]) ? miss_of(count[0]) : miss_of(count[1]);
    return HEED_OK;
}

static bool is_known(const choice *c, const heed_record *r)
{
    for (int i = 0; i < c->count; i++)
        if (strlen(c->best[i].memory) == r->size[0] && memcmp(c->best[i].memory, r->text[0], r->size[0]) == 0) return true;
    return false;
}

static bool keep(choice *c, const heed_record *r, int64_t miss)
{
    char *memory = malloc(r->size[0] + r->size[1] + 2);
    if (!memory) return false;
    memcpy(memory, r->text[0], r->size[0]);
    memory[r->size[0]] = 0;
    memcpy(memory + r->size[0] + 1, r->text[1], r->size[1]);
    memory[r->size[0] + 1 + r->size[1]] = 0;
    int at = c->count;
    for (; at > 0 && c->best[at - 1].miss > miss; at--) c->best[at] = c->best[at - 1];
    c->best[at] = (candidate){r->line, miss, memory, memory + r->size[0] + 1};
    if (++c->count > HEED_FILM_SENTENCES) free(c->best[--c->count].memory);
    return true;
}

static heed_status consider(choice *c, const heed_model *m, const heed_record *r, heed_tokens *tokens, heed_error *err)
{
    int64_t miss;
    const heed_status status = measure(m, r, tokens, &miss, err);
    if (status || miss < 0 || is_known(c, r)) return status;
    if (c->count == HEED_FILM_SENTENCES && miss >= c->best[c->count - 1].miss) return HEED_OK;
    return keep(c, r, miss) ? HEED_OK : heed_fail(err, HEED_E_NOMEM, "out of memory for the sentences to film");
}

static heed_status look_through(choice *c, const heed_model *m, heed_corpus *corpus, heed_error *err)
{
    heed_tokens tokens = {0};
    heed_record r;
    bool end = false;
    heed_status status = HEED_OK;
    for (int n = 0; n < HEED_FILM_AMONG && !status; n++) {
        status = heed_corpus_next(corpus, &r, &end, err);
        if (status || end) break;
        status = consider(c, m, &r, &tokens, err);
    }
    heed_tokens_free(&tokens);
    return status;
}

static int by_line(const void *a, const void *b)
{
    const candidate *x = a, *y = b;
    return (x->line > y->line) - (x->line < y->line);
}

heed_status heed_reel_choose(heed_reel *r, const heed_model *m, const char *const *paths, int files, heed_error *err)
{
    int layers, heads;
    choice c = {.count = 0};
    heed_model_looks(m, &layers, &heads);
    if (layers == 0 || files == 0) return HEED_OK;
    heed_corpus *corpus = heed_corpus_open(&(heed_corpus_settings){.paths = paths, .files = files, .fields = 2, .invalid = (heed_invalid)m->recipe.data.invalid_utf8}, err);
    if (!corpus) return err->status;
    const heed_status status = look_through(&c, m, corpus, err);
    heed_corpus_close(corpus);
    qsort(c.best, (size_t)c.count, sizeof *c.best, by_line);
    for (r->count = 0; r->count < c.count; r->count++) {
        const candidate *from = &c.best[r->count];
        r->memory[r->count] = from->memory;
        r->sentence[r->count] = (heed_sentence){from->memory, from->target, from->line};
    }
    return status;
}

void heed_reel_free(heed_reel *r)
{
    for (int i = 0; i < r->count; i++) free(r->memory[i]);
    heed_log_free(&r->log);
    *r = (heed_reel){.count = 0};
}

/* --- in a run --------------------------------------------------------------------------------------------------------------------------------- */

heed_status heed_run_look(const heed_run *run, heed_buf *out, heed_error *err)
{
    const heed_reel *r = &run->reel;
    return r->count ? run->training->film(run->training->user, run->model, r->sentence, r->count, run->threads, out, err) : HEED_OK;
}

heed_status heed_run_film(heed_run *run, bool judged, heed_error *err)
{
    heed_log *l = &run->reel.log;
    heed_buf *out = &l->line;
    if (!run->reel.count) return HEED_OK;
    heed_buf_reset(out);
    heed_buf_printf(out, "{\"update\": %lld, \"epoch\": %lld", (long long)run->state.update, (long long)heed_run_epoch(run));
    if (judged) heed_log_figures(out, run->state.valid_loss, run->state.metric, heed_run_recipe(run)->train.validate.metric);
    heed_buf_text(out, ", \"sentences\": ");
    const heed_status status = heed_run_look(run, out, err);
    heed_buf_text(out, "}\n");
    if (status) return status;
    return out->failed ? heed_fail(err, HEED_E_NOMEM, "%s: out of memory", l->path) : heed_file_append(l->path, out->data, out->size, err);
}

heed_status heed_run_film_open(heed_run *run, heed_error *err)
{
    heed_log *l = &run->reel.log;
    const heed_status status = heed_path_join(l->path, sizeof l->path, run->dir, "film.jsonl", err);
    return status ? status : heed_log_cut(l, run->saved ? run->state.validated : -1, err);   /* of what was not saved, it is filmed again, the beginning too */
}
