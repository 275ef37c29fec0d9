/* A model written anew with its matrices in fewer bits; and the numbers of a model that is open. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "api/session.h"
#include "base/file.h"

enum { PATH = 4096 };

const char *heed_number_name(heed_number number)
{
    static const char *const names[] = {[HEED_F32] = "f32", [HEED_BF16] = "bf16", [HEED_INT8] = "int8"};
    return names[number];
}

heed_number heed_model_number(const heed_model *m, heed_number *asked)
{
    if (asked) *asked = (heed_number)m->recipe.decode.precision;
    return heed_params_number(m->params);
}

/* --- where it comes from ------------------------------------------------------------------------------------------------------------------- */

/* What attn.json told of the model, and what was made of it; the texts are those of `all` and of the caller. NULL: out of memory. */
static const char **tell_origin(json_t *all, const char *dir, heed_number number)
{
    const char **pairs = calloc(2 * json_object_size(all) + 5, sizeof *pairs), *key;
    json_t *value;
    int count = 0;
    if (!pairs) return NULL;
    json_object_foreach(all, key, value) {
        if (!json_is_string(value)) continue;
        pairs[count++] = key;
        pairs[count++] = json_string_value(value);
    }
    pairs[count++] = "quantized_from";
    pairs[count++] = dir;
    pairs[count++] = "quantized_to";
    pairs[count++] = heed_number_name(number);
    return pairs;
}

static heed_status refuse_again(const heed_model *m, const char *dir, heed_error *err)
{
    json_t *all = m->provenance ? json_loads(m->provenance, 0, NULL) : NULL;
    const char *from = json_string_value(json_object_get(all, "quantized_from"));
    heed_fail(err, HEED_E_USAGE, "%s: its matrices are %s already; quantise the model that it was made from%s%.400s%s", dir, heed_number_name(m->stored),
              from ? " (" : "", from ? from : "", from ? ")" : "");
    json_decref(all);
    return HEED_E_USAGE;
}

/* --- writing it ---------------------------------------------------------------------------------------------------------------------------- */

static heed_status save(const heed_model *m, const char *dir, heed_number number, const char *aside, heed_error *err)
{
    json_t *all = m->provenance ? json_loads(m->provenance, 0, NULL) : NULL;
    const char **pairs = tell_origin(all, dir, number);
    heed_status status = pairs ? heed_model_save(m, aside, number, pairs, err) : heed_fail(err, HEED_E_NOMEM, "out of memory for attn.json");
    if (!status) status = heed_dir_sync(aside, err);
    free(pairs);
    json_decref(all);
    return status;
}

/* rename() would take the place of an empty directory. */
static heed_status put_in_place(const char *aside, const char *out, heed_error *err)
{
    char parent[PATH];
    if (heed_path_exists(out)) return heed_fail(err, HEED_E_USAGE, "%s: exists; give another place with -o, or remove it", out);
    if (rename(aside, out)) return heed_fail(err, HEED_E_IO, "%s: cannot be renamed into place: %s", aside, strerror(errno));
    snprintf(parent, sizeof parent, "%s", out);
    char *slash = strrchr(parent, '/');
    if (!slash) return heed_dir_sync(".", err);
    slash[slash == parent] = 0;
    return heed_dir_sync(parent, err);
}

/* DIR.tmp-PID of a process that was killed: it is gone, and nobody holds the lock either, since another machine or container may have such a process. */
static bool is_left_behind(const char *path, const char *process)
{
    char *end;
    const long id = strtol(process, &end, 10);
    if (*end || id <= 0 || !kill((pid_t)id, 0) || errno != ESRCH) return false;
    const int lock = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool left = lock >= 0 && (!flock(lock, LOCK_EX | LOCK_NB) || errno != EWOULDBLOCK);
    if (lock >= 0) close(lock);
    return left;
}

/* Removes what killed processes left beside the place; what cannot be is in nobody's way. */
static void clear_away(const char *place)
{
    char parent[PATH], path[PATH], name[PATH];
    const char *slash = strrchr(place, '/');
    snprintf(parent, sizeof parent, "%.*s", slash ? (int)(slash - place) + (slash == place) : 1, slash ? place : ".");
    snprintf(name, sizeof name, "%s.tmp-", slash ? slash + 1 : place);
    DIR *d = opendir(parent);
    for (struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d))
        if (!strncmp(e->d_name, name, strlen(name)) && !heed_path_join(path, sizeof path, parent, e->d_name, NULL) && is_left_behind(path, e->d_name + strlen(name)))
            heed_dir_remove(path, NULL);
    if (d) closedir(d);
}

/* Beside its place first, so that a kill leaves no half of a model under its name. */
static heed_status write_model(const heed_model *m, const char *dir, heed_number number, const char *out, heed_error *err)
{
    char place[PATH - 64], aside[PATH];
    if ((size_t)snprintf(place, sizeof place, "%s", out) >= sizeof place) return heed_fail(err, HEED_E_USAGE, "%.80s...: the path is too long", out);
    while (strlen(place) > 1 && place[strlen(place) - 1] == '/') place[strlen(place) - 1] = 0;
    snprintf(aside, sizeof aside, "%s.tmp-%ld", place, (long)getpid());
    clear_away(place);
    heed_status status = heed_dir_remove(aside, err);
    if (!status) status = heed_dir_make(aside, err);
    const int lock = status ? -1 : open(aside, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (lock >= 0) flock(lock, LOCK_EX | LOCK_NB);   /* a filesystem without locks is no reason to stop */
    if (!status) status = save(m, dir, number, aside, err);
    if (!status) status = put_in_place(aside, place, err);
    if (status) heed_dir_remove(aside, NULL);
    if (lock >= 0) close(lock);
    return status;
}

static heed_status weigh(const char *dir, int64_t *bytes, heed_error *err)
{
    char path[PATH];
    heed_file f;
    heed_status status = heed_path_join(path, sizeof path, dir, "model.safetensors", err);
    if (!status) status = heed_file_map(&f, path, HEED_E_MODEL, err);
    if (status) return status;
    *bytes = (int64_t)f.size;
    heed_file_unmap(&f);
    return HEED_OK;
}

static heed_status quantize(heed_model *m, const char *dir, heed_number number, const char *out, heed_error *err)
{
    if (m->stored != HEED_F32) return refuse_again(m, dir, err);
    m->recipe.decode.precision = (int)number;
    return write_model(m, dir, number, out, err);
}

heed_status heed_quantize(const char *dir, heed_number number, const char *out, heed_quantized *report, heed_error *err)
{
    if (!dir || !*dir || !out || !*out) return heed_fail(err, HEED_E_USAGE, "quantising takes a model directory and the place of the new one");
    if (number != HEED_BF16 && number != HEED_INT8) return heed_fail(err, HEED_E_USAGE, "a model is quantised to bf16 or int8");
    if (heed_path_exists(out)) return heed_fail(err, HEED_E_USAGE, "%s: exists; give another place with -o, or remove it", out);
    heed_error why = {.status = HEED_OK};
    heed_model *m = heed_model_load(dir, NULL, 0, &why);
    heed_status status = m ? quantize(m, dir, number, out, &why) : why.status;
    heed_model_free(m);
    if (!status && report) status = weigh(dir, &report->bytes_before, &why);
    if (!status && report) status = weigh(out, &report->bytes_after, &why);
    if (status && err) *err = why;
    return status;
}
