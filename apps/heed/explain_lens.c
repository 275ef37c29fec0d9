/* heed explain --lens: scores as a page, a table or numbers, into a file or on standard output. */
#include "explain.h"
#include "term.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const struct { const char *ending; heed_form form; } endings[] = {
    {".html", HEED_FORM_PAGE}, {".htm", HEED_FORM_PAGE}, {".json", HEED_FORM_JSON}, {".csv", HEED_FORM_CSV},
    {".tex", HEED_FORM_TEX},   {".npy", HEED_FORM_NPY},  {".svg", HEED_FORM_SVG},   {".txt", HEED_FORM_TERMINAL},
};

bool explain_wants_lenses(const explain_values *v) { return v->lenses.count || v->what_if.count || v->out || v->csv || v->tex || v->npy || v->heads
                                                    || v->trust; }

/* By the ending of -o; false: it tells nothing. */
static bool form_of_file(const char *path, heed_form *form)
{
    const char *ending = strrchr(path, '.');
    for (size_t i = 0; ending && i < sizeof endings / sizeof *endings; i++)
        if (!strcmp(ending, endings[i].ending)) {
            *form = endings[i].form;
            return true;
        }
    return false;
}

static bool form_of(const explain_values *v, heed_form *form)
{
    *form = v->svg ? HEED_FORM_SVG : v->json ? HEED_FORM_JSON : v->csv ? HEED_FORM_CSV : v->tex ? HEED_FORM_TEX : v->npy ? HEED_FORM_NPY : HEED_FORM_TERMINAL;
    return *form != HEED_FORM_TERMINAL || !v->out || form_of_file(v->out, form);
}

int explain_check_lenses(const explain_values *v)
{
    heed_form form;
    if ((v->svg != NULL) + v->json + v->csv + v->tex + v->npy + v->steps > 1)
        return cli_usage_error("--svg, --json, --csv, --tex, --npy and --steps are forms; ask for one at a time");
    if (v->steps)
        return cli_usage_error("--steps lists the steps of attention; it takes no lens and no -o");
    if (v->svg && v->out)
        return cli_usage_error("--svg FILE names its file itself; leave out -o");
    if (!form_of(v, &form))
        return cli_usage_error("-o %s: its ending tells no form; .html, .json, .csv, .tex, .npy, .svg or .txt do, or name one: --json, say", v->out);
    if (form == HEED_FORM_SVG && v->lenses.count != 1)
        return cli_usage_error("an SVG shows one lens; name it with --lens (a page, -o x.html, shows them all)");
    if ((v->heads || v->trust) && form != HEED_FORM_JSON && form != HEED_FORM_PAGE)
        return cli_usage_error(v->heads ? "--heads are weights of every layer and head; they go with --json"
                               : "--trust goes with --json, and a page has it always");
    return -1;
}

/* --- where it goes: a file that appears as a whole, or what is no file as it is ------------------------------------------------------------------- */

typedef struct place { const char *path; char *part; FILE *f; int why; } place;

static bool is_other_than_file(const char *path)
{
    struct stat s;
    return !stat(path, &s) && !S_ISREG(s.st_mode);
}

static bool open_place(place *p, const char *path)
{
    *p = (place){.path = path, .f = stdout};
    if (!strcmp(path, "-"))
        return true;
    if (!is_other_than_file(path)) {
        const size_t size = strlen(path) + 6;
        p->part = malloc(size);
        if (p->part)
            snprintf(p->part, size, "%s.part", path);
    }
    p->f = fopen(p->part ? p->part : path, "wb");
    p->why = errno;
    return p->f != NULL;
}

static bool write_bytes(void *user, const char *bytes, size_t size)
{
    place *p = user;
    errno = 0;
    const bool good = fwrite(bytes, 1, size, p->f) == size;
    if (!good)
        p->why = errno;
    return good;
}

/* good: what was to be written is; else what there is goes. */
static bool close_place(place *p, bool good)
{
    errno = 0;
    if (p->f && fflush(p->f)) {
        good = false;
        p->why = errno;
    }
    if (p->f && p->f != stdout && fclose(p->f)) {
        good = false;
        p->why = errno;
    }
    if (p->part && good && rename(p->part, p->path)) {
        good = false;
        p->why = errno;
    }
    if (p->part && !good)
        remove(p->part);
    free(p->part);
    return good;
}

/* The array itself has no room for it. */
static void say_order(const cli_globals *g, const char *path, const heed_model *m, const heed_explanation_options *o)
{
    const heed_lens *chosen[HEED_LENSES];
    heed_error err;
    char names[400] = "";
    const int n = heed_lens_choose(m, o->lenses, o->lens_count, chosen, &err);
    for (int i = 0; i < n; i++) {
        const size_t at = strlen(names);
        snprintf(names + at, sizeof names - at, "%s%s", i ? ", " : "", chosen[i]->name);
    }
    cli_say(g, "%s%sfloat32 [lens, symbol written, symbol read]; lenses: %s", strcmp(path, "-") ? path : "", strcmp(path, "-") ? ": " : "", names);
}

int explain_by_lenses(cli_open *open, const char *dir, const char *text, const cli_globals *g, const explain_values *v)
{
    const heed_item item = {.text = text, .target = v->target};
    const heed_look look = cli_look_of(&v->look, open->model);
    const char *path = v->svg ? v->svg : v->out ? v->out : "-";
    place p;
    heed_error err = {0};
    heed_explanation_options o = {.lenses = v->lenses.items, .lens_count = v->lenses.count, .what_if = v->what_if.items, .what_if_count = v->what_if.count,
                                  .heads = v->heads, .trust = v->trust, .look = &look, .name = dir, .write = write_bytes, .user = &p};
    form_of(v, &o.form);
    if (o.form == HEED_FORM_NPY && !strcmp(path, "-") && cli_term_of(stdout).columns)
        return cli_usage_error("an array is nothing for a terminal; say where it goes: -o scores.npy");
    if (!open_place(&p, path)) {
        cli_complain("%s: cannot be written: %s", path, strerror(p.why));
        return EXIT_OUTSIDE;
    }
    const heed_status status = heed_explanation_write(open->session, &item, &o, &err);
    const bool closed = close_place(&p, status == HEED_OK);
    if (status && status != HEED_E_IO)
        return cli_fail(&err);
    if (!closed) {
        if (strcmp(path, "-"))            /* of standard output main() speaks, once for all */
            cli_complain("%s: cannot be written: %s", path, strerror(p.why));
        return EXIT_OUTSIDE;
    }
    if (o.form == HEED_FORM_NPY)
        say_order(g, path, open->model, &o);
    return EXIT_OK;
}
