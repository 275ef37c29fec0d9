/* A sentence of a film's frame, and a whole film for programs, as JSON: explain/film.h. */
#include "explain/film.h"

#include "explain/label.h"

#include <math.h>

static void add_pieces(heed_buf *out, const heed_piece_of_text *symbols, int64_t count)
{
    heed_buf_char(out, '[');
    for (int64_t i = 0; i < count; i++) {
        heed_buf_text(out, i ? ", " : "");
        heed_label_json(out, symbols[i].text);
    }
    heed_buf_char(out, ']');
}

/* To 1/10,000: a picture shows no more, and a zero is one letter long. */
static void add_numbers(heed_buf *out, const float *x, int64_t count)
{
    heed_buf_char(out, '[');
    for (int64_t i = 0; i < count; i++) {
        heed_buf_text(out, i ? "," : "");
        heed_number_short(out, round((double)x[i] * 1e4) / 1e4, 4);
    }
    heed_buf_char(out, ']');
}

static void add_named(heed_buf *out, const char *name, const char *text)
{
    heed_buf_printf(out, ", \"%s\": ", name);
    heed_label_json(out, text);
}

void heed_film_write(const heed_output *forced, const char *output, int64_t line, heed_buf *out)
{
    heed_buf_printf(out, "{\"line\": %lld", (long long)line);
    add_named(out, "source", forced->source);
    add_named(out, "reference", forced->text);
    add_named(out, "output", output);
    heed_buf_text(out, ", \"read\": ");
    add_pieces(out, forced->source_tokens, forced->source_count);
    heed_buf_text(out, ", \"written\": ");
    add_pieces(out, forced->tokens, forced->count);
    heed_buf_text(out, ", \"weights\": ");
    add_numbers(out, forced->shown, forced->shown ? forced->count * forced->source_count : 0);
    heed_buf_char(out, '}');
}

/* --- for programs ------------------------------------------------------------------------------------------------------------------------------ */

static void add_texts(heed_buf *out, const char *name, const char *const *texts, int64_t count)
{
    heed_buf_printf(out, ", \"%s\": [", name);
    for (int64_t i = 0; i < count; i++) {
        heed_buf_text(out, i ? ", " : "");
        heed_label_json(out, texts[i]);
    }
    heed_buf_char(out, ']');
}

static void add_real(heed_buf *out, const char *name, double value)
{
    heed_buf_printf(out, ", \"%s\": ", name);
    heed_number_short(out, value, 6);
}

static void add_shots(heed_buf *out, const heed_frame *f, int from, int to)
{
    for (int i = from; i < to; i++) {
        const heed_shot *s = f->shot ? &f->shot[i] : NULL;
        heed_buf_printf(out, "%s{\"sentence\": %d", i > from ? ", " : "", i);
        add_real(out, "entropy", f->spread[i].entropy);
        add_real(out, "share", f->spread[i].share);
        if (s) {
            add_named(out, "output", s->output);
            heed_buf_text(out, ", \"weights\": ");
            add_numbers(out, s->weights, s->Tq * s->Tk);
        }
        heed_buf_char(out, '}');
    }
}

static void add_frame(heed_buf *out, const heed_frame *f, int from, int to)
{
    heed_buf_printf(out, "{\"update\": %lld, \"epoch\": %lld", (long long)f->update, (long long)f->epoch);
    if (f->judged) {
        add_real(out, "valid_loss", f->valid_loss);
        add_real(out, "metric", f->metric);
        add_named(out, "metric_name", f->metric_name);
    }
    heed_buf_text(out, ", \"looks\": [");
    add_shots(out, f, from, to);
    heed_buf_text(out, "]}");
}

heed_status heed_film_json(const heed_strip *f, int sentence, heed_buf *out)
{
    const int from = sentence < 0 ? 0 : sentence, to = sentence < 0 ? f->sentences : sentence + 1;
    const heed_frame *last = &f->frame[f->count - 1];
    heed_buf_text(out, "{\"film\": ");
    heed_label_json(out, f->path);
    heed_buf_text(out, ", \"sentences\": [");
    for (int i = from; i < to; i++) {
        const heed_shot *s = &last->shot[i];
        heed_buf_printf(out, "%s{\"sentence\": %d, \"line\": %lld", i > from ? ", " : "", i, (long long)s->line);
        add_named(out, "source", s->source);
        add_named(out, "reference", s->reference);
        add_texts(out, "read", s->read, s->Tk);
        add_texts(out, "written", s->written, s->Tq);
        heed_buf_char(out, '}');
    }
    heed_buf_text(out, "], \"frames\": [");
    for (int64_t i = 0; i < f->count; i++) {
        heed_buf_text(out, i ? ", " : "");
        add_frame(out, &f->frame[i], from, to);
    }
    heed_buf_text(out, "]}\n");
    return out->failed ? HEED_E_NOMEM : HEED_OK;
}
