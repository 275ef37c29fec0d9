/* heed_shortlist_make: what the symbols of a source translate to, by statistics of pairs of texts. */
#include <stdlib.h>
#include <string.h>

#include "align/bitext.h"
#include "api/pairs.h"
#include "base/file.h"
#include "model/model.h"

enum { USUAL_BEST = 50, USUAL_FREQUENT = 500, MOST = 1000000 };

typedef struct making {
    const heed_model *model;
    const heed_shortlist_options *options;
    heed_pairs pairs;
    heed_bitext *text;
    heed_tokens tokens[2];
    heed_buf line[2];                    /* symbols of a pair, parted by spaces */
    int64_t *count;                      /* [target V] how often each was seen */
    heed_buf out;
    heed_shortlist_report report;
} making;

/* --- reading ------------------------------------------------------------------------------------------------------------------------------------ */

static heed_status encode(making *m, const heed_pair *pair, heed_error *err)
{
    const heed_text *const texts[] = {m->model->source, m->model->target};
    const char *const given[] = {pair->source, pair->target};
    heed_status status = HEED_OK;
    for (int i = 0; i < 2 && !status; i++) status = heed_text_encode(texts[i], given[i], strlen(given[i]), &m->tokens[i], err);
    return status;
}

static heed_status add_pair(making *m, const heed_pair *pair, heed_error *err)
{
    const heed_text *const texts[] = {m->model->source, m->model->target};
    heed_status status = encode(m, pair, err);
    for (int i = 0; i < 2 && !status; i++) {
        heed_buf_reset(&m->line[i]);
        for (int64_t k = 0; k < m->tokens[i].count; k++) {
            if (k) heed_buf_char(&m->line[i], ' ');
            heed_buf_text(&m->line[i], heed_text_symbol(texts[i], m->tokens[i].item[k].id));
        }
        if (m->line[i].failed) status = heed_fail(err, HEED_E_NOMEM, "out of memory for the symbols of a pair");
    }
    if (status) return status;
    heed_error why;
    status = heed_bitext_add(m->text, m->line[0].data ? m->line[0].data : "", m->line[0].size, m->line[1].data ? m->line[1].data : "", m->line[1].size, &why);
    if (status == HEED_E_LIMIT) m->report.skipped++;
    else if (status) return heed_fail(err, status, "%s", why.text);
    for (int64_t k = 0; !status && k < m->tokens[1].count; k++) m->count[m->tokens[1].item[k].id]++;
    m->report.pairs += !status;
    return HEED_OK;
}

/* what: of every pair. */
static heed_status each_pair(making *m, heed_status (*what)(making *m, const heed_pair *pair, heed_error *err), heed_error *err)
{
    heed_pairs *p = &m->pairs;
    heed_status status = heed_pairs_next(p, true, err);
    while (!status && p->count) {
        for (int64_t i = 0; i < p->count && !status; i++) {
            heed_error why;
            status = what(m, &p->pair[i], &why);
            if (status) heed_pairs_fail(p, i, status, why.text, err);
        }
        if (!status) status = heed_pairs_next(p, true, err);
    }
    return status;
}

/* --- writing ------------------------------------------------------------------------------------------------------------------------------------ */

typedef struct seen { int64_t count; int32_t id; } seen;

static int by_count(const void *a, const void *b)
{
    const seen *x = a, *y = b;
    return x->count != y->count ? (x->count < y->count ? 1 : -1) : (x->id > y->id) - (x->id < y->id);
}

static heed_status write_frequent(making *m, heed_error *err)
{
    const heed_text *t = m->model->target;
    const int64_t V = heed_text_size(t), wanted = m->options->frequent ? m->options->frequent : USUAL_FREQUENT;
    seen *all = malloc((size_t)V * sizeof *all);
    if (!all) return heed_fail(err, HEED_E_NOMEM, "out of memory for a shortlist");
    for (int32_t i = 0; i < V; i++) all[i] = (seen){m->count[i], i};
    qsort(all, (size_t)V, sizeof *all, by_count);
    heed_buf_char(&m->out, '\t');
    heed_buf_text(&m->out, "</s> <unk>");
    for (int64_t i = 0, n = 0; i < V && n < wanted && all[i].count; i++) {
        if (all[i].id < HEED_SPECIALS) continue;
        heed_buf_char(&m->out, ' ');
        heed_buf_text(&m->out, heed_text_symbol(t, all[i].id));
        n++;
    }
    heed_buf_char(&m->out, '\n');
    free(all);
    return HEED_OK;
}

static bool write_row(void *user, const char *source, const char *const *target, int64_t count)
{
    heed_buf *out = &((making *)user)->out;
    heed_buf_text(out, source);
    heed_buf_char(out, '\t');
    for (int64_t i = 0; i < count; i++) {
        if (i) heed_buf_char(out, ' ');
        heed_buf_text(out, target[i]);
    }
    heed_buf_char(out, '\n');
    return !out->failed;
}

static heed_status write_file(making *m, heed_error *err)
{
    heed_error why;
    heed_status status = write_frequent(m, err);
    if (status) return status;
    status = heed_bitext_translations(m->text, m->options->best ? m->options->best : USUAL_BEST, write_row, m, &why);
    if (m->out.failed) return heed_fail(err, HEED_E_NOMEM, "out of memory for a shortlist");
    if (status) return heed_fail(err, status, "%s", why.text);
    return heed_file_replace(m->options->out, m->out.data, m->out.size, err);
}

/* --- how it does -------------------------------------------------------------------------------------------------------------------------------- */

typedef struct judging { heed_shortlist *list; uint64_t *marks; int64_t symbols, covered, offered, pairs; } judging;

static void judge_pair(judging *j, const heed_tokens tokens[2])
{
    const int64_t words = heed_shortlist_words(j->list);
    memset(j->marks, 0, (size_t)words * sizeof *j->marks);
    heed_shortlist_mark(j->list, &tokens[0], j->marks);
    for (int64_t i = 0; i < words; i++) j->offered += __builtin_popcountll(j->marks[i]);
    for (int64_t i = 0; i < tokens[1].count; i++) j->covered += j->marks[tokens[1].item[i].id / 64] >> tokens[1].item[i].id % 64 & 1;
    j->symbols += tokens[1].count;
    j->pairs++;
}

static heed_status judge(making *m, heed_error *err)
{
    judging j = {.list = heed_shortlist_open(m->options->out, m->model->source, m->model->target, err)};
    if (!j.list) return err ? err->status : HEED_E_NOMEM;
    j.marks = malloc((size_t)heed_shortlist_words(j.list) * sizeof *j.marks);
    heed_status status = j.marks ? heed_pairs_rewind(&m->pairs, err) : heed_fail(err, HEED_E_NOMEM, "out of memory for a shortlist");
    heed_pairs *p = &m->pairs;
    if (!status) status = heed_pairs_next(p, true, err);
    while (!status && p->count) {
        for (int64_t i = 0; i < p->count && !status; i++) {
            status = encode(m, &p->pair[i], err);
            if (!status) judge_pair(&j, m->tokens);
        }
        if (!status) status = heed_pairs_next(p, true, err);
    }
    m->report.covered = j.symbols ? (double)j.covered / (double)j.symbols : 1;
    m->report.mean = j.pairs ? (double)j.offered / (double)j.pairs : 0;
    heed_shortlist_free(j.list);
    free(j.marks);
    return status;
}

/* --- all of it ---------------------------------------------------------------------------------------------------------------------------------- */

static heed_status make(making *m, heed_error *err)
{
    heed_status status = heed_shortlist_spells(m->model->source, "source", err);
    if (!status) status = heed_shortlist_spells(m->model->target, "target", err);
    if (status) return status;
    m->text = heed_bitext_new(&(heed_bitext_settings){.threads = m->options->threads}, err);
    m->count = calloc((size_t)heed_text_size(m->model->target), sizeof *m->count);
    if (!m->text || !m->count) return heed_fail(err, HEED_E_NOMEM, "out of memory for a shortlist");
    status = heed_pairs_open(&m->pairs, &(heed_align_options){.source = m->options->source, .target = m->options->target}, err);
    if (!status) status = each_pair(m, add_pair, err);
    if (!status && !m->report.pairs) status = heed_fail(err, HEED_E_DATA, "%s: no pairs to make a shortlist of", m->options->source);
    if (!status) status = write_file(m, err);
    if (!status) status = judge(m, err);
    heed_pairs_close(&m->pairs);
    return status;
}

heed_status heed_shortlist_make(const heed_model *m, const heed_shortlist_options *options, heed_shortlist_report *report, heed_error *err)
{
    if (!m || !options || !options->source || !options->target || !options->out || !*options->out)
        return heed_fail(err, HEED_E_USAGE, "a shortlist is made with a model, of a source and a target file, and written to a file");
    if (options->best < 0 || options->best > MOST || options->frequent < 0 || options->frequent > MOST)
        return heed_fail(err, HEED_E_USAGE, "best and frequent: from 1 to %d symbols", MOST);
    making x = {.model = m, .options = options};
    heed_error why = {.status = HEED_OK};
    const heed_status status = make(&x, &why);
    if (!status && report) *report = x.report;
    if (status && err) *err = why;
    heed_bitext_free(x.text);
    for (int i = 0; i < 2; i++) {
        heed_tokens_free(&x.tokens[i]);
        heed_buf_free(&x.line[i]);
    }
    heed_buf_free(&x.out);
    free(x.count);
    return status;
}
