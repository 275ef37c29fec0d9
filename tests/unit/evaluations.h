/* Figures of a tiny model on files, beside the same outputs scored by hand: shared by the tests of evaluations. */
#ifndef HEED_TEST_EVALUATIONS_H
#define HEED_TEST_EVALUATIONS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/rng.h"
#include "heed.h"
#include "metric/bootstrap.h"
#include "support/scratch.h"
#include "support/tiny.h"

enum { RECORDS = 40, LONGEST = 12 };

static heed_model *model;
static heed_session *session;

static inline int set_up(void **state)
{
    (void)state;
    model = tiny_build(&(tiny){.data = "data: {train: none.tsv, valid: none.tsv, test: {spoken: [one.txt, two.txt], written: [all.tsv]}}", .train = "train: {validate: {metric: chrf}}"});
    session = heed_session_new(model, &(heed_session_options){.threads = 2, .batch = 7}, NULL);
    return session ? 0 : -1;
}

static inline int tear_down(void **state)
{
    (void)state;
    heed_session_free(session);
    heed_model_free(model);
    return 0;
}

typedef struct figures { heed_figure *f; int count; heed_error err; } figures;

static inline heed_status evaluate(figures *x, const heed_eval_options *o)
{
    *x = (figures){0};
    const heed_status status = heed_eval(session, o, &x->f, &x->count, &x->err);
    if (status) assert_true(x->f == NULL && x->count == 0 && x->err.status == status);
    return status;
}

static inline const heed_figure *figure(const figures *x, const char *name)
{
    for (int i = 0; i < x->count; i++)
        if (strcmp(x->f[i].name, name) == 0) return &x->f[i];
    fail_msg("no figure \"%s\"", name);
    return NULL;
}

static inline void refused(const heed_eval_options *o, heed_status status, const char *text)
{
    figures x;
    if (evaluate(&x, o) != status) fail_msg("status %d, expected %d: %s", (int)x.err.status, (int)status, x.err.text);
    if (!strstr(x.err.text, text)) fail_msg("no \"%s\" in: %s", text, x.err.text);
}

/* Pairs to be evaluated: every second reference is what the model writes. */
typedef struct corpus { char source[RECORDS][LONGEST + 1]; char reference[RECORDS][100]; char written[RECORDS][100]; double logp[RECORDS]; int64_t symbols[RECORDS]; } corpus;

static inline void run_one(const char *source, const char *target, char *text, double *score, int64_t *count)
{
    heed_reply *r = heed_session_run(session, &(heed_request){.items = &(heed_item){.text = source, .target = target}, .count = 1}, NULL);
    const heed_output *o = heed_reply_at(r, 0);
    if (text) snprintf(text, 100, "%s", o->text);
    *score = o->score;
    *count = o->count;
    heed_reply_free(r);
}

static inline const corpus *make(void)
{
    static corpus c;
    if (c.source[0][0]) return &c;
    for (uint64_t i = 0; i < RECORDS; i++) {
        const uint64_t n = 1 + heed_below(i, 0, LONGEST);
        for (uint64_t k = 0; k < n; k++) c.source[i][k] = "abcdeq"[heed_below(i, 1 + k, 6)];
        run_one(c.source[i], NULL, c.written[i], &c.logp[i], &c.symbols[i]);
        snprintf(c.reference[i], sizeof c.reference[i], "%s", i % 2 ? "A B" : c.written[i]);
        run_one(c.source[i], c.reference[i], NULL, &c.logp[i], &c.symbols[i]);
    }
    return &c;
}

/* The value over records whose length is in [from, to]. */
static inline double expected(const corpus *c, const char *name, int64_t from, int64_t to)
{
    double logp = 0;
    int64_t symbols = 0;
    heed_metric *m = strcmp(name, "loss") ? heed_metric_new(name, &(heed_metric_options){0}, NULL) : NULL;
    for (int i = 0; i < RECORDS; i++) {
        const int64_t n = (int64_t)strlen(c->source[i]);
        const char *reference = c->reference[i];
        if (n < from || n > to) continue;
        logp += c->logp[i];
        symbols += c->symbols[i];
        if (m) assert_int_equal(heed_metric_add(m, c->written[i], &reference, 1, NULL), HEED_OK);
    }
    const double value = m ? heed_metric_value(m) : -logp / (double)symbols;
    heed_metric_free(m);
    return value;
}

static inline void expect(const figures *x, const char *name, double value)
{
    const heed_figure *f = figure(x, name);
    if (fabs(f->value - value) > 1e-12 * fabs(value)) fail_msg("%s is %.17g, expected %.17g", name, f->value, value);
}

static inline heed_eval_options two_files(const corpus *c)
{
    heed_buf source = {0}, target = {0};
    for (int i = 0; i < RECORDS; i++) {
        heed_buf_printf(&source, "%s\n", c->source[i]);
        heed_buf_printf(&target, "%s\r\n", c->reference[i]);
    }
    const heed_eval_options o = {.source = scratch_text("one.txt", source.data), .target = scratch_text("two.txt", target.data)};
    heed_buf_free(&source);
    heed_buf_free(&target);
    return o;
}

#endif
