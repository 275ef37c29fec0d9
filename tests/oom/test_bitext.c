/* align with every allocation refused in turn: reading links, joining them, learning them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "align/bitext.h"
#include "oom/refuse.h"

enum { PAIRS = 260 };   /* so that every array grows once more */

static bool align(void *data)
{
    static heed_links forward[PAIRS], reverse[PAIRS];
    (void)data;
    heed_error err = {0};
    heed_bitext *b = heed_bitext_new(&(heed_bitext_settings){.threads = 2, .model1 = 1, .markov = 1}, &err);
    bool ok = b != NULL;
    for (int i = 0; i < PAIRS && ok; i++) {
        char text[] = "aa bb, cc";
        text[0] = (char)('a' + i % 26);
        text[4] = (char)('a' + i / 26);
        const int64_t before = heed_bitext_count(b);
        ok = !heed_bitext_add(b, text, strlen(text), text + 3, strlen(text + 3), &err);
        assert_int_equal(heed_bitext_count(b), before + ok);
    }
    ok = ok && !heed_bitext_align(b, forward, reverse, NULL, NULL, &err);
    assert_true(ok || err.status == HEED_E_NOMEM);
    heed_bitext_free(b);
    for (int i = 0; i < PAIRS; i++) {
        heed_links_free(&forward[i]);
        heed_links_free(&reverse[i]);
    }
    return ok;
}

static bool links(void *data)
{
    (void)data;
    static const char line[] = "1-1 2p3 3-4 4-5 5-6 6-7 7-8 8-9 9p9 10-10 11-11 12-12 13-13 14-14 15-15 16-16 17-17 18-18 19-19";
    heed_error err = {0};
    heed_links sure = {0}, possible = {0}, joined = {0};
    bool ok = !heed_links_parse(line, strlen(line), 1, NULL, &sure, &possible, &err);
    for (int how = 0; ok && how < HEED_SYMMETRY_COUNT; how++) ok = !heed_links_join(&sure, &possible, (heed_symmetry)how, &joined, &err);
    assert_true(ok || err.status == HEED_E_NOMEM);
    heed_links_free(&sure);
    heed_links_free(&possible);
    heed_links_free(&joined);
    return ok;
}

static bool words(void *data)
{
    (void)data;
    heed_error err = {0};
    heed_tokens out = {0};
    const bool ok = !heed_bitext_words("one, two (three)", 16, true, &out, &err);
    assert_true(ok || err.status == HEED_E_NOMEM);
    heed_tokens_free(&out);
    return ok;
}

static void refuse_both_ways(bool (*run)(void *))
{
    assert_true(refuse_each(run, NULL, true, 3000) > 0);
    assert_true(refuse_each(run, NULL, false, 3000) > 0);
}

static void test_bitext__survives_every_refusal(void **state)
{
    (void)state;
    refuse_both_ways(align);
}

static void test_links__survive_every_refusal(void **state)
{
    (void)state;
    refuse_both_ways(links);
    refuse_both_ways(words);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bitext__survives_every_refusal),
        cmocka_unit_test(test_links__survive_every_refusal),
    };
    return cmocka_run_group_tests_name("bitext", tests, NULL, NULL);
}
