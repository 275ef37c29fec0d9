/* scores: metrics against sacreBLEU's figures of thousands of lines in six scripts, of the corpus and of every line (tests/golden/make_scores.py). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/lines.h"
#include "metric/metric.h"

enum { MOST_COLUMNS = 16 };
static const double near = 1e-6;   /* a figure is a percentage; by-line.tsv.gz has seven decimals, which are off by 5e-8 at most */

typedef struct column { heed_metric *metric; int references; char title[64]; } column;

/* HEED_SCORES: another folder that make_scores.py wrote. */
static heed_lines *open_lines(const char *file)
{
    char path[512];
    heed_error err = {0};
    const char *folder = getenv("HEED_SCORES");
    snprintf(path, sizeof path, "%s/%s", folder ? folder : "tests/golden/scores", file);
    heed_lines *l = heed_lines_open(path, &err);
    if (!l)
        fail_msg("%s; tests run in the source folder", err.text);
    return l;
}

static char *next_line(heed_lines *l)
{
    char *text;
    size_t size;
    bool end;
    heed_error err = {0};
    if (heed_lines_next(l, &text, &size, &end, &err))
        fail_msg("%s", err.text);
    return end ? NULL : text;
}

static int split(char *line, char separator, char **field, int most)
{
    int n = 0;
    for (char *at = line; at && n < most; n++) {
        field[n] = at;
        at = strchr(at, separator);
        if (at)
            *at++ = 0;
    }
    return n;
}

static const char *given(const char *text) { return strcmp(text, "-") == 0 ? NULL : text; }

static heed_metric *make(const char *name, bool lower, const char *tok, const char *smooth)
{
    heed_error err = {0};
    heed_metric *m = heed_metric_new(name, &(heed_metric_options){lower, given(tok), given(smooth)}, &err);
    if (!m)
        fail_msg("%s", err.text);
    return m;
}

static void add(heed_metric *m, char *const field[3], int references)
{
    heed_error err = {0};
    if (heed_metric_add(m, field[0], (const char *const *)&field[1], references, &err))
        fail_msg("%s: %s", field[0], err.text);
}

static void test_score__of_a_corpus_is_what_sacrebleu_says(void **state)
{
    (void)state;
    heed_lines *figures = open_lines("corpus.tsv");
    char *row, *field[6];
    int rows = 0;
    double worst = 0;
    while ((row = next_line(figures))) {
        assert_int_equal(split(row, '\t', field, 6), 6);
        heed_metric *m = make(field[0], strcmp(field[1], "lc") == 0, field[2], field[3]);
        heed_lines *lines = open_lines("lines.tsv.gz");
        char *line, *side[3];
        while ((line = next_line(lines))) {
            assert_int_equal(split(line, '\t', side, 3), 3);
            add(m, side, (int)strtol(field[4], NULL, 10));
        }
        heed_lines_close(lines);
        const double off = fabs(heed_metric_value(m) - strtod(field[5], NULL));
        if (off > near)
            fail_msg("%s %s %s %s, %s references: %.9f, expected %s", field[0], field[1], field[2], field[3], field[4], heed_metric_value(m), field[5]);
        worst = off > worst ? off : worst;
        heed_metric_free(m);
        rows++;
    }
    heed_lines_close(figures);
    assert_true(rows > 30);
    print_message("%d figures of the corpus, off by at most %.2g\n", rows, worst);
}

static int read_columns(heed_lines *figures, column c[MOST_COLUMNS])
{
    char *title[MOST_COLUMNS], *part[4];
    const int columns = split(next_line(figures), '\t', title, MOST_COLUMNS);
    for (int i = 0; i < columns; i++) {
        snprintf(c[i].title, sizeof c[i].title, "%s", title[i]);
        assert_int_equal(split(title[i], ':', part, 4), 4);
        c[i].metric = make(part[0], false, part[1], part[2]);
        c[i].references = (int)strtol(part[3], NULL, 10);
    }
    return columns;
}

static void test_score__of_every_line_is_what_sacrebleu_says(void **state)
{
    (void)state;
    heed_lines *figures = open_lines("by-line.tsv.gz"), *lines = open_lines("lines.tsv.gz");
    column c[MOST_COLUMNS];
    const int columns = read_columns(figures, c);
    char *line, *side[3], *value[MOST_COLUMNS];
    int count = 0, sums;
    double worst = 0;
    for (; (line = next_line(lines)); count++) {
        assert_int_equal(split(line, '\t', side, 3), 3);
        assert_int_equal(split(next_line(figures), '\t', value, columns), columns);
        for (int i = 0; i < columns; i++) {
            add(c[i].metric, side, c[i].references);
            const double is = heed_metric_value_of(c[i].metric, heed_metric_sums(c[i].metric, &sums)), off = fabs(is - strtod(value[i], NULL));
            if (off > near)
                fail_msg("line %d, %s: %.9f, expected %s\n%s\n%s\n%s", count + 1, c[i].title, is, value[i], side[0], side[1], side[2]);
            worst = off > worst ? off : worst;
        }
    }
    assert_true(count > 1000 && !next_line(figures));
    for (int i = 0; i < columns; i++)
        heed_metric_free(c[i].metric);
    heed_lines_close(figures);
    heed_lines_close(lines);
    print_message("%d figures of each of %d lines, off by at most %.2g\n", columns, count, worst);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_score__of_a_corpus_is_what_sacrebleu_says),
        cmocka_unit_test(test_score__of_every_line_is_what_sacrebleu_says),
    };
    return cmocka_run_group_tests_name("scores", tests, NULL, NULL);
}
