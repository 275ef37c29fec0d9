/* Opening a run: recipe, directory, data, and either a new model or the last checkpoint. A new directory is made only when all else is in order. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.h"
#include "metric/metric.h"
#include "model/safetensors.h"
#include "tensor/tape.h"
#include "train/run.h"

/* runs/NAME for recipes/NAME.yaml */
static heed_status name_dir(heed_run *run, heed_error *err)
{
    const char *recipe = run->options->recipe, *slash = strrchr(recipe, '/'), *name = slash ? slash + 1 : recipe, *dot = strrchr(name, '.');
    const int stem = dot && dot != name ? (int)(dot - name) : (int)strlen(name);
    const int size = run->options->dir ? snprintf(run->dir, sizeof run->dir, "%s", run->options->dir)
                                       : snprintf(run->dir, sizeof run->dir, "runs/%.*s", stem, name);
    if (size <= 0) return heed_fail(err, HEED_E_USAGE, "the directory of the run has no name");
    if (size > HEED_PATH - 64) return heed_fail(err, HEED_E_USAGE, "%.80s...: the path is too long", run->dir);
    while (strlen(run->dir) > 1 && run->dir[strlen(run->dir) - 1] == '/') run->dir[strlen(run->dir) - 1] = 0;
    return HEED_OK;
}

static heed_status in_dir(const heed_run *run, const char *name, char out[HEED_PATH], heed_error *err)
{
    return heed_path_join(out, HEED_PATH, run->dir, name, err);
}

static heed_status find_places(heed_places *p, const heed_recipe *r, const heed_files *files, const char *data_dir, heed_error *err)
{
    heed_status status = HEED_OK;
    for (p->count = 0; p->count < files->count && !status; p->count++) {
        status = heed_recipe_find(r, files->path[p->count], data_dir, p->text[p->count], sizeof p->text[0], err);
        p->path[p->count] = p->text[p->count];
    }
    return status;
}

static const char *data_dir_of(const heed_run *run) { return run->options->data_dir ? run->options->data_dir : getenv("HEED_DATA"); }

static heed_status find_data(heed_run *run, const heed_recipe *r, heed_error *err)
{
    const char *data_dir = data_dir_of(run);
    heed_status status = find_places(&run->train, r, &r->data.train, data_dir, err);
    return status ? status : find_places(&run->valid, r, &r->data.valid, data_dir, err);
}

static heed_status check_metric(heed_run *run, const heed_recipe *r, heed_error *err)
{
    const char *name = r->train.validate.metric;
    if (strcmp(name, "loss") == 0) return HEED_OK;
    if (!run->training->metric) return heed_fail(err, HEED_E_USAGE, "train.validate.metric: \"%s\" is not known to task \"%s\"; use loss", name, r->task);
    heed_metric *m = heed_metric_new(name, NULL, err);
    if (!m) return err->status;
    run->higher = heed_metric_higher_is_better(m);
    heed_metric_free(m);
    return HEED_OK;
}

/* --- the directory ------------------------------------------------------------------------------------------------------------------------ */

static heed_status lock_dir(heed_run *run, heed_error *err)
{
    run->lock = open(run->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (run->lock < 0) return heed_fail(err, HEED_E_IO, "%s: cannot be opened: %s", run->dir, strerror(errno));
    if (!flock(run->lock, LOCK_EX | LOCK_NB) || errno != EWOULDBLOCK) return HEED_OK;   /* a filesystem without locks is no reason to stop */
    return heed_fail(err, HEED_E_USAGE, "%s: another process is training there; wait for its end or give another directory with -o", run->dir);
}

/* A directory with files in it but without a recipe is somebody else's. */
static bool is_foreign(const char *dir)
{
    bool ours = false, empty = true;
    DIR *d = opendir(dir);
    for (struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d)) {
        if (strcmp(e->d_name, "recipe.yaml") == 0) ours = true;
        else if (e->d_name[0] != '.' && strncmp(e->d_name, "recipe.yaml.tmp-", 16) != 0) empty = false;
    }
    if (d) closedir(d);
    return !ours && !empty;
}

static heed_status check_dir(const heed_run *run, bool *exists, heed_error *err)
{
    *exists = heed_path_exists(run->dir);
    if (!*exists) return HEED_OK;
    if (!heed_path_is_dir(run->dir)) return heed_fail(err, HEED_E_USAGE, "%s: is a file, not a directory; give another place with -o", run->dir);
    if (!run->options->resume)
        return heed_fail(err, HEED_E_USAGE, "%s: exists; go on with --resume, give another place with -o, or remove it", run->dir);
    if (is_foreign(run->dir)) return heed_fail(err, HEED_E_USAGE, "%s: is no training to resume: recipe.yaml is missing", run->dir);
    return HEED_OK;
}

static heed_status write_recipe(const heed_run *run, heed_error *err)
{
    char path[HEED_PATH];
    heed_buf text = {0};
    heed_status status = in_dir(run, "recipe.yaml", path, err);
    if (!status && heed_recipe_write(heed_run_recipe(run), &text)) status = heed_fail(err, HEED_E_NOMEM, "%s: out of memory", path);
    if (!status) status = heed_file_replace(path, text.data, text.size, err);
    heed_buf_free(&text);
    return status;
}

/* --- going on ------------------------------------------------------------------------------------------------------------------------------ */

/* Limits may grow and data may move; anything else makes another training. */
static void forgive(heed_recipe *was, const heed_recipe *now)
{
    was->train.epochs = now->train.epochs;
    was->train.updates = now->train.updates;
    was->train.seconds = now->train.seconds;
    was->train.keep = now->train.keep;
    was->data.root = now->data.root;
}

static heed_status compare_recipe(const heed_run *run, heed_recipe *now, heed_error *err)
{
    char path[HEED_PATH];
    heed_recipe was = {.version = 0};
    heed_buf keys = {0};
    heed_status status = in_dir(run, "recipe.yaml", path, err);
    if (status || !heed_path_exists(path)) return status;
    status = heed_recipe_reopen(&was, path, err);
    if (!status && *was.train.init_from) {   /* need not be named again, nor what followed from it */
        heed_recipe_take_text(now, &was, &keys);
        heed_buf_reset(&keys);
        if (!*now->train.init_from) status = heed_recipe_begin_from(now, was.train.init_from, err);
    }
    if (!status) {
        forgive(&was, now);
        if (heed_recipe_differ(&was, now, &keys) > 0)
            status = heed_fail(err, HEED_E_USAGE, "%s: the recipe has changed since this training began:\n%s"
                               "put it back, or train anew with another -o", run->dir, keys.data ? keys.data : "");
    }
    heed_buf_free(&keys);
    heed_recipe_free(&was);
    return status;
}

static heed_status load_checkpoint(heed_run *run, heed_recipe *recipe, int64_t update, heed_error *err)
{
    char step[HEED_PATH], path[HEED_PATH];
    heed_status status = heed_step_path(step, run->dir, update, err);
    if (!status) status = heed_path_join(path, sizeof path, step, "train_state.json", err);
    if (!status) status = heed_train_state_load(&run->state, path, err);
    if (!status && !(run->model = heed_model_load(step, NULL, 0, err))) status = err->status;
    if (status) return status;
    heed_recipe_free(&run->model->recipe);   /* config.json tells of the model only */
    run->model->recipe = *recipe;
    *recipe = (heed_recipe){.version = 0};
    run->saved = update;
    run->fleeting = run->state.validated == update ? 0 : update;
    return heed_steps_link(run->dir, update, run->state.best_update, err);
}

static heed_status go_on(heed_run *run, heed_recipe *recipe, heed_error *err)
{
    int64_t update;
    heed_status status = lock_dir(run, err);
    if (!status) status = compare_recipe(run, recipe, err);
    if (!status) status = heed_steps_latest(run->dir, &update, err);
    if (!status) status = heed_steps_tidy(run->dir, update, err);
    if (status) return status;
    run->from = update;
    if (update > 0) return load_checkpoint(run, recipe, update, err);
    heed_run_say(run, HEED_EVENT_WARNING, "%s: holds no checkpoint yet; training begins anew", run->dir);
    run->model = heed_run_build(run, recipe, err);
    return run->model ? HEED_OK : err->status;
}

static heed_status start(heed_run *run, heed_recipe *recipe, heed_error *err)
{
    if (run->options->resume) heed_run_say(run, HEED_EVENT_WARNING, "%s: does not exist yet; training begins anew", run->dir);
    run->model = heed_run_build(run, recipe, err);
    return run->model ? HEED_OK : err->status;
}

static heed_status load_optimizer(heed_run *run, heed_error *err)
{
    char step[HEED_PATH], path[HEED_PATH];
    heed_status status = heed_step_path(step, run->dir, run->saved, err);
    if (!status) status = heed_path_join(path, sizeof path, step, "optimizer.safetensors", err);
    return status ? status : heed_optimizer_load(&run->optimizer, path, err);
}

static bool is_whole(const heed_run *run, int64_t update)
{
    char step[HEED_PATH], path[HEED_PATH];
    heed_train_state state;
    heed_error why;
    if (heed_step_path(step, run->dir, update, &why) || heed_path_join(path, sizeof path, step, "train_state.json", &why)) return false;
    if (heed_train_state_load(&state, path, &why) || heed_path_join(path, sizeof path, step, "optimizer.safetensors", &why)) return false;
    heed_safetensors *optimizer = heed_safetensors_open(path, &why);
    heed_model *m = optimizer ? heed_model_load(step, NULL, 0, &why) : NULL;
    const bool whole = m != NULL;
    heed_model_free(m);
    heed_safetensors_close(optimizer);
    return whole;
}

/* Names the newest checkpoint before a damaged one from which the run can go on. */
static heed_status name_older(const heed_run *run, heed_error *err)
{
    int64_t *steps, count, found = 0;
    heed_error why = *err, unwanted;
    if (heed_steps_list(run->dir, &steps, &count, &unwanted)) return why.status;
    for (int64_t i = 0; i < count && !found; i++)
        if (steps[i] < run->from && is_whole(run, steps[i])) found = steps[i];
    free(steps);
    if (!found) return heed_fail(err, why.status, "%.700s; no earlier checkpoint is whole: train anew with another -o", why.text);
    return heed_fail(err, why.status, "%.600s; step-%lld is whole: ln -sfn step-%lld %.300s/latest, then --resume goes on from there", why.text, (long long)found,
                     (long long)found, run->dir);
}

/* --- the links that guide attention -------------------------------------------------------------------------------------------------------- */

static const char kept_links[] = "guided_alignment.links";

/* Learnt once, then read again whenever the run goes on. */
static heed_status learn_links(heed_run *run, const heed_guide_source *from, heed_error *err)
{
    char path[HEED_PATH] = "";
    heed_error why;
    heed_status status = *run->dir ? in_dir(run, kept_links, path, err) : HEED_OK;
    if (status) return status;
    if (!*path || !heed_path_exists(path)) return heed_guide_learn(&run->guide, from, heed_run_recipe(run)->train.guided.symmetry, err);
    status = heed_guide_read(&run->guide, from, path, true, &why);
    if (status != HEED_E_DATA) return status ? heed_fail(err, status, "%s", why.text) : HEED_OK;
    return heed_fail(err, status, "%.800s; remove the file, and its links will be learnt again from the training data", why.text);
}

static heed_status open_guide(heed_run *run, heed_error *err)
{
    const heed_recipe *r = heed_run_recipe(run);
    const heed_guided_settings *g = &r->train.guided;
    const heed_guide_source from = {
        .corpus = {.paths = run->train.path, .files = run->train.count, .fields = 2, .invalid = (heed_invalid)r->data.invalid_utf8},
        .threads = run->threads, .stop = heed_run_stopped, .user = run,
    };
    char path[HEED_PATH];
    if (!heed_recipe_is_guided(r)) return HEED_OK;
    run->model->alignment = (heed_alignment){.chosen = true, .layer = (int)heed_recipe_guided_layer(r), .head = (int)g->head, .shift = (int)g->shift, .empty = g->empty};
    if (strcmp(g->links, "statistical") == 0) return learn_links(run, &from, err);
    heed_status status = heed_recipe_find(r, g->links, data_dir_of(run), path, sizeof path, err);
    return status ? status : heed_guide_read(&run->guide, &from, path, false, err);
}

static heed_status keep_links(const heed_run *run, heed_error *err)
{
    char path[HEED_PATH];
    heed_status status = in_dir(run, kept_links, path, err);
    return status || !run->guide.learnt ? status : heed_guide_write(&run->guide, path, err);
}

/* --- all together --------------------------------------------------------------------------------------------------------------------------- */

/* With shift 1 no step stands behind the one that writes </s>. */
static heed_guide_settings guide_settings(const heed_run *run)
{
    const heed_guided_settings *g = &heed_run_recipe(run)->train.guided;
    return (heed_guide_settings){.links = &run->guide.links, .split = heed_bitext_words, .parted = run->guide.parted, .empty = g->empty, .ends = g->empty && !g->shift};
}

static heed_status open_data(heed_run *run, heed_error *err)
{
    const heed_recipe *r = heed_run_recipe(run);
    heed_loader_settings settings = {
        .corpus = {.paths = run->train.path, .files = run->train.count, .fields = 2, .invalid = (heed_invalid)r->data.invalid_utf8},
        .source = run->model->source, .target = run->model->target, .source_noise = r->text.source_noise, .target_noise = r->text.target_noise,
        .sentences = r->train.sentences, .tokens = r->train.tokens,
        .max_length = r->data.max_length, .buffer = r->data.shuffle_buffer, .seed = r->train.seed, .shuffle = true,
    };
    if (run->guide.first) settings.guide = guide_settings(run);
    heed_model_longest(run->model, &settings.longest_source, &settings.longest_target);
    run->loader = heed_loader_new(&settings, err);
    if (!run->loader) return err->status;
    if (run->valid.count > 0 && !(run->validator = heed_validator_new(run->model, run->valid.path, run->valid.count, r->data.max_length, err))) return err->status;
    if (run->training->film && !*r->train.frozen_attention) {   /* where it looks is not its own */
        const heed_status status = heed_reel_choose(&run->reel, run->model, run->valid.path, run->valid.count, err);
        if (status) return status;
    }
    return run->saved ? heed_loader_set_state(run->loader, run->state.data, err) : HEED_OK;
}

static heed_status open_learning(heed_run *run, heed_error *err)
{
    const char *isa = heed_kernels_get()->isa;
    heed_status status = heed_run_freeze(run, err);
    if (status) return status;
    run->shards = heed_shards_new(run->model, run->base, run->threads, heed_run_recipe(run)->train.seed, err);
    if (!run->shards) return err->status;
    status = heed_optimizer_init(&run->optimizer, run->model->params, heed_run_recipe(run), err);
    if (!status && run->saved) status = load_optimizer(run, err);
    if (status) return status;
    if (run->saved && strcmp(isa, run->state.isa) != 0)
        heed_run_say(run, HEED_EVENT_WARNING, "%s was trained with %s kernels so far and goes on with %s: the bits will differ from a run that was not moved",
                     run->dir, run->state.isa, isa);
    snprintf(run->state.isa, sizeof run->state.isa, "%s", isa);
    const heed_number precision = (heed_number)heed_run_recipe(run)->train.precision;
    status = heed_params_multiply(run->model->params, precision, err);
    if (status) return status;
    if (heed_params_number(run->model->params) != precision)
        heed_run_say(run, HEED_EVENT_WARNING, "train.precision: this processor has no instructions for bf16; products are f32");
    return heed_params_pack(run->model->params, true, run->threads, err);
}

static heed_status open_dir(heed_run *run, bool exists, heed_error *err)
{
    heed_status status = exists ? HEED_OK : heed_dir_make(run->dir, err);
    if (!status && !exists) status = lock_dir(run, err);
    if (!status) status = write_recipe(run, err);
    if (!status) status = keep_links(run, err);
    if (!status) status = in_dir(run, "log.jsonl", run->log.path, err);
    if (!status) status = heed_log_cut(&run->log, run->state.update, err);
    return status ? status : heed_run_film_open(run, err);
}

static heed_status open_model(heed_run *run, heed_recipe *recipe, bool *exists, heed_error *err)
{
    heed_status status = name_dir(run, err);
    if (!status) status = check_dir(run, exists, err);
    if (!status) status = find_data(run, recipe, err);
    if (!status) status = check_metric(run, recipe, err);
    if (status) return status;
    return *exists ? go_on(run, recipe, err) : start(run, recipe, err);
}

static heed_status begin(heed_run *run, const heed_training *t, heed_recipe *recipe, heed_error *err)
{
    const heed_train_options *o = t->options;
    *run = (heed_run){.training = t, .options = o, .lock = -1, .threads = o->threads > 0 ? o->threads : heed_cores(), .began = heed_clock()};
    heed_status status = heed_recipe_open(recipe, o->recipe, o->sets, o->set_count, err);
    if (!status && o->init_from) status = heed_recipe_begin_from(recipe, o->init_from, err);
    return status ? status : heed_recipe_trainable(recipe, err);
}

heed_status heed_run_rehearse(heed_run *run, const heed_training *t, heed_error *err)
{
    heed_recipe recipe = {.version = 0};
    heed_status status = begin(run, t, &recipe, err);
    if (!status) status = find_data(run, &recipe, err);
    if (!status) status = check_metric(run, &recipe, err);
    if (!status && !(run->model = heed_run_build(run, &recipe, err))) status = err->status;
    heed_recipe_free(&recipe);
    if (!status) status = open_guide(run, err);
    if (!status) status = open_data(run, err);
    if (!status) status = heed_run_open_base(run, err);
    return status ? status : open_learning(run, err);
}

heed_status heed_run_open(heed_run *run, const heed_training *t, heed_error *err)
{
    heed_recipe recipe = {.version = 0};
    bool exists = false;
    heed_status status = begin(run, t, &recipe, err);
    if (!status) status = open_model(run, &recipe, &exists, err);
    heed_recipe_free(&recipe);
    if (!status) status = open_guide(run, err);
    if (!status) status = open_data(run, err);
    if (!status && heed_run_open_base(run, err)) return err->status;   /* no fault of a checkpoint's */
    if (!status) status = open_learning(run, err);
    if (status == HEED_E_MODEL && run->from) return name_older(run, err);
    if (!status) status = open_dir(run, exists, err);
    if (status) return status;
    run->seconds_before = run->state.seconds;
    run->first_update = run->state.update;
    run->first_progress = heed_run_progress(run);
    heed_pace *paces[] = {&run->shown, &run->written, &run->judged};
    for (int i = 0; i < 3; i++) heed_pace_reset(paces[i]);
    run->written.meter = run->state.logged;
    run->judged.meter = run->state.judged;
    return HEED_OK;
}

void heed_run_close(heed_run *run)
{
    heed_log_free(&run->log);
    heed_reel_free(&run->reel);
    heed_optimizer_free(&run->optimizer);
    heed_shards_free(run->shards);
    heed_model_free(run->base);
    heed_validator_free(run->validator);
    heed_loader_free(run->loader);
    heed_guide_store_free(&run->guide);
    heed_model_free(run->model);
    if (run->lock >= 0) close(run->lock);
}
