/* The first values of a run: those of another model where it begins from one, and which of them stay: train/run.h. */
#include <string.h>

#include "model/words.h"
#include "tensor/tape.h"
#include "train/run.h"

enum { NAMES = 12 };   /* of weights in a message */

static void list_name(heed_buf *out, int64_t *count, const char *name)
{
    if (*count < NAMES) heed_buf_printf(out, "%s%s", *count ? ", " : "", name);
    ++*count;
}

static void end_list(heed_buf *out, int64_t count)
{
    if (count > NAMES) heed_buf_printf(out, " and %lld more", (long long)(count - NAMES));
}

/* --- from another model -------------------------------------------------------------------------------------------------------------------- */

heed_model *heed_run_find_first(heed_run *run, heed_recipe *r, heed_error *err)
{
    char path[HEED_PATH];
    heed_buf differences = {0};
    heed_status status = heed_run_find_model(run, r, "train.init_from", r->train.init_from, path, err);
    heed_model *from = status ? NULL : heed_model_load(path, NULL, 0, err);
    if (!from) return NULL;
    if (heed_recipe_take_text(r, &from->recipe, &differences) > 0)
        status = heed_fail(err, HEED_E_USAGE, "%s: its vocabularies were made otherwise than the recipe says:\n%sleave these keys out, or do without --init-from", path,
                           differences.data ? differences.data : "");
    if (!status) status = heed_recipe_check(r, err);
    heed_buf_free(&differences);
    if (!status) return from;
    heed_model_free(from);
    return NULL;
}

static heed_status refuse_shape(const heed_weight *there, const heed_weight *here, const heed_model *from, const heed_model *m, heed_error *err)
{
    heed_buf keys = {0};
    heed_recipe was = from->recipe, now = m->recipe;
    was.data = now.data;
    was.train = now.train;
    was.decode = now.decode;
    heed_recipe_differ(&was, &now, &keys);
    if (!keys.failed && keys.size) keys.data[keys.size - 1] = 0;   /* the end of the last line */
    heed_fail(err, HEED_E_USAGE, "weight \"%s\" is [%lld,%lld] in %s, but the recipe makes it [%lld,%lld]; set these keys alike:\n%s", here->name,
              (long long)there->tensor.rows, (long long)there->tensor.cols, m->recipe.train.init_from, (long long)here->tensor.rows, (long long)here->tensor.cols,
              keys.data ? keys.data : "");
    heed_buf_free(&keys);
    return HEED_E_USAGE;
}

static void tell(const heed_run *run, const heed_model *from, const heed_model *m)
{
    heed_buf out = {0};
    int64_t fresh = 0, left = 0;
    for (int64_t i = 0; i < heed_params_count(m->params); i++)
        if (!heed_params_find(from->params, heed_params_at(m->params, i)->name)) {
            if (!fresh) heed_buf_printf(&out, "not in %s, so begun anew: ", m->recipe.train.init_from);
            list_name(&out, &fresh, heed_params_at(m->params, i)->name);
        }
    end_list(&out, fresh);
    for (int64_t i = 0; i < heed_params_count(from->params); i++)
        if (!heed_params_find(m->params, heed_params_at(from->params, i)->name)) {
            if (!left) heed_buf_printf(&out, "%swithout a place here, so left out: ", fresh ? "; " : "");
            list_name(&out, &left, heed_params_at(from->params, i)->name);
        }
    end_list(&out, left);
    if (fresh + left > 0 && !out.failed) heed_run_say(run, HEED_EVENT_WARNING, "%s", out.data);
    heed_buf_free(&out);
}

heed_status heed_run_take_weights(const heed_run *run, heed_model *m, const heed_model *from, heed_error *err)
{
    int64_t taken = 0;
    for (int64_t i = 0; i < heed_params_count(m->params); i++) {
        const heed_weight *here = heed_params_at(m->params, i), *there = heed_params_find(from->params, here->name);
        const int64_t rows = here->tensor.rows, cols = here->tensor.cols;
        if (!there) continue;
        if (there->tensor.rows != rows || there->tensor.cols != cols) return refuse_shape(there, here, from, m, err);
        memcpy(here->tensor.x, there->tensor.x, (size_t)(rows * cols) * sizeof *here->tensor.x);
        taken++;
    }
    heed_params_touch(m->params);
    if (taken == 0) return heed_fail(err, HEED_E_USAGE, "%s: none of its weights has a name that the recipe's model knows", m->recipe.train.init_from);
    tell(run, from, m);
    return HEED_OK;
}

/* --- what stays as it is ------------------------------------------------------------------------------------------------------------------- */

/* `*` any letters, none too; `?` one. */
static bool matches(const char *pattern, const char *name)
{
    const char *star = NULL, *tried = NULL;
    while (*name) {
        if (*pattern == '*') {
            star = ++pattern;
            tried = name;
        } else if (*pattern == '?' || *pattern == *name) {
            pattern++;
            name++;
        } else if (star) {
            pattern = star;
            name = ++tried;
        } else return false;
    }
    while (*pattern == '*') pattern++;
    return !*pattern;
}

static heed_status refuse_pattern(const heed_params *p, const char *pattern, heed_error *err)
{
    heed_nearest near = {.wanted = pattern};
    char quoted[HEED_QUOTE_SIZE], part[HEED_LONGEST_WORD + 4];
    for (int64_t i = 0; i < heed_params_count(p); i++) {
        const char *name = heed_params_at(p, i)->name;
        heed_nearest_offer(&near, name);
        for (const char *dot = strchr(name, '.'); dot && dot - name < HEED_LONGEST_WORD; dot = strchr(dot + 1, '.')) {
            memcpy(part, name, (size_t)(dot - name));
            memcpy(part + (dot - name), ".*", 3);
            heed_nearest_offer(&near, part);
        }
    }
    return heed_fail(err, HEED_E_USAGE, "train.freeze: %s matches no weight; %s%s%s", heed_quote(quoted, pattern), *near.best ? "did you mean \"" : "the first is \"",
                     *near.best ? near.best : heed_params_at(p, 0)->name, *near.best ? "\"?" : "\"");
}

heed_status heed_run_freeze(const heed_run *run, heed_error *err)
{
    const heed_params *p = run->model->params;
    const heed_patterns *patterns = &heed_run_recipe(run)->train.freeze;
    const int64_t count = heed_params_count(p);
    int64_t learning = 0;
    for (int k = 0; k < patterns->count; k++) {
        bool found = false;
        for (int64_t i = 0; i < count; i++)
            if (matches(patterns->text[k], heed_params_at(p, i)->name)) {
                heed_weight_freeze(heed_params_at(p, i));
                found = true;
            }
        if (!found) return refuse_pattern(p, patterns->text[k], err);
    }
    for (int64_t i = 0; i < count; i++) learning += !heed_params_at(p, i)->frozen;
    return learning ? HEED_OK : heed_fail(err, HEED_E_USAGE, "train.freeze: nothing is left to learn; freeze less");
}
