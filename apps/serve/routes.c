/* The table of routes, and what those do that run the model: routes.h. */
#include "routes.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_ANSWER = 256 << 20 };     /* bytes */

/* --- what is asked -------------------------------------------------------------------------------------------------------------------------------- */

static bool short_enough(const worker *w, const char *what, const char *text, answer *a)
{
    const size_t size = text ? strlen(text) : 0, most = w->options->text;
    if (size > most)
        answer_error(a, 413, "the %s has %zu bytes; this server takes %zu (heed serve --text)", what, size, most);
    return size <= most;
}

/* The question of a job, in *memory where it came as JSON; false: the answer says why not. */
static bool read_question(const worker *w, job *j, heed_question *q, char **memory)
{
    const order *o = job_order(j);
    answer *a = job_answer(j);
    heed_error err = {0};
    *memory = NULL;
    *q = (heed_question){.item = {.text = o->text, .target = o->target}};
    if (!o->text && heed_question_parse(o->body, o->size, q, memory, &err)) {
        answer_status(a, &err);
        return false;
    }
    return short_enough(w, "text", q->item.text, a) && short_enough(w, "target", q->item.target, a);
}

/* --- what is answered ----------------------------------------------------------------------------------------------------------------------------- */

static const struct { const char *name; heed_form form; const char *type; } forms[] = {
    [0] = {"json", HEED_FORM_JSON, "application/json"}, {"page", HEED_FORM_PAGE, "text/html; charset=utf-8"}, {"csv", HEED_FORM_CSV, "text/csv; charset=utf-8"},
    {"tex", HEED_FORM_TEX, "text/x-tex; charset=utf-8"}, {"text", HEED_FORM_TERMINAL, "text/plain; charset=utf-8"}, {"npy", HEED_FORM_NPY, "application/octet-stream"},
};
enum { FORMS = sizeof forms / sizeof *forms, AS_JSON = 0 };

/* Its place in the table; -1: the answer says what there is. */
static int form_of(const heed_question *q, bool page, answer *a)
{
    const char *name = q->form ? q->form : page ? "page" : "json";
    for (int i = 0; i < FORMS; i++)
        if (!strcmp(forms[i].name, name))
            return i;
    answer_error(a, 400, "\"form\" must be \"page\", \"json\", \"csv\", \"tex\", \"text\" or \"npy\"");
    return -1;
}

typedef struct pen { job *job; FILE *f; size_t size; } pen;

static bool write_bytes(void *user, const char *bytes, size_t size)
{
    pen *p = user;
    p->size += size;
    return p->size <= MOST_ANSWER && !job_left(p->job) && fwrite(bytes, 1, size, p->f) == size;
}

static bool stop(void *user)
{
    const pen *p = user;
    return job_left(p->job);
}

/* bare: no lens but those that are named. */
static void write_answer(const worker *w, job *j, const heed_question *q, int form, bool bare)
{
    answer *a = job_answer(j);
    char nonce[ANSWER_NONCE] = "";
    if (forms[form].form == HEED_FORM_PAGE && !answer_draw_nonce(nonce)) {
        answer_error(a, 500, "the system gives no random numbers");
        return;
    }
    pen p = {.job = j, .f = answer_begin(a, forms[form].type)};
    if (!p.f)
        return;
    heed_error err = {0};
    const heed_explanation_options o = {.form = forms[form].form, .bare = bare, .heads = q->heads, .trust = q->trust, .lenses = q->lenses, .lens_count = q->lens_count,
                                        .what_if = q->what_if, .what_if_count = q->what_if_count, .name = w->options->name, .nonce = *nonce ? nonce : NULL,
                                        .stop = stop, .write = write_bytes, .user = &p};
    const heed_status status = heed_explanation_write(w->session, &q->item, &o, &err);
    answer_end(a, p.f);
    if (status && p.size > MOST_ANSWER)
        answer_error(a, 413, "the answer has more than %d MiB; ask for fewer lenses, or a shorter text", MOST_ANSWER >> 20);
    else if (status)
        answer_status(a, &err);
    else {
        memcpy(a->nonce, nonce, sizeof nonce);
        a->script = true;
    }
}

static void explain(const worker *w, job *j)
{
    heed_question q;
    char *memory;
    if (read_question(w, j, &q, &memory)) {
        const int form = form_of(&q, job_order(j)->page, job_answer(j));
        if (form >= 0)
            write_answer(w, j, &q, form, false);
    }
    heed_free(memory);
}

static void what_if(const worker *w, job *j)
{
    heed_question q;
    char *memory;
    if (read_question(w, j, &q, &memory)) {
        if (!q.what_if_count)
            answer_error(job_answer(j), 400, "the object has no \"what_if\"; it is a list of changes, such as [\"mask:0\"]");
        else if (q.form && strcmp(q.form, "json"))
            answer_error(job_answer(j), 400, "what becomes of a change is told as JSON; POST /explain has other forms");
        else
            write_answer(w, j, &q, AS_JSON, true);
    }
    heed_free(memory);
}

static void health(const serve_options *o, const crew_state *state, answer *a)
{
    FILE *f = answer_begin(a, "application/json");
    if (!f)
        return;
    fputs("{\"status\": \"ok\", \"heed\": ", f);
    cli_print_json_text(heed_version(), f);
    fputs(", \"model\": ", f);
    cli_print_json_text(o->name, f);
    fprintf(f, ", \"workers\": %d, \"working\": %d, \"waiting\": %d}\n", state->workers, state->working, state->waiting);
    answer_end(a, f);
}

/* --- the table ------------------------------------------------------------------------------------------------------------------------------------ */

static const route routes[] = {
    {"/", "GET", false, form_show, NULL},
    {"/health", "GET", false, health, NULL},
    {"/explain", "POST", true, NULL, explain},
    {"/what-if", "POST", false, NULL, what_if},
};

const route *route_find(const char *path, const char *method, answer *a)
{
    const route *other = NULL;
    char all[400] = "";
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        const route *r = &routes[i];
        const size_t at = strlen(all);
        snprintf(all + at, sizeof all - at, "%s%s %s", i ? ", " : "", r->method, r->path);
        if (strcmp(r->path, path))
            continue;
        if (!strcmp(r->method, strcmp(method, "HEAD") ? method : "GET"))
            return r;
        other = r;
    }
    if (other)
        answer_error(a, 405, "%s takes %s", other->path, other->method);
    else
        answer_error(a, 404, "there is no such page here; there are %s", all);
    a->allow = other ? (strcmp(other->method, "GET") ? "POST" : "GET, HEAD") : NULL;
    return NULL;
}
