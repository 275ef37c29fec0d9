/* score of links: error rate, precision and recall of files of links against gold, as Och and Ney (2003) define them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "heed.h"
#include "support/scratch.h"

static heed_figure score(const char *gold, const char *links, int base)
{
    heed_figure f = {.value = -1};
    heed_error err = {0};
    if (heed_links_score(scratch_text("gold", gold), scratch_text("links", links), base, &f, &err)) fail_msg("%s", err.text);
    assert_true(f.sides);
    assert_string_equal(f.name, "aer");
    return f;
}

static void figure_is(heed_figure f, double aer, double precision, double recall)
{
    assert_true(fabs(f.value - aer) < 1e-9);
    assert_true(fabs(f.precision - precision) < 1e-9);
    assert_true(fabs(f.recall - recall) < 1e-9);
}

static void test_aer__counts_possible_links_for_precision_and_sure_ones_for_recall(void **state)
{
    (void)state;
    /* found 4, sure 4, of these found 2; possible (with the sure) found 3 */
    heed_figure f = score("1-1 2-2 2p3\n1-1 3-3\n", "0-0 1-2\n0-0 1-1\n", 1);
    figure_is(f, 100 * (1 - (2.0 + 3) / (4 + 4)), 75, 50);
    assert_string_equal(f.signature, "lines:2|sure:4|links:4|gold:1|heed:1");
}

static void test_aer__ends_are_what_they_must_be(void **state)
{
    (void)state;
    figure_is(score("1-1 2-2\n", "0-0 1-1\n", 1), 0, 100, 100);
    figure_is(score("1-1 2-2\n", "0-1 1-0\n", 1), 100, 0, 0);
    figure_is(score("1-1\n2p2\n", "\n\n", 1), 100, 0, 0);
    figure_is(score("1-1 1-1\n", "0-0 0-0 0-0\n", 1), 0, 100, 100);   /* a link counts once */
    figure_is(score("\n", "\n", 1), 0, 0, 0);
}

static void test_aer__gold_may_count_from_0(void **state)
{
    (void)state;
    heed_figure f = score("0-0 1-1\n", "0-0 1-1\n", 0);
    figure_is(f, 0, 100, 100);
    assert_string_equal(f.signature, "lines:1|sure:2|links:2|gold:0|heed:1");
}

static void refused(const char *gold, const char *links, int base, heed_status status, const char *part)
{
    heed_figure f = {.value = -1};
    heed_error err = {0};
    assert_int_equal(heed_links_score(scratch_text("gold", gold), scratch_text("links", links), base, &f, &err), status);
    if (!strstr(err.text, part)) fail_msg("\"%s\" does not say \"%s\"", err.text, part);
    assert_true(f.value < 0);
}

static void test_aer__says_what_is_wrong_and_where(void **state)
{
    (void)state;
    refused("1-1\n2-x\n", "0-0\n0-0\n", 1, HEED_E_DATA, "gold: line 2: link 1, \"2-x\", is not of the form");
    refused("1-1\n0-1\n", "0-0\n0-0\n", 1, HEED_E_DATA, "gold: line 2: link 1, \"0-1\", is not of the form");
    refused("1-1\n", "0-0 1p1\n", 1, HEED_E_DATA, "links: line 1: link 2, \"1p1\"");   /* links that were found are sure */
    refused("1-1\n1-1\n", "0-0\n", 1, HEED_E_DATA, "must have the same number of lines");
    refused("", "", 1, HEED_E_DATA, "empty file");
    refused("1-1\n", "0-0\n", 2, HEED_E_USAGE, "from 0 or from 1, not from 2");
    assert_int_equal(heed_links_score("/nowhere/gold", "/nowhere/links", 1, &(heed_figure){0}, NULL), HEED_E_DATA);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_aer__counts_possible_links_for_precision_and_sure_ones_for_recall),
        cmocka_unit_test(test_aer__ends_are_what_they_must_be),
        cmocka_unit_test(test_aer__gold_may_count_from_0),
        cmocka_unit_test(test_aer__says_what_is_wrong_and_where),
    };
    return cmocka_run_group_tests_name("score_links", tests, NULL, NULL);
}
