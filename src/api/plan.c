/* heed_plan: what a training will take, from the training layer; here, what measuring a metric takes. */
#include <stdlib.h>
#include <string.h>

#include "api/film.h"
#include "api/session.h"
#include "data/corpus.h"
#include "train/train.h"

enum { ROUND = 1024 };   /* as many records as an evaluation has in hand at a time */

typedef struct round { heed_item item[ROUND]; char *memory[ROUND]; int64_t count; } round;

static heed_status read_round(round *r, const char *const *paths, int files, int invalid, heed_error *err)
{
    heed_record record;
    bool end = false;
    heed_corpus *c = heed_corpus_open(&(heed_corpus_settings){.paths = paths, .files = files, .fields = 2, .invalid = (heed_invalid)invalid}, err);
    heed_status status = c ? HEED_OK : err->status;
    while (!status && r->count < ROUND) {
        status = heed_corpus_next(c, &record, &end, err);
        if (status || end) break;
        char *text = malloc(record.size[0] + record.size[1] + 2);
        if (!text) status = heed_fail(err, HEED_E_NOMEM, "out of memory for a record");
        else {
            char *target = text + record.size[0] + 1;
            memcpy(text, record.text[0], record.size[0]);
            memcpy(target, record.text[1], record.size[1]);
            text[record.size[0]] = target[record.size[1]] = 0;
            r->memory[r->count] = text;
            r->item[r->count++] = (heed_item){.text = text, .target = target};
        }
    }
    heed_corpus_close(c);
    return status;
}

/* What the untrained model writes would be too long, and differ from run to run: the texts that it should write are forced, as many side by side as a search has
 * hypotheses. */
static heed_status rehearse(void *user, const heed_model *m, const char *const *paths, int files, const char *metric, int threads, double *value, heed_error *err)
{
    (void)user;
    (void)metric;
    *value = 0;
    round *r = calloc(1, sizeof *r);
    if (!r) return heed_fail(err, HEED_E_NOMEM, "out of memory for a validation");
    heed_status status = read_round(r, paths, files, m->recipe.data.invalid_utf8, err);
    heed_session *s = status ? NULL : heed_session_new(m, &(heed_session_options){.threads = threads}, err);
    const heed_request request = {.items = r->item, .count = r->count, .decode = &(heed_decode){.beam = 1}};
    heed_reply *reply = s ? heed_session_run(s, &request, err) : NULL;
    if (!status && !reply) status = err->status;
    heed_reply_free(reply);
    heed_session_free(s);
    for (int64_t i = 0; i < r->count; i++) free(r->memory[i]);
    free(r);
    return status;
}

heed_status heed_plan(const heed_train_options *options, heed_forecast *forecast, heed_error *err)
{
    heed_error unwanted;
    if (!err) err = &unwanted;
    *forecast = (heed_forecast){.seconds = -1};
    if (!options->recipe) return heed_fail(err, HEED_E_USAGE, "no recipe was given");
    return heed_training_plan(&(heed_training){.options = options, .metric = rehearse, .film = heed_sentences_film}, forecast, err);
}
