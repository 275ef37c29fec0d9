/* base/stopwatch.h: all time is somebody's, and nobody's twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/stopwatch.h"

#include <math.h>
#include <time.h>

static const heed_part norm = {.name = "norm", .way = "forward"}, linear = {.name = "linear", .way = "forward"};

static void pass_time(double seconds)
{
    for (const double began = heed_clock(); heed_clock() - began < seconds;)
        ;
}

static const heed_lap *find(const heed_stopwatch *w, const char *name)
{
    for (int64_t i = 0; i < w->count; i++)
        if (w->lap[i].part.name[0] == name[0]) return &w->lap[i];
    return NULL;
}

static void test_stopwatch__laps_add_up_to_the_time_since_start(void **state)
{
    (void)state;
    heed_stopwatch w = {0};
    heed_stopwatch_start(&w);
    const double began = w.since;
    for (int i = 0; i < 100; i++) {
        heed_stopwatch_lap(&w, norm, 1);
        heed_stopwatch_enter(&w);
        heed_stopwatch_leave(&w, (heed_part){"product", "forward", 8, 4, HEED_F32}, 1);
        heed_stopwatch_lap(&w, linear, 1);
    }
    assert_true(fabs(heed_stopwatch_seconds(&w) + w.away - (w.since - began)) <= 300 * 0x1p-52 * w.since);   /* differences of clocks, each rounded once */
    assert_int_equal(w.count, 3);
    assert_int_equal(find(&w, "norm")->calls, 100);
    heed_stopwatch_free(&w);
}

static void test_stopwatch__what_lies_between_enter_and_leave_is_not_the_laps(void **state)
{
    (void)state;
    heed_stopwatch w = {0};
    heed_stopwatch_start(&w);
    pass_time(2e-3);
    heed_stopwatch_enter(&w);
    pass_time(20e-3);
    heed_stopwatch_leave(&w, (heed_part){"product", "forward", 8, 4, HEED_F32}, 64);
    pass_time(2e-3);
    heed_stopwatch_lap(&w, linear, 5);
    assert_true(find(&w, "product")->seconds + w.away >= 20e-3);
    assert_true(find(&w, "linear")->seconds + w.away >= 4e-3);
    assert_true(find(&w, "product")->seconds > 0 && find(&w, "linear")->seconds > 0);
    assert_true(find(&w, "product")->effort.flop == 64 && find(&w, "product")->effort.size == 0);
    assert_true(find(&w, "linear")->effort.flop == 0 && find(&w, "linear")->effort.size == 5);
    assert_true(w.held == 0);   /* it is not given twice */
    heed_stopwatch_free(&w);
}

/* To sleep is not to work either. */
static void test_stopwatch__time_without_a_core_is_no_laps_unless_it_goes_by_the_wall(void **state)
{
    (void)state;
    for (int wall = 0; wall < 2; wall++) {
        heed_stopwatch w = {.by_wall = wall};
        heed_stopwatch_start(&w);
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
        heed_stopwatch_lap(&w, norm, 0);
        heed_stopwatch_lap(&w, linear, 0);
        if (wall) assert_true(w.away == 0 && find(&w, "norm")->seconds >= 50e-3);
        else assert_true(w.away >= 40e-3 && find(&w, "norm")->seconds < 10e-3 && find(&w, "norm")->seconds >= 0);
        heed_stopwatch_free(&w);
    }
}

static void test_stopwatch__parts_differ_by_way_shape_and_number(void **state)
{
    (void)state;
    heed_stopwatch w = {0};
    const heed_part parts[] = {{"product", "forward", 8, 4, HEED_F32}, {"product", "data", 8, 4, HEED_F32}, {"product", "forward", 4, 8, HEED_F32},
                               {"product", "forward", 8, 4, HEED_BF16}};
    heed_stopwatch_start(&w);
    for (int turn = 0; turn < 2; turn++)
        for (int i = 0; i < 4; i++) heed_stopwatch_lap(&w, parts[i], 0);
    assert_int_equal(w.count, 4);
    for (int i = 0; i < 4; i++) assert_int_equal(w.lap[i].calls, 2);
    heed_stopwatch_free(&w);
}

static void test_stopwatch__what_was_counted_belongs_to_the_next_lap_alone(void **state)
{
    (void)state;
    heed_stopwatch w = {0};
    heed_stopwatch_start(&w);
    heed_stopwatch_count(&w, 3, 4);
    heed_stopwatch_count(&w, 1, 0);
    heed_stopwatch_lap(&w, norm, 0);
    heed_stopwatch_lap(&w, linear, 0);
    assert_true(find(&w, "norm")->effort.flop == 4 && find(&w, "norm")->effort.bytes == 4);
    assert_true(find(&w, "linear")->effort.flop == 0 && find(&w, "linear")->effort.bytes == 0);
    heed_stopwatch_count(&w, 7, 7);
    heed_stopwatch_start(&w);
    heed_stopwatch_lap(&w, norm, 0);
    assert_true(find(&w, "norm")->effort.flop == 4);
    heed_stopwatch_free(&w);
}

static void test_stopwatch__joining_sums(void **state)
{
    (void)state;
    heed_stopwatch a = {0}, b = {0};
    heed_stopwatch_add(&a, &(heed_lap){norm, 2, 1.5, {10, 20, 30}});
    heed_stopwatch_add(&b, &(heed_lap){norm, 1, 0.5, {1, 2, 3}});
    heed_stopwatch_add(&b, &(heed_lap){linear, 4, 0.25, {5, 0, 0}});
    b.away = 0.5;
    heed_stopwatch_join(&a, &b);
    assert_true(a.away == 0.5);
    assert_int_equal(a.count, 2);
    assert_int_equal(a.lap[0].calls, 3);
    assert_true(a.lap[0].seconds == 2 && a.lap[0].effort.flop == 11 && a.lap[0].effort.bytes == 22 && a.lap[0].effort.size == 33);
    assert_true(heed_stopwatch_seconds(&a) == 2.25);
    heed_stopwatch_free(&a);
    heed_stopwatch_free(&b);
}

static void test_stopwatch__many_parts_are_kept(void **state)
{
    (void)state;
    heed_stopwatch w = {0};
    for (int64_t n = 1; n <= 1000; n++) heed_stopwatch_add(&w, &(heed_lap){.part = {.name = "product", .n = n}, .calls = 1, .seconds = 1});
    assert_int_equal(w.count, 1000);
    assert_true(heed_stopwatch_seconds(&w) == 1000 && !w.failed);
    heed_stopwatch_free(&w);
}

static void test_stopwatch__none_is_a_watch_too(void **state)
{
    (void)state;
    heed_stopwatch_start(NULL);
    heed_stopwatch_enter(NULL);
    heed_stopwatch_leave(NULL, norm, 1);
    heed_stopwatch_count(NULL, 1, 1);
    heed_stopwatch_lap(NULL, norm, 1);
    heed_stopwatch_add(NULL, &(heed_lap){norm, 1, 1, {1, 1, 1}});
    heed_stopwatch_join(NULL, NULL);
    assert_true(heed_stopwatch_seconds(NULL) == 0);
    heed_stopwatch_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stopwatch__laps_add_up_to_the_time_since_start),
        cmocka_unit_test(test_stopwatch__what_lies_between_enter_and_leave_is_not_the_laps),
        cmocka_unit_test(test_stopwatch__time_without_a_core_is_no_laps_unless_it_goes_by_the_wall),
        cmocka_unit_test(test_stopwatch__parts_differ_by_way_shape_and_number),
        cmocka_unit_test(test_stopwatch__what_was_counted_belongs_to_the_next_lap_alone),
        cmocka_unit_test(test_stopwatch__joining_sums),
        cmocka_unit_test(test_stopwatch__many_parts_are_kept),
        cmocka_unit_test(test_stopwatch__none_is_a_watch_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
