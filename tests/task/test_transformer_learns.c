/* A Transformer learns what it can only learn when every part of it works: to write a text backwards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>

#include "base/rng.h"
#include "heed.h"
#include "support/scratch.h"

enum { LINES = 400 };

static const char *reversals(void)
{
    static char text[LINES * 20];
    char *at = text;
    for (uint64_t i = 0; i < LINES; i++) {
        const uint64_t one = heed_key(3, i), n = 1 + heed_below(one, 0, 6);
        for (uint64_t k = 0; k < 2 * n; k++) {
            if (k == n) *at++ = '\t';
            *at++ = "abcdef"[heed_below(one, 1 + (k < n ? k : 2 * n - 1 - k), 6)];
        }
        *at++ = '\n';
    }
    return scratch_text("reverse.tsv", text);
}

static void keep_best(void *user, const heed_event *e)
{
    double *best = user;
    if (e->kind == HEED_EVENT_VALID) *best = fmax(*best, e->metric);
}

/* A text backwards cannot be written without knowing where a letter stands. */
static void test_training__learns_to_reverse_what_it_reads(void **state)
{
    (void)state;
    static const char *const ways[][2] = {{"norm: post", ""}, {"norm: pre, activation: gelu", ""}, {"positions: learned", ""}, {"positions: rotary, key_heads: 2", ""},
                                          {"positions: relative", ""}, {"positions: alibi, norm: pre", ""}, {"norm: post", ", precision: bf16"}};
    const char *data = reversals();
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        char yaml[1000], run[32];
        snprintf(run, sizeof run, "reverse-%zu", i);
        snprintf(yaml, sizeof yaml,
                 "data: {train: %s, valid: %s}\n"
                 "model:\n"
                 "  encoder: {type: transformer, layers: 2, width: 32, heads: 4, dropout: 0, %s}\n"
                 "  attention: {score: scaled}\n"
                 "  decoder: {type: transformer, layers: 1, width: 32, heads: 4, dropout: 0, %s}\n"
                 "train: {epochs: 50, batch: {sentences: 25}, rate: 0.004, schedule: {type: linear}, validate: {every: 400, metric: accuracy, patience: 0}%s}\n",
                 data, data, ways[i][0], ways[i][0], ways[i][1]);
        heed_error err;
        char *path = NULL;
        double best = 0;
        const heed_train_options options = {.recipe = scratch_text("reverse.yaml", yaml), .dir = scratch_path(run), .threads = 1, .event = keep_best,
                                            .user = &best};
        if (heed_train(&options, &path, &err) != HEED_OK) fail_msg("%s%s: %s", ways[i][0], ways[i][1], err.text);
        print_message("%s%s: %.1f %%\n", ways[i][0], ways[i][1], best);
        assert_true(best >= 98);
        heed_free(path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_training__learns_to_reverse_what_it_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
