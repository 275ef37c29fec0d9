/* Where the files of a recipe lie: model/recipe.h. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "model/recipe.h"

enum { PATH_SIZE = 4096 };

typedef struct search {
    const char *file;
    char *out;
    size_t size;
    heed_buf seen;              /* the places that were looked at */
    heed_error *err;
} search;

/* *found: the file lies at first/second/file; second may be "", no part at all. */
static heed_status look(search *s, const char *first, const char *second, bool *found)
{
    char dir[PATH_SIZE];
    heed_status status = heed_path_join(dir, sizeof dir, *second ? first : "", *second ? second : first, s->err);
    if (!status) status = heed_path_join(s->out, s->size, dir, s->file, s->err);
    if (status) return status;
    *found = heed_path_exists(s->out);
    if (s->seen.size) heed_buf_text(&s->seen, ", ");
    heed_buf_text(&s->seen, s->out);
    return HEED_OK;
}

static heed_status look_around(search *s, const char *beside, const char *root, const char *data_dir, bool *found)
{
    heed_status status = look(s, beside, "", found);
    bool relative_root = *root && *root != '/';
    if (*s->file == '/') return status;
    if (!status && !*found && *root) status = look(s, beside, root, found);
    if (!status && !*found && relative_root && *beside) status = look(s, "", root, found);
    if (!status && !*found && data_dir && *data_dir && *root != '/') status = look(s, data_dir, root, found);
    return status;
}

heed_status heed_recipe_find(const heed_recipe *r, const char *file, const char *data_dir, char *out, size_t size, heed_error *err)
{
    search s = {.file = file, .out = out, .size = size, .err = err};
    char beside[PATH_SIZE] = "";
    const char *slash = r->path ? strrchr(r->path, '/') : NULL;
    if (slash && (size_t)snprintf(beside, sizeof beside, "%.*s", (int)(slash == r->path ? 1 : slash - r->path), r->path) >= sizeof beside)
        return heed_fail(err, HEED_E_USAGE, "%.80s...: this name is too long", r->path);
    bool found = false;
    heed_status status = look_around(&s, beside, r->data.root, data_dir, &found);
    if (!status && !found)
        status = heed_fail(err, HEED_E_DATA, "data file \"%.200s\" not found; looked at %.500s; set data.root%s", file,
                           s.seen.failed ? "" : s.seen.data, data_dir && *data_dir ? "" : " or HEED_DATA");
    heed_buf_free(&s.seen);
    return status;
}
