/* An explanation as numbers for other programs: CSV and NumPy; and what the forms share. */
#include <stdlib.h>
#include <string.h>

#include "explain/explanation.h"
#include "explain/label.h"

float *heed_explanation_room(const heed_explanation *x, int lenses, heed_error *err)
{
    float *scores = malloc((size_t)(lenses * x->in.T * x->in.S) * sizeof *scores);
    if (!scores) heed_fail(err, HEED_E_NOMEM, "out of memory for %d times %lld x %lld scores", lenses, (long long)x->in.T, (long long)x->in.S);
    return scores;
}

/* --- CSV ------------------------------------------------------------------------------------------------------------------------------------------ */

static void add_field(heed_buf *out, const char *text)
{
    const bool plain = !strpbrk(text, ",\"\r\n");
    if (!plain) heed_buf_char(out, '"');
    for (const char *at = text; *at; at++) {
        if (*at == '"') heed_buf_char(out, '"');
        heed_buf_char(out, *at);
    }
    if (!plain) heed_buf_char(out, '"');
}

static void add_rows(const heed_explanation *x, const char *lens, const float *scores, heed_sink *s)
{
    for (int64_t t = 0; t < x->in.T; t++) {
        add_field(&s->text, lens);
        heed_buf_char(&s->text, ',');
        add_field(&s->text, x->output->tokens[t].text);
        heed_buf_char(&s->text, ',');
        heed_number_short(&s->text, (double)x->in.logp[t], 8);
        for (int64_t i = 0; i < x->in.S; i++) {
            heed_buf_char(&s->text, ',');
            heed_number_short(&s->text, (double)scores[t * x->in.S + i], 8);
        }
        heed_buf_text(&s->text, "\r\n");
        heed_sink_pass(s);
    }
}

heed_status heed_explanation_csv(const heed_explanation *x, heed_sink *s, heed_error *err)
{
    heed_lens_note note;
    float *scores = heed_explanation_room(x, 1, err);
    heed_status status = scores ? HEED_OK : HEED_E_NOMEM;
    heed_buf_text(&s->text, "lens,written,ln p");
    for (int64_t i = 0; i < x->in.S; i++) {
        heed_buf_char(&s->text, ',');
        add_field(&s->text, x->output->source_tokens[i].text);
    }
    heed_buf_text(&s->text, "\r\n");
    for (int i = 0; i < x->lenses && status == HEED_OK; i++) {
        status = heed_lens_run(x->lens[i], &x->in, scores, &note, err);
        if (!status) add_rows(x, x->lens[i]->is.name, scores, s);
    }
    free(scores);
    return status;
}

/* --- NumPy ---------------------------------------------------------------------------------------------------------------------------------------- */

/* Header and its length fill a multiple of 64 bytes, the last of them a line feed. */
static void add_header(const heed_explanation *x, heed_buf *out)
{
    enum { BEFORE = 10 };
    heed_buf header = {0};
    heed_buf_printf(&header, "{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %lld, %lld), }", x->lenses, (long long)x->in.T, (long long)x->in.S);
    for (size_t left = (128 - BEFORE - 1 - header.size % 64) % 64; left > 0; left--) heed_buf_char(&header, ' ');
    heed_buf_char(&header, '\n');
    heed_buf_add(out, "\x93NUMPY\x01\x00", 8);
    heed_buf_char(out, (char)(header.size & 255));
    heed_buf_char(out, (char)(header.size >> 8));
    heed_buf_add(out, header.data, header.failed ? 0 : header.size);
    out->failed |= header.failed;
    heed_buf_free(&header);
}

static void add_number(heed_buf *out, float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    const unsigned char little[4] = {(unsigned char)bits, (unsigned char)(bits >> 8), (unsigned char)(bits >> 16), (unsigned char)(bits >> 24)};
    heed_buf_add(out, little, sizeof little);
}

heed_status heed_explanation_npy(const heed_explanation *x, heed_sink *s, heed_error *err)
{
    heed_lens_note note;
    float *scores = heed_explanation_room(x, 1, err);
    heed_status status = scores ? HEED_OK : HEED_E_NOMEM;
    add_header(x, &s->text);
    for (int i = 0; i < x->lenses && status == HEED_OK; i++) {
        status = heed_lens_run(x->lens[i], &x->in, scores, &note, err);
        for (int64_t at = 0; status == HEED_OK && at < x->in.T * x->in.S; at++) {
            add_number(&s->text, scores[at]);
            heed_sink_pass(s);
        }
    }
    free(scores);
    return status;
}
