/* Charts: what must hold of the picture of lines, and of tables that become one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "explain/explain.h"
#include "explain/scale.h"
#include "heed.h"
#include "support/scratch.h"
#include "support/xml.h"

static char *drawn(const heed_chart *c)
{
    heed_error err = {0};
    char *svg = heed_chart_svg(c, &err);
    if (!svg) fail_msg("%s", err.text);
    assert_true(xml_is_sound(svg));
    assert_int_equal(text_count(svg, "nan") + text_count(svg, "inf"), 0);
    return svg;
}

/* --- pictures ---------------------------------------------------------------------------------------------------------------------------- */

static void test_chart__draws_every_line_with_its_name(void **state)
{
    (void)state;
    static const double x[] = {100, 200, 300}, y[] = {3, 2, 1.5}, z[] = {3, 1, 0.5};
    const heed_line lines[] = {{.name = "fixed & vector", .x = x, .y = y, .points = 3}, {.name = "attention", .x = x, .y = z, .points = 3}};
    char *svg = drawn(&(heed_chart){.title = "a < b", .x_label = "updates", .y_label = "loss", .lines = lines, .count = 2});
    assert_int_equal(text_count(svg, "class=\"mark\""), 6 + 2);
    assert_int_equal(text_count(svg, "class=\"interval\""), 0);
    assert_non_null(strstr(svg, "fixed &amp; vector"));
    assert_non_null(strstr(svg, "a &lt; b"));
    heed_free(svg);
}

static void test_chart__the_ticks_are_round_and_cover_the_data(void **state)
{
    (void)state;
    static const double x[] = {0, 12000}, y[] = {0.45, 3.41};
    const heed_line line = {.name = "l", .x = x, .y = y, .points = 2};
    char *svg = drawn(&(heed_chart){.title = "t", .x_label = "x", .y_label = "y", .lines = &line, .count = 1});
    assert_non_null(strstr(svg, ">12,000<"));
    assert_non_null(strstr(svg, ">3.5<"));
    assert_non_null(strstr(svg, ">0.0<"));
    heed_free(svg);
}

static void test_chart__holes_flat_lines_and_nothing_at_all_are_drawn(void **state)
{
    (void)state;
    static const double x[] = {1, 2, 3, 4}, hole[] = {1, NAN, 2, INFINITY}, flat[] = {5, 5, 5, 5}, zero[] = {0, 0, 0, 0}, wide[] = {-1e308, 1e308, 1e99, -1e99};
    const heed_line lines[] = {{.name = "hole", .x = x, .y = hole, .points = 4, .low = zero, .high = hole}, {.name = "flat", .x = x, .y = flat, .points = 4},
                               {.name = "still", .x = flat, .y = flat, .points = 4}, {.name = "zero", .x = zero, .y = zero, .points = 4}, {.name = "none"},
                               {.name = "wide", .x = wide, .y = wide, .points = 4, .low = wide, .high = wide}, {.name = "no number", .x = hole + 1, .y = hole + 1, .points = 1}};
    for (int first = 0; first < 7; first++)
        for (int log_x = 0; log_x < 2; log_x++) heed_free(drawn(&(heed_chart){.lines = lines + first, .count = 1, .log_x = log_x}));
    heed_free(drawn(&(heed_chart){.count = 0}));
}

/* Dashes and mark of a line as the legend draws them, without colours. */
static void style_of(const char *svg, const char *name, char *style, size_t size)
{
    const char *at = strstr(svg, name), *dash = NULL, *shape = NULL;
    assert_non_null(at);
    for (const char *s = svg; (s = strstr(s, "stroke-dasharray=\"")) && s < at; s++) dash = s;
    for (const char *s = svg; (s = strstr(s, "class=\"mark\"")) && s < at; s++) shape = strstr(s, " d=\"");
    assert_true(dash && shape);
    snprintf(style, size, "%.*s %.*s", (int)strcspn(dash + 18, "\""), dash + 18, (int)strcspn(shape + 4, "\""), shape + 4);
}

static void test_chart__thirty_lines_are_told_apart_without_colour(void **state)
{
    (void)state;
    static const double x[] = {1, 2}, y[] = {1, 2};
    static char name[HEED_CHART_LINES + 1][16], style[HEED_CHART_LINES][200];
    heed_line lines[HEED_CHART_LINES + 1];
    for (int i = 0; i <= HEED_CHART_LINES; i++) {
        snprintf(name[i], sizeof name[i], "line%02d", i);
        lines[i] = (heed_line){.name = name[i], .x = x, .y = y, .points = 2};
    }
    char *svg = drawn(&(heed_chart){.lines = lines, .count = HEED_CHART_LINES});
    for (int i = 0; i < HEED_CHART_LINES; i++) {
        style_of(svg, name[i], style[i], sizeof style[i]);
        for (int k = 0; k < i; k++) assert_string_not_equal(style[i], style[k]);
    }
    heed_free(svg);
    heed_error err = {0};
    assert_null(heed_chart_svg(&(heed_chart){.lines = lines, .count = HEED_CHART_LINES + 1}, &err));
    assert_int_equal(err.status, HEED_E_USAGE);
}

/* The lowest line of the legend and the highest pixel of the plot. */
static void test_chart__names_never_lie_on_the_data(void **state)
{
    (void)state;
    static const double x[] = {1, 2}, y[] = {1, 2};
    heed_line lines[HEED_CHART_LINES];
    for (int i = 0; i < HEED_CHART_LINES; i++) lines[i] = (heed_line){.name = "a name that is as long as names of models are", .x = x, .y = y, .points = 2};
    for (int count = 1; count <= HEED_CHART_LINES; count++) {
        char *svg = drawn(&(heed_chart){.lines = lines, .count = count});
        int lowest = 0, top = 0, height = 0;
        for (const char *s = svg; (s = strstr(s, "font-size=\"13\">a name")); s++) {
            const char *at = s;
            while (strncmp(at, " y=\"", 4) != 0) at--;
            const int y_of = (int)strtol(at + 4, NULL, 10);
            lowest = y_of > lowest ? y_of : lowest;
        }
        assert_int_equal(sscanf(strstr(svg, "id=\"plot\"><rect"), "id=\"plot\"><rect x=\"%*d\" y=\"%d\" width=\"%*d\" height=\"%d\"", &top, &height), 2);
        assert_true(lowest > 0 && lowest < top);
        assert_true(height >= 250);
        heed_free(svg);
    }
}

static void test_chart__intervals_are_bars_of_few_points_and_a_band_of_many(void **state)
{
    (void)state;
    double x[40], y[40], low[40], high[40];
    for (int i = 0; i < 40; i++) {
        x[i] = i;
        y[i] = 10;
        low[i] = i == 3 ? NAN : 5;
        high[i] = 20;
    }
    heed_line line = {.name = "l", .x = x, .y = y, .points = 8, .low = low, .high = high};
    char *svg = drawn(&(heed_chart){.lines = &line, .count = 1});
    const char *bars = strstr(svg, "class=\"interval\"");
    assert_non_null(bars);
    assert_non_null(strstr(svg, "10 (5 to 20)"));
    assert_non_null(strstr(svg, ">20<"));      /* the axis holds the bars too */
    char *path = strdup(strstr(bars, " d=\""));
    path[strcspn(path + 4, "\"") + 4] = 0;
    assert_int_equal(text_count(path, "M"), 3 * 7);
    free(path);
    heed_free(svg);
    line.points = 40;
    svg = drawn(&(heed_chart){.lines = &line, .count = 1});
    bars = strstr(svg, "class=\"interval\"");
    path = strdup(strstr(bars, " d=\""));
    path[strcspn(path + 4, "\"") + 4] = 0;
    assert_int_equal(text_count(path, "z"), 2);
    assert_int_equal(text_count(path, "M"), 2);
    free(path);
    heed_free(svg);
    line.high = NULL;
    heed_error err = {0};
    assert_null(heed_chart_svg(&(heed_chart){.lines = &line, .count = 1}, &err));
    assert_int_equal(err.status, HEED_E_USAGE);
}

/* --- axes -------------------------------------------------------------------------------------------------------------------------------- */

static void test_scale__equal_ratios_lie_equally_far_apart(void **state)
{
    (void)state;
    const heed_scale s = heed_scale_make(10, 100000, true, false, 8, 100, 500);
    for (int i = 0; i <= 4; i++) assert_true(fabs(heed_scale_pixel(&s, pow(10, 1 + i)) - (100 + 100 * i)) < 1e-9);
    assert_true(s.ticks >= 5);
    for (int i = 0; i < s.ticks; i++) assert_true(s.tick[i] >= 10 * (1 - 1e-9) && s.tick[i] <= 100000 * (1 + 1e-9));
}

static void test_scale__ticks_lie_within_and_are_a_readable_number(void **state)
{
    (void)state;
    static const double ends[][2] = {{0, 1}, {-3, 7.5}, {1e-9, 3e-9}, {1, 1e9}, {5, 5}, {1e17, 1e17 + 16}, {0.013, 0.9}, {1, 12}};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        for (int ratio = 0; ratio < (ends[i][0] > 0 ? 2 : 1); ratio++) {
            const heed_scale s = heed_scale_make(ends[i][0], ends[i][1], ratio, !ratio, 6, 0, 100);
            assert_in_range(s.ticks, 1, 20);
            for (int k = 0; k < s.ticks; k++) {
                const double at = heed_scale_pixel(&s, s.tick[k]);
                assert_true(at > -0.01 && at < 100.01);
                assert_true(k == 0 || s.tick[k] > s.tick[k - 1]);
            }
        }
}

static void test_scale__numbers_have_their_groups(void **state)
{
    (void)state;
    heed_scale s = heed_scale_make(0, 1200000, false, false, 6, 0, 100);
    heed_buf b = {0};
    heed_scale_write(&b, &s, 1200000);
    heed_buf_char(&b, ' ');
    heed_scale_write(&b, &s, -200);
    s = heed_scale_make(0.001, 1000, true, false, 6, 0, 100);
    heed_buf_char(&b, ' ');
    heed_scale_write(&b, &s, 0.001);
    heed_buf_char(&b, ' ');
    heed_scale_write(&b, &s, 1000);
    assert_string_equal(b.data, "1,200,000 -200 0.001 1,000");
    heed_buf_free(&b);
}

/* --- tables ------------------------------------------------------------------------------------------------------------------------------- */

static char *table(const char *text, heed_chart how, heed_error *err)
{
    *err = (heed_error){0};
    return heed_chart_table(scratch_text("table.tsv", text), &how, err);
}

static void test_table__rows_become_lines_in_order_of_x(void **state)
{
    (void)state;
    heed_error err;
    char *svg = table("model\twords\tBLEU\tlow\thigh\n\nGRU\t20\t3\t2\t4\r\nGRU\t10\t4\t3\t5\nfixed\t10\t2\t\t\n", (heed_chart){.title = "t"}, &err);
    if (!svg) fail_msg("%s", err.text);
    assert_non_null(strstr(svg, ">words<"));
    assert_non_null(strstr(svg, ">BLEU<"));
    const char *ten = strstr(svg, "GRU: 10, 4 (3 to 5)"), *twenty = strstr(svg, "GRU: 20, 3 (2 to 4)");
    assert_true(ten && twenty && ten < twenty);
    assert_non_null(strstr(svg, "fixed: 10, 2<"));
    heed_free(svg);
    svg = table("GRU\t1\t2\nGRU\t3\t4\n", (heed_chart){.x_label = "own", .log_x = true}, &err);
    assert_non_null(strstr(svg, ">own<"));
    heed_free(svg);
}

static void test_table__what_is_wrong_is_said_with_its_line(void **state)
{
    (void)state;
    static const struct { const char *text, *said; bool log_x; heed_status status; } bad[] = {
        {"", "no row", false, HEED_E_DATA},
        {"name\tx\ty\n", "no row", false, HEED_E_DATA},
        {"a\t1\n", "line 1: 2 columns; expected name, x, y", false, HEED_E_DATA},
        {"a\t1\t2\t3\n", "line 1: 4 columns", false, HEED_E_DATA},
        {"a\t1\t2\t3\t4\t5\n", "line 1: 5 columns and more", false, HEED_E_DATA},
        {"a\t1\t2\na\t1\t2\t3\t4\n", "line 2: 5 columns, others have another number", false, HEED_E_DATA},
        {"a\t1\t2\na\tten\t2\n", "line 2: x: \"ten\"; expected a number", false, HEED_E_DATA},
        {"a\t1\t\n", "line 1: y: \"\"", false, HEED_E_DATA},
        {"a\t1\tnan\n", "line 1: y: \"nan\"", false, HEED_E_DATA},
        {"a\t1\t2e101\n", "line 1: y: \"2e101\"", false, HEED_E_DATA},
        {"a\t1\t2\t1\t\n", "line 1: high: \"\"", false, HEED_E_DATA},
        {"a\t1\t2\t3\t1\n", "line 1: low is above high", false, HEED_E_DATA},
        {"\t1\t2\n", "line 1: a row without a name", false, HEED_E_DATA},
        {"x\ty\tz\na\tb\tc\n", "line 2: x: \"b\"", false, HEED_E_DATA},
        {"a\t2\t2\na\t1\t2\nb\t2\t1\na\t2\t5\n", "line 4: \"a\" has a point at x = 2 already, in line 1", false, HEED_E_DATA},
        {"a\t0\t2\n", "line 1: x: \"0\"; on an axis by ratios", true, HEED_E_DATA},
        {"a\t1\t2\n\xFF\t1\t2\n", "line 2: byte 0xFF", false, HEED_E_DATA},
    };
    heed_error err;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_null(table(bad[i].text, (heed_chart){.log_x = bad[i].log_x}, &err));
        if (err.status != bad[i].status || !strstr(err.text, bad[i].said)) fail_msg("row %zu: no \"%s\" in: %s", i, bad[i].said, err.text);
    }
    assert_null(heed_chart_table(scratch_path("nowhere.tsv"), &(heed_chart){0}, &err));
    assert_int_equal(err.status, HEED_E_DATA);
}

static void test_table__its_size_is_bounded(void **state)
{
    (void)state;
    heed_buf b = {0};
    heed_error err;
    for (int i = 0; i <= HEED_CHART_LINES; i++) heed_buf_printf(&b, "line %d\t1\t2\n", i);
    assert_null(table(b.data, (heed_chart){0}, &err));
    assert_int_equal(err.status, HEED_E_LIMIT);
    assert_non_null(strstr(err.text, "line 31: more than 30 lines"));
    heed_buf_reset(&b);
    for (int i = 0; i <= 100000; i++) heed_buf_printf(&b, "a\t%d\t2\n", i);
    assert_null(table(b.data, (heed_chart){0}, &err));
    assert_int_equal(err.status, HEED_E_LIMIT);
    assert_non_null(strstr(err.text, "line 100001"));
    heed_buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chart__draws_every_line_with_its_name),
        cmocka_unit_test(test_chart__the_ticks_are_round_and_cover_the_data),
        cmocka_unit_test(test_chart__holes_flat_lines_and_nothing_at_all_are_drawn),
        cmocka_unit_test(test_chart__thirty_lines_are_told_apart_without_colour),
        cmocka_unit_test(test_chart__names_never_lie_on_the_data),
        cmocka_unit_test(test_chart__intervals_are_bars_of_few_points_and_a_band_of_many),
        cmocka_unit_test(test_scale__equal_ratios_lie_equally_far_apart),
        cmocka_unit_test(test_scale__ticks_lie_within_and_are_a_readable_number),
        cmocka_unit_test(test_scale__numbers_have_their_groups),
        cmocka_unit_test(test_table__rows_become_lines_in_order_of_x),
        cmocka_unit_test(test_table__what_is_wrong_is_said_with_its_line),
        cmocka_unit_test(test_table__its_size_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
