/* The loop: update after update until a limit, a signal or a failure; then the result. Every decision is a function of the state that a checkpoint
 * holds, so that a resumed run takes the same ones. */
#include <stdio.h>
#include <stdlib.h>

#include "model/words.h"
#include "train/run.h"

typedef struct ending { char text[200]; bool whole; } ending;   /* whole: a limit of the recipe, not of this call */

static bool reached(ending *e, bool whole, const char *unit, double done, double limit)
{
    char number[HEED_GROUP_SIZE];
    if (!(limit > 0) || done < limit) return false;
    snprintf(e->text, sizeof e->text, "%s %s", heed_group(number, (int64_t)limit), unit);
    e->whole = whole;
    return true;
}

static bool finished(const heed_run *run, ending *e)
{
    const heed_recipe *r = heed_run_recipe(run);
    const heed_train_state *s = &run->state;
    if (s->update == 0) return false;
    return reached(e, true, "epochs are done", (double)s->data.epoch, (double)r->train.epochs) ||
           reached(e, true, "updates are done", (double)s->update, (double)r->train.updates) ||
           reached(e, true, "validations without progress", (double)s->bad, (double)r->train.validate.patience) ||
           reached(e, true, "seconds are over", heed_run_seconds(run), (double)r->train.seconds) ||
           reached(e, false, "more updates are done", (double)(s->update - run->first_update), (double)run->options->max_updates) ||
           reached(e, false, "seconds of this call are over", heed_clock() - run->began, run->options->max_seconds);
}

static void tell_left_out(heed_run *run)
{
    const heed_loader_counts *c = heed_loader_get_counts(run->loader);
    char number[HEED_GROUP_SIZE];
    heed_buf out = {0};
    run->told = true;
    if (c->too_long > 0) {
        heed_buf_printf(&out, ", %s longer than ", heed_group(number, c->too_long));
        heed_run_name_limits(run, true, &out);
    }
    if (c->empty > 0) heed_buf_printf(&out, ", %s empty on one side", heed_group(number, c->empty));
    if (c->invalid > 0) heed_buf_printf(&out, ", %s not UTF-8", heed_group(number, c->invalid));
    if (out.size > 2) heed_run_say(run, HEED_EVENT_WARNING, "training records left out in an epoch: %s", out.data + 2);
    heed_buf_free(&out);
}

/* One turn: a validation when it is due, then an update. *end: why there is no next turn. */
static heed_status turn(heed_run *run, ending *e, bool *end, heed_error *err)
{
    const int64_t before = run->state.update;
    bool ended;
    heed_status status = heed_run_due(run) ? heed_run_judge(run, err) : HEED_OK;
    if (status || (*end = finished(run, e))) return status;
    if (heed_run_stopped(run)) return heed_fail(err, HEED_E_STOPPED, "stopped");
    status = heed_run_update(run, &ended, err);
    if (status) return status;
    if (ended && !run->told) tell_left_out(run);
    if (run->state.update != before && run->state.update % HEED_LOG_EVERY == 0) {
        status = heed_run_write(run, false, err);
        heed_pace_reset(&run->written);
    }
    heed_run_show(run);
    return status;
}

static heed_status train(heed_run *run, ending *e, heed_error *err)
{
    bool end = false;
    heed_status status = HEED_OK;
    while (!status && !end) status = turn(run, e, &end, err);
    if (!status && e->whole && run->state.validated != run->state.update) status = heed_run_judge(run, err);
    if (status && status != HEED_E_STOPPED) return status;
    heed_status saved = run->state.update > 0 && run->saved != run->state.update ? heed_run_save(run, err) : HEED_OK;
    return saved ? saved : status;
}

static heed_status stopped(const heed_run *run, heed_error *err)
{
    char number[HEED_GROUP_SIZE];
    if (run->state.update == 0) return heed_fail(err, HEED_E_STOPPED, "%s: stopped before the first update; nothing was saved", run->dir);
    return heed_fail(err, HEED_E_STOPPED, "%s: stopped after update %s and saved; go on with --resume", run->dir, heed_group(number, run->state.update));
}

static void tell_end(const heed_run *run, const char *why)
{
    const heed_train_state *s = &run->state;
    char number[HEED_GROUP_SIZE];
    if (s->best_update)
        heed_run_say(run, HEED_EVENT_END, "%s; best %s %.4g at update %s", why, heed_run_recipe(run)->train.validate.metric, s->best,
                     heed_group(number, s->best_update));
    else heed_run_say(run, HEED_EVENT_END, "%s", why);
}

static heed_status whole_run(heed_run *run, const heed_training *t, char **model_dir, heed_error *err)
{
    ending e = {.text = "stopped"};
    heed_status status = heed_run_open(run, t, err);
    if (status) return status;
    heed_run_announce(run);
    if (run->state.update == 0) status = heed_run_film(run, false, err);
    if (!status) status = train(run, &e, err);
    if (status && status != HEED_E_STOPPED) return status;
    heed_status result = run->state.update > 0 ? heed_run_result(run, model_dir, err) : HEED_OK;
    if (result) return result;
    tell_end(run, e.text);
    return status ? stopped(run, err) : HEED_OK;
}

heed_status heed_training_run(const heed_training *t, char **model_dir, heed_error *err)
{
    heed_error why = {.status = HEED_OK};
    heed_run *run = calloc(1, sizeof *run);
    if (model_dir) *model_dir = NULL;
    if (!run) return heed_fail(err, HEED_E_NOMEM, "out of memory for a training");
    run->lock = -1;
    heed_status status = whole_run(run, t, model_dir, &why);
    heed_run_close(run);
    free(run);
    if (status && err) *err = why;
    return status;
}
