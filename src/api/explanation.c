/* heed_explanation_write: one item, run, then explained by lenses and by changes. */
#include <stdlib.h>
#include <string.h>

#include "api/session.h"
#include "explain/explanation.h"
#include "explain/page.h"
#include "explain/trust.h"
#include "model/words.h"

enum { MOST_PAGE_NUMBERS = 24000000 };   /* of heads: 64 MB of a page */

/* --- which lenses ----------------------------------------------------------------------------------------------------------------------------------- */

const heed_lens *heed_lens_at(int i)
{
    const heed_lens_kind *k = heed_lens_kind_at(i);
    return k ? &k->is : NULL;
}

static heed_status no_such_lens(const char *name, heed_error *err)
{
    char quoted[HEED_QUOTE_SIZE];
    heed_nearest near = {.wanted = name};
    heed_buf all = {0};
    const heed_lens *l;
    for (int i = 0; (l = heed_lens_at(i)); i++) {
        heed_nearest_offer(&near, l->name);
        heed_buf_printf(&all, "%s%s", i ? ", " : "", l->name);
    }
    heed_fail(err, HEED_E_USAGE, "no lens %s%s%s%s; there are %s", heed_quote(quoted, name), *near.best ? "; did you mean " : "", near.best, *near.best ? "?"
              : "",
              all.failed ? "others" : all.data);
    heed_buf_free(&all);
    return HEED_E_USAGE;
}

/* All that suit the model. */
static int choose_all(const heed_model *m, bool slow, const heed_lens *chosen[HEED_LENSES])
{
    int n = 0;
    const heed_lens_kind *k;
    heed_error err;
    for (int i = 0; (k = heed_lens_kind_at(i)); i++)
        if (heed_lens_suits(k, m, &err) == HEED_OK && (slow || k->run != heed_lens_integrated_gradients)) chosen[n++] = &k->is;
    return n;
}

int heed_lens_choose(const heed_model *m, const char *const *names, int count, const heed_lens *chosen[HEED_LENSES], heed_error *err)
{
    const bool all = count == 1 && strcmp(names[0], "all") == 0;
    if (!count || all) return choose_all(m, all, chosen);
    for (int i = 0; i < count; i++) {
        const heed_lens_kind *k = heed_lens_find(names[i]);
        if (!k) return no_such_lens(names[i], err), 0;
        if (heed_lens_suits(k, m, err) != HEED_OK) return 0;
        for (int j = 0; j < i; j++)
            if (chosen[j] == &k->is) return heed_fail(err, HEED_E_USAGE, "the lens %s was asked for twice", k->is.name), 0;
        chosen[i] = &k->is;
    }
    return count;
}

/* --- an item ------------------------------------------------------------------------------------------------------------------------------------------ */

/* What one call needs from beginning to end. */
typedef struct telling {
    heed_session *s;
    const heed_item *item;
    const heed_explanation_options *how;
    heed_decode decode;
    heed_look look;
    heed_arena *arena;
    heed_output output;
    heed_job job;               /* that wrote the output, traced */
    heed_probe *probe;
    heed_explanation x;
    heed_what_if *changes;
    heed_changed *changed;
} telling;

/* masked: a source symbol, -1: none. */
static heed_status run_item(telling *t, const heed_item *item, int64_t masked, heed_job *job, heed_output *output, heed_error *err)
{
    heed_output *outputs = output;
    *job = (heed_job){.model = t->s->model, .tape = t->s->tapes[0], .arena = t->arena, .items = &item, .outputs = &outputs, .numbers = &(uint64_t){0}, .count = 1,
                      .decode = t->decode, .look = t->look, .traced = true, .masked = masked + 1};
    heed_status status = t->s->task->run(job, err);
    if (status == HEED_OK && output->status != HEED_OK) status = heed_fail(err, output->status, "the text: %s", output->error);
    return status;
}

static heed_status no_memory(heed_error *err) { return heed_fail(err, HEED_E_NOMEM, "out of memory for an explanation"); }

static heed_status check_symbols(const telling *t, heed_error *err)
{
    const heed_output *o = &t->output;
    char quoted[HEED_QUOTE_SIZE];
    if (!t->job.read || o->source_count < 2) return heed_fail(err, HEED_E_DATA, "the text has no symbols, so there is nothing to explain");
    if (!o->count) return heed_fail(err, HEED_E_DATA, "nothing was written, so there is nothing to explain");
    for (int64_t i = 0; t->item->target && i < o->count; i++)
        if (t->job.written[i] == HEED_UNK)
            return heed_fail(err, HEED_E_DATA, "the target: symbol %lld, %s, is none that this model can write; a lens would explain <unk> in its place: leave it out, or "
                                               "write what the model knows", (long long)i, heed_quote(quoted, o->tokens[i].text));
    return HEED_OK;
}

/* Of each symbol the word that it is part of; NULL: out of memory. */
static int32_t *words_of(telling *t, const char *text, const heed_piece_of_text *symbols, int64_t count, const heed_range **ranges, int64_t *words)
{
    int64_t *word = heed_arena_alloc(t->arena, (size_t)(count + 1) * sizeof *word);
    int32_t *of = heed_arena_alloc(t->arena, (size_t)(count + 1) * sizeof *of);
    *words = heed_words_split(text, NULL);
    heed_range *range = heed_arena_alloc(t->arena, (size_t)(*words + 1) * sizeof *range);
    if (!word || !of || !range) return NULL;
    heed_words_split(text, range);
    heed_words_place(text, symbols, count, range, *words, word);
    for (int64_t i = 0; i < count; i++) of[i] = (int32_t)word[i];
    *ranges = range;
    return of;
}

static heed_status prepare(telling *t, heed_error *err)
{
    heed_output *o = &t->output;
    heed_lens_input *in = &t->x.in;
    heed_status status = check_symbols(t, err);
    if (status) return status;
    if (!t->s->probe) t->s->probe = heed_probe_new(t->s->model, t->s->tapes[0], err);
    if (!t->s->probe || heed_probe_spread(t->s->probe, t->s->tapes, t->s->threads, err) != HEED_OK) return HEED_E_NOMEM;
    t->probe = t->s->probe;
    heed_probe_ask(t->probe, t->how->stop, t->how->user);
    float *logp = heed_arena_alloc(t->arena, (size_t)o->count * sizeof *logp);
    *in = (heed_lens_input){.probe = t->probe, .source = t->job.read, .S = o->source_count, .target = t->job.written, .T = o->count, .look = t->look};
    in->source_word = words_of(t, o->source, o->source_tokens, o->source_count, &o->source_ranges, &o->source_words);
    in->target_word = words_of(t, o->text, o->tokens, o->count, &o->target_ranges, &o->target_words);
    if (!logp || !in->source_word || !in->target_word) return no_memory(err);
    t->x.output = o;
    t->x.beams = &t->job.beams;
    status = heed_lens_logp(in, 1, logp, err);
    in->logp = logp;
    return status;
}

/* --- changes ------------------------------------------------------------------------------------------------------------------------------------------- */

/* The symbols of another source, </s> the last. */
static heed_status read_source(telling *t, const char *text, int32_t **ids, int64_t *n, heed_error *err)
{
    heed_tokens tokens = {0};
    heed_status status = heed_text_encode(t->s->model->source, text, strlen(text), &tokens, err);
    if (!status) status = heed_model_fits(t->s->model, tokens.count, 0, err);
    if (!status && !(*ids = heed_arena_alloc(t->arena, (size_t)(tokens.count + 1) * sizeof **ids))) status = no_memory(err);
    for (int64_t i = 0; !status && i < tokens.count; i++) (*ids)[i] = tokens.item[i].id;
    if (!status) (*ids)[tokens.count] = HEED_EOS;
    *n = tokens.count + 1;
    heed_tokens_free(&tokens);
    return status;
}

/* The first output with other probabilities. */
static bool rescore(telling *t, const float *logp, heed_output *o)
{
    heed_piece_of_text *tokens = heed_arena_alloc(t->arena, (size_t)t->x.in.T * sizeof *tokens);
    *o = t->output;
    o->tokens = tokens;
    o->score = 0;
    o->choices = NULL;
    for (int64_t i = 0; tokens && i < t->x.in.T; i++) {
        tokens[i] = t->output.tokens[i];
        tokens[i].logp = (double)logp[i];
        o->score += tokens[i].logp;
    }
    return tokens != NULL;
}

/* What is written when the change holds. */
static heed_status write_changed(telling *t, const heed_what_if *w, heed_output *o, heed_error *err)
{
    heed_item item = *t->item;
    heed_job job;
    if (w->source) item.text = w->source;
    if (w->kind == HEED_CHANGE_PREFIX) item.prefix = w->text;
    heed_what_if_apply(w, t->probe, true);
    heed_probe_hang(t->probe, &(heed_variant){.source = t->x.in.source, .S = t->x.in.S});
    heed_status status = run_item(t, &item, w->kind == HEED_CHANGE_MASK ? w->place : -1, &job, o, err);
    heed_probe_take_down(t->probe);
    heed_what_if_apply(w, t->probe, false);
    return status;
}

static heed_status change(telling *t, const char *spec, heed_what_if *w, heed_changed *c, heed_error *err)
{
    int32_t *source = NULL;
    int64_t S = 0;
    heed_status status = heed_what_if_parse(spec, &t->output, &t->x.in, t->arena, w, err);
    if (status) return status;
    if (w->kind == HEED_CHANGE_PREFIX && t->item->target)
        return heed_fail(err, HEED_E_USAGE, "what if prefix=TEXT: with a target nothing is written that could begin otherwise");
    heed_output *o = heed_arena_zero(t->arena, sizeof *o);
    float *logp = heed_arena_alloc(t->arena, (size_t)t->x.in.T * sizeof *logp);
    if (!o || !logp) return no_memory(err);
    *c = (heed_changed){.is = w, .output = o, .logp = w->kind == HEED_CHANGE_PREFIX ? NULL : logp};
    if (w->kind == HEED_CHANGE_EDIT || w->kind == HEED_CHANGE_VECTOR) status = read_source(t, w->source ? w->source : w->text, &source, &S, err);
    if (!status && c->logp) status = heed_what_if_logp(w, &t->x.in, source, S, logp, err);
    if (status) return status;
    if (w->kind != HEED_CHANGE_VECTOR) return write_changed(t, w, o, err);
    return rescore(t, logp, o) ? HEED_OK : no_memory(err);
}

static heed_status make_changes(telling *t, heed_error *err)
{
    const int n = t->how->what_if_count;
    heed_status status = HEED_OK;
    t->changes = calloc((size_t)n + 1, sizeof *t->changes);
    t->changed = calloc((size_t)n + 1, sizeof *t->changed);
    if (!t->changes || !t->changed) return no_memory(err);
    for (int i = 0; i < n && status == HEED_OK; i++) status = change(t, t->how->what_if[i], &t->changes[i], &t->changed[i], err);
    t->x.changes = t->changed;
    t->x.change_count = n;
    return status;
}

/* --- writing -------------------------------------------------------------------------------------------------------------------------------------------- */

static bool collect(void *user, const char *bytes, size_t size)
{
    heed_buf_add(user, bytes, size);
    return true;
}

static heed_status write_page(heed_explanation *x, const heed_explanation_options *how, heed_error *err)
{
    heed_buf json = {0}, page = {0};
    heed_sink into = {.write = collect, .user = &json}, out = {.write = how->write, .user = how->user};
    double numbers = 0;
    for (heed_site site = 0; site < HEED_SITES; site++) {
        int layers, heads;
        heed_probe_heads(x->in.probe, site, &layers, &heads);
        const int64_t rows = site == HEED_SITE_ENCODER ? x->in.S : x->in.T, cols = site == HEED_SITE_DECODER ? x->in.T : x->in.S;
        numbers += (double)layers * heads * (double)rows * (double)cols;
    }
    x->heads = numbers <= MOST_PAGE_NUMBERS;
    x->trust = x->trust || (x->in.S <= HEED_TRUST_SYMBOLS && x->in.T <= HEED_TRUST_SYMBOLS && x->in.S > 1);
    heed_status status = heed_explanation_json(x, &into, err), ended = heed_sink_end(&into, status ? NULL : err);
    if (!status) status = ended;
    if (!status && (json.failed || heed_explain_page(json.data, json.size, how->nonce, &page) != HEED_OK)) status =
        heed_fail(err, HEED_E_NOMEM, "out of memory for the page");
    heed_buf_free(&json);
    out.text = page;
    ended = heed_sink_end(&out, status ? NULL : err);
    return status ? status : ended;
}

static heed_status write_form(heed_explanation *x, const heed_explanation_options *how, heed_error *err)
{
    static heed_explanation_form *const forms[] = {
        [HEED_FORM_TERMINAL] = heed_explanation_terminal, [HEED_FORM_SVG] = heed_explanation_svg, [HEED_FORM_JSON] = heed_explanation_json,
        [HEED_FORM_CSV] = heed_explanation_csv, [HEED_FORM_TEX] = heed_explanation_tex, [HEED_FORM_NPY] = heed_explanation_npy};
    if (how->form == HEED_FORM_PAGE) return write_page(x, how, err);
    heed_sink sink = {.write = how->write, .user = how->user};
    heed_status status = forms[how->form](x, &sink, err), ended = HEED_OK;
    if (status) heed_buf_free(&sink.text);
    else ended = heed_sink_end(&sink, err);
    return status ? status : ended;
}

static heed_status check_options(const heed_session *s, const heed_item *item, const heed_explanation_options *how, heed_error *err)
{
    if (!item || !item->text) return heed_fail(err, HEED_E_USAGE, "an item needs a text");
    if (!how || !how->write || (int)how->form < 0 || how->form > HEED_FORM_NPY) return heed_fail(err, HEED_E_USAGE,
                                                                                          "an explanation needs a form, and somebody who takes it");
    if (s->ensemble_count) return heed_fail(err, HEED_E_USAGE, "lenses look into one model; ask each model of the ensemble by itself");
    const bool told = how->form == HEED_FORM_TERMINAL || how->form == HEED_FORM_JSON || how->form == HEED_FORM_PAGE;
    if (how->nonce && !heed_page_nonce(how->nonce)) return heed_fail(err, HEED_E_USAGE, "a page's nonce is 16 to 64 letters and digits");
    if (how->what_if_count && !told) return heed_fail(err, HEED_E_USAGE, "what if: told on a terminal, in JSON and on a page only");
    return heed_request_check(s, &(heed_request){.items = item, .count = 1}, err);
}

static heed_status choose(telling *t, heed_error *err)
{
    const heed_lens *chosen[HEED_LENSES];
    if (t->how->lens_count > HEED_LENSES) return heed_fail(err, HEED_E_USAGE, "%d lenses; there are not as many", t->how->lens_count);
    t->x.name = t->how->name ? t->how->name : "";
    t->x.heads = t->how->heads;
    t->x.trust = t->how->trust;
    t->x.forced = t->item->target != NULL;
    if (!t->how->lens_count && t->how->what_if_count && (t->how->form == HEED_FORM_TERMINAL || t->how->bare)) return HEED_OK;
    t->x.lenses = heed_lens_choose(t->s->model, t->how->lenses, t->how->lens_count, chosen, err);
    for (int i = 0; i < t->x.lenses; i++) t->x.lens[i] = heed_lens_find(chosen[i]->name);
    return t->x.lenses ? HEED_OK : HEED_E_USAGE;
}

heed_status heed_explanation_write(heed_session *s, const heed_item *item, const heed_explanation_options *options, heed_error *err)
{
    telling t = {.s = s, .item = item, .how = options};
    heed_status status = check_options(s, item, options, err);
    if (!status) status = choose(&t, err);
    if (!status) status = heed_decode_settle(s->model, NULL, &t.decode, err);
    if (!status) status = heed_look_settle(s->model, options->look, &t.look, err);
    if (status) return status;
    t.arena = heed_arena_new(0);
    status = t.arena ? run_item(&t, item, -1, &t.job, &t.output, err) : no_memory(err);
    if (!status) status = prepare(&t, err);
    if (!status) status = make_changes(&t, err);
    if (!status) status = write_form(&t.x, options, err);
    if (t.probe) heed_probe_ask(t.probe, NULL, NULL);
    free(t.changes);
    free(t.changed);
    heed_arena_free(t.arena);
    return status;
}
