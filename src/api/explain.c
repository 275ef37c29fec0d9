/* heed_explain: one item looked into. */
#include <stdlib.h>
#include <string.h>

#include "api/session.h"
#include "explain/explain.h"

static heed_status draw(const heed_job *j, const heed_output *o, const heed_explain_options *how, heed_buf *out)
{
    switch (how->picture) {
    case HEED_PICTURE_TERMINAL:
        return heed_explain_terminal(o, how->colour, how->columns ? how->columns : 80, out);
    case HEED_PICTURE_SVG:
        return heed_explain_svg(o, out);
    case HEED_PICTURE_JSON:
        return heed_explain_json(o, 0, true, out);
    case HEED_PICTURE_STEPS:
    case HEED_PICTURE_PAGE:      /* refused before */
        break;
    }
    return heed_explain_steps(o, j->steps, j->steps_count, out);
}

char *heed_explain(heed_session *s, const heed_item *item, const heed_explain_options *options, heed_error *err)
{
    static const heed_explain_options usual = {0};
    if (!options) options = &usual;
    if (!item || !item->text) return heed_fail(err, HEED_E_USAGE, "an item needs a text"), NULL;
    if (options->picture > HEED_PICTURE_STEPS) return heed_fail(err, HEED_E_USAGE, "picture %d is unknown", (int)options->picture), NULL;
    if (heed_request_check(s, &(heed_request){.items = item, .count = 1}, err) != HEED_OK) return NULL;
    heed_decode decode;
    heed_look look;
    if (heed_decode_settle(s->model, NULL, &decode, err) != HEED_OK) return NULL;
    if (heed_look_settle(s->model, options->look, &look, err) != HEED_OK) return NULL;
    if (options->picture == HEED_PICTURE_STEPS) look.shift = 0;
    heed_output output = {0}, *outputs = &output;
    heed_arena *arena = heed_arena_new(0);
    heed_buf text = {0};
    heed_job job = {.model = s->model, .ensemble = s->ensemble, .ensemble_count = s->ensemble_count, .geometric = s->geometric,
                    .tape = s->tapes[0], .arena = arena, .items = &item, .outputs = &outputs, .numbers = &(uint64_t){0}, .count = 1,
                    .decode = decode, .look = look, .shown = true, .weights = options->picture == HEED_PICTURE_JSON, .open = options->picture == HEED_PICTURE_STEPS};
    heed_status status = arena ? s->task->run(&job, err) : heed_fail(err, HEED_E_NOMEM, "out of memory");
    if (status == HEED_OK && output.status != HEED_OK) status = heed_fail(err, output.status, "the text: %s", output.error);
    if (status == HEED_OK && draw(&job, &output, options, &text) != HEED_OK) status = heed_fail(err, HEED_E_NOMEM, "out of memory for the picture");
    heed_arena_free(arena);
    char *out = status == HEED_OK ? heed_buf_take(&text) : NULL;
    heed_buf_free(&text);
    return out;
}
