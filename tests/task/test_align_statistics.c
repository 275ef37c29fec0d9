/* Files of pairs aligned without a model: what is learnt of them, with any threads, from more files, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "base/rng.h"
#include "heed.h"
#include "support/scratch.h"
#include "task/told.h"

/* Words that translate one by one, in the other order. */
static heed_align_options write_reversed(const char *source, const char *target, int64_t count, uint64_t key)
{
    heed_buf from = {0}, to = {0}, gold = {0};
    for (int64_t i = 0; i < count; i++) {
        const int n = (int)heed_below(heed_key(key, (uint64_t)i), 0, 6);
        int words[6] = {(int)heed_below(heed_key(key + 1, (uint64_t)i), 0, 20)};
        for (int k = 1; k < n; k++) words[k] = (words[k - 1] + 1 + (int)heed_below(heed_key(key + 1, (uint64_t)i), (uint64_t)k, 3)) % 20;   /* none twice */
        for (int k = 0; k < n; k++) {
            heed_buf_printf(&from, "%sw%d", k ? " " : "", words[k]);
            heed_buf_printf(&to, "%s%cX%d", k ? " " : "", 'a' + words[n - 1 - k] % 3, words[n - 1 - k]);
            heed_buf_printf(&gold, "%s%d-%d", k ? " " : "", k + 1, n - k);
        }
        heed_buf_char(&from, '\n');
        heed_buf_char(&to, '\n');
        heed_buf_char(&gold, '\n');
    }
    heed_align_options o = {.source = scratch_write(source, from.data, from.size), .target = scratch_write(target, to.data, to.size), .gold = scratch_write("g", gold.data, gold.size)};
    heed_buf_free(&from);
    heed_buf_free(&to);
    heed_buf_free(&gold);
    return o;
}

static void test_statistics__find_words_that_translate_one_by_one(void **state)
{
    (void)state;
    static const heed_direction directions[] = {HEED_DIRECTION_BOTH, HEED_DIRECTION_FORWARD, HEED_DIRECTION_REVERSE};
    heed_align_options o = write_reversed("s", "t", 700, 1);
    for (int i = 0; i < 3; i++) {
        o.direction = directions[i];
        heed_align_report r = align(NULL, o, NULL);
        assert_int_equal(r.joined, i == 0);
        assert_int_equal(r.links.lines, 700);
        assert_true(r.links.aer < 3);
    }
}

static void test_statistics__are_the_same_links_with_any_threads(void **state)
{
    (void)state;
    heed_align_options o = write_reversed("s", "t", 700, 1);
    told one = {.pairs = 0}, two = {.pairs = 0};
    o.threads = 1;
    align(NULL, o, &one);
    o.threads = 2;
    align(NULL, o, &two);
    assert_int_equal(one.pairs, 700);
    assert_string_equal(one.text.data, two.text.data);
    heed_buf_free(&one.text);
    heed_buf_free(&two.text);
}

/* Three pairs alone say little of what belongs together. A pair too long is not learnt from. */
static void test_statistics__learn_from_more_files(void **state)
{
    (void)state;
    heed_buf from = {0}, to = {0};
    write_reversed("more.s", "more.t", 500, 1);
    for (int side = 0; side < 2; side++) {
        heed_buf *text = side ? &to : &from;
        char *all = scratch_read(side ? "more.t" : "more.s", NULL);
        heed_buf_text(text, all);
        for (int i = 0; i < 1200; i++) heed_buf_text(text, "w1 ");
        heed_buf_char(text, '\n');
        free(all);
    }
    const char *const more[] = {scratch_write("more.s", from.data, from.size), scratch_write("more.t", to.data, to.size)};
    heed_align_options o = write_reversed("s", "t", 3, 5);
    o.more = more;
    o.more_count = 2;
    told x = {.pairs = 0};
    const heed_align_report r = align(NULL, o, &x);
    assert_int_equal(x.pairs, 3);
    assert_true(r.links.aer < 3);
    heed_buf_free(&x.text);
    heed_buf_free(&from);
    heed_buf_free(&to);
}

static void test_statistics__are_told_what_is_wrong_with_their_files(void **state)
{
    (void)state;
    heed_align_options o = {.source = scratch_text("s", "a b\nc\n"), .target = scratch_text("t", "A\nB\n"), .gold = scratch_text("g", "1-1\n1-1 2-1\n")}, x = o;
    refused(NULL, &o, HEED_E_DATA, "/g: line 2: link 2, \"2-1\"");
    x.gold = NULL;
    x.more = (const char *const[]){scratch_text("m", "a\nb\n"), scratch_text("n", "a\n")};
    x.more_count = 2;
    refused(NULL, &x, HEED_E_DATA, "/n ends after line 1");
    x.more_count = 1;
    refused(NULL, &x, HEED_E_USAGE, "come in twos");
    heed_buf long_line = {0};
    for (int i = 0; i < 1200; i++) heed_buf_text(&long_line, "a ");
    heed_buf_text(&long_line, "\nb\n");
    x = (heed_align_options){.source = scratch_write("s", long_line.data, long_line.size), .target = o.target};
    refused(NULL, &x, HEED_E_LIMIT, "/s: line 1");
    heed_buf_free(&long_line);
    seer s = open_seer(&(tiny){0});
    x.reverse = s.session;
    refused(NULL, &x, HEED_E_USAGE, "both are needed");
    close_seer(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_statistics__find_words_that_translate_one_by_one),
        cmocka_unit_test(test_statistics__are_the_same_links_with_any_threads),
        cmocka_unit_test(test_statistics__learn_from_more_files),
        cmocka_unit_test(test_statistics__are_told_what_is_wrong_with_their_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
