/* Where a Transformer's memory and its learned positions end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "heed.h"
#include "support/tiny.h"
#include "task/texts.h"
#include "tensor/tape.h"

#define BOTH(keys) .encoder = "type: transformer, " keys, .decoder = "type: transformer, " keys
enum { B = 3 };

static heed_batch *make_batch(const heed_model *m)
{
    static const char *const written[B] = {"abcde abc", "", "qa"};
    heed_tokens from[B] = {{0}};
    for (int i = 0; i < B; i++) encode(m->source, written[i], &from[i]);
    heed_batch *b = heed_batch_new(from, NULL, B, NULL, NULL, false, NULL);
    assert_non_null(b);
    for (int i = 0; i < B; i++) heed_tokens_free(&from[i]);
    return b;
}

static void says(const heed_tape *t, heed_status status, const char *text)
{
    heed_error err;
    assert_int_equal(heed_tape_status(t, &err), status);
    if (!strstr(err.text, text)) fail_msg("\"%s\" does not say \"%s\"", err.text, text);
}

static void test_positions__beyond_the_learned_ones_are_refused(void **state)
{
    (void)state;
    heed_model *m = tiny_build(&(tiny){BOTH("heads: 2, positions: learned, longest: 8"), .data = "data: {train: none.tsv, max_length: 7}"});
    heed_tape *t = new_tape();
    heed_tokens short_text = {0}, long_text = {0};
    encode(m->source, "abcdeab", &short_text);
    encode(m->source, "abcdeabc", &long_text);
    heed_batch *good = heed_batch_new(&short_text, NULL, 1, NULL, NULL, false, NULL), *bad = heed_batch_new(&long_text, NULL, 1, NULL, NULL, false, NULL);
    m->encoder_kind->forward(t, m->encoder, &bad->source);
    says(t, HEED_E_LIMIT, "more than 8 symbols: encoder.position.weight");
    heed_tape_reset(t, false, false, 0);
    const heed_encoded memory = m->encoder_kind->forward(t, m->encoder, &good->source);
    heed_state s = {0};
    m->decoder_kind->start(t, m->decoder, &memory, &s);
    for (int i = 0; i < 8; i++) m->decoder_kind->step(t, m->decoder, &s, &(int32_t){HEED_BOS});
    assert_int_equal(heed_tape_status(t, NULL), HEED_OK);
    m->decoder_kind->step(t, m->decoder, &s, &(int32_t){HEED_BOS});
    says(t, HEED_E_LIMIT, "decoder.position.weight");
    heed_batch_free(good);
    heed_batch_free(bad);
    heed_tokens_free(&short_text);
    heed_tokens_free(&long_text);
    heed_tape_free(t);
    heed_model_free(m);
}

/* Where nothing is recorded, the memory of many layers is that of one. */
static void test_encoder__takes_the_memory_of_one_layer(void **state)
{
    (void)state;
    size_t bytes[2];
    for (int i = 0; i < 2; i++) {
        heed_model *m = tiny_build(&(tiny){.encoder = "type: transformer, heads: 2, inner: 8192", .decoder = "type: transformer, heads: 2", .layers = i ? 20 : 2});
        heed_tape *t = new_tape();
        heed_batch *b = make_batch(m);
        m->encoder_kind->forward(t, m->encoder, &b->source);
        assert_int_equal(heed_tape_status(t, NULL), HEED_OK);
        bytes[i] = heed_tape_bytes(t);
        heed_batch_free(b);
        heed_tape_free(t);
        heed_model_free(m);
    }
    assert_int_equal(bytes[0], bytes[1]);
}

/* Memory of a step is that of one layer and of what may be asked for later, not of all that was computed. */
static void test_step__leaves_little_behind(void **state)
{
    (void)state;
    heed_model *m = tiny_build(&(tiny){.encoder = "type: transformer, heads: 2", .decoder = "type: transformer, heads: 2, inner: 8192", .layers = 4});
    heed_tape *t = new_tape();
    heed_batch *b = make_batch(m);
    const heed_encoded memory = m->encoder_kind->forward(t, m->encoder, &b->source);
    heed_state s = {0};
    m->decoder_kind->start(t, m->decoder, &memory, &s);
    const size_t before = heed_tape_bytes(t), inner = (size_t)B * 8192 * sizeof(float);   /* of one layer and step */
    for (int i = 0; i < 40; i++) m->decoder_kind->step(t, m->decoder, &s, (int32_t[B]){3, 4, 5});
    assert_int_equal(heed_tape_status(t, NULL), HEED_OK);
    assert_true(heed_tape_bytes(t) - before < 40 * inner);
    heed_batch_free(b);
    heed_tape_free(t);
    heed_model_free(m);
}

/* A tape that may hold so many bytes. */
static bool step_within(const heed_model *m, const heed_batch *b, size_t limit)
{
    heed_error err;
    heed_tape *t = heed_tape_new(&(heed_tape_options){.limit = limit}, &err);
    if (!t) return false;
    heed_state s = {0};
    const heed_encoded memory = m->encoder_kind->forward(t, m->encoder, &b->source);
    if (heed_tape_status(t, NULL) == HEED_OK) m->decoder_kind->start(t, m->decoder, &memory, &s);
    for (int i = 0; i < 20 && heed_tape_status(t, NULL) == HEED_OK; i++) {
        m->decoder_kind->step(t, m->decoder, &s, (int32_t[B]){3, 4, 5});
        if (heed_tape_status(t, NULL) == HEED_OK) m->decoder_kind->select(t, m->decoder, &s, (int64_t[B]){2, 0, 0}, B);
    }
    const heed_status status = heed_tape_status(t, &err);
    if (status && status != HEED_E_NOMEM) fail_msg("%zu bytes: %s", limit, err.text);
    heed_tape_free(t);
    return status == HEED_OK;
}

/* Wherever memory ends, that is what is said. */
static void test_step__ends_well_wherever_memory_ends(void **state)
{
    (void)state;
    static const tiny ways[] = {{BOTH("heads: 2"), .layers = 2}, {BOTH("heads: 2, positions: learned, norm: pre"), .attention = "{score: none}"}};
    for (int i = 0; i < 2; i++) {
        heed_model *m = tiny_build(&ways[i]);
        heed_batch *b = make_batch(m);
        size_t limit = 1024;
        while (!step_within(m, b, limit) && limit < 1 << 24) limit += 640;
        assert_in_range(limit, 20000, 1 << 23);
        heed_batch_free(b);
        heed_model_free(m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_positions__beyond_the_learned_ones_are_refused),
        cmocka_unit_test(test_encoder__takes_the_memory_of_one_layer),
        cmocka_unit_test(test_step__leaves_little_behind),
        cmocka_unit_test(test_step__ends_well_wherever_memory_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
