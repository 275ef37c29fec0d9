/* heed_check_data: the sets of a recipe or the files given, and the findings as heed.h tells them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/number.h"
#include "data/check.h"
#include "heed.h"
#include "model/recipe.h"

enum { PATH = 4096 };

typedef struct request {
    heed_check_settings settings;
    heed_check_set sets[HEED_CHECK_SETS];
    const char *paths[HEED_CHECK_SETS][HEED_MAX_FILES];
    heed_recipe recipe;
    heed_arena *arena;                 /* of the result */
} request;

/* --- what is read --------------------------------------------------------------------------------------------------------------------------------- */

static heed_check_set *add_set(request *q, const char *name)
{
    heed_check_set *set = &q->sets[q->settings.count];
    *set = (heed_check_set){.name = name, .paths = q->paths[q->settings.count++]};
    return set;
}

static heed_status no_memory(heed_error *err) { return heed_fail(err, HEED_E_NOMEM, "out of memory for a check"); }

static heed_status add_found(request *q, const char *name, const heed_files *files, const heed_check_options *o, heed_error *err)
{
    const char *data_dir = o->data_dir ? o->data_dir : getenv("HEED_DATA");
    heed_check_set *set = add_set(q, name);
    for (; set->files < files->count; set->files++) {
        char path[PATH];
        heed_status status = heed_recipe_find(&q->recipe, files->path[set->files], data_dir, path, sizeof path, err);
        if (status) return status;
        if (!(q->paths[set - q->sets][set->files] = heed_arena_text(q->arena, path))) return no_memory(err);
    }
    return HEED_OK;
}

static heed_status add_recipe(request *q, const heed_check_options *o, heed_error *err)
{
    heed_recipe *r = &q->recipe;
    heed_status status = heed_recipe_open(r, o->recipe, o->sets, o->set_count, err);
    if (!status) status = add_found(q, "train", &r->data.train, o, err);
    if (!status && r->data.valid.count) status = add_found(q, "valid", &r->data.valid, o, err);
    for (int i = 0; i < r->data.tests && !status; i++) {
        char name[80];
        snprintf(name, sizeof name, r->data.tests > 1 ? "test %.70s" : "test", r->data.test[i].name);
        const char *copy = heed_arena_text(q->arena, name);
        status = copy ? add_found(q, copy, &r->data.test[i].files, o, err) : no_memory(err);
    }
    q->settings.text[0] = r->text.source;
    q->settings.text[1] = r->text.target;
    q->settings.max_length = r->data.max_length;
    return status;
}

static void add_files(request *q, const char *name, const char *const files[2])
{
    if (!files[0]) return;
    heed_check_set *set = add_set(q, name);
    for (; set->files < 2 && files[set->files]; set->files++) q->paths[set - q->sets][set->files] = files[set->files];
}

static heed_status find_sets(request *q, const heed_check_options *o, heed_error *err)
{
    q->settings = (heed_check_settings){.sets = q->sets, .progress = o->progress, .user = o->user};
    if (o->recipe) return add_recipe(q, o, err);
    if (!o->train[0]) return heed_fail(err, HEED_E_USAGE, "no recipe and no files were given");
    if (o->set_count) return heed_fail(err, HEED_E_USAGE, "settings belong to a recipe, and none was given");
    add_files(q, "train", o->train);
    add_files(q, "valid", o->valid);
    add_files(q, "test", o->test);
    return HEED_OK;
}

/* --- what is told --------------------------------------------------------------------------------------------------------------------------------- */

static heed_finding *tell_finding(heed_arena *a, heed_finding *out, const heed_check *c, const heed_check_finding *f, const heed_check_set *sets)
{
    static const char *const sides[] = {"source", "target", ""};
    heed_place *places = heed_arena_alloc(a, (size_t)f->places * sizeof *places + 1);
    *out = (heed_finding){.name = heed_fault_name(f->fault), .set = heed_arena_text(a, sets[f->set].name), .side = sides[f->side], .what = heed_fault_what(f->fault),
                          .note = heed_arena_text(a, f->note), .advice = heed_fault_advice(f->fault), .count = f->count, .of = c->records[f->set], .places = places,
                          .place_count = f->places};
    out->serious = (double)f->count > heed_fault_share(f->fault) * (double)out->of;
    for (int i = 0; places && i < f->places; i++) {
        places[i] = (heed_place){f->place[i].line, f->place[i].other, heed_arena_text(a, f->place[i].text)};
        if (!places[i].text) return NULL;
    }
    return places && out->set && out->note ? out : NULL;
}

static heed_checked_set *tell_sets(request *q, const heed_check *c)
{
    heed_checked_set *sets = heed_arena_alloc(q->arena, (size_t)q->settings.count * sizeof *sets);
    for (int i = 0; sets && i < q->settings.count; i++) {
        heed_buf files = {0};
        for (int k = 0; k < q->sets[i].files; k++) heed_buf_printf(&files, "%s%s", k ? " " : "", q->sets[i].paths[k]);
        sets[i] = (heed_checked_set){heed_arena_text(q->arena, q->sets[i].name), files.failed ? NULL : heed_arena_text(q->arena, files.data), c->records[i]};
        heed_buf_free(&files);
        if (!sets[i].name || !sets[i].files) return NULL;
    }
    return sets;
}

/* "2 findings are serious. In train, take these lines out of all sides (1,204 of 50,000); in test, ..." */
static const char *summarise(heed_arena *a, const heed_finding *f, int count, int serious)
{
    char number[2][HEED_GROUP_SIZE];
    heed_buf out = {0};
    if (count == 0) heed_buf_text(&out, "Nothing was found: go ahead.");
    else if (serious == 0) heed_buf_printf(&out, "Nothing serious: go ahead. A look at the first examples does no harm.");
    else heed_buf_printf(&out, serious == 1 ? "One finding is serious." : "%d findings are serious.", serious);
    for (int i = 0; i < count; i++)
        if (f[i].serious)
            heed_buf_printf(&out, " In %s%s%s, %s of %s %s: %s.", f[i].set, *f[i].side ? ", " : "", f[i].side, heed_group(number[0], f[i].count),
                            heed_group(number[1], f[i].of), f[i].what, f[i].advice);
    const char *text = out.failed ? NULL : heed_arena_text(a, out.data);
    heed_buf_free(&out);
    return text;
}

/* The arena goes over to the result. */
static heed_checked *tell(request *q, const heed_check *c, heed_error *err)
{
    heed_arena *a = q->arena;
    heed_checked *out = heed_arena_alloc(a, sizeof *out);
    heed_finding *findings = heed_arena_alloc(a, (size_t)c->count * sizeof *findings + 1);
    const heed_checked_set *sets = out && findings ? tell_sets(q, c) : NULL;
    int serious = 0;
    bool ok = sets != NULL;
    for (int i = 0; i < c->count && ok; i++) {
        ok = tell_finding(a, &findings[i], c, &c->finding[i], q->sets) != NULL;
        serious += ok && findings[i].serious;
    }
    const char *summary = ok ? summarise(a, findings, c->count, serious) : NULL;
    if (!summary) return no_memory(err), NULL;
    *out = (heed_checked){.sets = sets, .set_count = q->settings.count, .findings = findings, .count = c->count, .serious = serious, .summary = summary, .owner = a};
    q->arena = NULL;
    return out;
}

heed_checked *heed_check_data(const heed_check_options *options, heed_error *err)
{
    heed_error own;
    if (!err) err = &own;
    heed_checked *out = NULL;
    request *q = calloc(1, sizeof *q);
    if (!q || !(q->arena = heed_arena_new(0))) {
        free(q);
        return no_memory(err), NULL;
    }
    heed_check *c = find_sets(q, options, err) ? NULL : heed_check_run(&q->settings, err);
    if (c) out = tell(q, c, err);
    heed_check_free(c);
    heed_recipe_free(&q->recipe);
    heed_arena_free(q->arena);
    free(q);
    return out;
}

void heed_checked_free(heed_checked *c)
{
    if (c) heed_arena_free(c->owner);
}
