/* A model beside the one that learns (train/base_model.h): its attention's weights, and nothing else of it, are what the other learns around. */
#include "task/probed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "explain/looks.h"
#include "task/texts.h"
#include "tensor/tape.h"
#include "train/base_model.h"

enum { PAIRS = 3 };

static const char *const sources[PAIRS] = {"abq qed", "edcb", "q"}, *const targets[PAIRS] = {"A B C D", "D B", "A"};

static heed_batch *pairs_of(const heed_model *m)
{
    heed_tokens source[PAIRS] = {{0}}, target[PAIRS] = {{0}};
    const uint64_t record[PAIRS] = {1, 2, 3};
    const int64_t line[PAIRS] = {1, 2, 3};
    heed_error err;
    for (int i = 0; i < PAIRS; i++) {
        encode(m->source, sources[i], &source[i]);
        encode(m->target, targets[i], &target[i]);
    }
    heed_batch *b = heed_batch_new(source, target, PAIRS, record, line, true, &err);
    assert_non_null(b);
    for (int i = 0; i < PAIRS; i++) {
        heed_tokens_free(&source[i]);
        heed_tokens_free(&target[i]);
    }
    return b;
}

/* The same model from another seed. */
static heed_model *sibling(const tiny *t)
{
    tiny other = *t;
    other.train = "train: {seed: 7}";
    return tiny_build(&other);
}

static bool looks(const heed_model *m)
{
    int layers, heads;
    heed_model_looks(m, &layers, &heads);
    return layers > 0;
}

static heed_base_model *base_of(const heed_model *learner, const heed_model *other)
{
    heed_error err;
    heed_base_model *b = heed_base_model_new(learner, other, 0, &err);
    if (!b) fail_msg("%s", err.text);
    return b;
}

/* --- the loss ---------------------------------------------------------------------------------------------------------------------------------- */

/* -ln p of a pair where a probe puts the other's weights in the place of the model's own, one pair at a time (explain/looks.h). */
static double imposed(const tiny *t, const heed_model *other, int i)
{
    probed p;
    probed_open(&p, t, sources[i], targets[i]);
    heed_arena *arena = heed_arena_new(0);
    heed_error err;
    heed_looks weights;
    float logp[PROBED_MOST];
    double sum = 0;
    const heed_variant v = {.source = p.source, .S = p.in.S, .target = p.target, .T = p.in.T};
    heed_probe *its = heed_probe_new(other, p.tape, &err);
    assert_true(its && heed_looks_make(arena, its, v.T, v.S, true, &weights));
    if (heed_looks_record(its, &v, &weights, &err) != HEED_OK) fail_msg("%s", err.text);
    const heed_meddler meddler = heed_looks_imposed(&weights);
    heed_probe_meddle(p.probe, &meddler);
    probed_logp(&p, &v, logp);
    for (int64_t s = 0; s < v.T; s++) sum -= (double)logp[s];
    heed_probe_free(its);
    heed_arena_free(arena);
    probed_close(&p);
    return sum;
}

/* As in test_probe.c: two orders of summing. */
static bool near(double a, double b) { return fabs(a - b) <= 5e-5 * (1 + fabs(b)); }

/* With its own weights it has another loss, where those are not all alike; a second call on the same tapes has the same bits. */
static void test_base_model__a_batch_has_the_loss_that_a_probe_finds_pair_by_pair(void **state)
{
    (void)state;
    for (int i = 0; i < probed_count(); i++) {
        const char *name;
        const tiny *t = probed_at(i, &name);
        heed_model *m = tiny_build(t), *other = sibling(t);
        if (looks(m)) {
            heed_tape *tape = new_tape();
            heed_base_model *b = base_of(m, other);
            heed_batch *batch = pairs_of(m);
            double want = 0;
            for (int k = 0; k < PAIRS; k++) want += imposed(t, other, k);
            const float got = heed_base_model_loss(b, tape, batch, 1, NULL)->x[0];
            if (!near((double)got, want)) fail_msg("%s: %.8g, pair by pair %.8g", name, (double)got, want);
            heed_tape_reset(tape, false, false, 0);
            const float own = heed_model_loss(m, tape, batch, 1, NULL)->x[0];
            heed_tape_reset(tape, false, false, 0);
            const float again = heed_base_model_loss(b, tape, batch, 1, NULL)->x[0];
            assert_true(again == got);
            const bool alike = strcmp(heed_recipe_choice(&m->recipe, "model.attention.score"), "uniform") == 0;
            if (!alike && fabsf(own - got) < 1e-4F) fail_msg("%s: %.8g with its own weights, %.8g with another's", name, (double)own, (double)got);
            heed_batch_free(batch);
            heed_base_model_free(b);
            heed_tape_free(tape);
        }
        heed_model_free(other);
        heed_model_free(m);
    }
}

/* --- gradients --------------------------------------------------------------------------------------------------------------------------------- */

static bool begins(const char *name, const char *with) { return strncmp(name, with, strlen(with)) == 0; }

static void check_gradients(const tiny *t, const char *const *frozen)
{
    heed_error err;
    heed_model *m = tiny_build(t), *other = sibling(t);
    heed_tape *tape = heed_tape_new(&(heed_tape_options){.record = true, .train = true, .seed = 5}, &err);
    heed_base_model *b = base_of(m, other);
    heed_batch *batch = pairs_of(m);
    heed_tape_thrift(tape);
    if (heed_backward(tape, heed_base_model_loss(b, tape, batch, 1, NULL), &err)) fail_msg("%s", err.text);
    assert_int_equal(heed_params_collect(m->params, &tape, 1, 1, &err), HEED_OK);
    for (int64_t i = 0; i < heed_params_count(m->params); i++) {
        const heed_weight *w = heed_params_at(m->params, i);
        const float *g = heed_params_grads(m->params) + w->offset;
        bool any = false, expected = true;
        for (int64_t j = 0; j < w->tensor.rows * w->tensor.cols; j++) any |= g[j] != 0;
        for (const char *const *f = frozen; *f; f++) expected &= !begins(w->name, *f);
        if (any != expected) fail_msg("%s: the gradient of %s is %s", t->attention, w->name, any ? "not 0" : "0");
    }
    for (int64_t i = 0; i < heed_params_count(other->params); i++) assert_null(heed_params_at(other->params, i)->tensor.g);
    heed_batch_free(batch);
    heed_base_model_free(b);
    heed_tape_free(tape);
    heed_model_free(other);
    heed_model_free(m);
}

static void test_base_model__of_where_to_look_nothing_is_learnt_and_of_all_else_something(void **state)
{
    (void)state;
    check_gradients(&(tiny){.attention = "{score: additive}"}, (const char *const[]){"attention.", NULL});
    check_gradients(&(tiny){.attention = "{score: scaled, heads: 2}", .order = "order: luong, input_feeding: true"},
                    (const char *const[]){"attention.query", "attention.key", NULL});
    check_gradients(&(tiny){.attention = "{score: scaled}", .layers = 2, .encoder = "type: transformer, heads: 2", .decoder = "type: transformer, heads: 2"},
                    (const char *const[]){"decoder.0.cross.query", "decoder.0.cross.key", "decoder.1.cross.query", "decoder.1.cross.key", NULL});
    check_gradients(&(tiny){.attention = "{score: additive}", .encoder = "type: conv, embed: 6", .decoder = "type: conv, embed: 6"},
                    (const char *const[]){"decoder.0.attention", "decoder.0.query", NULL});
}

/* --- what cannot be ---------------------------------------------------------------------------------------------------------------------------- */

/* Not reached from a recipe, whose models are compared first. */
static void test_base_model__models_that_look_otherwise_fail_the_tape(void **state)
{
    (void)state;
    heed_error err;
    heed_model *m = tiny_build(&(tiny){.layers = 2, .attention = "{score: scaled}", .encoder = "type: transformer, heads: 2", .decoder = "type: transformer, heads: 2"});
    heed_model *other = tiny_build(&(tiny){.attention = "{score: scaled}", .encoder = "type: transformer, heads: 2", .decoder = "type: transformer, heads: 2"});
    heed_tape *tape = new_tape();
    heed_base_model *b = base_of(m, other);
    heed_batch *batch = pairs_of(m);
    heed_base_model_loss(b, tape, batch, 1, NULL);
    assert_int_equal(heed_tape_status(tape, &err), HEED_E_SHAPE);
    assert_non_null(strstr(err.text, "this one looks once more"));
    assert_null(tape->hooks);
    heed_batch_free(batch);
    heed_base_model_free(b);
    heed_tape_free(tape);
    heed_model_free(other);
    heed_model_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base_model__a_batch_has_the_loss_that_a_probe_finds_pair_by_pair),
        cmocka_unit_test(test_base_model__of_where_to_look_nothing_is_learnt_and_of_all_else_something),
        cmocka_unit_test(test_base_model__models_that_look_otherwise_fail_the_tape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
