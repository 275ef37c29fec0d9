/* align: sets of links, their reading and writing, two directions made one, counts against gold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "align/bitext.h"
#include "align/links.h"
#include "base/rng.h"

static heed_links links_of(const char *text)
{
    heed_links l = {0};
    heed_error err = {0};
    if (heed_links_parse(text, strlen(text), 0, NULL, &l, NULL, &err)) fail_msg("%s", err.text);
    return l;
}

static void links_are(const heed_links *l, const char *expected)
{
    heed_buf out = {0};
    heed_links_write(l, &out);
    assert_string_equal(out.data ? out.data : "", expected);
    heed_buf_free(&out);
}

static void test_links__are_kept_in_order_and_once(void **state)
{
    (void)state;
    static const heed_link given[] = {{2, 1}, {0, 3}, {2, 1}, {0, 0}, {10, 2}, {2, 0}};
    heed_links l = {0};
    assert_int_equal(heed_links_set(&l, given, 6, NULL), HEED_OK);
    links_are(&l, "0-0 0-3 2-0 2-1 10-2");
    assert_true(heed_links_have(&l, (heed_link){2, 1}));
    assert_false(heed_links_have(&l, (heed_link){1, 2}));
    heed_links_swap(&l);
    links_are(&l, "0-0 0-2 1-2 2-10 3-0");
    assert_int_equal(heed_links_set(&l, l.link + 1, 2, NULL), HEED_OK);   /* of itself */
    links_are(&l, "0-2 1-2");
    assert_int_equal(heed_links_set(&l, NULL, 0, NULL), HEED_OK);
    assert_false(heed_links_have(&l, (heed_link){0, 0}));
    heed_links_free(&l);
}

static void test_links__of_gold_are_sure_or_possible_and_sure_ones_are_possible(void **state)
{
    (void)state;
    heed_links sure = {0}, possible = {0};
    const char *line = " 3p1  1-1 2-2 2p3\t2-2\r";
    const int64_t words[2] = {3, 3};
    assert_int_equal(heed_links_parse(line, strlen(line), 1, words, &sure, &possible, NULL), HEED_OK);
    links_are(&sure, "0-0 1-1");
    links_are(&possible, "0-0 1-1 1-2 2-0");
    assert_int_equal(heed_links_parse("", 0, 1, words, &sure, &possible, NULL), HEED_OK);
    assert_int_equal(sure.count + possible.count, 0);
    heed_links_free(&sure);
    heed_links_free(&possible);
}

static void test_links__refuse_what_is_no_link_with_its_place(void **state)
{
    (void)state;
#define FORM "is not of the form SOURCE-TARGET with word numbers from "
    static const struct { const char *text; int base; bool gold; const char *error; } rows[] = {
        {"0-0 1", 0, false, "link 2, \"1\", " FORM "0 to 1000000"},
        {"1p1", 0, false, "link 1, \"1p1\", " FORM "0 to 1000000"},
        {"1q1", 1, true, "link 1, \"1q1\", is not of the form SOURCE-TARGET (sure) or SOURCEpTARGET (possible) with word numbers from 1 to 1000000"},
        {"0-1", 1, false, "link 1, \"0-1\", " FORM "1 to 1000000"},
        {"1-0", 1, false, "link 1, \"1-0\", " FORM "1 to 1000000"},
        {"-1-0", 0, false, "link 1, \"-1-0\", " FORM "0 to 1000000"},
        {"1-2-3", 0, false, "link 1, \"1-2-3\", " FORM "0 to 1000000"},
        {"1-", 0, false, "link 1, \"1-\", " FORM "0 to 1000000"},
        {"1000001-0", 0, false, "link 1, \"1000001-0\", " FORM "0 to 1000000"},
        {"18446744073709551616-0", 0, false, "link 1, \"18446744073709551616-0\", " FORM "0 to 1000000"},
        {"0-\xC3\xA9", 0, false, "link 1, \"0-??\", " FORM "0 to 1000000"},
        {"0-0 1-1 3-0", 0, false, "link 3, \"3-0\": the source has 3 words, so they end with word 2 (counted from 0)"},
        {"1-1 3p6", 1, true, "link 2, \"3p6\": the target has 5 words, so they end with word 5 (counted from 1)"},
    };
    static const int64_t words[2] = {3, 5};
    heed_links sure = {0}, possible = {0};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        heed_error err = {0};
        assert_int_equal(heed_links_parse(rows[i].text, strlen(rows[i].text), rows[i].base, words, &sure, rows[i].gold ? &possible : NULL, &err), HEED_E_DATA);
        assert_string_equal(err.text, rows[i].error);
        assert_int_equal(sure.count + possible.count, 0);
    }
    const int64_t one_side[2] = {0, 5};
    assert_int_equal(heed_links_parse("999999-4", 8, 0, one_side, &sure, NULL, NULL), HEED_OK);
    heed_links_free(&sure);
    heed_links_free(&possible);
}

/* --- joining -------------------------------------------------------------------------------------------------------------------------------- */

static void joined_are(const char *forward, const char *reverse, heed_symmetry how, const char *expected)
{
    heed_links f = links_of(forward), r = links_of(reverse), out = {0};
    assert_int_equal(heed_links_join(&f, &r, how, &out, NULL), HEED_OK);
    links_are(&out, expected);
    heed_links_free(&f);
    heed_links_free(&r);
    heed_links_free(&out);
}

static void test_join__intersection_and_union(void **state)
{
    (void)state;
    joined_are("0-0 1-1 2-2", "0-0 1-2 2-2", HEED_SYMMETRY_INTERSECT, "0-0 2-2");
    joined_are("0-0 1-1 2-2", "0-0 1-2 2-2", HEED_SYMMETRY_UNION, "0-0 1-1 1-2 2-2");
    for (int how = 0; how < HEED_SYMMETRY_COUNT; how++) {
        heed_symmetry found;
        assert_true(heed_symmetry_find(heed_symmetry_name((heed_symmetry)how), &found));
        assert_int_equal(found, how);
        joined_are("", "", (heed_symmetry)how, "");
    }
    assert_false(heed_symmetry_find("grow", &(heed_symmetry){0}));
}

/* Each line: what is grown from (both have it), what one of them has beside, what must come of it. */
static void test_agree__links_where_the_geometric_mean_suffices(void **state)
{
    (void)state;
    const float forward[] = {0.9F, 0.1F, 0, 0.5F, 0, 0.5F};   /* two target words, three source words */
    const float reverse[] = {0.4F, 0.5F, 1, 0, 0, 0.125F};    /* 0.36 0.25, 0.1 0, 0 0.0625 */
    heed_links out = {0};
    heed_buf text = {0};
    assert_int_equal(heed_links_agree(forward, reverse, 3, 2, 0.25, &out, NULL), HEED_OK);
    heed_links_write(&out, &text);
    assert_string_equal(text.data, "0-0 0-1 1-0 2-1");
    heed_buf_reset(&text);
    assert_int_equal(heed_links_agree(forward, reverse, 3, 2, 0.55, &out, NULL), HEED_OK);
    heed_links_write(&out, &text);
    assert_string_equal(text.data, "0-0");
    heed_links_free(&out);
    heed_buf_free(&text);
}

static void test_join__grows_over_neighbours_that_cover_a_new_word(void **state)
{
    (void)state;
    const heed_symmetry grow = HEED_SYMMETRY_GROW_DIAG, final = HEED_SYMMETRY_GROW_DIAG_FINAL_AND;
    joined_are("0-0 1-1", "0-0 1-1 1-0", grow, "0-0 1-1");                  /* both words of 1-0 are covered */
    joined_are("0-0 1-0", "0-0 0-1", grow, "0-0 0-1 1-0");                  /* beside and below */
    joined_are("1-1 0-0", "1-1 2-2", grow, "0-0 1-1 2-2");                  /* diagonally, either way */
    joined_are("5-5 4-4 3-3 2-2 1-1 0-0", "5-5", grow, "0-0 1-1 2-2 3-3 4-4 5-5");   /* from neighbour to neighbour, against the order of words */
    joined_are("0-0 2-2", "0-0 3-3", grow, "0-0");                          /* none is near */
    joined_are("0-0 2-2", "0-0 3-3", final, "0-0 2-2 3-3");                 /* but they join words that nothing covers */
    joined_are("0-0 2-2", "0-0 2-3", final, "0-0 2-2");                     /* the forward direction is first, then word 2 is covered */
    joined_are("0-0", "0-0 5-0", final, "0-0");                             /* one covered word is enough to be left out */
    joined_are("0-3 1-4", "7-7", grow, "");
    joined_are("0-3 1-4", "7-7", final, "0-3 1-4 7-7");
}

static heed_links drawn(uint64_t key, int words)
{
    heed_links l = {0};
    heed_link some[40];
    for (int i = 0; i < words; i++)
        some[i] = (heed_link){(int64_t)heed_below(key, 2 * (uint64_t)i, (uint64_t)words), (int64_t)heed_below(key, 2 * (uint64_t)i + 1, (uint64_t)words)};
    assert_int_equal(heed_links_set(&l, some, words, NULL), HEED_OK);
    return l;
}

static bool holds(const heed_links *all, const heed_links *some)
{
    int64_t n = 0;
    while (n < some->count && heed_links_have(all, some->link[n])) n++;
    return n == some->count;
}

/* Intersection <= grow-diag <= grow-diag-final-and <= union, and the sides may be exchanged where no order of directions is asked. */
static void test_join__rules_lie_within_each_other(void **state)
{
    (void)state;
    static const heed_symmetry order[] = {HEED_SYMMETRY_INTERSECT, HEED_SYMMETRY_GROW_DIAG, HEED_SYMMETRY_GROW_DIAG_FINAL_AND, HEED_SYMMETRY_UNION};
    for (uint64_t trial = 0; trial < 200; trial++) {
        const int words = 1 + (int)(trial % 40);
        heed_links f = drawn(heed_key(1, trial), words), r = drawn(heed_key(2, trial), words), out[4] = {{0}};
        for (int i = 0; i < 4; i++) {
            assert_int_equal(heed_links_join(&f, &r, order[i], &out[i], NULL), HEED_OK);
            if (i) assert_true(holds(&out[i], &out[i - 1]));
        }
        for (int i = 0; i < 4; i++) heed_links_free(&out[i]);
        heed_links_free(&f);
        heed_links_free(&r);
    }
}

/* --- against gold --------------------------------------------------------------------------------------------------------------------------- */

static void test_counts__are_those_of_the_definition(void **state)
{
    (void)state;
    heed_link_counts c = {0};
    assert_true(heed_link_counts_aer(&c) == 0 && heed_link_counts_precision(&c) == 0 && heed_link_counts_recall(&c) == 0);
    heed_links found = links_of("0-0 1-1 2-2 3-3"), sure = links_of("0-0 1-1 4-4"), possible = links_of("0-0 1-1 2-2 4-4");
    heed_link_counts_add(&c, &found, &sure, &possible);
    assert_int_equal(c.found, 4);
    assert_int_equal(c.sure, 3);
    assert_int_equal(c.sure_hit, 2);
    assert_int_equal(c.possible_hit, 3);
    assert_true(heed_link_counts_aer(&c) == 1 - 5.0 / 7 && heed_link_counts_precision(&c) == 0.75 && heed_link_counts_recall(&c) == 2.0 / 3);
    heed_link_counts_add(&c, &possible, &sure, &possible);   /* sums over sentences: 8 found, 6 sure, 5 and 7 hit */
    assert_true(heed_link_counts_aer(&c) == 1 - 12.0 / 14);
    heed_links_free(&found);
    heed_links_free(&sure);
    heed_links_free(&possible);
}

/* --- words ---------------------------------------------------------------------------------------------------------------------------------- */

static void words_are(const char *text, bool parted, const char *expected)
{
    heed_tokens out = {0};
    heed_buf shown = {0};
    heed_error err = {0};
    if (heed_bitext_words(text, strlen(text), parted, &out, &err)) fail_msg("%s", err.text);
    for (int64_t i = 0; i < out.count; i++) {
        assert_int_equal(out.item[i].id, i);
        heed_buf_add(&shown, text + out.item[i].start, (size_t)(out.item[i].end - out.item[i].start));
        heed_buf_char(&shown, '|');
    }
    assert_string_equal(shown.data ? shown.data : "", expected);
    heed_tokens_free(&out);
    heed_buf_free(&shown);
}

static void test_words__are_what_white_space_parts_or_13a(void **state)
{
    (void)state;
    words_are("  Un caf\xC3\xA9, \t(noir)!\r", false, "Un|caf\xC3\xA9,|(noir)!|");
    words_are("  Un caf\xC3\xA9, \t(noir)!\r", true, "Un|caf\xC3\xA9|,|(|noir|)|!|");
    words_are("a\xC2\xA0" "b", false, "a\xC2\xA0" "b|");   /* as links of a model's output: a space that does not break is no border */
    words_are("a\xC2\xA0" "b", true, "a|b|");
    words_are(" ", true, "");
    words_are("", false, "");
    heed_tokens out = {0};
    heed_error err = {0};
    assert_int_equal(heed_bitext_words("a \xFF", 3, false, &out, &err), HEED_E_DATA);
    heed_tokens_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_links__are_kept_in_order_and_once),
        cmocka_unit_test(test_links__of_gold_are_sure_or_possible_and_sure_ones_are_possible),
        cmocka_unit_test(test_links__refuse_what_is_no_link_with_its_place),
        cmocka_unit_test(test_join__intersection_and_union),
        cmocka_unit_test(test_agree__links_where_the_geometric_mean_suffices),
        cmocka_unit_test(test_join__grows_over_neighbours_that_cover_a_new_word),
        cmocka_unit_test(test_join__rules_lie_within_each_other),
        cmocka_unit_test(test_counts__are_those_of_the_definition),
        cmocka_unit_test(test_words__are_what_white_space_parts_or_13a),
    };
    return cmocka_run_group_tests_name("links", tests, NULL, NULL);
}
