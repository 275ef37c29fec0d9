/* Pairs of a corpus, read and read along: api/along.h. */
#include "api/along.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "data/beside.h"
#include "data/corpus.h"

enum { PAIRS = 1000 };

static heed_status no_memory(heed_error *err) { return heed_fail(err, HEED_E_NOMEM, "out of memory for pairs that are read along"); }

typedef struct reading { heed_lines *file[3]; const char *name[3]; int files, truth; } reading;   /* truth: its file, -1: none */

static heed_status open_files(const heed_along *o, reading *r, heed_error *err)
{
    heed_status status = HEED_OK;
    r->truth = -1;
    r->name[r->files++] = o->source;
    if (o->target && !o->own) r->name[r->files++] = o->target;
    if (o->truth) r->name[r->truth = r->files++] = o->truth;
    for (int i = 0; i < r->files && status == HEED_OK; i++) {
        r->file[i] = heed_lines_open(r->name[i], err);
        if (!r->file[i]) status = HEED_E_DATA;
    }
    return status;
}

/* The columns of a TSV; what stands behind the second is somebody else's. */
static heed_status split_columns(const heed_along *a, const reading *r, heed_along_pair *p, char *at, heed_error *err)
{
    char *tab = strchr(at, '\t'), *end = tab ? strchr(tab + 1, '\t') : NULL;
    if (end) *end = 0;
    if (!tab && !a->own)
        return heed_fail(err, HEED_E_DATA, "%s: line %lld: one column; expected the source, a tab, and the target; or let the model write the targets (--own)",
                         r->name[0], (long long)p->line);
    heed_field_unescape(at, tab ? (size_t)(tab - at) : strlen(at));
    if (!tab || a->own) return HEED_OK;
    p->target = tab + 1;
    heed_field_unescape(tab + 1, strlen(tab + 1));
    return HEED_OK;
}

static heed_status keep_pair(const heed_along *a, const reading *r, heed_along_pair *p, char *const *text, const size_t *size, heed_error *err)
{
    char *at = p->text = malloc(size[0] + size[1] + size[2] + 3);
    if (!at) return no_memory(err);
    p->line = heed_lines_number(r->file[0]);
    for (int i = 0; i < r->files; at += size[i++] + 1) {
        memcpy(at, text[i], size[i] + 1);
        *(i == 0 ? &p->source : i == r->truth ? &p->truth : &p->target) = at;
    }
    return a->target ? HEED_OK : split_columns(a, r, p, p->text, err);
}

heed_status heed_along_read(heed_along *a, heed_error *err)
{
    const int64_t most = a->most ? a->most : PAIRS;
    reading r = {.files = 0};
    if (!a->source) return heed_fail(err, HEED_E_USAGE, "a file of pairs is needed");
    heed_status status = open_files(a, &r, err);
    const heed_beside files = {r.file, r.name, r.files};
    for (int64_t room = 0; status == HEED_OK && a->count < most;) {
        char *text[3];
        size_t size[3] = {0, 0, 0};
        bool end = false;
        status = heed_beside_next(&files, text, size, &end, err);
        if (status || end) break;
        if (a->count == room) {
            room = room ? 2 * room : 256;
            heed_along_pair *more = realloc(a->pair, (size_t)room * sizeof *more);
            if (!more) status = no_memory(err);
            else a->pair = more;
        }
        if (status) break;
        a->pair[a->count] = (heed_along_pair){.text = NULL};
        status = keep_pair(a, &r, &a->pair[a->count++], text, size, err);
    }
    for (int i = 0; i < r.files; i++) heed_lines_close(r.file[i]);
    if (!status && !a->count) status = heed_fail(err, HEED_E_DATA, "%s: empty file: there is nothing to judge by", a->source);
    return status;
}

void heed_along_free(heed_along *a)
{
    for (int64_t i = 0; i < a->count; i++) free(a->pair[i].text);
    free(a->pair);
}

heed_status heed_along_settle(const heed_session *s, heed_along_how *how, heed_error *err)
{
    if (s->ensemble_count) return heed_fail(err, HEED_E_USAGE, "lenses look into one model, not into an ensemble");
    if (!s->task->searches) return heed_fail(err, HEED_E_USAGE, "lenses look into models that write; the task %s does not", s->task->name);
    heed_status status = heed_decode_settle(s->model, NULL, &how->decode, err);
    return status ? status : heed_look_settle(s->model, NULL, &how->look, err);
}

heed_status heed_along_symbols_of(const heed_session *s, const heed_along_how *how, const heed_along *a, int64_t i, heed_tape *tape, heed_arena *arena,
                                  heed_along_symbols *out, heed_error *err)
{
    const heed_item item = {.text = a->pair[i].source, .target = a->pair[i].target}, *items = &item;
    heed_output *outputs = &out->output;
    heed_job job = {.model = s->model, .tape = tape, .arena = arena, .items = &items, .outputs = &outputs, .numbers = &(uint64_t){(uint64_t)i},
                    .count = 1, .decode = how->decode, .look = how->look, .traced = true};
    out->output = (heed_output){.status = HEED_OK};
    heed_status status = s->task->run(&job, err);
    if (!status && out->output.status && out->output.status != HEED_E_LIMIT) status = heed_fail(err, out->output.status, "%s", out->output.error);
    out->source = job.read;
    out->target = job.written;
    return status;
}

/* --- all pairs ------------------------------------------------------------------------------------------------------------------------------------ */

typedef struct walk {
    const heed_along *along;
    heed_along_visit *visit; void *self;
    bool (*progress)(void *, int64_t, int64_t); void *user;
    heed_error *errors;                /* [threads] */
    int64_t done;
    bool stopped;
} walk;

/* The calling thread tells how far all are. */
static void tell(walk *w)
{
    int64_t done;
#pragma omp atomic capture
    done = ++w->done;
    if (omp_get_thread_num() || !w->progress || w->progress(w->user, done, w->along->count)) return;
#pragma omp atomic write
    w->stopped = true;
}

static void visit_one(walk *w, int64_t i)
{
    const int thread = omp_get_thread_num();
    heed_error *own = &w->errors[thread], why = {.status = HEED_OK};
    bool stopped;
#pragma omp atomic read
    stopped = w->stopped;
    if (own->status || stopped) return;
    if (w->visit(w->self, thread, i, &why)) heed_fail(own, why.status, "%s: line %lld: %s", w->along->source, (long long)w->along->pair[i].line, why.text);
    else tell(w);
}

heed_status heed_along_each(const heed_session *s, const heed_along *a, heed_along_visit *visit, void *self, bool (*progress)(void *, int64_t, int64_t), void *user,
                            heed_error *err)
{
    walk w = {.along = a, .visit = visit, .self = self, .progress = progress, .user = user, .errors = calloc((size_t)s->threads, sizeof *w.errors)};
    if (!w.errors) return no_memory(err);
#pragma omp parallel for schedule(dynamic) num_threads(s->threads)
    for (int64_t i = 0; i < a->count; i++) visit_one(&w, i);
    heed_status status = w.stopped ? heed_fail(err, HEED_E_STOPPED, "stopped after %lld of %lld pairs", (long long)w.done, (long long)a->count) : HEED_OK;
    for (int i = s->threads - 1; i >= 0; i--) {
        if (w.errors[i].status && err) *err = w.errors[i];
        if (w.errors[i].status) status = w.errors[i].status;
    }
    free(w.errors);
    return status;
}
