/* What an explanation costs beside a plain run of the same sentence.
 *
 *   explain THREADS MODEL TEXT [TARGET]     a table in Markdown: of a run, of every lens and of all but integrated-gradients the least of some rounds in
 *                                           milliseconds, and how many runs that is
 *
 * Both run forced along TARGET when one is given, and search otherwise. With one thread it is this thread's time that counts, which other programs do not change; with more the
 * wall's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/stopwatch.h"
#include "heed.h"

enum { LEAST_ROUNDS = 3, MOST_ROUNDS = 200 };
static const double seconds_a_row = 1.5;

static bool forget(void *user, const char *bytes, size_t size)
{
    (void)bytes;
    *(size_t *)user += size;
    return true;
}

static double (*now)(void);

typedef struct work { heed_session *session; heed_item item; const char *const *lenses; int count; } work;

static bool run_once(const work *w, heed_error *err)
{
    heed_reply *r = heed_session_run(w->session, &(heed_request){.items = &w->item, .count = 1}, err);
    const bool good = r && heed_reply_at(r, 0)->status == HEED_OK;
    if (r && !good) heed_fail(err, HEED_E_DATA, "%s", heed_reply_at(r, 0)->error);
    heed_reply_free(r);
    return good;
}

static bool explain_once(const work *w, heed_error *err)
{
    size_t bytes = 0;
    return heed_explanation_write(w->session, &w->item, &(heed_explanation_options){.form = HEED_FORM_NPY, .lenses = w->lenses, .lens_count = w->count,
                                                                                    .write = forget, .user = &bytes}, err) == HEED_OK;
}

/* Seconds, below 0: it failed. */
static double least(const work *w, bool (*once)(const work *w, heed_error *err))
{
    double best = 1e9, spent = 0;
    heed_error err;
    for (int i = 0; i < LEAST_ROUNDS || (i < MOST_ROUNDS && spent < seconds_a_row); i++) {
        const double before = now();
        if (!once(w, &err)) {
            fprintf(stderr, "bench/explain: %s\n", err.text);
            return -1;
        }
        const double took = now() - before;
        best = took < best ? took : best;
        spent += took;
    }
    return best;
}

static void print_row(const char *name, double seconds, double plain) { printf("| %s | %.1f | %.1f |\n", name, 1e3 * seconds, seconds / plain); }

int main(int argc, char **argv)
{
    heed_error err;
    if (argc < 4 || strtol(argv[1], NULL, 10) < 1) return fprintf(stderr, "usage: explain THREADS MODEL TEXT [TARGET]\n"), 2;
    const int threads = strtol(argv[1], NULL, 10);
    now = threads > 1 ? heed_clock : heed_core_clock;
    heed_model *m = heed_model_open(argv[2], NULL, &err);
    work w = {.session = m ? heed_session_new(m, &(heed_session_options){.threads = threads}, &err) : NULL, .item =
              {.text = argv[3], .target = argc > 4 ? argv[4] : NULL}};
    if (!w.session) return fprintf(stderr, "bench/explain: %s\n", err.text), 1;
    const double plain = least(&w, run_once);
    if (plain < 0) return 1;
    printf("| what | ms | plain runs |\n|---|---:|---:|\n");
    print_row("a plain run", plain, plain);
    const heed_lens *chosen[HEED_LENSES];
    const int n = heed_lens_choose(m, (const char *const[]){"all"}, 1, chosen, &err);
    w.count = 1;
    for (int i = 0; i < n; i++) {
        w.lenses = &chosen[i]->name;
        print_row(chosen[i]->name, least(&w, explain_once), plain);
    }
    w.count = 0;
    w.lenses = NULL;
    print_row("all but integrated-gradients", least(&w, explain_once), plain);
    heed_session_free(w.session);
    heed_model_close(m);
    return 0;
}
