/* A model beside the one that learns (train/base_model.h): its attention's weights, and nothing else of it, are what the other learns around; or its output is what
 * an adversary learns. */
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
            if (!probed_near((double)got, want, 1)) fail_msg("%s: %.8g, pair by pair %.8g", name, (double)got, want);
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

/* --- an adversary ------------------------------------------------------------------------------------------------------------------------------ */

static tiny rival_of(const tiny *t, const char *train)
{
    tiny other = *t;
    other.train = train;
    return other;
}

/* What a model says and weighs on a pair. */
typedef struct told { heed_looks looks; int64_t V; float p[PROBED_MOST][64]; } told;

static void hear(void *self, int64_t variant, int64_t symbol, const float *logp, int64_t V)
{
    told *h = self;
    (void)variant;
    assert_true(V <= 64);
    h->V = V;
    for (int64_t w = 0; w < V; w++) h->p[symbol][w] = expf(logp[w]);
}

static void ask(const heed_model *m, const probed *p, heed_arena *arena, told *h)
{
    heed_error err;
    float logp[PROBED_MOST];
    const heed_variant v = {.source = p->source, .S = p->in.S, .target = p->target, .T = p->in.T, .logp = logp};
    heed_probe *probe = heed_probe_new(m, p->tape, &err);
    assert_true(probe && heed_looks_make(arena, probe, v.T, v.S, true, &h->looks));
    heed_probe_listen(probe, &(heed_listener){h, hear});
    if (heed_looks_record(probe, &v, &h->looks, &err) != HEED_OK) fail_msg("%s", err.text);
    heed_probe_free(probe);
}

/* TVD - L KL of one pair, by the definition. */
static double rivalry(const tiny *t, const heed_model *other, double L, int i)
{
    probed p;
    heed_arena *arena = heed_arena_new(0);
    static told own, its;
    double distance = 0, apart = 0;
    probed_open(&p, t, sources[i], targets[i]);
    ask(p.model, &p, arena, &own);
    ask(other, &p, arena, &its);
    for (int64_t s = 0; s < p.in.T; s++)
        for (int64_t w = 0; w < own.V; w++) distance += fabs((double)own.p[s][w] - (double)its.p[s][w]) / 2;
    const int64_t looks = own.looks.layers * own.looks.heads;
    for (int64_t j = 0; j < looks * own.looks.T * own.looks.S; j++) {
        const double a = (double)own.looks.weights[j], b = (double)its.looks.weights[j];
        if (a > 0) apart += a * log(a / fmax(b, 1e-6));
    }
    heed_arena_free(arena);
    probed_close(&p);
    return distance - L * apart / (double)looks;
}

/* The others are refused. */
static bool rivals(const tiny *t)
{
    static const char *const never[] = {"score: none", "score: uniform", "copy: true"};
    for (int i = 0; i < 3; i++)
        if (t->attention && strstr(t->attention, never[i])) return false;
    return true;
}

static void test_adversary__its_loss_is_what_is_said_otherwise_less_what_is_looked_at_otherwise(void **state)
{
    (void)state;
    for (int i = 0; i < probed_count(); i++) {
        const char *name;
        const tiny *given = probed_at(i, &name), t = rival_of(given, "train: {adversary: {model: base, weight: 0.5}}");
        if (!rivals(given)) continue;
        heed_error err;
        heed_loss_counts counts;
        heed_model *m = tiny_build(&t), *other = sibling(given);
        heed_tape *tape = new_tape();
        heed_base_model *b = base_of(m, other);
        heed_batch *batch = pairs_of(m);
        double want = 0;
        for (int k = 0; k < PAIRS; k++) want += rivalry(&t, other, 0.5, k);
        for (int record = 0; record < 2; record++) {
            heed_tape_reset(tape, record, false, 0);
            const heed_tensor *loss = heed_base_model_loss(b, tape, batch, 0.25, &counts);
            if (heed_tape_status(tape, &err)) fail_msg("%s: %s", name, err.text);
            if (!probed_near((double)loss->x[0], want / 4, 1)) fail_msg("%s: %.8g, by hand %.8g", name, (double)loss->x[0], want / 4);
            if (!probed_near(-counts.log_p, want, 1) || counts.symbols != batch->target.N) fail_msg("%s: counts %.8g, by hand %.8g", name, -counts.log_p, want);
        }
        heed_batch_free(batch);
        heed_base_model_free(b);
        heed_tape_free(tape);
        heed_model_free(other);
        heed_model_free(m);
    }
}

/* Said the same to the bit, so no sign pulls anywhere; and where weights do not count, they do not. */
static void test_adversary__that_is_the_base_model_itself_stays_as_it_is(void **state)
{
    (void)state;
    for (int i = 0; i < probed_count(); i++) {
        const char *name;
        const tiny *given = probed_at(i, &name), t = rival_of(given, "train: {adversary: {model: base, weight: 0}}");
        if (!rivals(given)) continue;
        heed_error err;
        heed_model *m = tiny_build(&t), *other = tiny_build(given);
        heed_tape *tape = heed_tape_new(&(heed_tape_options){.record = true, .train = true, .seed = 5}, &err);
        heed_base_model *b = base_of(m, other);
        heed_batch *batch = pairs_of(m);
        heed_tensor *loss = heed_base_model_loss(b, tape, batch, 1, NULL);
        if (heed_tape_status(tape, &err)) fail_msg("%s: %s", name, err.text);
        if (loss->x[0] != 0) fail_msg("%s: %.8g", name, (double)loss->x[0]);
        if (heed_backward(tape, loss, &err)) fail_msg("%s: %s", name, err.text);
        assert_int_equal(heed_params_collect(m->params, &tape, 1, 1, &err), HEED_OK);
        for (int64_t j = 0; j < heed_params_size(m->params); j++)
            if (heed_params_grads(m->params)[j] != 0) fail_msg("%s: number %d of the gradient is %g", name, (int)j, (double)heed_params_grads(m->params)[j]);
        heed_batch_free(batch);
        heed_base_model_free(b);
        heed_tape_free(tape);
        heed_model_free(other);
        heed_model_free(m);
    }
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
        cmocka_unit_test(test_adversary__its_loss_is_what_is_said_otherwise_less_what_is_looked_at_otherwise),
        cmocka_unit_test(test_adversary__that_is_the_base_model_itself_stays_as_it_is),
        cmocka_unit_test(test_base_model__models_that_look_otherwise_fail_the_tape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
