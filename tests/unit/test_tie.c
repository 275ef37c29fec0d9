/* One embedding for source, target and output, over every pair of families: which weights there are, what their gradient is, that it comes back from a file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "support/scratch.h"
#include "model/model.h"
#include "tensor/tape.h"

/* Embeddings are 8 wide everywhere; the last layers of a recurrent and a convolutional decoder are not. */
static const char *const encoders[] = {"type: rnn, embed: 8, width: 6", "type: conv, embed: 8, width: 6, layers: 2", "type: transformer, width: 8, heads: 2, activation: gelu"};
static const char *const decoders[] = {"type: rnn, embed: 8, width: 10", "type: conv, embed: 8, width: 10, layers: 2", "type: transformer, width: 8, heads: 2, activation: gelu"};
enum { FAMILIES = 3 };

static heed_text *counted(const heed_text_settings *settings)
{
    heed_error err;
    const char corpus[] = "abcabcabdae";
    heed_text *t = heed_text_new(settings, &err);
    if (!t || heed_text_count(t, corpus, strlen(corpus), &err) || heed_text_finish(t, &err)) fail_msg("%s", err.text);
    return t;
}

static heed_model *build(int pair)
{
    char yaml[600];
    heed_recipe r = {0};
    heed_error err;
    snprintf(yaml, sizeof yaml, "data: {train: none.tsv}\ntext: {shared: true}\n"
             "model: {tie: all, encoder: {%s, dropout: 0}, attention: {score: general}, decoder: {%s, dropout: 0}}\ndecode: {beam: 1}\n",
             encoders[pair / FAMILIES], decoders[pair % FAMILIES]);
    if (heed_recipe_parse(&r, yaml, strlen(yaml), NULL, &err)) fail_msg("%s: %s", yaml, err.text);
    heed_text *both = counted(&r.text.source);
    heed_model *m = heed_model_build(&r, both, both, &err);
    if (!m || heed_model_fill(m, &err) || heed_params_pack(m->params, true, 1, &err)) fail_msg("%s: %s", yaml, err.text);
    return m;
}

static heed_batch *some_pairs(const heed_model *m)
{
    heed_tokens source = {0}, target = {0};
    heed_error err;
    const uint64_t record = 1;
    const int64_t line = 1;
    assert_int_equal(heed_text_encode(m->source, "abca", 4, &source, &err), HEED_OK);
    assert_int_equal(heed_text_encode(m->target, "cde", 3, &target, &err), HEED_OK);
    heed_batch *b = heed_batch_new(&source, &target, 1, &record, &line, true, &err);
    heed_tokens_free(&source);
    heed_tokens_free(&target);
    assert_non_null(b);
    return b;
}

/* As a number kept in double: the sum of -ln p, which the tape rounds once. */
static double loss_of(heed_model *m, heed_tape *t, const heed_batch *b, bool back)
{
    heed_error err = {.status = HEED_OK};
    heed_loss_counts counts;
    heed_params_touch(m->params);
    heed_params_pack(m->params, true, 1, &err);
    heed_tape_reset(t, back, false, 0);
    heed_tensor *loss = heed_model_loss(m, t, b, 1, &counts);
    if (heed_tape_status(t, &err) || (back && (heed_backward(t, loss, &err) || heed_params_collect(m->params, &t, 1, 1, &err)))) fail_msg("%s", err.text);
    return -counts.log_p;
}

/* The embedding, moved along a random direction of length 1 by so much. */
static void move(heed_weight *e, const float *was, double by)
{
    const int64_t n = e->tensor.rows * e->tensor.cols;
    double norm = 0;
    for (int64_t i = 0; i < n; i++) norm += pow(heed_normal(5, (uint64_t)i), 2);
    for (int64_t i = 0; i < n; i++) e->tensor.x[i] = (float)(was[i] + by * heed_normal(5, (uint64_t)i) / sqrt(norm));
}

static double difference(heed_model *m, heed_tape *t, const heed_batch *b, heed_weight *e, const float *was, double step)
{
    move(e, was, step);
    const double ahead = loss_of(m, t, b, false);
    move(e, was, -step);
    return (ahead - loss_of(m, t, b, false)) / (2 * step);
}

/* Central differences of a step and of half of it, joined so that the cubic term falls out (Richardson). Four symbols of ln p about 2, each
 * off by some twenty roundings of float, make losses off by 1e-5 and slopes by 5/3 x 1e-5 / 2^-7 = 2e-3. No ReLU stands in the way with its kinks. */
static void slopes_agree(heed_model *m, heed_tape *t, const heed_batch *b, int pair)
{
    heed_weight *e = heed_params_find(m->params, "embedding");
    const int64_t n = e->tensor.rows * e->tensor.cols;
    float *was = malloc((size_t)n * sizeof *was);
    memcpy(was, e->tensor.x, (size_t)n * sizeof *was);
    loss_of(m, t, b, true);
    double slope = 0, norm = 0;
    for (int64_t i = 0; i < n; i++) norm += pow(heed_normal(5, (uint64_t)i), 2);
    for (int64_t i = 0; i < n; i++) slope += heed_params_grads(m->params)[e->offset + i] * heed_normal(5, (uint64_t)i) / sqrt(norm);
    const double measured = (4 * difference(m, t, b, e, was, 0x1p-7) - difference(m, t, b, e, was, 0x1p-6)) / 3;
    if (fabs(measured - slope) > 2e-3) fail_msg("pair %d: the slope is %g, the gradient says %g", pair, measured, slope);
    move(e, was, 0);
    free(was);
}

static void test_tie_all__one_embedding_for_every_pair_of_families(void **state)
{
    (void)state;
    heed_error err;
    heed_tape *t = heed_tape_new(&(heed_tape_options){0}, &err);
    for (int pair = 0; pair < FAMILIES * FAMILIES; pair++) {
        heed_model *m = build(pair);
        const heed_weight *e = heed_params_find(m->params, "embedding");
        assert_true(e && e->tensor.rows == heed_text_size(m->source) && e->tensor.cols == 8);
        assert_null(heed_params_find(m->params, "encoder.embedding"));
        assert_null(heed_params_find(m->params, "decoder.embedding"));
        assert_null(heed_params_find(m->params, "head.weight"));
        const int64_t F = m->decoder_kind->width(m->decoder);
        const heed_weight *project = heed_params_find(m->params, "head.project.weight");
        assert_true(F == 8 ? !project : project && project->tensor.rows == 8 && project->tensor.cols == F);
        heed_batch *b = some_pairs(m);
        slopes_agree(m, t, b, pair);
        heed_batch_free(b);
        heed_model_free(m);
    }
    heed_tape_free(t);
}

static int64_t size_of(const heed_model *m)
{
    int64_t n = 0;
    for (int64_t i = 0; i < heed_params_count(m->params); i++) n += heed_params_at(m->params, i)->tensor.rows * heed_params_at(m->params, i)->tensor.cols;
    return n;
}

static void test_tie_all__comes_back_from_a_file(void **state)
{
    (void)state;
    heed_error err = {.status = HEED_OK};
    heed_tape *t = heed_tape_new(&(heed_tape_options){0}, &err);
    for (int pair = 0; pair < FAMILIES * FAMILIES; pair++) {
        heed_model *m = build(pair);
        char name[16];
        snprintf(name, sizeof name, "tied-%d", pair);
        const char *path = scratch_path(name);
        if (heed_model_save(m, path, HEED_F32, NULL, &err)) fail_msg("%s", err.text);
        heed_model *again = heed_model_load(path, NULL, 0, &err);
        if (!again) fail_msg("%s", err.text);
        assert_int_equal(size_of(again), size_of(m));
        heed_batch *b = some_pairs(m);
        assert_true(loss_of(m, t, b, false) == loss_of(again, t, b, false));
        heed_batch_free(b);
        heed_model_free(again);
        heed_model_free(m);
    }
    heed_tape_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tie_all__one_embedding_for_every_pair_of_families),
        cmocka_unit_test(test_tie_all__comes_back_from_a_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
