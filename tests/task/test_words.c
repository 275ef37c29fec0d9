/* From symbols to words: weights joined and links taken, on cases made by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "task/task.h"

enum { MOST = 16 };

typedef struct output { heed_output o; heed_piece_of_text source[MOST], target[MOST]; heed_arena *arena; const float *weights; int64_t asked; } output;

static int64_t characters(const char *text, heed_piece_of_text *p)
{
    int64_t n = 0;
    for (const char *at = text; *at;) {
        const char *end = at + 1;
        while ((*end & 0xC0) == 0x80) end++;
        p[n++] = (heed_piece_of_text){"", at - text, end - text, 0};
        at = end;
    }
    p[n] = (heed_piece_of_text){"</s>", (int64_t)strlen(text), (int64_t)strlen(text), 0};
    return n + 1;
}

static int64_t symbols(const char *text, heed_piece_of_text *p)
{
    int64_t n = 0;
    for (const char *at = text; *(at += strspn(at, " \t\n\v\f\r"));) {
        const size_t size = strcspn(at, " \t\n\v\f\r");
        p[n++] = (heed_piece_of_text){"", at - text, at - text + (int64_t)size, 0};
        at += size;
    }
    p[n] = (heed_piece_of_text){"</s>", (int64_t)strlen(text), (int64_t)strlen(text), 0};
    return n + 1;
}

typedef int64_t splitter(const char *text, heed_piece_of_text *p);

static const float *row(void *self, int64_t i)
{
    output *x = self;
    assert_int_equal(i, x->asked++);
    return x->weights + i * x->o.source_count;
}

static void align(output *x, const char *source, splitter *cut_source, const char *target, splitter *cut_target, const float *weights)
{
    const heed_look look = x->o.look;
    *x = (output){.arena = heed_arena_new(0), .weights = weights};
    x->o = (heed_output){.source = source, .text = target, .source_tokens = x->source, .tokens = x->target, .look = look};
    x->o.source_count = cut_source(source, x->source);
    x->o.count = cut_target(target, x->target);
    assert_true(heed_output_align(&x->o, row, x, x->arena));
    assert_int_equal(x->asked, x->o.count);
}

static void expect_words(const output *x, int64_t target, int64_t source, const double *weights)
{
    assert_int_equal(x->o.target_words, target);
    assert_int_equal(x->o.source_words, source);
    for (int64_t i = 0; i < target * source; i++)
        if (fabs((double)x->o.word_weights[i] - weights[i]) > 4 * 6e-8) fail_msg("word weight %d is %g, not %g", (int)i, (double)x->o.word_weights[i], weights[i]);
}

static void expect_links(const output *x, int64_t n, const int64_t (*links)[2])
{
    assert_int_equal(x->o.link_count, n);
    for (int64_t i = 0; i < n; i++) {
        assert_int_equal(x->o.links[i].source, links[i][0]);
        assert_int_equal(x->o.links[i].target, links[i][1]);
    }
}

static void test_align__letters_of_two_words_to_phones(void **state)
{
    (void)state;
    /*                       a     b     _     c    </s> */
    const float w[] = {0.5f, 0.25f, 0.0f, 0.25f, 0.0f,      /* X */
                       0.0f, 0.0f, 0.5f, 0.125f, 0.375f,    /* Y: most of it lies between and behind words */
                       0.25f, 0.0f, 0.0f, 0.75f, 0.0f,      /* Z */
                       0.0f, 0.0f, 0.0f, 0.0f, 1.0f};       /* </s>, no word */
    output x = {0};
    align(&x, "ab c", characters, "X Y Z", symbols, w);
    expect_words(&x, 3, 2, (const double[]){0.75, 0.25, 0, 1, 0.25, 0.75});
    expect_links(&x, 3, (const int64_t[][2]){{0, 0}, {1, 1}, {1, 2}});
    heed_arena_free(x.arena);
}

static void test_align__letters_of_a_target_word_are_taken_together(void **state)
{
    (void)state;
    /*                       P     Q   </s> */
    const float w[] = {1.0f, 0.0f, 0.0f,       /* a */
                       0.0f, 0.5f, 0.5f,       /* b */
                       0.0f, 0.0f, 1.0f,       /* the space, no word */
                       0.25f, 0.75f, 0.0f,     /* c */
                       0.0f, 0.0f, 1.0f};
    output x = {0};
    align(&x, "P Q", symbols, "ab c", characters, w);
    expect_words(&x, 2, 2, (const double[]){2.0 / 3, 1.0 / 3, 0.25, 0.75});
    expect_links(&x, 2, (const int64_t[][2]){{0, 0}, {1, 1}});
    heed_arena_free(x.arena);
}

static void test_align__spaces_at_the_ends_and_in_rows_make_no_words(void **state)
{
    (void)state;
    /*                   \t  a  _  _  b  _ </s> */
    const float w[] = {0, 1, 0, 0, 0, 0, 0,      /* X */
                       0, 0, 0, 0.5f, 0.5f, 0, 0,      /* Y */
                       0, 0, 0, 0, 0, 0, 1};
    output x = {0};
    align(&x, "\ta  b ", characters, "  X \v Y\f ", symbols, w);
    expect_words(&x, 2, 2, (const double[]){1, 0, 0, 1});
    expect_links(&x, 2, (const int64_t[][2]){{0, 0}, {1, 1}});
    heed_arena_free(x.arena);
}

static void test_align__characters_of_several_bytes_are_one_symbol(void **state)
{
    (void)state;
    /*                   é   _   ß   ü  </s> */
    const float w[] = {0.1f, 0, 0.4f, 0.5f, 0, /* X */ 0, 0, 0, 0, 1};
    output x = {0};
    align(&x, "é ßü", characters, "X", symbols, w);
    expect_words(&x, 1, 2, (const double[]){0.1, 0.9});
    expect_links(&x, 1, (const int64_t[][2]){{1, 0}});
    heed_arena_free(x.arena);
}

static void test_align__a_threshold_links_every_pair_of_that_weight(void **state)
{
    (void)state;
    /*                   a      b     c     </s> */
    const float w[] = {0.5f, 0.25f, 0.25f, 0,      /* X */
                       0, 0.75f, 0.25f, 0,         /* Y */
                       0, 0, 0, 1};
    output x = {.o.look.threshold = 0.25}, y = {.o.look.threshold = 0.8};
    align(&x, "a b c", symbols, "X Y", symbols, w);
    expect_links(&x, 5, (const int64_t[][2]){{0, 0}, {1, 0}, {2, 0}, {1, 1}, {2, 1}});
    align(&y, "a b c", symbols, "X Y", symbols, w);
    expect_links(&y, 0, NULL);
    assert_int_equal(heed_output_link(&y.o, 0.75, NULL), 1);
    assert_int_equal(heed_output_link(&y.o, 0, NULL), 2);
    heed_arena_free(x.arena);
    heed_arena_free(y.arena);
}

/* Weights are those of the symbols, summed over a source word, the mean of a target word. */
static void test_align__the_empty_word_leaves_weights_as_they_are(void **state)
{
    (void)state;
    /*                       a     b     _     c    </s> */
    const float w[] = {0.25f, 0.25f, 0.0f, 0.25f, 0.25f,       /* x */
                       0.0f, 0.25f, 0.25f, 0.25f, 0.25f,       /* y */
                       0.5f, 0.0f, 0.0f, 0.0f, 0.5f,           /* the space, no word */
                       0.0f, 0.125f, 0.0f, 0.375f, 0.5f,       /* z */
                       0.0f, 0.0f, 0.0f, 0.0f, 1.0f};          /* </s>, no word */
    output x = {.o.look.empty = true}, y = {.o.look.empty = false};
    align(&x, "ab c", characters, "xy z", characters, w);
    expect_words(&x, 2, 2, (const double[]){0.375, 0.25, 0.125, 0.375});
    assert_true(x.o.empty_weights[0] == 0.25f && x.o.empty_weights[1] == 0.5f);
    expect_links(&x, 1, (const int64_t[][2]){{0, 0}});         /* z looked at </s> more than at any word */
    align(&y, "ab c", characters, "xy z", characters, w);
    assert_null(y.o.empty_weights);
    expect_words(&y, 2, 2, (const double[]){0.6, 0.4, 0.25, 0.75});
    expect_links(&y, 2, (const int64_t[][2]){{0, 0}, {1, 1}});
    heed_arena_free(x.arena);
    heed_arena_free(y.arena);
}

static void test_align__a_threshold_counts_beside_the_empty_word(void **state)
{
    (void)state;
    /*                   a      b     </s> */
    const float w[] = {0.25f, 0.25f, 0.5f,       /* X */
                       0.5f, 0, 0.5f,            /* Y: no less than </s> */
                       0, 0, 1};
    output x = {.o.look = {.empty = true, .threshold = 0.25}};
    align(&x, "a b", symbols, "X Y", symbols, w);
    expect_links(&x, 3, (const int64_t[][2]){{0, 0}, {1, 0}, {0, 1}});
    assert_int_equal(heed_output_link(&x.o, 0.5, NULL), 1);
    heed_link link;
    assert_int_equal(heed_output_link(&x.o, 0, &link), 1);
    assert_true(link.source == 0 && link.target == 1);
    heed_arena_free(x.arena);
}

static void test_align__words_have_their_place_in_the_text(void **state)
{
    (void)state;
    const float w[7 * 5] = {0};
    output x = {0};
    align(&x, "\té  bc ", characters, "  X\vYZ\f ", symbols, w);
    assert_int_equal(x.o.source_words, 2);
    assert_int_equal(x.o.target_words, 2);
    assert_memory_equal(x.o.source_ranges, ((heed_range[]){{1, 3}, {5, 7}}), 2 * sizeof(heed_range));
    assert_memory_equal(x.o.target_ranges, ((heed_range[]){{2, 3}, {4, 6}}), 2 * sizeof(heed_range));
    heed_arena_free(x.arena);
}

static void test_align__a_word_that_looked_at_no_word_has_no_link(void **state)
{
    (void)state;
    const float w[] = {0, 1, 0, 1};
    output x = {0};
    align(&x, "a", symbols, "X", symbols, w);
    expect_words(&x, 1, 1, (const double[]){0});
    assert_int_equal(x.o.link_count, 0);
    heed_arena_free(x.arena);
}

static void test_align__equal_weights_link_the_first(void **state)
{
    (void)state;
    const float w[] = {0.5f, 0.5f, 0, 0, 0, 1};
    output x = {0};
    align(&x, "a b", symbols, "X", symbols, w);
    expect_links(&x, 1, (const int64_t[][2]){{0, 0}});
    heed_arena_free(x.arena);
}

static void test_align__nothing_to_nothing(void **state)
{
    (void)state;
    const float w[] = {1};
    output x = {0};
    align(&x, "", symbols, "", symbols, w);
    assert_int_equal(x.o.source_words, 0);
    assert_int_equal(x.o.target_words, 0);
    assert_int_equal(x.o.link_count, 0);
    heed_arena_free(x.arena);
}

/* NFKC may make several symbols of one character: all of them cover its bytes. */
static void test_align__symbols_that_share_bytes_share_a_word(void **state)
{
    (void)state;
    const float w[] = {0.25f, 0.25f, 0.5f, 0, 0, 0, 0, 1};
    output x = {.arena = heed_arena_new(0), .weights = w};
    const heed_piece_of_text source[] = {{"f", 0, 3, 0}, {"i", 0, 3, 0}, {"n", 4, 5, 0}, {"</s>", 5, 5, 0}}, target[] = {{"X", 0, 1, 0}, {"</s>", 1, 1, 0}};
    x.o = (heed_output){.source = "\xEF\xAC\x81 n", .text = "X", .source_tokens = source, .source_count = 4, .tokens = target, .count = 2};
    assert_true(heed_output_align(&x.o, row, &x, x.arena));
    expect_words(&x, 1, 2, (const double[]){0.5, 0.5});
    heed_arena_free(x.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_align__letters_of_two_words_to_phones),
        cmocka_unit_test(test_align__letters_of_a_target_word_are_taken_together),
        cmocka_unit_test(test_align__spaces_at_the_ends_and_in_rows_make_no_words),
        cmocka_unit_test(test_align__characters_of_several_bytes_are_one_symbol),
        cmocka_unit_test(test_align__a_threshold_links_every_pair_of_that_weight),
        cmocka_unit_test(test_align__the_empty_word_leaves_weights_as_they_are),
        cmocka_unit_test(test_align__a_threshold_counts_beside_the_empty_word),
        cmocka_unit_test(test_align__words_have_their_place_in_the_text),
        cmocka_unit_test(test_align__a_word_that_looked_at_no_word_has_no_link),
        cmocka_unit_test(test_align__equal_weights_link_the_first),
        cmocka_unit_test(test_align__nothing_to_nothing),
        cmocka_unit_test(test_align__symbols_that_share_bytes_share_a_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
