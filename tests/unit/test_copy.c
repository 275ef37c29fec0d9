/* Symbols made or copied: the mixture on cases made by hand, and which symbol of the target a symbol of the source is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <string.h>

#include "support/tiny.h"
#include "tensor/tape.h"

enum { V = 4, KEYS = 3 };

/* One query over three keys. */
typedef struct scene {
    heed_tape *t;
    heed_tensor *logits, *gate, *weights;
    heed_attended attended;
    heed_copying c;
} scene;

static const int64_t one_query[] = {0, 1}, one_source[] = {0, KEYS};
static const int32_t symbols[KEYS] = {2, 3, 2};

static void set(scene *s, const float *logits, float gate, const float *weights, int64_t heads, heed_align align)
{
    *s = (scene){.t = heed_tape_new(&(heed_tape_options){.record = true}, NULL)};
    s->logits = heed_input(s->t, 1, V, logits, true);
    s->gate = heed_input(s->t, 1, 1, &gate, true);
    s->weights = heed_input(s->t, KEYS, heads, weights, true);
    s->attended = (heed_attended){.weights = s->weights, .args = {.queries = {one_query, 1}, .keys = {one_source, 1}, .align = align}};
    s->c = (heed_copying){s->gate, &s->attended, 1, symbols};
}

static void near(double value, double expected)
{
    if (!(fabs(value - expected) <= 16 * FLT_EPSILON * (1 + fabs(expected)))) fail_msg("%.9g, not %.9g", value, expected);
}

/* The mixture says p, and the loss of each target is its -ln. */
static void mixes_to(const float *logits, float gate, const float *weights, int64_t heads, heed_align align, const double *p)
{
    scene s;
    set(&s, logits, gate, weights, heads, align);
    const heed_tensor *x = heed_copy_mix(s.t, s.logits, &s.c);
    assert_int_equal(heed_tape_status(s.t, NULL), HEED_OK);
    for (int w = 0; w < V; w++) near(exp((double)x->x[w]), p[w]);
    near((double)s.t->k->log_sum_exp(x->x, V), 0);
    heed_tape_free(s.t);
    for (int32_t w = 0; w < V; w++) {
        heed_loss_counts counts;
        set(&s, logits, gate, weights, heads, align);
        const heed_tensor *loss = heed_copy_loss(s.t, s.logits, &s.c, &w, 0, 0.5, &counts);
        near((double)loss->x[0], -0.5 * log(p[w]));
        near(counts.log_p, log(p[w]));
        assert_int_equal(counts.symbols, 1);
        bool first = true;   /* of the greatest */
        for (int other = 0; other < V; other++) first = first && p[other] - p[w] < (other < w ? -1e-6 : 1e-6);
        assert_int_equal(counts.hits, first);
        heed_tape_free(s.t);
    }
}

static const float flat[V] = {0};

static void test_copy__half_is_made_and_half_is_copied(void **state)
{
    (void)state;
    mixes_to(flat, 0, (const float[]){0.5F, 0.3F, 0.2F}, 1, HEED_ALIGN_everything, (const double[]){0.125, 0.125, 0.125 + 0.35, 0.125 + 0.15});
}

static void test_copy__heads_are_averaged(void **state)
{
    (void)state;
    mixes_to(flat, 0, (const float[]){0.5F, 0, 0.5F, 1, 0, 0}, 2, HEED_ALIGN_everything, (const double[]){0.125, 0.125, 0.125 + 0.125, 0.125 + 0.375});
}

static void test_copy__what_weights_lack_is_made(void **state)
{
    (void)state;
    mixes_to(flat, 0, (const float[]){0.25F, 0.25F, 0}, 1, HEED_ALIGN_local_p, (const double[]){0.1875, 0.1875, 0.1875 + 0.125, 0.1875 + 0.125});
    mixes_to(flat, -3, (const float[]){0, 0, 0}, 1, HEED_ALIGN_window, (const double[]){0.25, 0.25, 0.25, 0.25});
}

static void test_copy__an_unlikely_symbol_of_the_source_is_copied(void **state)
{
    (void)state;
    const double g = 1 / (1 + exp(2.0)), e = exp(-30.0);
    mixes_to((const float[]){0, 0, 0, -30}, -2, (const float[]){0, 1, 0}, 1, HEED_ALIGN_everything,
             (const double[]){g / (3 + e), g / (3 + e), g / (3 + e), g * e / (3 + e) + 1 - g});
}

/* A gate beyond all reason, and a symbol that neither way leads to. */
static void test_copy__nothing_finite_becomes_infinite(void **state)
{
    (void)state;
    static const float gates[] = {-1000, -100, 100, 1000}, logits[V] = {500, -500, -500, 0}, weights[] = {1, 0, 0x1p-140F};
    for (int g = 0; g < 4; g++)
        for (int32_t target = 0; target < V; target++)
            for (int smooth = 0; smooth < 2; smooth++) {
                scene s;
                set(&s, logits, gates[g], weights, 1, HEED_ALIGN_everything);
                heed_tensor *loss = heed_copy_loss(s.t, s.logits, &s.c, &target, smooth * 0.1, 1, NULL);
                assert_int_equal(heed_backward(s.t, loss, NULL), HEED_OK);
                assert_true(isfinite(loss->x[0]) && isfinite(s.gate->g[0]));
                for (int w = 0; w < V; w++) assert_true(isfinite(s.logits->g[w]));
                for (int j = 0; j < KEYS; j++) assert_true(isfinite(s.weights->g[j]));
                heed_tape_free(s.t);
            }
}

static void refused(void (*spoil)(scene *s), const char *text)
{
    scene s;
    heed_error err;
    const int32_t target = 0;
    set(&s, flat, 0, (const float[]){1, 0, 0}, 1, HEED_ALIGN_everything);
    spoil(&s);
    heed_copy_loss(s.t, s.logits, &s.c, &target, 0, 1, NULL);
    assert_int_equal(heed_tape_status(s.t, &err), HEED_E_SHAPE);
    assert_non_null(strstr(err.text, text));
    heed_tape_free(s.t);
}

static const int32_t too_far[KEYS] = {2, 4, 2};
static void no_weights(scene *s) { s->attended.weights = NULL; }
static void no_looks(scene *s) { s->c.looks = 0; }
static void far_symbol(scene *s) { s->c.symbols = too_far; }
static void wide_gate(scene *s) { s->c.gate = s->logits; }

static void test_copy__refuses_what_does_not_fit(void **state)
{
    (void)state;
    refused(no_weights, "weights were not asked for");
    refused(no_looks, "and 0 queries do not fit");
    refused(far_symbol, "key 1 is symbol 4 of 4");
    refused(wide_gate, "gate [1,4]");
}

/* --- twins ---------------------------------------------------------------------------------------------------------------------------------- */

static int32_t symbol(const heed_text *t, const char *text)
{
    for (int32_t i = 0; i < heed_text_size(t); i++)
        if (strcmp(heed_text_symbol(t, i), text) == 0) return i;
    return -1;
}

static void test_copies__are_symbols_of_the_same_text(void **state)
{
    (void)state;
    heed_model *m = tiny_build(&(tiny){.attention = "{score: additive, copy: true}", .target_units = "symbols, lower: true"});
    const int32_t *copies = m->head.copies;
    static const char *const known[] = {"a", "b", "c", "d", "e"}, *const unknown[] = {"q", " ", "<unk>", "<s>"};
    for (int i = 0; i < 5; i++) assert_int_equal(copies[symbol(m->source, known[i])], symbol(m->target, known[i]));
    for (int i = 0; i < 4; i++) assert_int_equal(copies[symbol(m->source, unknown[i])], HEED_UNK);
    assert_int_equal(copies[HEED_EOS], HEED_EOS);
    heed_model_free(m);
}

static void test_copies__of_one_vocabulary_are_its_own_symbols(void **state)
{
    (void)state;
    heed_model *m = tiny_build(&(tiny){.attention = "{score: additive, copy: true}"});
    heed_arena *arena = heed_arena_new(0);
    const int32_t *copies = heed_head_copies(arena, m->source, m->source);
    for (int32_t i = HEED_EOS; i < heed_text_size(m->source); i++) assert_int_equal(copies[i], i);
    heed_arena_free(arena);
    heed_model_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_copy__half_is_made_and_half_is_copied),
        cmocka_unit_test(test_copy__heads_are_averaged),
        cmocka_unit_test(test_copy__what_weights_lack_is_made),
        cmocka_unit_test(test_copy__an_unlikely_symbol_of_the_source_is_copied),
        cmocka_unit_test(test_copy__nothing_finite_becomes_infinite),
        cmocka_unit_test(test_copy__refuses_what_does_not_fit),
        cmocka_unit_test(test_copies__are_symbols_of_the_same_text),
        cmocka_unit_test(test_copies__of_one_vocabulary_are_its_own_symbols),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
