/* An explanation as one JSON object: docs/contract.md. Lenses and heads are computed while they are written. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "explain/explanation.h"
#include "explain/label.h"
#include "explain/trust.h"
#include "model/words.h"

/* --- the model ------------------------------------------------------------------------------------------------------------------------------------ */

/* "transformer 4 + 4 x 128, 4 heads" */
static void add_model(const heed_explanation *x, heed_buf *out)
{
    const heed_model *m = heed_probe_model(x->in.probe);
    const heed_recipe *r = &m->recipe;
    const char *encoder = m->encoder_kind->name, *decoder = m->decoder_kind->name;
    int layers, heads;
    heed_probe_heads(x->in.probe, HEED_SITE_CROSS, &layers, &heads);
    heed_buf_text(out, "\"model\": {\"name\": ");
    heed_label_json(out, x->name);
    heed_buf_printf(out, ", \"description\": \"%s", encoder);
    if (strcmp(encoder, decoder) != 0) heed_buf_printf(out, " to %s", decoder);
    heed_buf_printf(out, ", %lld + %lld layers x %lld, ", (long long)r->model.encoder.layers, (long long)r->model.decoder.layers,
                    (long long)r->model.decoder.width);
    heed_buf_printf(out, heads == 0 ? "no attention" : heads == 1 ? "1 head" : "%d heads", heads);
    heed_buf_printf(out, "\", \"layers\": %d, \"heads\": %d}", layers, heads);
}

/* --- lenses --------------------------------------------------------------------------------------------------------------------------------------- */

static void add_text(heed_buf *out, const char *key, const char *text)
{
    heed_buf_printf(out, ", \"%s\": ", key);
    heed_label_json(out, text);
}

static void add_lens(const heed_lens *is, const heed_explanation *x, const heed_lens_note *note, const float *scores, heed_sink *s)
{
    heed_buf *out = &s->text;
    heed_matrix m;
    heed_buf_text(out, "{\"name\": ");
    heed_label_json(out, is->name);
    add_text(out, "title", is->title);
    add_text(out, "sentence", is->sentence);
    heed_buf_printf(out, ", \"signed\": %s", is->is_signed ? "true" : "false");
    add_text(out, "target", is->target);
    add_text(out, "method", is->method);
    add_text(out, "baseline", is->baseline);
    if (*note->text) add_text(out, "note", note->text);
    heed_buf_text(out, ", \"matrix\": ");
    heed_matrix_begin(&m, s, x->in.T, x->in.S, false);
    for (int64_t t = 0; t < x->in.T; t++) heed_matrix_row(&m, scores + t * x->in.S, x->in.S);
    heed_matrix_end(&m);
    heed_buf_char(out, '}');
}

/* kept [lenses]: room for all scores, which judging wants; NULL: each lens in the place of the one before. */
static heed_status add_lenses(const heed_explanation *x, heed_trust_lens *kept, heed_sink *s, heed_error *err)
{
    float *scores = heed_explanation_room(x, kept ? x->lenses : 1, err);
    heed_status status = scores ? HEED_OK : HEED_E_NOMEM;
    heed_lens_note note;
    heed_buf_text(&s->text, ", \"lenses\": [");
    for (int i = 0; i < x->lenses && status == HEED_OK; i++) {
        float *to = scores + (kept ? i * x->in.T * x->in.S : 0);
        status = heed_lens_run(x->lens[i], &x->in, to, &note, err);
        if (i) heed_buf_text(&s->text, ", ");
        if (!status) add_lens(&x->lens[i]->is, x, &note, to, s);
        if (kept) kept[i] = (heed_trust_lens){&x->lens[i]->is, to};
    }
    heed_buf_char(&s->text, ']');
    if (kept && !status) {
        heed_buf_text(&s->text, ", ");
        status = heed_trust_json(&x->in, kept, x->lenses, heed_probe_model(x->in.probe)->lenses, &s->text, err);
    }
    free(scores);
    return status;
}

/* --- heads ----------------------------------------------------------------------------------------------------------------------------------------- */

typedef struct heading {
    const heed_explanation *x;
    heed_sink *s;
    heed_matrix m;
    int64_t turn;               /* a recurrent decoder gives one row of all heads after the other: one head is written a turn */
    bool any;
    float *row;
    double *column, entropy;    /* sums over rows */
} heading;

static const char *symbol_of(const heed_explanation *x, heed_site site, int64_t j)
{
    if (site != HEED_SITE_DECODER) return x->output->source_tokens[j].text;
    return j ? x->output->tokens[j - 1].text : "<s>";
}

static void begin_head(heading *h, const heed_sighting *s, int64_t head, int64_t rows)
{
    heed_buf_text(&h->s->text, h->any ? ", " : "");
    heed_buf_printf(&h->s->text, "{\"site\": \"%s\", \"layer\": %d, \"head\": %lld, \"matrix\": ", heed_site_name(s->site), s->layer, (long long)head);
    heed_matrix_begin(&h->m, h->s, rows, s->keys, true);
    memset(h->column, 0, (size_t)s->keys * sizeof *h->column);
    h->entropy = 0;
    h->any = true;
}

static void add_row(heading *h, const heed_sighting *s, int64_t i, int64_t head)
{
    heed_sighting_weights(s, i, head, h->row);
    heed_matrix_row(&h->m, h->row, s->keys);
    for (int64_t j = 0; j < s->keys; j++) {
        h->column[j] += (double)h->row[j];
        if (h->row[j] > 0) h->entropy -= (double)h->row[j] * log((double)h->row[j]);
    }
}

static void end_head(heading *h, const heed_sighting *s, int64_t rows)
{
    int64_t sink = 0;
    heed_matrix_end(&h->m);
    for (int64_t j = 1; j < s->keys; j++)
        if (h->column[j] > h->column[sink]) sink = j;
    heed_buf_text(&h->s->text, ", \"entropy\": ");
    heed_number_short(&h->s->text, h->entropy / (double)rows, 6);
    heed_buf_text(&h->s->text, ", \"sink\": ");
    heed_number_short(&h->s->text, h->column[sink] / (double)rows, 6);
    add_text(&h->s->text, "sink_symbol", symbol_of(h->x, s->site, sink));
    heed_buf_char(&h->s->text, '}');
}

static void see(void *self, const heed_sighting *s)
{
    heading *h = self;
    const int64_t rows = s->site == HEED_SITE_ENCODER ? h->x->in.S : h->x->in.T, H = s->attn->is.heads;
    const bool whole = s->rows == rows;
    for (int64_t head = whole ? 0 : h->turn; head < (whole ? H : h->turn + 1); head++) {
        if (whole && h->turn) return;
        if (s->first == 0) begin_head(h, s, head, rows);
        for (int64_t i = 0; i < s->rows; i++) add_row(h, s, i, head);
        if (s->first + s->rows == rows) end_head(h, s, rows);
    }
}

static heed_status add_heads(const heed_explanation *x, heed_sink *s, heed_error *err)
{
    const int64_t longest = x->in.S > x->in.T ? x->in.S : x->in.T;
    int layers, heads;
    heading h = {.x = x, .s = s, .row = malloc((size_t)longest * sizeof *h.row), .column = malloc((size_t)longest * sizeof *h.column)};
    heed_status status = h.row && h.column ? HEED_OK : heed_fail(err, HEED_E_NOMEM, "out of memory for the heads");
    heed_probe_heads(x->in.probe, HEED_SITE_CROSS, &layers, &heads);
    const bool one_by_one = heed_probe_model(x->in.probe)->recipe.model.decoder.type == HEED_DECODER_rnn && x->in.T > 1;
    heed_buf_text(&s->text, ", \"heads\": [");
    for (; h.turn < (one_by_one && heads ? heads : 1) && status == HEED_OK; h.turn++) status = heed_lens_watch(&x->in, see, &h, err);
    heed_buf_char(&s->text, ']');
    free(h.row);
    free(h.column);
    return status;
}

/* --- changes --------------------------------------------------------------------------------------------------------------------------------------- */

static void add_changes(const heed_explanation *x, heed_sink *s)
{
    heed_buf *out = &s->text;
    heed_buf_text(out, ", \"what_if\": [");
    for (int i = 0; i < x->change_count; i++) {
        const heed_changed *c = &x->changes[i];
        heed_buf_text(out, i ? ", {\"what\": " : "{\"what\": ");
        heed_label_json(out, c->is->what);
        heed_buf_text(out, ", \"output\": ");
        heed_json_output(c->output, false, out);
        heed_buf_text(out, ", \"change\": [");
        for (int64_t t = 0; c->logp && t < x->in.T; t++) {
            heed_buf_text(out, t ? ", " : "");
            heed_number_short(out, (double)c->logp[t] - (double)x->in.logp[t], 8);
        }
        heed_buf_text(out, "]}");
        heed_sink_pass(s);
    }
    heed_buf_char(out, ']');
}

static void add_beams(const heed_beams *b, heed_buf *out)
{
    heed_buf tree = {0};
    if (heed_beams_json(b, &tree)) {
        heed_buf_text(out, ", \"beams\": ");
        heed_buf_add(out, tree.data, tree.size);
    }
    out->failed |= tree.failed;
    heed_buf_free(&tree);
}

heed_status heed_explanation_json(const heed_explanation *x, heed_sink *s, heed_error *err)
{
    heed_buf_text(&s->text, "{\"heed\": \"explanation\", \"version\": 1, ");
    add_model(x, &s->text);
    heed_buf_text(&s->text, ", ");
    heed_json_members(x->output, 0, false, &s->text);
    if (x->forced) heed_buf_text(&s->text, ", \"forced\": true");
    heed_sink_pass(s);
    heed_trust_lens kept[HEED_LENSES];
    heed_status status = add_lenses(x, x->trust && x->lenses ? kept : NULL, s, err);
    if (!status && x->heads) status = add_heads(x, s, err);
    if (x->change_count) add_changes(x, s);
    if (x->beams) add_beams(x->beams, &s->text);
    heed_buf_text(&s->text, "}\n");
    return status;
}
