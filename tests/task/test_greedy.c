/* Greedy search without scores: the same answers, byte for byte, found through a screen of the output layer where there is one; and what asks for more has it. */
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
#include "kernels/gemm.h"
#include "kernels/screen.h"
#include "support/scratch.h"
#include "support/tiny.h"
#include "task/same.h"
#include "tensor/tape.h"

enum { ITEMS = 60, LONGEST = 12, SYMBOLS = 2500, TWINS = 1000 };
typedef struct items { char source[ITEMS][LONGEST + 1]; heed_item item[ITEMS]; } items;

static void draw_items(items *x)
{
    *x = (items){.item = {{0}}};
    for (uint64_t i = 0; i < ITEMS; i++) {
        const uint64_t one = heed_key(23, i), n = heed_below(one, 0, LONGEST + 1);
        for (uint64_t k = 0; k < n; k++) x->source[i][k] = "abcde abcz"[heed_below(one, 1 + k, 10)];
        x->item[i] = (heed_item){.text = x->source[i], .prefix = i % 7 == 3 ? "s0005 s1700" : NULL};
    }
}

static heed_text *text_of(const heed_text_settings *settings, const char *corpus)
{
    heed_error err;
    heed_text *t = heed_text_new(settings, &err);
    if (!t || heed_text_count(t, corpus, strlen(corpus), &err) || heed_text_finish(t, &err)) fail_msg("%s", err.text);
    return t;
}

/* Writes 2,500 symbols; of each of the first thousand there is a twin as likely as it, so that every step that would write one is a tie. */
static const char *save_model(const char *tie)
{
    static char symbols[8 * SYMBOLS];
    heed_error err;
    heed_recipe r = {0};
    char yaml[800];
    snprintf(yaml, sizeof yaml, "data: {train: none.tsv, max_length: 0}\ntext: {source: {units: characters}, target: {units: symbols}}\n"
             "model:\n  encoder: {type: transformer, heads: 2, layers: 1, width: 32, dropout: 0}\n  attention: {score: scaled}\n"
             "  decoder: {type: transformer, heads: 2, layers: 1, width: 32, dropout: 0}\n  tie: %s\ndecode: {max_length: [1, 8]}\n", tie);
    for (int i = 0, at = 0; i < SYMBOLS; i++) at += snprintf(symbols + at, 8, "s%04d ", i);
    if (heed_recipe_parse(&r, yaml, strlen(yaml), "greedy.yaml", &err)) fail_msg("%s", err.text);
    heed_text *source = text_of(&r.text.source, "abcde abcde abc ab q"), *target = text_of(&r.text.target, symbols);
    heed_model *m = heed_model_build(&r, source, target, &err);
    if (!m || heed_model_fill(m, &err)) fail_msg("%s", err.text);
    float *w = m->head.weight->tensor.x;
    for (int64_t i = 0; i < heed_text_size(m->target) * 32; i++) w[i] *= strcmp(tie, "none") ? 1 : 20;   /* as far apart as embeddings */
    for (int64_t i = HEED_SPECIALS; i < HEED_SPECIALS + TWINS; i++) memcpy(w + (i + TWINS) * 32, w + i * 32, 32 * sizeof *w);
    m->head.bias->tensor.x[HEED_EOS] = 2.5f;
    heed_params_touch(m->params);
    if (heed_params_pack(m->params, false, 1, &err)) fail_msg("%s", err.text);
    return tiny_save(m, tie);
}

static heed_model *open_as(const char *dir, const char *set)
{
    heed_error err;
    heed_model *m = heed_model_open(dir, &(heed_model_options){.sets = &set, .set_count = 1}, &err);
    if (!m) fail_msg("%s", err.text);
    return m;
}

typedef struct company { int threads; int64_t batch, beam; bool unscored; } company;

static heed_reply *ask(const heed_model *m, company c, const items *x)
{
    heed_error err;
    heed_session *s = heed_session_new(m, &(heed_session_options){.threads = c.threads, .batch = c.batch}, &err);
    const heed_request request = {.items = x->item, .count = ITEMS, .unscored = c.unscored, .decode = &(heed_decode){.beam = c.beam}};
    heed_reply *r = s ? heed_session_run(s, &request, &err) : NULL;
    if (!r) fail_msg("%s", err.text);
    heed_session_free(s);
    return r;
}

/* The same symbols and links; no score. */
static void same_but_unscored(const heed_output *a, const heed_output *b)
{
    assert_string_equal(a->text, b->text);
    assert_int_equal(a->count, b->count);
    for (int64_t i = 0; i < a->count; i++) {
        assert_string_equal(a->tokens[i].text, b->tokens[i].text);
        assert_false(isnan(a->tokens[i].logp));
    }
    assert_int_equal(a->link_count, b->link_count);
    if (a->link_count) assert_memory_equal(a->links, b->links, (size_t)a->link_count * sizeof *a->links);
    assert_false(isnan(a->score));
    assert_true(a->count == 0 || isnan(b->score));
}

static size_t screen_of(const heed_model *m) { return m->head.weight->screen ? heed_screen_bytes(m->head.weight->screen) : 0; }

/* Of the symbols written, those that have a twin, which is never written in their place. */
static int64_t ties_of(const heed_reply *r)
{
    int64_t ties = 0;
    for (int64_t i = 0; i < ITEMS; i++) {
        const heed_output *o = heed_reply_at(r, i);
        for (int64_t k = 0; k < o->count; k++) {
            const int symbol = o->tokens[k].text[0] == 's' ? (int)strtol(o->tokens[k].text + 1, NULL, 10) : SYMBOLS;
            if (symbol == 1700 && k == 1) continue;   /* of a prefix */
            assert_true(symbol < TWINS || symbol >= 2 * TWINS);
            ties += symbol < TWINS;
        }
    }
    return ties;
}

static void same_answers(const char *dir, const char *set, bool screened)
{
    static const company all[] = {{1, 64, 1, true}, {3, 7, 1, true}, {1, 1, 1, true}};
    heed_model *m = open_as(dir, set);
    items x;
    draw_items(&x);
    heed_reply *scored = ask(m, (company){1, 64, 1, false}, &x);
    assert_true(ties_of(scored) > ITEMS);
    assert_int_equal(screen_of(m), 0);   /* which nobody has asked for */
    for (size_t c = 0; c < sizeof all / sizeof *all; c++) {
        heed_reply *r = ask(m, all[c], &x);
        for (int64_t i = 0; i < ITEMS; i++) same_but_unscored(heed_reply_at(scored, i), heed_reply_at(r, i));
        heed_reply_free(r);
        assert_true((screen_of(m) > 0) == screened);
    }
    heed_reply_free(scored);
    heed_model_close(m);
}

static void test_greedy__answers_are_the_same_without_scores(void **state)
{
    (void)state;
    const char *dir = save_model("output");
    same_answers(dir, "decode.precision=f32", heed_gemm_has(HEED_INT8));
    same_answers(dir, "decode.precision=bf16", heed_gemm_has(HEED_INT8));
    same_answers(dir, "decode.precision=int8", false);
}

/* An output layer that is no table is held packed, and has no floats to multiply out. */
static void test_greedy__a_layer_without_floats_has_no_screen(void **state)
{
    (void)state;
    same_answers(save_model("none"), "decode.precision=f32", false);
}

/* Beams need the probabilities of all symbols, and have them with scores or without. */
static void test_greedy__a_beam_has_its_scores(void **state)
{
    (void)state;
    heed_model *m = open_as(save_model("output"), "decode.precision=f32");
    items x;
    draw_items(&x);
    heed_reply *scored = ask(m, (company){1, 64, 3, false}, &x), *unscored = ask(m, (company){2, 9, 3, true}, &x);
    for (int64_t i = 0; i < ITEMS; i++) same_output(heed_reply_at(scored, i), heed_reply_at(unscored, i), true);
    assert_int_equal(screen_of(m), 0);
    heed_reply_free(scored);
    heed_reply_free(unscored);
    heed_model_close(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_greedy__answers_are_the_same_without_scores),
        cmocka_unit_test(test_greedy__a_layer_without_floats_has_no_screen),
        cmocka_unit_test(test_greedy__a_beam_has_its_scores),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
