/* One call of heed_training_run() on tiny data, and what it left: shared by the tests of whole trainings. */
#ifndef HEED_TEST_RUN_CALLS_H
#define HEED_TEST_RUN_CALLS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/rng.h"
#include "model/safetensors.h"
#include "support/scratch.h"
#include "train/run.h"

enum { MOST_SETS = 8 };

/* One call of heed_training_run() and what it told. */
typedef struct call {
    heed_train_options options;
    const char *sets[MOST_SETS];
    int64_t stop_at;              /* polls of stop, 0: never */
    int64_t polls;
    heed_buf told;                /* texts of events, one a line, with their kind */
    double rate;                  /* of the last event */
    heed_error err;
} call;

static inline bool stop(void *user)
{
    call *c = user;
    return ++c->polls == c->stop_at;
}

static inline void hear(void *user, const heed_event *e)
{
    call *c = user;
    c->rate = e->rate;
    if (e->text) heed_buf_printf(&c->told, "%d %s\n", (int)e->kind, e->text);
}

static inline heed_status measure_nothing(void *user, const heed_model *m, const char *const *paths, int files, const char *metric, int threads, double *value,
                                   heed_error *err)
{
    (void)user, (void)m, (void)paths, (void)files, (void)metric, (void)threads, (void)err;
    *value = 50;
    return HEED_OK;
}

static inline const char *write_words(const char *name, int64_t lines, uint64_t key)
{
    heed_buf text = {0};
    for (int64_t i = 0; i < lines; i++) {
        const uint64_t line = heed_key(key, (uint64_t)i);
        const int size = 1 + (int)heed_below(line, 0, 8);
        char word[9];
        for (int j = 0; j < size; j++) word[j] = (char)('a' + heed_below(line, 1 + (uint64_t)j, 6));
        heed_buf_printf(&text, "%.*s\t%.*s\n", size, word, size, word);
    }
    const char *path = scratch_write(name, text.data, text.size);
    heed_buf_free(&text);
    return path;
}

static const char recipe[] =
    "data: {train: train.tsv, valid: valid.tsv, shuffle_buffer: 100}\n"
    "model:\n"
    "  encoder: {cell: gru, embed: 12, width: 16, dropout: 0.2}\n"
    "  decoder: {cell: gru, embed: 12, width: 16, dropout: 0.2}\n"
    "train:\n"
    "  batch: {sentences: 30}\n"
    "  epochs: 3\n"
    "  optimizer: {rate: 0.01}\n"
    "  label_smoothing: 0.1\n"
    "  teacher_forcing: 0.8\n"
    "  schedule: {type: linear, to: 0.1}\n";   /* 250 records in blocks of 100: 4 + 4 + 2 updates an epoch */

static inline call prepare(const char *dir)
{
    if (!heed_path_exists(scratch_path("tiny.yaml"))) {
        scratch_text("tiny.yaml", recipe);
        write_words("train.tsv", 250, 1);
        write_words("valid.tsv", 40, 2);
    }
    return (call){.options = {.recipe = scratch_path("tiny.yaml"), .dir = scratch_path(dir), .threads = 1}};
}

static inline void set(call *c, const char *assignment)
{
    assert_true(c->options.set_count < MOST_SETS);
    c->sets[c->options.set_count++] = assignment;
}

static inline heed_status train(call *c)
{
    c->options.sets = c->sets;
    c->options.stop = stop;
    c->options.event = hear;
    c->options.user = c;
    c->polls = 0;
    heed_buf_reset(&c->told);
    char *model = NULL;
    heed_status status = heed_training_run(&(heed_training){.options = &c->options, .metric = measure_nothing}, &model, &c->err);
    if (!status) assert_true(model && heed_path_is_dir(model));
    free(model);
    return status;
}

static inline void must(call *c, heed_status expected)
{
    heed_status status = train(c);
    if (status != expected) fail_msg("%s: %s, expected %s", heed_status_name(status), c->err.text, heed_status_name(expected));
}

/* Four runs of one recipe, i 0 to 3: on one, two and three threads, and cut off and resumed. To be compared by same_run(). */
static inline void must_by(call *c, int i)
{
    c->options.threads = i < 3 ? i + 1 : 1;
    if (i == 3) {
        c->options.max_updates = 3;
        must(c, HEED_OK);
        c->options.resume = true;
        c->options.max_updates = 0;
    }
    must(c, HEED_OK);
}

static inline void says(const call *c, const char *expected)
{
    if (!strstr(c->err.text, expected)) fail_msg("\"%s\" does not say \"%s\"", c->err.text, expected);
}

static inline void told(const call *c, const char *expected)
{
    if (!c->told.data || !strstr(c->told.data, expected)) fail_msg("\"%s\" was not told in \"%s\"", expected, c->told.data ? c->told.data : "");
}

static inline void end(call *c) { heed_buf_free(&c->told); }

static inline const char *file_of(const char *dir, const char *name)
{
    char path[300];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return scratch_path(path);
}

static inline bool exists(const char *dir, const char *name) { return heed_path_exists(file_of(dir, name)); }

static inline void same_file(const char *a, const char *b, const char *name)
{
    heed_file x, y;
    assert_int_equal(heed_file_map(&x, file_of(a, name), HEED_E_IO, NULL), HEED_OK);
    assert_int_equal(heed_file_map(&y, file_of(b, name), HEED_E_IO, NULL), HEED_OK);
    if (x.size != y.size || memcmp(x.data, y.data, x.size) != 0) fail_msg("%s of %s and %s differ", name, a, b);
    heed_file_unmap(&x);
    heed_file_unmap(&y);
}

static inline void same_run(const char *a, const char *b)
{
    same_file(a, b, "latest/model.safetensors");
    same_file(a, b, "latest/optimizer.safetensors");
    same_file(a, b, "best/model.safetensors");
    same_file(a, b, "model/model.safetensors");
}

static inline heed_safetensors *weights_of(const char *dir)
{
    heed_error err;
    heed_safetensors *s = heed_safetensors_open(file_of(dir, "model/model.safetensors"), &err);
    assert_non_null(s);
    return s;
}

static inline bool same_weight(const char *dir, const char *other, const char *name)
{
    heed_safetensors *a = weights_of(dir), *b = weights_of(other);
    const heed_named *x = heed_safetensors_find(a, name), *y = heed_safetensors_find(b, name);
    assert_true(x && y && x->rows == y->rows && x->cols == y->cols);
    const bool same = memcmp(x->x, y->x, (size_t)(x->rows * x->cols) * sizeof(float)) == 0;
    heed_safetensors_close(a);
    heed_safetensors_close(b);
    return same;
}

static inline heed_train_state state_of(const char *dir, const char *step)
{
    heed_train_state s;
    char name[64];
    heed_error err = {.status = HEED_OK};
    snprintf(name, sizeof name, "%s/train_state.json", step);
    if (heed_train_state_load(&s, file_of(dir, name), &err)) fail_msg("%s", err.text);
    return s;
}

#endif
