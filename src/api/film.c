/* heed_film, and what training asks for a film: sentences as they look to the model. */
#include "api/film.h"

#include "api/session.h"
#include "explain/film.h"
#include "explain/page.h"

static heed_reply *run(heed_session *s, const heed_item *items, int count, bool shown, heed_error *err)
{
    return heed_session_run(s, &(heed_request){.items = items, .count = count, .shown = shown, .decode = &(heed_decode){.beam = 1}}, err);
}

static heed_status write(const heed_reply *forced, const heed_reply *free_run, const heed_sentence *sentences, int count, heed_buf *out, heed_error *err)
{
    heed_buf_char(out, '[');
    for (int i = 0; i < count; i++) {
        const heed_output *o = heed_reply_at(forced, i), *w = heed_reply_at(free_run, i);
        const heed_output *bad = o->status ? o : w->status ? w : NULL;
        if (bad) return heed_fail(err, bad->status, "validation data, line %lld: %s", (long long)sentences[i].line, bad->error);
        if (i) heed_buf_text(out, ", ");
        heed_film_write(o, w->text, sentences[i].line, out);
    }
    heed_buf_char(out, ']');
    return HEED_OK;
}

heed_status heed_sentences_film(void *user, const heed_model *m, const heed_sentence *sentences, int count, int threads, heed_buf *out, heed_error *err)
{
    (void)user;
    heed_item given[HEED_FILM_SENTENCES], asked[HEED_FILM_SENTENCES];
    for (int i = 0; i < count; i++) {
        given[i] = (heed_item){.text = sentences[i].source, .target = sentences[i].target};
        asked[i] = (heed_item){.text = sentences[i].source};
    }
    heed_session *s = heed_session_new(m, &(heed_session_options){.threads = threads < 1 ? 1 : threads, .batch = 1 + count / (threads > 1 ? 2 : 1)}, err);
    heed_reply *forced = s ? run(s, given, count, true, err) : NULL, *written = forced ? run(s, asked, count, false, err) : NULL;
    const heed_status status = written ? write(forced, written, sentences, count, out, err) : err->status;
    heed_reply_free(forced);
    heed_reply_free(written);
    heed_session_free(s);
    return status;
}

static heed_status draw_page(const heed_strip *f, int sentence, heed_buf *out)
{
    heed_buf json = {0};
    heed_status status = heed_film_json(f, sentence, &json);
    if (!status) status = heed_explain_page(json.data, json.size, NULL, out);
    heed_buf_free(&json);
    return status;
}

static heed_status draw(const heed_strip *f, const heed_film_options *how, heed_buf *out)
{
    if (how->picture == HEED_PICTURE_SVG) return heed_film_svg(f, how->sentence, out);
    if (how->picture == HEED_PICTURE_JSON) return heed_film_json(f, how->sentence, out);
    if (how->picture == HEED_PICTURE_PAGE) return draw_page(f, how->sentence, out);
    return heed_film_terminal(f, how->sentence < 0 ? 0 : how->sentence, how->colour, how->columns, out);
}

char *heed_film(const char *dir, const heed_film_options *options, heed_error *err)
{
    static const heed_film_options usual = {.sentence = -1};
    heed_strip f;
    heed_buf text = {0};
    if (!options) options = &usual;
    if (options->picture > HEED_PICTURE_JSON && options->picture != HEED_PICTURE_PAGE) return heed_fail(err, HEED_E_USAGE, "picture %d is none of a film", (int)options->picture), NULL;
    heed_status status = heed_film_open(&f, dir, err);
    if (!status && options->sentence >= f.sentences)
        status = heed_fail(err, HEED_E_USAGE, "sentence %d: this film has sentences 0 to %d", options->sentence, f.sentences - 1);
    if (!status && draw(&f, options, &text)) status = heed_fail(err, HEED_E_NOMEM, "out of memory for the picture");
    heed_film_close(&f);
    char *out = status ? NULL : heed_buf_take(&text);
    heed_buf_free(&text);
    return out;
}
