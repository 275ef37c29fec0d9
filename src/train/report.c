/* What a run tells its caller: train/run.h. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "attn/score.h"
#include "model/words.h"
#include "tensor/tape.h"
#include "train/run.h"

static const double show_every = 0.5;   /* seconds between two UPDATE events */

double heed_run_seconds(const heed_run *run) { return run->seconds_before + heed_clock() - run->began; }

bool heed_run_stopped(void *user)
{
    const heed_run *run = user;
    return run->options->stop && run->options->stop(run->options->user);
}

int64_t heed_run_epoch(const heed_run *run)
{
    const heed_loader_state *at = &run->state.data;
    return at->block == 0 && at->batch == 0 && at->epoch > 0 ? at->epoch : at->epoch + 1;
}

void heed_pace_reset(heed_pace *p) { *p = (heed_pace){.since = heed_clock()}; }

static double loss_of(const heed_pace *p) { return p->meter.symbols > 0 ? (0 - p->meter.log_p) / (double)p->meter.symbols : NAN; }

/* NAN where nothing is guided. */
static double guided_of(const heed_pace *p) { return p->meter.guided > 0 ? p->meter.guide / (double)p->meter.guided : NAN; }

static double speed_of(const heed_pace *p)
{
    const double seconds = heed_clock() - p->since;
    return seconds > 0 ? (double)p->tokens / seconds : 0;
}

static double share(double done, double of) { return of > 0 ? done / of : 0; }

/* Of the nearest limit, those of this call included. */
static double whole_progress(const heed_run *run)
{
    const heed_train_options *o = run->options;
    double most = heed_run_progress(run);
    most = fmax(most, share(heed_run_seconds(run), (double)heed_run_recipe(run)->train.seconds));
    most = fmax(most, share(heed_clock() - run->began, o->max_seconds));
    most = fmax(most, share((double)(run->state.update - run->first_update), (double)o->max_updates));
    return fmin(most, 1);
}

static double seconds_left(const heed_run *run, double progress)
{
    const double seconds = heed_clock() - run->began, done = progress - run->first_progress;
    return seconds > 1 && done > 0 ? seconds * (1 - progress) / done : -1;
}

static heed_event event_of(const heed_run *run, heed_event_kind kind)
{
    const heed_recipe *r = heed_run_recipe(run);
    const double progress = whole_progress(run);
    return (heed_event){
        .kind = kind, .update = run->state.update, .updates = r->train.updates, .epoch = heed_run_epoch(run), .epochs = r->train.epochs,
        .progress = progress, .seconds = heed_run_seconds(run), .seconds_left = seconds_left(run, progress), .rate = run->state.rate, .loss = NAN,
        .guided_loss = NAN,
        .valid_loss = run->state.valid_loss, .metric = run->state.metric, .metric_name = r->train.validate.metric,
    };
}

static void send(const heed_run *run, const heed_event *e)
{
    if (run->options->event) run->options->event(run->options->user, e);
}

void heed_run_say(const heed_run *run, heed_event_kind kind, const char *format, ...)
{
    char text[1200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    heed_event e = run->model ? event_of(run, kind) : (heed_event){.kind = kind, .seconds_left = -1};
    e.text = text;
    send(run, &e);
}

void heed_run_name_limits(const heed_run *run, bool training, heed_buf *out)
{
    char number[HEED_GROUP_SIZE];
    int64_t longest[2];
    const char *before = "";
    heed_model_longest(run->model, &longest[0], &longest[1]);
    if (heed_run_recipe(run)->data.max_length > 0) {
        heed_buf_printf(out, "data.max_length (%s symbols)", heed_group(number, heed_run_recipe(run)->data.max_length));
        before = " or ";
    }
    for (int i = 0; i < 2; i++) {
        if (!longest[i]) continue;
        heed_buf_printf(out, "%s%s (%s)", before, heed_model_longest_key(run->model, i), heed_group(number, longest[i]));
        before = " or ";
    }
    if (training && heed_run_recipe(run)->train.tokens > 0) heed_buf_printf(out, "%strain.batch.tokens", before);
}

/* --- START: "runs/x: rnn gru 128 + additive, 0.44 M weights, 2 threads, avx512; 123,456 pairs; at most 20 epochs" ------------------------- */

/* A side of the model: "rnn gru" */
typedef struct part { char family[64]; int64_t layers, width; } part;

static part part_of(const heed_recipe *r, bool decoder)
{
    const char *type = heed_recipe_choice(r, decoder ? "model.decoder.type" : "model.encoder.type");
    const char *cell = heed_recipe_choice(r, decoder ? "model.decoder.cell" : "model.encoder.cell");
    const bool recurrent = strcmp(type, "rnn") == 0;
    part p = {.layers = decoder ? r->model.decoder.layers : r->model.encoder.layers, .width = decoder ? r->model.decoder.width : r->model.encoder.width};
    snprintf(p.family, sizeof p.family, "%s%s%s", type, recurrent ? " " : "", recurrent ? cell : "");
    return p;
}

static void add_part(heed_buf *out, const part *p)
{
    if (p->layers == 1 && strncmp(p->family, "rnn ", 4) == 0) heed_buf_printf(out, "%s %lld", p->family, (long long)p->width);
    else heed_buf_printf(out, "%s %lld x %lld", p->family, (long long)p->layers, (long long)p->width);
}

/* "rnn gru 128", "transformer 3+3 x 256", "rnn lstm 2 x 256 -> rnn gru 128" */
static void add_parts(heed_buf *out, const heed_recipe *r)
{
    const part e = part_of(r, false), d = part_of(r, true);
    const bool alike = strcmp(e.family, d.family) == 0 && e.width == d.width, single = e.layers == 1 && d.layers == 1 && strncmp(e.family, "rnn ", 4) == 0;
    if (alike && !single) heed_buf_printf(out, "%s %lld+%lld x %lld", e.family, (long long)e.layers, (long long)d.layers, (long long)e.width);
    else add_part(out, &e);
    if (alike) return;
    heed_buf_text(out, " -> ");
    add_part(out, &d);
}

static const char *attention_name(const heed_recipe *r)
{
    const heed_attention_settings *a = &r->model.attention;
    if (a->score == HEED_ATTENTION_NONE) return a->vector == HEED_VECTOR_START ? "a fixed vector" : "a fixed vector at every step";
    return heed_score_at(a->score - 1)->name;
}

static void add_limits(heed_buf *out, const heed_run *run)
{
    const heed_recipe *r = heed_run_recipe(run);
    const struct { double limit; const char *unit; } limits[] = {
        {(double)r->train.epochs, "epochs"}, {(double)r->train.updates, "updates"}, {(double)r->train.seconds, "seconds"},
        {(double)run->options->max_updates, "more updates"}, {run->options->max_seconds, "seconds from now"},
    };
    const char *before = "; at most ";
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        char number[HEED_GROUP_SIZE];
        if (!(limits[i].limit > 0)) continue;
        heed_buf_printf(out, "%s%s %s", before, heed_group(number, (int64_t)ceil(limits[i].limit)), limits[i].unit);
        before = ", ";
    }
}

static int64_t weights_of(const heed_model *m, bool frozen)
{
    int64_t n = 0;
    for (int64_t i = 0; i < heed_params_count(m->params); i++) {
        const heed_weight *w = heed_params_at(m->params, i);
        if (w->frozen || !frozen) n += w->tensor.rows * w->tensor.cols;
    }
    return n;
}

void heed_run_announce(const heed_run *run)
{
    const heed_recipe *r = heed_run_recipe(run);
    char number[HEED_GROUP_SIZE];
    heed_buf out = {0};
    heed_buf_printf(&out, "%s: ", run->dir);
    add_parts(&out, r);
    heed_buf_printf(&out, " + %s, %.2f M weights, %d thread%s, %s; ", attention_name(r), (double)weights_of(run->model, false) * 1e-6, run->threads,
                    run->threads > 1 ? "s" : "", heed_kernels_get()->isa);
    if (run->state.update) heed_buf_printf(&out, "going on after update %s; ", heed_group(number, run->state.update));
    else if (*r->train.init_from) heed_buf_printf(&out, "begins from %s; ", r->train.init_from);
    if (r->train.freeze.count) heed_buf_printf(&out, "%.2f M weights frozen; ", (double)weights_of(run->model, true) * 1e-6);
    heed_buf_printf(&out, "%s pairs", heed_group(number, run->state.pairs));
    if (*r->train.frozen_attention) heed_buf_printf(&out, ", attention that of %s", r->train.frozen_attention);
    if (*r->train.adversary.model) heed_buf_printf(&out, ", adversary of %s", r->train.adversary.model);
    if (run->guide.first) heed_buf_printf(&out, ", attention guided by %s links", heed_group(number, run->guide.count));
    if (run->guide.learnt) heed_buf_printf(&out, ", learnt in %.0f s", run->guide.seconds);
    add_limits(&out, run);
    if (!out.failed) heed_run_say(run, HEED_EVENT_START, "%s", out.data);
    heed_buf_free(&out);
}

/* --- loss and speed ------------------------------------------------------------------------------------------------------------------------ */

void heed_run_count(heed_run *run, const heed_loss_counts *counts, int64_t tokens)
{
    heed_pace *all[] = {&run->shown, &run->written, &run->judged};
    for (int i = 0; i < 3; i++) {
        all[i]->meter.log_p += counts->log_p;
        all[i]->meter.symbols += counts->symbols;
        all[i]->meter.guide += counts->guide;
        all[i]->meter.guided += counts->guided;
        all[i]->tokens += tokens;
    }
}

void heed_run_show(heed_run *run)
{
    if (!run->options->event || heed_clock() - run->shown.since < show_every) return;
    heed_event e = event_of(run, HEED_EVENT_UPDATE);
    e.loss = loss_of(&run->shown);
    e.guided_loss = guided_of(&run->shown);
    e.tokens_per_second = speed_of(&run->shown);
    send(run, &e);
    heed_pace_reset(&run->shown);
}

void heed_run_show_valid(const heed_run *run)
{
    heed_event e = event_of(run, HEED_EVENT_VALID);
    e.loss = loss_of(&run->judged);
    e.guided_loss = guided_of(&run->judged);
    e.tokens_per_second = speed_of(&run->judged);
    send(run, &e);
}

heed_status heed_run_write(heed_run *run, bool judged, heed_error *err)
{
    const heed_pace *p = judged ? &run->judged : &run->written;
    const heed_log_entry e = {
        .update = run->state.update, .epoch = heed_run_epoch(run), .seconds = heed_run_seconds(run), .loss = loss_of(p), .tokens_per_second = speed_of(p),
        .rate = run->state.rate, .norm = run->state.norm, .guided = run->guide.first != NULL, .guided_loss = guided_of(p), .judged = judged, .valid_loss = run->state.valid_loss, .metric = run->state.metric,
        .metric_name = heed_run_recipe(run)->train.validate.metric,
    };
    return heed_log_write(&run->log, &e, err);
}
