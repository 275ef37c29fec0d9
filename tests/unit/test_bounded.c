/* data: what is counted and kept of corpora without end stays within bounds, and is the same each time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/sample.h"
#include "data/text_state.h"

enum { OFFERED = 20000, MOST = 16384 };

static void offer(heed_sample *s, int i)
{
    char line[32];
    snprintf(line, sizeof line, "line %d", i);
    if (!heed_sample_offer(s)) return;
    heed_buf_text(&s->lines, line);
    assert_true(heed_sample_keep(s));
}

static void test_sample__holds_all_that_fits(void **state)
{
    (void)state;
    heed_sample s = {.most = MOST, .run_weight = 9};
    heed_buf all = {0};
    for (int i = 0; i < 1000; i++) {
        offer(&s, i);
        heed_buf_printf(&all, "line %d\n", i);
    }
    assert_int_equal(s.lines.size, all.size);
    assert_memory_equal(s.lines.data, all.data, all.size);
    heed_buf_free(&all);
    heed_sample_free(&s);
}

static void test_sample__is_bounded_in_order_even_and_always_the_same(void **state)
{
    (void)state;
    heed_sample s = {.most = MOST, .run_weight = 1}, again = s;
    int64_t late = 0, kept = 0, before = -1;
    for (int i = 0; i < OFFERED; i++) {
        offer(&s, i);
        offer(&again, i);
        assert_true(s.lines.size <= MOST);
    }
    assert_true(s.lines.size > MOST / 4);
    assert_int_equal(s.lines.size, again.lines.size);
    assert_memory_equal(s.lines.data, again.lines.data, s.lines.size);
    for (const char *at = s.lines.data; at < s.lines.data + s.lines.size; at = strchr(at, '\n') + 1, kept++) {
        const long number = strtol(at + 5, NULL, 10);
        assert_true(strncmp(at, "line ", 5) == 0 && number > before);
        before = number;
        late += number >= OFFERED / 2;
    }
    assert_int_equal(kept, (int64_t)(s.places.size / sizeof(uint64_t)));
    assert_true(fabs((double)late - (double)kept / 2) < 5 * sqrt((double)kept / 4));   /* five deviations of a fair coin */
    heed_sample_free(&s);
    heed_sample_free(&again);
}

static void test_sample__keeps_a_line_that_is_too_large_alone(void **state)
{
    (void)state;
    heed_sample s = {.most = 4, .run_weight = 1};
    offer(&s, 1);
    assert_string_equal(s.lines.data, "line 1\n");
    heed_sample_free(&s);
}

static void test_sample__long_runs_without_a_space_weigh_more(void **state)
{
    (void)state;
    heed_sample s = {.most = MOST, .run_weight = 10};
    for (int i = 0; i < OFFERED; i++) {
        if (!heed_sample_offer(&s)) continue;
        heed_buf_printf(&s.lines, "%060d %048d", i, i);   /* a run of 60 bytes, a word of 48 */
        assert_true(heed_sample_keep(&s));
        assert_true(s.lines.size / 110.0 * 650 <= MOST);
    }
    assert_true(s.lines.size / 110.0 * 650 > MOST / 4);
    heed_sample_free(&s);
}

static int64_t number_of(const heed_vocabulary *v, int i)
{
    const heed_token code[2] = {{.id = 'a' + i % 26}, {.id = 'a' + i / 26}};
    return heed_vocabulary_find(v, code, 2);
}

static void test_vocabulary__forgets_what_is_rare_and_finds_the_others(void **state)
{
    (void)state;
    heed_vocabulary v = {0};
    heed_vocabulary_prune(&v, 2);
    for (int i = 0; i < 600; i++) {
        const heed_token code[2] = {{.id = 'a' + i % 26}, {.id = 'a' + i / 26}};
        const int64_t number = heed_vocabulary_add(&v, code, 2);
        v.item[number].count = i % 3;
    }
    heed_vocabulary_prune(&v, 2);
    assert_int_equal(v.count, 200);
    for (int i = 0; i < 600; i++) {
        const int64_t number = number_of(&v, i);
        assert_int_equal(number, i % 3 == 2 ? i / 3 : -1);
        if (number >= 0) assert_true(heed_vocabulary_text(&v, number)[0] == 'a' + i % 26 && v.item[number].count == 2);
    }
    heed_vocabulary_free(&v);
}

static void test_text__counts_millions_of_symbols_in_bounded_memory(void **state)
{
    (void)state;
    enum { SYMBOLS = 2300000, A_LINE = 1000 };
    heed_error err = {0};
    heed_buf line = {0};
    heed_text *t = heed_text_new(&(heed_text_settings){.units = HEED_UNIT_symbols, .min_count = 2, .size = 5}, &err);
    for (int i = 0; i < SYMBOLS; i += A_LINE) {
        heed_buf_reset(&line);
        heed_buf_text(&line, i % (2 * A_LINE) ? "often" : "often seldom");
        for (int k = i; k < i + A_LINE; k++) heed_buf_printf(&line, " %x", k);
        assert_int_equal(heed_text_count(t, line.data, line.size, &err), HEED_OK);
        assert_true(t->vocabulary.count < 1 << 21);
    }
    assert_true(t->vocabulary.count < SYMBOLS / 2);
    assert_int_equal(heed_text_finish(t, &err), HEED_OK);
    assert_int_equal(heed_text_size(t), 5);
    assert_string_equal(heed_text_symbol(t, 3), "often");
    assert_string_equal(heed_text_symbol(t, 4), "seldom");
    heed_buf_free(&line);
    heed_text_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sample__holds_all_that_fits),
        cmocka_unit_test(test_sample__is_bounded_in_order_even_and_always_the_same),
        cmocka_unit_test(test_sample__keeps_a_line_that_is_too_large_alone),
        cmocka_unit_test(test_sample__long_runs_without_a_space_weigh_more),
        cmocka_unit_test(test_vocabulary__forgets_what_is_rare_and_finds_the_others),
        cmocka_unit_test(test_text__counts_millions_of_symbols_in_bounded_memory),
    };
    return cmocka_run_group_tests_name("bounded", tests, NULL, NULL);
}
