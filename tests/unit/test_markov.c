/* align: one pair of texts against all alignments there are, and the spelling of two words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "align/markov.h"
#include "align/spelling.h"
#include "base/rng.h"

enum { STATES = 4, WORDS = 4, WIDE = HEED_LANES };

typedef struct toy {
    int n, m;
    float t[WORDS * WIDE], empty[WORDS];
    heed_jumps jumps;
} toy;

static void toy_draw(toy *y, uint64_t key)
{
    heed_jump_counts count;
    *y = (toy){.n = 1 + (int)heed_below(key, 0, STATES), .m = 1 + (int)heed_below(key, 1, WORDS)};
    for (int j = 0; j < y->m; j++) {
        y->empty[j] = (float)(0.01 + heed_uniform(key, 100 + (uint64_t)j));
        for (int i = 0; i < y->n; i++) y->t[j * WIDE + i] = (float)heed_uniform(key, 200 + (uint64_t)(j * STATES + i));
    }
    for (int kind = 0; kind < HEED_JUMP_KINDS; kind++)
        for (int b = 0; b < HEED_JUMP_BUCKETS; b++) count[kind][b] = 5000 * heed_uniform(key, 300 + (uint64_t)(kind * HEED_JUMP_BUCKETS + b));
    heed_jumps_learn(&y->jumps, count);
}

typedef struct sums { double p, chosen[WORDS][STATES]; heed_jump_counts jumped; } sums;

static double between(const heed_jumps *j, int distance)
{
    const int64_t middle = (int64_t)(sizeof j->ahead / sizeof *j->ahead) / 2;   /* where the distance 0 stands */
    assert_true(j->ahead[middle + distance] == j->back[middle - 1 - distance]);
    return j->ahead[middle + distance];
}

static double jump_to(const toy *y, int from, int to)
{
    double all = 0;
    for (int k = 0; k < y->n; k++) all += from < 0 ? y->jumps.first[k + 1] : between(&y->jumps, k - from);
    return (from < 0 ? y->jumps.first[to + 1] : between(&y->jumps, to - from)) / all;
}

static double jump_out(const toy *y, int from)
{
    double all = 0;
    for (int i = 0; i < y->n; i++) all += y->jumps.last[y->n - i];
    return y->jumps.last[y->n - from] / all;
}

/* Path: of each word its state, or STATES + the state whose twin it is. */
static void add_path(const toy *y, const int *path, sums *out)
{
    double p = 1;
    for (int j = 0; j < y->m; j++) {
        const bool nowhere = path[j] >= STATES;
        const int at = path[j] % STATES, from = j ? path[j - 1] % STATES : -1;
        if (nowhere) p *= (j == 0 ? 1.0 / y->n : at == from) * HEED_EMPTY_SHARE * y->empty[j];
        else p *= jump_to(y, from, at) * (1 - HEED_EMPTY_SHARE) * y->t[j * WIDE + at];
    }
    const int end = path[y->m - 1] % STATES;
    p *= jump_out(y, end);
    out->p += p;
    out->jumped[HEED_JUMP_LAST][heed_jump_bucket(y->n - end)] += p;
    for (int j = 0; j < y->m; j++) {
        if (path[j] >= STATES) continue;
        out->chosen[j][path[j]] += p;
        out->jumped[j ? HEED_JUMP_BETWEEN : HEED_JUMP_FIRST][heed_jump_bucket(path[j] - (j ? path[j - 1] % STATES : -1))] += p;
    }
}

static void add_paths(const toy *y, int *path, int j, sums *out)
{
    if (j == y->m) {
        add_path(y, path, out);
        return;
    }
    for (int s = 0; s < 2 * STATES; s++) {
        if (s % STATES >= y->n) continue;
        path[j] = s;
        add_paths(y, path, j + 1, out);
    }
}

/* Single precision, and a path below 1e-15 of the best may be dropped; sums of a few hundred terms. */
static const double close = 2e-5;

static void test_markov__is_the_sum_over_all_alignments(void **state)
{
    (void)state;
    heed_markov *w = heed_markov_new(WIDE);
    for (uint64_t trial = 0; trial < 60; trial++) {
        toy y;
        toy_draw(&y, heed_key(7, trial));
        int path[WORDS];
        sums all = {0};
        add_paths(&y, path, 0, &all);
        float posterior[WORDS * WIDE];
        heed_jump_counts jumped = {{0}};
        const heed_markov_pair pair = {y.n, y.m, y.t, y.empty, posterior};
        assert_true(fabs(heed_markov_run(w, &y.jumps, &pair, jumped) - log(all.p)) < close);
        for (int j = 0; j < y.m; j++)
            for (int i = 0; i < WIDE; i++) assert_true(fabs(posterior[j * WIDE + i] - (i < y.n ? all.chosen[j][i] / all.p : 0)) < close);
        for (int kind = 0; kind < HEED_JUMP_KINDS; kind++)
            for (int b = 0; b < HEED_JUMP_BUCKETS; b++) assert_true(fabs(jumped[kind][b] - all.jumped[kind][b] / all.p) < close);
    }
    heed_markov_free(w);
}

static void test_model1__is_the_product_over_words_of_the_sum_over_states(void **state)
{
    (void)state;
    for (uint64_t trial = 0; trial < 20; trial++) {
        toy y;
        toy_draw(&y, heed_key(8, trial));
        float posterior[WORDS * WIDE];
        const heed_markov_pair pair = {y.n, y.m, y.t, y.empty, posterior};
        double log_p = 0;
        const double found = heed_model1_run(&pair);
        for (int j = 0; j < y.m; j++) {
            double p = HEED_EMPTY_SHARE * y.empty[j];
            for (int i = 0; i < y.n; i++) p += (1 - HEED_EMPTY_SHARE) / y.n * y.t[j * WIDE + i];
            for (int i = 0; i < y.n; i++) assert_true(fabs(posterior[j * WIDE + i] - (1 - HEED_EMPTY_SHARE) / y.n * y.t[j * WIDE + i] / p) < close);
            log_p += log(p);
        }
        assert_true(fabs(found - log_p) < close);
    }
}

static void test_jumps__of_one_distance_weigh_the_same_wherever_they_begin(void **state)
{
    (void)state;
    assert_int_equal(heed_jump_bucket(0), HEED_JUMP_BUCKETS / 2);
    assert_int_equal(heed_jump_bucket(-1000), 0);
    assert_int_equal(heed_jump_bucket(1000), HEED_JUMP_BUCKETS - 1);
    for (int64_t d = -20; d < 20; d++) {
        const int step = heed_jump_bucket(d + 1) - heed_jump_bucket(d);
        assert_true(step == 1 || (step == 0 && (d >= HEED_NEAR_JUMPS || d < -HEED_NEAR_JUMPS)));
    }
    static heed_jumps j;
    heed_jump_counts count = {{0}};
    count[HEED_JUMP_BETWEEN][heed_jump_bucket(1)] = 1e6;
    heed_jumps_learn(&j, count);
    assert_true(between(&j, 1) > 0.9 && between(&j, -999) > 0 && between(&j, -999) < 0.001);
    assert_true(j.first[1] > 0 && fabs(j.first[1] - j.first[2]) < close && j.last[1] > 0);   /* of which nothing was seen */
}

static void test_markov__survives_the_longest_pair_and_probabilities_of_nothing(void **state)
{
    (void)state;
    const int64_t n = HEED_LONGEST_SIDE, wide = heed_padded(n);
    float *t = calloc((size_t)(n * wide), sizeof *t), *posterior = calloc((size_t)(n * wide), sizeof *posterior), *empty = calloc((size_t)n, sizeof *empty);
    heed_markov *w = heed_markov_new(n);
    static heed_jumps jumps;
    heed_jumps_begin(&jumps);
    for (int64_t m = 0; m < n; m++) {
        empty[m] = 1e-9f;
        if (m % 3) t[m * wide + (n - 1 - m)] = 1e-25f;   /* against the order, hardly more probable than not at all */
    }
    heed_jump_counts jumped = {{0}};
    double sum = 0;
    const double log_p = heed_markov_run(w, &jumps, &(heed_markov_pair){n, n, t, empty, posterior}, jumped);
    assert_true(isfinite(log_p) && log_p < 0);
    for (int64_t k = 0; k < n * wide; k++) {
        assert_true(posterior[k] >= 0 && posterior[k] <= 1.001f);
        sum += posterior[k];
    }
    assert_true(isfinite(sum));
    heed_markov_free(w);
    free(t);
    free(posterior);
    free(empty);
}

/* --- spelling --------- ------------------------------------------------------------------------------------------------------------------------ */

static int likeness(const char *a, const char *b)
{
    heed_spelling x, y;
    heed_spelling_read(&x, a);
    heed_spelling_read(&y, b);
    assert_int_equal(heed_spelling_likeness(&x, &y), heed_spelling_likeness(&y, &x));
    return heed_spelling_likeness(&x, &y);
}

static void test_spelling__tells_how_much_words_look_alike(void **state)
{
    (void)state;
    assert_int_equal(likeness("1986", "1986"), HEED_LIKENESSES - 1);
    assert_int_equal(likeness(",", ","), HEED_LIKENESSES - 2);
    assert_int_equal(likeness("a", "\xC3\xA0"), 0);
    assert_int_equal(likeness("house", "dvfgt"), 0);
    assert_int_equal(likeness("minister", "ministre"), 8);                /* 7 in order, 6 at the beginning, of 8 */
    assert_int_equal(likeness("d\xC3\xA9put\xC3\xA9", "deputy"), 4);      /* letters, not bytes: d, p, u, t in order and d at the beginning, of 6 */
    char longer[200];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = 0;
    assert_int_equal(likeness(longer, longer), HEED_LIKENESSES - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_markov__is_the_sum_over_all_alignments),
        cmocka_unit_test(test_model1__is_the_product_over_words_of_the_sum_over_states),
        cmocka_unit_test(test_jumps__of_one_distance_weigh_the_same_wherever_they_begin),
        cmocka_unit_test(test_markov__survives_the_longest_pair_and_probabilities_of_nothing),
        cmocka_unit_test(test_spelling__tells_how_much_words_look_alike),
    };
    return cmocka_run_group_tests_name("markov", tests, NULL, NULL);
}
