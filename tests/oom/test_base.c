/* base with every allocation refused in turn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "oom/refuse.h"

#include <stdlib.h>
#include <string.h>

/* Two rounds that grow by blocks and join them; a refusal may cost an allocation, never what was there before it. */
static bool arena_rounds(void *data)
{
    (void)data;
    bool whole = true;
    heed_arena *a = heed_arena_new(0);
    if (!a) return false;
    for (int round = 0; round < 2; round++) {
        char *first = heed_arena_text(a, "first");
        whole = whole && first;
        for (int i = 0; i < 12; i++) {
            void *p = heed_arena_alloc(a, (size_t)50000 << i / 2);
            if (p) memset(p, i, (size_t)50000 << i / 2);
            whole = whole && p;
        }
        if (first) assert_string_equal(first, "first");
        heed_arena_reset(a);
    }
    heed_arena_free(a);
    return whole;
}

static bool buf_lines(void *data)
{
    (void)data;
    heed_buf b = {0};
    for (int i = 0; i < 100; i++) heed_buf_printf(&b, "line %d\n", i);
    char *text = heed_buf_take(&b);
    if (!text) return false;
    assert_int_equal(strlen(text), 10 * 7 + 90 * 8);
    free(text);
    return true;
}

static void refuse_both_ways(bool (*run)(void *))
{
    assert_true(refuse_each(run, NULL, true, 1000) > 0);
    assert_true(refuse_each(run, NULL, false, 1000) > 0);
}

static void test_arena__survives_every_refusal(void **state)
{
    (void)state;
    refuse_both_ways(arena_rounds);
}

static void test_buf__survives_every_refusal(void **state)
{
    (void)state;
    refuse_both_ways(buf_lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arena__survives_every_refusal),
        cmocka_unit_test(test_buf__survives_every_refusal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
