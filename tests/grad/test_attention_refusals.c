/* What attention refuses: every row of refusals.def with its text, and widths that do not fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "attn/score.h"

/* --- the table ------------------------------------------------------------------------------------------------------------------------------------------- */

static const char *const pairs[] = {
#define HEED_REFUSAL(pair, condition, why) pair,
#include "attn/refusals.def"
#undef HEED_REFUSAL
};

/* Choice number i of all that a refusal may speak of; false past the last. */
static bool settings_at(int i, heed_attn_settings *s)
{
    int scores = 1;
    while (heed_score_at(scores - 1)) scores++;
    *s = (heed_attn_settings){.longest = 4, .filters = 1, .filter_width = 3, .query_width = 8, .memory_width = 8};
    s->coverage = i % 2, i /= 2;
    s->copy = i % 2, i /= 2;
    s->parallel = i % 2, i /= 2;
    s->training = i % 2, i /= 2;
    s->query_width = s->memory_width = i % 2 ? 6 : 8, i /= 2;
    s->heads = i % 2 ? 2 : 1, i /= 2;
    s->key_heads = i % 2, i /= 2;
    s->align = (heed_align)(i % HEED_ALIGN_COUNT), i /= HEED_ALIGN_COUNT;
    s->positions = (heed_positions)(i % HEED_POSITIONS_COUNT), i /= HEED_POSITIONS_COUNT;
    s->score = i % scores ? heed_score_at(i % scores - 1) : NULL, i /= scores;
    return i == 0;
}

static void expect_refused(const heed_attn_settings *s, const char *why)
{
    heed_error err;
    heed_attn a;
    char text[400];
    snprintf(text, sizeof text, "attention: %s", why);
    assert_int_equal(heed_attn_check(s, "attention", &err), HEED_E_USAGE);
    assert_string_equal(err.text, text);
    if (!s->score) return;
    heed_params *p = heed_params_new(&err);
    assert_int_equal(heed_attn_init(&a, p, "attention", s, &err), HEED_E_USAGE);
    assert_string_equal(err.text, text);
    heed_params_free(p);
}

static void every_row_of_refusals_refuses_with_its_text(void **state)
{
    (void)state;
    enum { ROWS = sizeof pairs / sizeof *pairs };
    heed_refusal row;
    heed_attn_settings s;
    for (int i = 0; i < ROWS; i++) {
        bool met = false;
        assert_true(heed_refusal_at(i, &row));
        assert_string_equal(row.pair, pairs[i]);
        for (int k = 0; !met && settings_at(k, &s); k++) {
            const char *why = heed_attn_refusal(&s);
            met = why && !strcmp(why, row.why);
        }
        if (!met) fail_msg("%s: nothing is refused by this row", row.pair);
        expect_refused(&s, row.why);
    }
    assert_false(heed_refusal_at(-1, &row) || heed_refusal_at(ROWS, &row));
}

static const heed_score *score_named(const char *name)
{
    for (int i = 0; heed_score_at(i); i++)
        if (!strcmp(heed_score_at(i)->name, name)) return heed_score_at(i);
    fail_msg("no score %s", name);
    return NULL;
}

static void widths_that_do_not_fit_are_refused_with_both(void **state)
{
    (void)state;
    static const struct { const char *score; heed_attn_settings s; const char *text; } cases[] = {
        {"additive", {.heads = 3, .key_heads = 2, .query_width = 6, .memory_width = 6},
         "a: 3 heads do not divide into 2 heads of keys; key_heads must divide heads"},
        {"additive", {.heads = 2, .query_width = 7, .memory_width = 6}, "a: 2 heads do not divide the width of 7; make it a multiple of them"},
        {"scaled", {.heads = 2, .query_width = 6, .memory_width = 5},
         "a: 2 heads of keys do not divide the memory's width of 5; make it a multiple of them"},
        {"general", {.heads = 2, .query_width = 6, .memory_width = 5, .projected = true},
         "a: 2 heads of keys do not divide the memory's width of 5; make it a multiple of them"},
        {"dot", {.query_width = 6, .memory_width = 4},
         "a: score dot compares equal widths, but queries are 6 wide and the encoder's states 4; set model.decoder.width: 4, or model.attention.score: general"},
        {"location", {.query_width = 6, .memory_width = 4}, "a: score location needs longest, the number of keys a sequence may have"},
        {"uniform", {.heads = 2, .width = 6, .query_width = 7, .memory_width = 4}, "a: 2 heads do not divide the width of 7; make it a multiple of them"},
        {"location_conv", {.query_width = 6, .memory_width = 4, .filter_width = 3}, "a: score location_conv needs filters, the number of its convolutions"},
        {"location_conv", {.query_width = 6, .memory_width = 4, .filters = 1, .filter_width = 4},
         "a: filter_width is 4; it must be odd, so that a filter has a middle"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        heed_error err;
        heed_attn a;
        heed_params *p = heed_params_new(&err);
        heed_attn_settings s = cases[i].s;
        s.score = score_named(cases[i].score);
        assert_int_equal(heed_attn_init(&a, p, "a", &s, &err), HEED_E_USAGE);
        assert_string_equal(err.text, cases[i].text);
        heed_params_free(p);
    }
}

#define TEST(f) {"test_attention_refusals__" #f, f, NULL, NULL, NULL}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_row_of_refusals_refuses_with_its_text),
        TEST(widths_that_do_not_fit_are_refused_with_both),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
