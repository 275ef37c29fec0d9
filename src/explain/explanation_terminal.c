/* An explanation for a terminal, and one lens as a picture. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "explain/explanation.h"
#include "explain/label.h"

enum { SHOWN = 5, WIDEST = 16 };

static int widest(const heed_piece_of_text *symbols, int64_t count)
{
    int most = 1;
    for (int64_t i = 0; i < count; i++) {
        const int width = heed_label_width(heed_label_symbol(symbols, i));
        most = width > most ? width : most;
    }
    return most < WIDEST ? most : WIDEST;
}

static void add_score(heed_buf *out, double score, bool is_signed)
{
    heed_buf_text(out, is_signed && score >= 0 ? "+" : "");
    heed_number_fixed(out, score, 2);
}

/* The largest of a row, by size, as long as they are anything; the first of equals first. */
static void add_largest(heed_buf *out, const heed_explanation *x, const float *row, bool is_signed, int label)
{
    int64_t shown[SHOWN], n = 0;
    for (int64_t s = 0; s < x->in.S; s++) {
        const double size = fabs((double)row[s]);
        if (size < 0.005) continue;
        int64_t at = n < SHOWN ? n : SHOWN;
        while (at > 0 && size > fabs((double)row[shown[at - 1]])) at--;
        if (at == SHOWN) continue;
        if (n < SHOWN) n++;
        memmove(shown + at + 1, shown + at, (size_t)(n - at - 1) * sizeof *shown);
        shown[at] = s;
    }
    for (int64_t i = 0; i < n; i++) {
        heed_buf_text(out, "  ");
        heed_label_fit(out, heed_label_symbol(x->output->source_tokens, shown[i]), label);
        heed_buf_char(out, ' ');
        add_score(out, (double)row[shown[i]], is_signed);
    }
    heed_buf_text(out, n ? "\n" : "  nothing above 0.005\n");
}

static void add_lens(heed_buf *out, const heed_explanation *x, const heed_lens *is, const heed_lens_note *note, const float *scores)
{
    const int written = widest(x->output->tokens, x->in.T), read = widest(x->output->source_tokens, x->in.S);
    heed_buf_printf(out, "\n%s: %s\n", is->name, is->sentence);
    if (*note->text) heed_buf_printf(out, "%s\n", note->text);
    for (int64_t t = 0; t < x->in.T; t++) {
        heed_buf_text(out, "  ");
        heed_label_fit(out, heed_label_symbol(x->output->tokens, t), written);
        add_largest(out, x, scores + t * x->in.S, is->is_signed, read);
    }
}

static void add_change(heed_buf *out, const heed_explanation *x, const heed_changed *c)
{
    const int label = widest(x->output->tokens, x->in.T);
    heed_buf_printf(out, "\nwhat if %s\nwrites  ", c->is->what);
    heed_label_plain(out, c->output->text);
    heed_buf_text(out, "\nscore   ");
    heed_number_fixed(out, c->output->score, 4);
    heed_buf_char(out, '\n');
    for (int64_t t = 0; c->logp && t < x->in.T; t++) {
        heed_buf_text(out, "  ");
        heed_label_fit(out, heed_label_symbol(x->output->tokens, t), label);
        heed_buf_text(out, "  ln p ");
        heed_number_fixed(out, (double)x->in.logp[t], 4);
        heed_buf_text(out, "  then ");
        heed_number_fixed(out, (double)c->logp[t], 4);
        heed_buf_text(out, "  ");
        add_score(out, (double)c->logp[t] - (double)x->in.logp[t], true);
        heed_buf_char(out, '\n');
    }
}

heed_status heed_explanation_terminal(const heed_explanation *x, heed_sink *s, heed_error *err)
{
    heed_lens_note note;
    float *scores = heed_explanation_room(x, 1, err);
    heed_status status = scores ? HEED_OK : HEED_E_NOMEM;
    heed_buf_text(&s->text, "read    ");
    heed_label_plain(&s->text, x->output->source);
    heed_buf_text(&s->text, "\nwrote   ");
    heed_label_plain(&s->text, x->output->text);
    heed_buf_text(&s->text, "\nscore   ");
    heed_number_fixed(&s->text, x->output->score, 4);
    heed_buf_char(&s->text, '\n');
    for (int i = 0; i < x->lenses && status == HEED_OK; i++) {
        status = heed_lens_run(x->lens[i], &x->in, scores, &note, err);
        if (!status) add_lens(&s->text, x, &x->lens[i]->is, &note, scores);
        heed_sink_pass(s);
    }
    for (int i = 0; i < x->change_count && status == HEED_OK; i++) add_change(&s->text, x, &x->changes[i]);
    free(scores);
    return status;
}

heed_status heed_explanation_svg(const heed_explanation *x, heed_sink *s, heed_error *err)
{
    heed_lens_note note;
    if (x->lenses != 1) return heed_fail(err, HEED_E_USAGE, "a picture shows one lens, and %d were asked for", x->lenses);
    float *scores = heed_explanation_room(x, 1, err);
    heed_status status = scores ? heed_lens_run(x->lens[0], &x->in, scores, &note, err) : HEED_E_NOMEM;
    if (!status) heed_explain_svg_lens(x->output, &x->lens[0]->is, scores, note.text, &s->text);
    free(scores);
    return status;
}
